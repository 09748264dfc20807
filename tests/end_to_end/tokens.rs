//! Rust source as the words that count: no comments, no strings, no test modules; and the paths it names.

/// The tokens of the code outside `#[cfg(test)]` items.
pub fn of_product(source: &str) -> Vec<String> {
    without_tests(split(&blanked(source)))
}

/// Every path in the tokens, `{a, b::c}` written out: `use crate::{task, queue::Claim}` gives `crate::task` and
/// `crate::queue::Claim`.
pub fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = is_word(&tokens[at]) && (at == 0 || tokens[at - 1] != "::" || at == 1 || !is_word(&tokens[at - 2]));
        at = if begins { path(tokens, at, &[], &mut paths) } else { at + 1 };
    }
    paths
}

/// Reads one path from `at` on, behind `before`; where it ends.
fn path(tokens: &[String], mut at: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let word = |at: usize| tokens.get(at).map(String::as_str).unwrap_or_default();
    let mut path = before.to_vec();
    while is_word(word(at)) || word(at) == "*" {
        path.push(tokens[at].clone());
        at += 1;
        if word(at) != "::" {
            break;
        }
        at += 1;
        if word(at) == "{" {
            at += 1;
            while !matches!(word(at), "}" | "") {
                at = match word(at) {
                    "," => at + 1,
                    _ => self::path(tokens, at, &path, paths),
                };
            }
            return at + 1;
        }
    }
    // `as name`, or something that is no path: pass on.
    let ended = at;
    if path.len() > before.len() {
        paths.push(path);
        return if word(ended) == "as" && !before.is_empty() { ended + 2 } else { ended };
    }
    at + 1
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}

/// The same text with comments and the insides of literals turned to blanks.
fn blanked(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let mut kept = String::with_capacity(source.len());
    let mut at = 0;
    while at < text.len() {
        let end = literal_or_comment(&text, at);
        if end > at {
            kept.push(' ');
            at = end;
        } else {
            kept.push(text[at]);
            at += 1;
        }
    }
    kept
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn literal_or_comment(text: &[char], at: usize) -> usize {
    let next = |offset: usize| text.get(at + offset).copied().unwrap_or('\0');
    let inside_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match (text[at], next(1)) {
        ('/', '/') => text[at..].iter().position(|c| *c == '\n').map_or(text.len(), |length| at + length),
        ('/', '*') => block_comment(text, at),
        ('"', _) => string(text, at + 1),
        ('r', '"' | '#') if !inside_word => raw_string(text, at + 1).unwrap_or(at),
        ('b' | 'c', '"') if !inside_word => string(text, at + 2),
        ('b' | 'c', 'r') if !inside_word => raw_string(text, at + 2).unwrap_or(at),
        ('\'', '\\') => text[at + 3..].iter().position(|c| *c == '\'').map_or(text.len(), |length| at + 3 + length + 1),
        // A character, not a lifetime: those have no second quote.
        ('\'', _) if next(2) == '\'' => at + 3,
        _ => at,
    }
}

fn block_comment(text: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &[char], mut at: usize) -> usize {
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// `at` is behind the `r`; none for a raw identifier like `r#type`.
fn raw_string(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at..].iter().take_while(|c| **c == '#').count();
    let mut end = at + hashes;
    if text.get(end) != Some(&'"') {
        return None;
    }
    end += 1;
    while end < text.len() {
        let closed = text[end] == '"' && text[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        end += 1;
        if closed {
            return Some(end + hashes);
        }
    }
    Some(end)
}

fn split(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_word = false;
    let mut colon = false;
    for c in text.chars() {
        let wordly = c.is_alphanumeric() || c == '_';
        match (wordly, tokens.last_mut()) {
            (true, Some(last)) if in_word => last.push(c),
            (false, Some(last)) if c == ':' && colon => last.push(c),
            _ if c.is_whitespace() => {}
            _ => tokens.push(c.to_string()),
        }
        // A third colon begins anew.
        colon = c == ':' && tokens.last().is_some_and(|last| last == ":");
        in_word = wordly;
    }
    tokens
}

/// Leaves out each item under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let is = |at: usize, words: &[&str]| {
        words.iter().enumerate().all(|(offset, word)| tokens.get(at + offset).is_some_and(|token| token == word))
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is(at, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = item_end(&tokens, at + 7);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// An item ends with its closing brace, or with a semicolon outside of any bracket.
fn item_end(tokens: &[String], mut at: usize) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        let over = depth == 0 && matches!(tokens[at].as_str(), "}" | ";");
        at += 1;
        if over {
            break;
        }
    }
    at
}

#[test]
fn paths_are_found_however_they_are_written() {
    let source = r####"
        //! crate::comment
        use crate::{task::{self, Issue as I}, queue};
        pub(crate) use crate::config as c; /* crate::block /* nested */ */
        fn f<'a>(x: &'a str) -> char { crate::model::go("crate::text \" crate::more", r#"crate::raw " "#, 'x', '\''); x::<crate::verify::Y>() }
        impl From<::std::process::Command> for X {}
        #[cfg(test)]
        mod tests { use crate::serve; fn g() { crate::pipeline::run() } }
        #[cfg(test)] use crate::agent;
        use super::super::forge;
    "####;
    let named: Vec<String> = paths(&of_product(source)).into_iter().map(|path| path.join("::")).collect();
    for there in [
        "crate::task::self",
        "crate::task::Issue",
        "crate::queue",
        "crate::config",
        "crate::model::go",
        "crate::verify::Y",
        "std::process::Command",
        "super::super::forge",
    ] {
        assert!(named.iter().any(|path| path == there), "{there} in {named:?}");
    }
    for gone in ["comment", "block", "text", "more", "raw", "serve", "pipeline", "agent"] {
        assert!(!named.iter().any(|path| path.contains(gone)), "{gone} in {named:?}");
    }
}
