//! What asking one's surroundings looks like, in words of the syntax tree, language by language. Pure.

use std::collections::BTreeSet;

use super::super::syntax::Language;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Variables, arguments, folder of the process.
    Environment,
    /// How the code is built, started or called.
    Situation,
}

/// One way of asking.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub kind: Kind,
    /// What the source says.
    says: String,
    /// The variable, where it can be read.
    variable: Option<String>,
}

impl Asked {
    /// For people.
    pub fn told(&self) -> String {
        self.variable.as_ref().map_or_else(|| format!("`{}`", self.says), |name| format!("`{name}`"))
    }

    /// Whether the tests speak of this very variable, and it is none that runners set.
    pub fn is_named_in(&self, said: &BTreeSet<String>) -> bool {
        self.variable.as_ref().is_some_and(|name| said.contains(name) && !is_set_by_runners(name))
    }
}

/// Variables that are there, or differ, where tests run.
fn is_set_by_runners(name: &str) -> bool {
    const NAMES: [&str; 9] = ["CI", "PWD", "HOME", "PATH", "NODE_ENV", "TMPDIR", "USER", "SHELL", "DEBUG"];
    const PARTS: [&str; 12] = ["TEST", "CARGO", "JEST", "MOCHA", "NPM_", "GITHUB", "RUST_", "PYTHON", "LOOM", "NODE_", "GO", "GRADLE"];
    let name = name.to_ascii_uppercase();
    NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part))
}

/// The words of a pattern; `*` is any one word.
type Pattern = &'static str;

const PYTHON: [(Kind, Pattern); 28] = [
    (Kind::Environment, "getcwd ("),
    (Kind::Environment, "Path . cwd ("),
    (Kind::Environment, "getlogin ("),
    (Kind::Environment, "getppid ("),
    (Kind::Situation, "from sys import modules"),
    (Kind::Situation, "vars ( sys"),
    (Kind::Situation, "getattr ( sys"),
    (Kind::Situation, "sys . __dict__"),
    (Kind::Situation, "sys . path"),
    (Kind::Situation, "sys . meta_path"),
    (Kind::Situation, "sys . flags"),
    (Kind::Situation, "sys . gettrace"),
    (Kind::Situation, "sys . getprofile"),
    (Kind::Situation, "sys . monitoring"),
    (Kind::Situation, "f_back"),
    (Kind::Situation, "tb_frame"),
    (Kind::Situation, "f_code"),
    (Kind::Situation, "walk_stack"),
    (Kind::Situation, "format_stack"),
    (Kind::Situation, "print_stack"),
    (Kind::Situation, "getouterframes"),
    (Kind::Situation, "findCaller"),
    (Kind::Situation, "__code__"),
    (Kind::Situation, "__debug__"),
    (Kind::Situation, "__builtins__"),
    (Kind::Situation, "os . abort"),
    (Kind::Situation, "interrupt_main"),
    (Kind::Situation, "exec ("),
];

const SCRIPT: [(Kind, Pattern); 33] = [
    (Kind::Environment, "process . cwd"),
    (Kind::Environment, "process . title"),
    (Kind::Environment, "process . ppid"),
    (Kind::Environment, "process ["),
    (Kind::Situation, "require . main"),
    (Kind::Situation, "module . parent"),
    (Kind::Situation, "module . children"),
    (Kind::Situation, "mainModule"),
    (Kind::Situation, "arguments . callee"),
    (Kind::Situation, "prepareStackTrace"),
    (Kind::Situation, "in globalThis"),
    (Kind::Situation, "in global"),
    (Kind::Situation, "( globalThis )"),
    (Kind::Situation, "( global )"),
    (Kind::Situation, "globalThis ["),
    (Kind::Situation, "typeof describe"),
    (Kind::Situation, "typeof it"),
    (Kind::Situation, "typeof test"),
    (Kind::Situation, "typeof expect"),
    (Kind::Situation, "typeof jest"),
    (Kind::Situation, "typeof vi"),
    (Kind::Situation, "globalThis . it"),
    (Kind::Situation, "globalThis . describe"),
    (Kind::Situation, "globalThis . test"),
    (Kind::Situation, "global . it"),
    (Kind::Situation, "global . describe"),
    (Kind::Situation, "process . kill"),
    (Kind::Situation, "process . reallyExit"),
    (Kind::Situation, "process . abort"),
    (Kind::Situation, "process . emit"),
    (Kind::Situation, "process . features"),
    (Kind::Situation, "eval ("),
    (Kind::Situation, "new Function ("),
];

const RUST: [(Kind, Pattern); 15] = [
    (Kind::Environment, "env :: vars"),
    (Kind::Environment, "env :: vars_os"),
    (Kind::Environment, "env :: current_dir"),
    (Kind::Environment, "env :: args_os"),
    (Kind::Environment, "process :: id"),
    (Kind::Situation, "debug_assertions"),
    (Kind::Situation, "overflow_checks"),
    (Kind::Situation, "doctest"),
    (Kind::Situation, "thread :: current"),
    (Kind::Situation, "Location :: caller"),
    (Kind::Situation, "Backtrace :: capture"),
    (Kind::Situation, "Backtrace :: force_capture"),
    (Kind::Situation, "file ! ("),
    (Kind::Situation, "process :: exit"),
    (Kind::Situation, "process :: abort"),
];

const GO: [(Kind, Pattern); 12] = [
    (Kind::Environment, "os . Environ"),
    (Kind::Environment, "os . Args"),
    (Kind::Environment, "os . Getwd"),
    (Kind::Environment, "os . Getppid"),
    (Kind::Situation, "flag . VisitAll"),
    (Kind::Situation, "flag . Visit"),
    (Kind::Situation, "flag . CommandLine"),
    (Kind::Situation, "flag . Parsed"),
    (Kind::Situation, "flag . NFlag"),
    (Kind::Situation, "runtime . NumGoroutine"),
    (Kind::Situation, "runtime . GoroutineProfile"),
    (Kind::Situation, "pprof . Lookup"),
];

const JAVA: [(Kind, Pattern); 3] = [
    (Kind::Environment, "System . getProperties"),
    (Kind::Situation, "desiredAssertionStatus"),
    (Kind::Situation, "Thread . getAllStackTraces"),
];

/// Calls and tables that are asked for one variable, the name coming next.
const NAMED: [Pattern; 22] = [
    "process . env .",
    "process . env ?.",
    "process . env [",
    "process ?. env .",
    "process ?. env ?.",
    "process ?. env [",
    "env :: var (",
    "env :: var_os (",
    "env ! (",
    "option_env ! (",
    "os . Getenv (",
    "os . LookupEnv (",
    "syscall . Getenv (",
    "System . getenv (",
    "System . getProperty (",
    "getenv (",
    "$_ENV [",
    "$_SERVER [",
    "ENV [",
    "ENV . fetch (",
    "ENV . key? (",
    "$ENV {",
];

/// Everything that a text asks of its surroundings, as often as it does.
pub fn asked(language: Language, words: &[String]) -> Vec<Asked> {
    let table: &[(Kind, Pattern)] = match language {
        Language::Python => &PYTHON,
        Language::Rust => &RUST,
        Language::JavaScript | Language::TypeScript | Language::Tsx => &SCRIPT,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::Php | Language::Ruby | Language::Perl => &[],
    };
    let plain = |kind, says: &str| Asked { kind, says: says.replace(' ', ""), variable: None };
    let mut found = Vec::new();
    for at in 0..words.len() {
        let rest = &words[at..];
        found.extend(table.iter().filter(|(_, pattern)| begins(rest, pattern)).map(|(kind, pattern)| plain(*kind, pattern)));
        if let Some(pattern) = NAMED.iter().find(|pattern| begins(rest, pattern)) {
            found.extend(variable(pattern, rest));
        }
    }
    match language {
        Language::Python => python(words, &mut found),
        Language::Rust => rust(words, &mut found),
        _ if language.is_script() => script(words, &mut found),
        _ => {}
    }
    found
}

fn begins(words: &[String], pattern: Pattern) -> bool {
    let mut words = words.iter();
    pattern.split(' ').all(|part| words.next().is_some_and(|word| word == part))
}

fn variable(pattern: Pattern, rest: &[String]) -> Option<Asked> {
    let name = unquoted(rest.get(pattern.split(' ').count())?);
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    // What cargo says of the package is the same for everybody.
    let constant = name.starts_with("CARGO_PKG_") || name == "OUT_DIR";
    (!constant).then(|| Asked { kind: Kind::Environment, says: pattern.replace(' ', ""), variable: is_name.then(|| name.to_owned()) })
}

/// A word without the marks of a string.
pub fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`'])
}

/// `os` goes by other names, and so do its parts.
fn python(words: &[String], found: &mut Vec<Asked>) {
    let mut modules: BTreeSet<&str> = ["os"].into();
    modules.extend(words.windows(4).filter(|four| four[0] == "import" && four[1] == "os" && four[2] == "as").map(|four| four[3].as_str()));
    let mut ask = |says: &str, variable: Option<&String>| {
        let variable = variable.map(|word| unquoted(word).to_owned()).filter(|_| variable.is_some_and(|word| word.ends_with(['"', '\''])));
        found.push(Asked { kind: Kind::Environment, says: says.into(), variable });
    };
    for at in 0..words.len() {
        let word = |more: usize| words.get(at + more).map(String::as_str);
        if modules.contains(words[at].as_str()) && word(1) == Some(".") && matches!(word(2), Some("environ" | "environb" | "getenv")) {
            let name = match (word(2), word(3), word(4)) {
                (Some("getenv"), Some("("), _) => words.get(at + 4),
                (_, Some("["), _) => words.get(at + 4),
                (_, Some("."), Some("get" | "pop" | "setdefault")) => words.get(at + 6),
                _ => None,
            };
            // `getenv (` is in the table as well.
            if !(words[at] == "os" && word(2) == Some("getenv")) {
                ask("os.environ", name);
            }
        }
        let listed = words[at..].iter().skip(3).take(12).take_while(|word| *word != "import" && *word != "=");
        if begins(&words[at..], "from os import")
            && listed.into_iter().any(|word| matches!(word.as_str(), "environ" | "environb" | "getenv"))
        {
            ask("os.environ", None);
        }
    }
}

/// Any condition of the compiler about tests or debug builds, however it is combined.
fn rust(words: &[String], found: &mut Vec<Asked>) {
    for at in (0..words.len()).filter(|at| matches!(words[*at].as_str(), "cfg" | "cfg_attr")) {
        let open = usize::from(words.get(at + 1).is_some_and(|word| word == "!")) + 1;
        if words.get(at + open).is_none_or(|word| word != "(") {
            continue;
        }
        let mut depth = 0;
        let inside = words[at + open..].iter().take_while(|word| {
            depth += match word.as_str() {
                "(" => 1,
                ")" => -1,
                _ => 0,
            };
            depth > 0
        });
        let inside: Vec<&str> = inside.map(String::as_str).collect();
        // `cfg_attr(test, allow(..))` is about lints.
        let lint = inside.iter().any(|word| matches!(*word, "allow" | "warn" | "deny" | "expect"));
        if inside.contains(&"test") && !lint {
            found.push(Asked { kind: Kind::Situation, says: "cfg(test)".into(), variable: None });
        }
    }
}

fn script(words: &[String], found: &mut Vec<Asked>) {
    let word = |at: usize| words.get(at).map(String::as_str);
    for at in 1..words.len() {
        let before = word(at - 1);
        let named = |name: &str| unquoted(&words[at]) == name && matches!(before, Some("." | "?." | "["));
        // `import.meta.env`, `process["env"]`, `{ env } = process`; plain `process.env.X` is in the table.
        if named("env") {
            let owner = at.checked_sub(2).and_then(word);
            let table = owner == Some("process") && words[at] == "env" && matches!(word(at + 1), Some("." | "?." | "["));
            if matches!(owner, Some("process" | "meta" | "import.meta" | ")")) && !table {
                found.push(Asked { kind: Kind::Environment, says: "env".into(), variable: None });
            }
        }
        let taken_apart = words[at] == "env" && matches!(before, Some("{" | ","));
        let from_process = words[at..].iter().take(8).any(|word| matches!(unquoted(word), "process" | "node:process"));
        if taken_apart && from_process {
            found.push(Asked { kind: Kind::Environment, says: "process.env".into(), variable: None });
        }
        // The trace of an error, where it is looked at and not handed on.
        let looked_at = words[at] == "stack" && matches!(before, Some("." | "?."));
        let of_an_error = looked_at && at.checked_sub(2).and_then(word) == Some(")");
        let searched = looked_at
            && matches!(word(at + 1), Some("." | "?."))
            && matches!(word(at + 2), Some("includes" | "indexOf" | "match" | "split" | "search" | "replace" | "matchAll"));
        let taken_out = words[at] == "stack" && matches!(before, Some("{" | ",")) && word(at + 1) == Some("}") && word(at + 2) == Some("=");
        if of_an_error || searched || taken_out {
            found.push(Asked { kind: Kind::Situation, says: "Error.stack".into(), variable: None });
        }
    }
}
