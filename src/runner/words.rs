//! A command line taken apart into words, as far as loom must understand it to add a runner's own options.
//! What a shell would have to work out (pipes, substitutions, several commands) is left to the shell: `None`.

/// Variables set in front, and the words of one simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) vars: Vec<(String, String)>,
    pub(super) words: Vec<String>,
}

/// The words of a single simple command; none when it needs a real shell.
pub(super) fn words(command: &str) -> Option<Words> {
    let mut split = Vec::new();
    let mut word = String::new();
    let (mut inside, mut quote) = (false, None);
    let mut letters = command.trim().chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some('"'), '$' | '`') => return None,
            (Some('"'), '\\') => word.push(letters.next()?),
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => (quote, inside) = (Some(letter), true),
            (None, '\\') => {
                word.push(letters.next()?);
                inside = true;
            }
            (None, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '\n' | '#') => return None,
            (None, ' ' | '\t') => {
                if std::mem::take(&mut inside) || !word.is_empty() {
                    split.push(std::mem::take(&mut word));
                }
            }
            (None, _) => word.push(letter),
        }
    }
    if quote.is_some() {
        return None;
    }
    if inside || !word.is_empty() {
        split.push(word);
    }
    let count = split.iter().take_while(|word| assignment(word).is_some()).count();
    let vars = split.iter().take(count).filter_map(|word| assignment(word)).collect();
    let words = split.split_off(count);
    (!words.is_empty()).then_some(Words { vars, words })
}

fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let good = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    (good && !name.starts_with(|letter: char| letter.is_ascii_digit())).then(|| (name.to_owned(), value.to_owned()))
}

/// The words as a person would type them.
pub(super) fn line(words: &[impl AsRef<str>]) -> String {
    words.iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Variables as they stand in front of a command, with a blank behind each.
pub(super) fn assigned(vars: &[(String, String)]) -> String {
    vars.iter().map(|(name, value)| format!("{name}={} ", quoted(value))).collect()
}

fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,~^".contains(letter);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_commands_are_taken_apart_and_put_together() {
        let split = words(r#"NODE_ENV=test CI=1 nyc tape 'test/**/*.js' "a b" c\ d ''"#).unwrap();
        assert_eq!(split.vars, [("NODE_ENV".to_owned(), "test".to_owned()), ("CI".to_owned(), "1".to_owned())]);
        assert_eq!(split.words, ["nyc", "tape", "test/**/*.js", "a b", "c d", ""]);
        assert_eq!(line(&split.words), "nyc tape 'test/**/*.js' 'a b' 'c d' ''");
        assert_eq!(words(&line(&["it's"])).unwrap().words, ["it's"]);
    }

    #[test]
    fn what_needs_a_shell_is_left_to_it() {
        for command in ["a && b", "a | b", "a $(b)", "a > b", "echo \"$X\"", "'open", "", "X=1"] {
            assert_eq!(words(command), None, "{command}");
        }
    }
}
