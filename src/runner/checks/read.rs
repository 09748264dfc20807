//! What linters and type checks print, as findings. Foreign text: nothing is trusted, what cannot be read is none.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::Finding;

/// More than these are not kept.
const MOST: usize = 5_000;
/// Longest message that is kept, in bytes.
const MESSAGE: usize = 400;

/// How a tool writes its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Lines of JSON as cargo prints them.
    Cargo,
    /// ruff's JSON.
    Ruff,
    /// eslint's JSON.
    Eslint,
    /// `path:line:col: message`, `path(line,col): message` and their kin.
    Lines,
}

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\s*(?:vet: )?(?P<file>[^\s:(][^:(\n]*?)(?::(?P<line>\d+)(?::\d+)?(?:-\d+(?::\d+)?)?|\((?P<row>\d+)(?:,\d+)?\)): ?(?P<message>\S.*)$",
    )
    .expect("a constant pattern that the tests compile")
});
/// A rule's name at the end, as mypy and shellcheck write it, or in front, as flake8, pylint and tsc do.
static RULE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:(?P<front>(?:error |warning )?[A-Z]{1,4}\d{2,5}):? +(?P<rest>.+)|(?P<body>.+?) +\[(?P<end>[\w./-]+)\])$")
        .expect("a constant pattern that the tests compile")
});

/// The findings in what a tool printed; none when it is not its format at all. Paths become relative to the root.
pub(super) fn read(reads: Reads, out: &str, err: &str, dir: &str, point: &Path) -> Option<Vec<Finding>> {
    let mut found = match reads {
        Reads::Cargo => cargo(out),
        Reads::Ruff => ruff(out)?,
        Reads::Eslint => eslint(out)?,
        Reads::Lines => out.lines().chain(err.lines()).filter_map(by_line).collect(),
    };
    found.truncate(MOST);
    for one in &mut found {
        one.file = relative(&one.file, dir, point);
        one.message.truncate(one.message.floor_char_boundary(MESSAGE));
    }
    Some(found)
}

fn relative(file: &str, dir: &str, point: &Path) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    match Path::new(file).strip_prefix(point) {
        Ok(inner) => inner.to_string_lossy().into_owned(),
        Err(_) if dir.is_empty() || file.is_empty() || file.starts_with('/') => file.to_owned(),
        Err(_) => format!("{dir}/{file}"),
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether code does not compile is the proof's business.
fn is_compile_error(rule: &str) -> bool {
    rule.strip_prefix('E').is_some_and(|number| number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Warnings and errors with a place.
fn cargo(out: &str) -> Vec<Finding> {
    let lines = out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut found: Vec<Finding> = lines
        .filter_map(|line| {
            let message = line.get("message")?;
            let span = message.get("spans")?.as_array()?.iter().find(|span| span.get("is_primary") == Some(&Value::Bool(true)))?;
            let rule = message.get("code").map(|code| text(code, "code")).unwrap_or_default();
            if is_compile_error(&rule) {
                return None;
            }
            Some(Finding {
                file: text(span, "file_name"),
                line: span.get("line_start").and_then(Value::as_u64),
                rule,
                message: text(message, "message"),
            })
        })
        .collect();
    // The library is compiled once as itself and once for its tests, and says the same twice.
    found.sort();
    found.dedup();
    found
}

fn ruff(out: &str) -> Option<Vec<Finding>> {
    let all: Vec<Value> = serde_json::from_str(out).ok()?;
    let finding = |one: &Value| Finding {
        file: text(one, "filename"),
        line: one.pointer("/location/row").and_then(Value::as_u64),
        rule: text(one, "code"),
        message: text(one, "message"),
    };
    Some(all.iter().map(finding).collect())
}

fn eslint(out: &str) -> Option<Vec<Finding>> {
    // A script may say something in front.
    let begins = out.find("[{").or_else(|| out.find("[]"))?;
    let files: Vec<Value> = serde_json::Deserializer::from_str(&out[begins..]).into_iter().next()?.ok()?;
    let mut found = Vec::new();
    for file in &files {
        for one in file.get("messages").and_then(Value::as_array).into_iter().flatten() {
            let line = one.get("line").and_then(Value::as_u64);
            found.push(Finding { file: text(file, "filePath"), line, rule: text(one, "ruleId"), message: text(one, "message") });
        }
    }
    Some(found)
}

fn by_line(line: &str) -> Option<Finding> {
    let parts = LINE.captures(line)?;
    let number = parts.name("line").or_else(|| parts.name("row"))?.as_str().parse().ok();
    let said = parts["message"].trim();
    // mypy's notes belong to the error above them.
    if said.starts_with("note: ") {
        return None;
    }
    let (rule, message) = match RULE.captures(said) {
        Some(named) => match named.name("front") {
            Some(front) => (front.as_str().rsplit(' ').next().unwrap_or_default(), named["rest"].to_owned()),
            None => (named.name("end").map_or("", |end| end.as_str()), named["body"].to_owned()),
        },
        None => ("", said.to_owned()),
    };
    Some(Finding { file: parts["file"].trim().to_owned(), line: number, rule: rule.to_owned(), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reads: Reads, out: &str, dir: &str) -> Vec<String> {
        read(reads, out, "", dir, Path::new("/loom/repo")).unwrap().iter().map(Finding::sentence).collect()
    }

    #[test]
    fn lines_of_many_tools() {
        let out = "src/a.py:3:1: F401 'os' imported but unused\n\
                   /loom/repo/src/b.py:10: error: Incompatible return value type  [return-value]\n\
                   src/b.py:10: note: see the docs\n\
                   src/a.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.\n\
                   ./c.go:7:2: x declared and not used\n\
                   Found 3 errors in 2 files (checked 9 source files)\n\
                   https://example.org:80: no\nC:\\no\n";
        assert_eq!(
            lines(Reads::Lines, out, ""),
            [
                "src/a.py:3: 'os' imported but unused [F401]",
                "src/b.py:10: error: Incompatible return value type [return-value]",
                "src/a.ts:12: Type 'string' is not assignable to type 'number'. [TS2322]",
                "c.go:7: x declared and not used",
            ]
        );
        assert_eq!(lines(Reads::Lines, "a.py:1:1: E501 long\n", "core"), ["core/a.py:1: long [E501]"]);
    }

    #[test]
    fn json_of_cargo_ruff_and_eslint() {
        let cargo = "{\"reason\":\"compiler-message\",\"message\":{\"message\":\"unneeded `return`\",\"code\":{\"code\":\"clippy::needless_return\"},\"spans\":[{\"file_name\":\"src/a.rs\",\"line_start\":4,\"is_primary\":true}]}}\n";
        assert_eq!(lines(Reads::Cargo, &cargo.repeat(2), ""), ["src/a.rs:4: unneeded `return` [clippy::needless_return]"]);
        let ruff = r#"[{"code":"F841","filename":"/loom/repo/a.py","location":{"row":2,"column":5},"message":"unused"}]"#;
        assert_eq!(lines(Reads::Ruff, ruff, ""), ["a.py:2: unused [F841]"]);
        let eslint = r#"> lint
[{"filePath":"/loom/repo/src/a.js","messages":[{"ruleId":"no-unused-vars","line":1,"message":"'x' is defined but never used.","severity":2}]}]
done"#;
        assert_eq!(lines(Reads::Eslint, eslint, ""), ["src/a.js:1: 'x' is defined but never used. [no-unused-vars]"]);
        assert_eq!(read(Reads::Eslint, "Oops", "", "", Path::new("/")), None);
        assert_eq!(read(Reads::Ruff, "", "", "", Path::new("/")), None);
    }

    #[test]
    fn broken_output_is_read_without_a_panic() {
        let whole = r#"[{"code":"F841","filename":"/loom/repo/ä.py","location":{"row":2},"message":"unüsed"}]"#;
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            for reads in [Reads::Cargo, Reads::Ruff, Reads::Eslint, Reads::Lines] {
                let found = read(reads, &whole[..end], &whole[end..], "d", Path::new("/loom/repo")).unwrap_or_default();
                assert!(found.len() <= 1, "{found:?}");
            }
        }
    }
}
