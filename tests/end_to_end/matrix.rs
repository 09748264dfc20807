//! Some cases of the confusion matrix (`tests/proof`), judged by the program itself as a user would have it judge a
//! branch: word, names, tests that prove and exit code. All of them are judged by `.ci/nightly proof`.

use std::collections::BTreeMap;
use std::path::Path;

use crate::case::Ecosystem;
use crate::ground::Files;
use crate::program::Program;
use crate::said::wrong;

#[track_caller]
fn judged(ecosystem: &str, names: &[&str]) {
    let ecosystem = Ecosystem::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proof").join(ecosystem));
    let mut programs: BTreeMap<Files, Program> = BTreeMap::new();
    for name in names {
        let case = ecosystem.cases.iter().find(|case| case.name == *name).unwrap();
        let base = ecosystem.base(case);
        let program = programs.entry(base.clone()).or_insert_with(|| Program::of(&base));
        let said = program.says(case, &ecosystem.patch(case, &base));
        assert_eq!(wrong(case, &said), None, "{}/{name}: {said:#?}", ecosystem.name);
    }
}

#[test]
fn cases_of_unittest() {
    judged("unittest", &["bug-fix", "refactoring", "skip"]);
}

#[test]
fn cases_of_node() {
    judged("node", &["golden-file-by-a-flip", "regression-elsewhere"]);
}

#[test]
fn cases_of_rust() {
    judged("rust", &["bug-fix"]);
}

#[test]
fn cases_of_a_shell() {
    judged("tap", &["altered-expectation", "returns-early", "runner-is-missing", "comment-only"]);
}
