//! The fields in front of a Markdown text: TOML between `+++`, or `key: value` lines between `---`.
//! Owns the two notations; which fields mean something is the reader's business.

use std::collections::BTreeMap;

use crate::error::{Kind, OrFail as _, Result};

/// One field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    One(String),
    Many(Vec<String>),
}

impl Field {
    /// As text; a list's items with commas.
    pub(super) fn text(&self) -> String {
        match self {
            Field::One(text) => text.clone(),
            Field::Many(items) => items.join(", "),
        }
    }

    /// As a list; a text is cut at its commas.
    pub(super) fn items(&self) -> Vec<String> {
        match self {
            Field::One(text) => text.split(',').map(|item| unquoted(item.trim())).filter(|item| !item.is_empty()).collect(),
            Field::Many(items) => items.clone(),
        }
    }
}

/// Fields by lower-case name.
pub(super) type Fields = BTreeMap<String, Field>;

/// The fields and the text after them. A text that only begins with a line like a mark has no fields and stays whole.
pub(super) fn split(text: &str) -> Result<(Fields, &str)> {
    for mark in ["+++", "---"] {
        if let Some((inner, rest)) = between(text, mark) {
            let fields = if mark == "+++" { Some(toml_fields(inner)?) } else { plain_fields(inner) };
            if let Some(fields) = fields {
                return Ok((fields, rest));
            }
        }
    }
    Ok((Fields::new(), text))
}

fn between<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let mut at = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at, line)
    });
    let (begin, first) = lines.next()?;
    if first.trim_end() != mark {
        return None;
    }
    let (end, last) = lines.find(|(_, line)| line.trim_end() == mark)?;
    Some((&text[begin..end - last.len()], &text[end..]))
}

fn toml_fields(inner: &str) -> Result<Fields> {
    let table: toml::Table = inner.parse().or_fail(Kind::Usage, || "reading the fields between +++")?;
    Ok(table.into_iter().map(|(key, value)| (key.to_lowercase(), toml_field(value))).collect())
}

fn toml_field(value: toml::Value) -> Field {
    match value {
        toml::Value::String(text) => Field::One(text),
        toml::Value::Array(items) => Field::Many(items.into_iter().map(|item| toml_field(item).text()).collect()),
        other => Field::One(other.to_string()),
    }
}

/// None when a line is neither a field nor an item of one: then the marks were horizontal rules.
fn plain_fields(inner: &str) -> Option<Fields> {
    let mut fields = Fields::new();
    let mut open: Option<String> = None;
    for line in inner.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            match fields.get_mut(open.as_ref()?) {
                Some(Field::Many(items)) => items.push(unquoted(item.trim())),
                _ => return None,
            }
            continue;
        }
        let (key, value) = line.split_once(':')?;
        let key = key.trim().to_lowercase();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        let value = value.trim();
        let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let field = match list {
            Some(inner) => Field::Many(Field::One(inner.into()).items()),
            None if value.is_empty() => Field::Many(Vec::new()),
            None => Field::One(unquoted(value)),
        };
        open = Some(key.clone());
        fields.insert(key, field);
    }
    (!fields.is_empty()).then_some(fields)
}

fn unquoted(text: &str) -> String {
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Field {
        Field::One(text.into())
    }

    fn many(items: &[&str]) -> Field {
        Field::Many(items.iter().map(|item| (*item).to_owned()).collect())
    }

    #[test]
    fn both_notations_are_read() {
        let (fields, rest) = split("+++\ntitle = \"A: b\"\nlabels = [\"x\", \"y\"]\nnumber = 7\n+++\nbody\n").unwrap();
        assert_eq!((&fields["title"], &fields["labels"], &fields["number"]), (&one("A: b"), &many(&["x", "y"]), &one("7")));
        assert_eq!(rest, "body\n");
        let (fields, rest) = split("---\r\nTitle: 'A: b'\r\nlabels: [x, \"y z\"]\r\nmore:\r\n  - one\r\n  - two\r\n---\r\nbody").unwrap();
        assert_eq!((&fields["title"], &fields["labels"], &fields["more"]), (&one("A: b"), &many(&["x", "y z"]), &many(&["one", "two"])));
        assert_eq!(rest, "body");
    }

    #[test]
    fn rules_and_open_marks_are_text() {
        for text in ["---\nA paragraph.\n---\nmore", "---\ntitle: x\nno end", "+++\nno end", "text\n---\na: b\n---\n", "---\n---\nx", ""] {
            let (fields, rest) = split(text).unwrap();
            assert!(fields.is_empty(), "{text:?}");
            assert_eq!(rest, text);
        }
    }

    #[test]
    fn broken_toml_is_refused_with_its_place() {
        let failure = split("+++\ntitle = \n+++\n").unwrap_err();
        assert!(failure.line().contains("line 1"), "{}", failure.line());
    }
}
