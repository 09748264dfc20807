//! Reads the text of a settings file into single settings, each with its line and column.
//! Owns what is wrong with the text: syntax, unknown keys, wrong types. Whether values make sense is `validate`'s.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys;
use super::source::{Setting, Source};

/// A place in a text, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character within it.
    pub column: usize,
}

/// All settings of the text, or everything that is wrong with it, each line beginning with `name:line:column`.
pub fn read(text: &str, name: &str, source: &dyn Fn(Place) -> Source) -> Result<Vec<Setting>, Vec<String>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading { text, name, source, settings: Vec::new(), problems: Vec::new() };
    for error in errors {
        let start = error.span().map_or(0, |span| span.start);
        reading.complain(start, error.message());
    }
    if reading.problems.is_empty() {
        reading.section("", table.get_ref());
    }
    if reading.problems.is_empty() {
        return Ok(reading.settings);
    }
    // The parser hands tables over by name; people read from the top.
    reading.problems.sort_by_key(|(start, _)| *start);
    Err(reading.problems.into_iter().map(|(_, problem)| problem).collect())
}

struct Reading<'a> {
    text: &'a str,
    name: &'a str,
    source: &'a dyn Fn(Place) -> Source,
    settings: Vec<Setting>,
    problems: Vec<(usize, String)>,
}

impl Reading<'_> {
    fn section(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
            let start = name.span().start;
            match value.get_ref() {
                _ if keys::named(&path).is_some() => self.setting(path, start, value),
                DeValue::Table(inner) if keys::is_section(&path) => self.section(&path, inner),
                _ if keys::is_section(&path) => {
                    self.complain(start, format_args!("`{path}` is a section: write [{path}] and its keys below"))
                }
                _ => self.unknown(&path, start),
            }
        }
    }

    fn setting(&mut self, path: String, start: usize, value: &Spanned<DeValue<'_>>) {
        let Some(key) = keys::named(&path) else { return };
        let found = value.get_ref().type_str();
        match plain(value.get_ref()).ok_or_else(String::new).and_then(|plain| keys::accepts(&path, &plain).map(|()| plain)) {
            Ok(value) => {
                let source = (self.source)(place(self.text, start));
                self.settings.push(Setting { key: path, value, source });
            }
            // The type's own words say more where the shape was right: the choices, the range, the duration's format.
            Err(reason) if right_type(key.shape, found) && !reason.is_empty() => {
                self.complain(value.span().start, format_args!("`{path}`: {reason}"));
            }
            Err(_) => self.complain(value.span().start, format_args!("`{path}` must be {}, not {found}", key.shape.words())),
        }
    }

    fn unknown(&mut self, path: &str, start: usize) {
        let sections = keys::all().iter().filter_map(|key| key.path.rsplit_once('.')).map(|(section, _)| section);
        let near = keys::nearest(path, keys::all().iter().map(|key| key.path.as_str()).chain(sections));
        match near {
            Some(near) => self.complain(start, format_args!("unknown key `{path}`; did you mean `{near}`?")),
            None => self.complain(start, format_args!("unknown key `{path}`")),
        }
    }

    fn complain(&mut self, start: usize, what: impl std::fmt::Display) {
        let Place { line, column } = place(self.text, start);
        self.problems.push((start, format!("{}:{line}:{column}: {what}", self.name)));
    }
}

fn right_type(shape: keys::Shape, found: &str) -> bool {
    use keys::Shape;
    match shape {
        Shape::Text | Shape::Duration | Shape::Choice => found == "string",
        Shape::Truth => found == "boolean",
        Shape::Whole => found == "integer",
        Shape::Number => found == "float" || found == "integer",
        Shape::List | Shape::Table => false,
    }
}

/// The value without spans; none where JSON has no such thing (a date, infinity, a number past 64 bits).
fn plain(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Integer(number) => Value::Number(i64::from_str_radix(number.as_str(), number.radix()).ok()?.into()),
        DeValue::Float(number) => Value::Number(Number::from_f64(number.as_str().parse().ok()?)?),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| plain(item.get_ref())).collect::<Option<_>>()?),
        DeValue::Table(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Some((name.get_ref().to_string(), plain(member.get_ref())?)))
                .collect::<Option<Map<_, _>>>()?,
        ),
        DeValue::Datetime(_) => return None,
    })
}

/// Reads one value as it would stand right of `=`.
pub fn value(text: &str) -> Option<Value> {
    DeValue::parse(text).ok().and_then(|value| plain(value.get_ref()))
}

fn place(text: &str, start: usize) -> Place {
    let before = &text[..text.floor_char_boundary(start)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        read(text, "loom.toml", &|_| Source::Default).unwrap_err()
    }

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let text = "[model]\nname = \"anthropic/x\"\nbase_ulr = \"x\"\n\n[agent]\nmax_turns = \"many\"\ntimeout = \"soon\"\nmodel = 3\n";
        let problems = problems(text);
        assert_eq!(problems[0], "loom.toml:3:1: unknown key `model.base_ulr`; did you mean `model.base_url`?");
        assert_eq!(problems[1], "loom.toml:6:13: `agent.max_turns` must be a whole number, not string");
        assert!(problems[2].starts_with("loom.toml:7:11: `agent.timeout`: not a duration"), "{}", problems[2]);
        assert!(problems[3].starts_with("loom.toml:8:1: unknown key `agent.model`"), "{}", problems[3]);
        assert_eq!(problems.len(), 4);
    }

    #[test]
    fn the_type_explains_a_value_of_the_right_shape() {
        let problems = problems("[gate]\nwithout_tests = \"maybe\"\n[agent]\nmax_turns = -1\n");
        assert!(problems[0].contains("2:17") && problems[0].contains("`refuse` or `draft`"), "{}", problems[0]);
        assert!(problems[1].contains("4:13") && problems[1].contains("-1"), "{}", problems[1]);
    }

    #[test]
    fn broken_syntax_is_placed_in_characters() {
        let problems = problems("# ünïcödé\n[model]\nname = \n");
        assert!(problems[0].starts_with("loom.toml:3:"), "{}", problems[0]);
        assert!(problems_of_kind("model = 3")[0].contains("is a section"));
        assert!(problems_of_kind("[model]\nheaders = [\"x\"]")[0].contains("a table of strings"));
        assert!(problems_of_kind("[model]\ntemperature = inf")[0].contains("`model.temperature`"));
        assert!(problems_of_kind("[agent]\ntimeout = 1979-05-27")[0].contains("not datetime"));
    }

    fn problems_of_kind(text: &str) -> Vec<String> {
        problems(text)
    }

    #[test]
    fn settings_carry_their_place() {
        let settings =
            read("[github.labels]\n  ready = \"go\"\n", "f", &|place| Source::Repository { line: place.line, column: place.column })
                .unwrap();
        assert_eq!(settings[0].key, "github.labels.ready");
        assert_eq!(settings[0].source, Source::Repository { line: 2, column: 3 });
    }
}
