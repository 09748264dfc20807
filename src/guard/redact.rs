//! Hides secrets by their exact value in everything that leaves. Owns the spellings a value can take; which values are
//! secret is `config`'s knowledge. Works on whole texts: a value cut in two by a caller's buffer is not found.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use secrecy::{ExposeSecret as _, SecretString};

/// Shorter values are words that occur by chance: hiding them would garble every text and tell their length.
const SHORTEST: usize = 8;
/// A line of a secret of several lines is hidden on its own from this length on.
const SHORTEST_LINE: usize = 20;
/// What stands in the place of a secret.
const MARK: &str = "[redacted]";

/// Hides the secrets it was made with: as they are, in base64 (also within a longer encoded text), URL-encoded and
/// escaped for JSON. Values shorter than 8 characters are not hidden; [`Redactor::ignored`] counts them.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Every spelling, the longest first, so that no part of a longer one stays.
    needles: Vec<Vec<u8>>,
    ignored: usize,
}

impl Redactor {
    /// Hides these values from now on; white space around them does not count.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s SecretString>) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            let value = secret.expose_secret().trim();
            if value.len() < SHORTEST {
                redactor.ignored += usize::from(!value.is_empty());
                continue;
            }
            redactor.needles.extend(spellings(value));
            let lines = value.lines().map(str::trim).filter(|line| *line != value && line.len() >= SHORTEST_LINE);
            redactor.needles.extend(lines.filter(|line| !line.starts_with("-----")).flat_map(spellings));
        }
        redactor.needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        redactor.needles.dedup();
        redactor
    }

    /// How many values were too short to be hidden; a caller warns about them.
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// The text with every secret replaced by `[redacted]`.
    pub fn text(&self, text: &str) -> String {
        let hidden = self.bytes(text.as_bytes());
        // A needle is UTF-8 and so begins and ends between characters; what is left is UTF-8 as well.
        String::from_utf8(hidden).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// The bytes with every secret replaced by `[redacted]`.
    pub fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.needles.iter().fold(bytes.to_vec(), |bytes, needle| replaced(bytes, needle))
    }

    /// Whether a secret is in the bytes.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.needles.iter().any(|needle| find(bytes, needle).is_some())
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} spellings)", self.needles.len())
    }
}

fn spellings(value: &str) -> Vec<Vec<u8>> {
    let json = serde_json::Value::from(value).to_string();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json).to_owned();
    let mut all = vec![value.to_owned(), json.replace('/', "\\/"), json];
    for kept in UNENCODED {
        let encoded = percent_encoded(value, kept);
        all.extend([encoded.replace("%20", "+"), lower_hex(&encoded), encoded]);
    }
    for shift in 0..3 {
        all.extend(encoded_core(value.as_bytes(), shift));
    }
    let long_enough = |text: &String| text.len() >= SHORTEST;
    all.into_iter().filter(long_enough).map(String::into_bytes).collect()
}

/// What the common URL encoders leave as it is, beside letters and digits: forms, RFC 3986, JavaScript, Python.
const UNENCODED: [&str; 4] = ["-._*", "-._~", "-._~!*'()", "-._~/"];

fn percent_encoded(value: &str, kept: &str) -> String {
    let encode = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(encode).collect()
}

/// `%2F` as `%2f`.
fn lower_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (digits, rest) = part.split_at(part.len().min(2));
        format!("{text}%{}{rest}", digits.to_ascii_lowercase())
    })
}

/// The digits that the value has in any base64 text in which it begins `shift` bytes into a group of three.
fn encoded_core(value: &[u8], shift: usize) -> [String; 2] {
    let padded = [&[0_u8; 3][..shift], value].concat();
    // The first digits mix with what stands before, the last ones with what stands behind.
    let skip = [0, 2, 3][shift];
    let whole = padded.len() / 3 * 4 + [0, 1, 2][padded.len() % 3];
    [STANDARD.encode(&padded), URL_SAFE.encode(&padded)].map(|text| text[skip..whole].to_owned())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let (first, last) = (*needle.first()?, bytes.len().checked_sub(needle.len())?);
    let mut at = 0;
    while at <= last {
        at += bytes[at..=last].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn replaced(bytes: Vec<u8>, needle: &[u8]) -> Vec<u8> {
    let Some(mut found) = find(&bytes, needle) else { return bytes };
    let (mut clean, mut rest) = (Vec::with_capacity(bytes.len()), &bytes[..]);
    loop {
        clean.extend_from_slice(&rest[..found]);
        clean.extend_from_slice(MARK.as_bytes());
        rest = &rest[found + needle.len()..];
        match find(rest, needle) {
            Some(next) => found = next,
            None => break,
        }
    }
    clean.extend_from_slice(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Redactor::new(&secrets)
    }

    #[test]
    fn a_secret_is_hidden_in_every_spelling() {
        let secret = "gh/p+s3cret\"val\u{fc}e~42";
        let hidden = redactor(&[secret]);
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let texts = [
            format!("a {secret} b {secret}"),
            serde_json::json!({ "token": secret }).to_string(),
            format!("https://x/?t={encoded}&u=1"),
            "https://x/?t=gh%2Fp%2Bs3cret%22val%C3%BCe~42".to_owned(),
            "https://x/?t=gh%2fp%2bs3cret%22val%c3%bce~42".to_owned(),
            "https://x/gh/p%2Bs3cret%22val%C3%BCe~42/x".to_owned(),
        ];
        for text in texts {
            let clean = hidden.text(&text);
            assert!(clean.contains(MARK) && !clean.contains("s3cret"), "{clean}");
        }
    }

    #[test]
    fn base64_is_found_wherever_it_begins() {
        let hidden = redactor(&["s3cret-value-4711"]);
        for before in ["", "x", "xy", "x-access-token:"] {
            for engine in [&STANDARD, &URL_SAFE] {
                let text = engine.encode(format!("{before}s3cret-value-4711 and more"));
                assert!(hidden.text(&text).contains(MARK), "{before:?} {text}");
            }
        }
    }

    #[test]
    fn short_values_are_left_and_counted() {
        let hidden = redactor(&["abc", "1234567", "", "  "]);
        assert_eq!(hidden.text("abc 1234567"), "abc 1234567");
        assert_eq!(hidden.ignored(), 2);
    }

    #[test]
    fn a_longer_secret_leaves_no_rest_and_lines_count_alone() {
        let hidden = redactor(&["password1", "password1-extended"]);
        assert_eq!(hidden.text("password1-extended password1"), "[redacted] [redacted]");
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n";
        let hidden = redactor(&[key]);
        assert_eq!(hidden.text("log: AQEFAASCBKcwggSjAgEAAoIB"), "log: [redacted]");
        assert_eq!(hidden.text("-----BEGIN KEY-----"), "-----BEGIN KEY-----");
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let hidden = redactor(&["password1"]);
        assert_eq!(hidden.bytes(b"\xff\xfepassword1\x00"), b"\xff\xfe[redacted]\x00");
        assert!(hidden.finds(b"\x00password1") && !hidden.finds(b"password"));
        assert!(!format!("{hidden:?}").contains("password1"));
    }
}
