//! Which files of a minitest suite hold tests, and the command that runs one of them.

use std::sync::LazyLock;

use regex::Regex;

use super::line;
use crate::runner::session::Session;
use crate::runner::words::{assigned, words};
use crate::runner::{one_by_one, places};

/// Longest file that is looked into.
const LONGEST: u64 = 2 << 20;

static LIBS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"libs?\s*(?:<<|=|\.push|\.concat|\+=)\s*([^\n;}]*)"#).expect("a constant pattern that the tests compile")
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"["']([\w./-]+)["']"#).expect("a constant pattern that the tests compile"));

/// The test files of the suite, relative to the root.
pub(super) fn of_suite(session: &Session<'_>) -> Vec<String> {
    one_by_one::files(session).filter(|path| is_named_like_a_test(path)).collect()
}

fn is_named_like_a_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let inside = path.split('/').any(|part| matches!(part, "test" | "tests" | "spec"));
    let named = name.starts_with("test_") || name.ends_with("_test.rb") || name.ends_with("_spec.rb");
    inside && named && name.ends_with(".rb") && name != "test_helper.rb"
}

/// Of these files those that are there and hold tests.
pub(super) fn with_tests(session: &Session<'_>, asked: &[String]) -> Vec<String> {
    let is_test = |path: &&String| {
        let Ok(bytes) = places::read(&session.tree.host.join(path.as_str()), LONGEST) else { return false };
        let text = String::from_utf8_lossy(&bytes);
        is_named_like_a_test(path) || path.ends_with(".rb") && (text.contains("def test_") || text.contains("minitest/autorun"))
    };
    let mut files: Vec<String> = asked.iter().filter(is_test).cloned().collect();
    files.sort();
    files.dedup();
    files
}

/// The command for one file: rake's own way where the suite is run by rake, which keeps what its task sets.
pub(super) fn command_for(session: &Session<'_>, command: &str, file: &str, pattern: Option<&str>) -> String {
    let split = words(command);
    let by_rake = split.as_ref().is_some_and(|split| split.words.iter().any(|word| word.rsplit('/').next() == Some("rake")));
    if by_rake {
        let options = pattern.map(|pattern| format!(" TESTOPTS={}", line(&[format!("--name={}", line(&[pattern]))]))).unwrap_or_default();
        return format!("{command} TEST={}{options}", line(&[file]));
    }
    let bundled = command.contains("bundle exec ");
    let mut own: Vec<String> = if bundled { ["bundle", "exec", "ruby"].map(str::to_owned).to_vec() } else { vec!["ruby".to_owned()] };
    own.extend(libs(session).into_iter().map(|lib| format!("-I{lib}")));
    own.push(file.to_owned());
    own.extend(pattern.into_iter().flat_map(|pattern| ["-n".to_owned(), pattern.to_owned()]));
    let vars = split.map(|split| split.vars).unwrap_or_default();
    let vars = assigned(&vars);
    format!("{vars}{}", line(&own))
}

/// Folders that code is loaded from: the usual ones and those a Rakefile names.
fn libs(session: &Session<'_>) -> Vec<String> {
    let mut libs = ["lib", "test"].map(str::to_owned).to_vec();
    let text = places::read(&session.host_dir().join("Rakefile"), LONGEST).unwrap_or_default();
    for named in LIBS.captures_iter(&String::from_utf8_lossy(&text)) {
        for one in QUOTED.captures_iter(&named[1]).map(|found| found[1].to_owned()) {
            if !libs.contains(&one) {
                libs.push(one);
            }
        }
    }
    libs
}
