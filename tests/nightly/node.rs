//! Runners of JavaScript that come from the npm registry, really run.

use std::fs;
use std::path::{Path, PathBuf};

use loom_agent::config::{SandboxSettings, TestSettings};
use loom_agent::runner::{Bench, Report, Selection, TestId, TroubleKind, detect, prepare, run};
use loom_agent::sandbox::{Cancel, Sandbox};
use loom_agent::task::Silent;

use crate::lines;

/// A repository, set up once.
struct Place {
    folder: tempfile::TempDir,
    sandbox: Sandbox,
    bench: Bench,
    tree: PathBuf,
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Place {
    fn new(files: &[(&str, &str)]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let (base, tree) = (folder.path().join("base"), folder.path().join("tree"));
        write(&base, files);
        write(&tree, files);
        let (settings, cancel) = (TestSettings::default(), Cancel::default());
        let sandbox = Sandbox::new(&SandboxSettings::default()).unwrap();
        let suites = detect(&base, &settings, &sandbox).unwrap();
        let bench = prepare(&sandbox, suites, &base, &folder.path().join("deps"), &settings, &Silent, &cancel).unwrap();
        Place { folder, sandbox, bench, tree }
    }

    fn run(&self, suite: usize, selection: &Selection) -> Report {
        let tree = self.bench.tree(&self.tree, &self.folder.path().join("private")).unwrap();
        run(&self.sandbox, &tree, &self.bench.suites[suite], selection, &TestSettings::default(), &Cancel::default()).unwrap()
    }

    fn commands(&self) -> Vec<String> {
        self.bench.suites.iter().map(|suite| format!("{}: {}", suite.dir, suite.command)).collect()
    }
}

fn loads(report: &Report) -> Vec<(TroubleKind, &str)> {
    report.troubles.iter().map(|one| (one.kind, one.file.as_deref().unwrap_or_default())).collect()
}

const CALC: &str = "exports.add = (a, b) => a + b;\nexports.boom = () => { throw new TypeError('no'); };\n";
const TESTS: &str = "const { add, boom } = require('../calc.js');\ndescribe('group', () => {\n  it('adds', () => { if (add(1, 2) !== 3) throw new Error('sum'); });\n  it('throws', () => boom());\n  it.skip('later', () => {});\n});\n";

#[test]
fn mocha_with_its_own_settings_alone_and_in_parallel() {
    let package = |script: &str| {
        format!(r#"{{"name": "calc", "version": "1.0.0", "scripts": {{"test": "{script}"}}, "devDependencies": {{"mocha": "*"}}}}"#)
    };
    for script in ["mocha", "mocha --parallel --jobs 2"] {
        let package = package(script);
        let files = [
            ("package.json", package.as_str()),
            (".mocharc.json", r#"{"spec": ["spec/**/*.js"], "require": "./spec-setup.js"}"#),
            ("spec-setup.js", "global.prepared = true;\n"),
            ("calc.js", CALC),
            ("spec/a.js", TESTS),
            (
                "spec/b.js",
                "const assert = require('assert');\nit('prepared', () => assert(prepared));\nit('wrong', () => assert.equal(1, 2));\n",
            ),
            ("spec/broken.js", "describe('half', () => { it('a', () => {}); require('absent-package'); });\n"),
        ];
        let place = Place::new(&files);
        let report = place.run(0, &Selection::All);
        let expected = [
            "spec/a.js::group::adds: passed",
            "spec/a.js::group::later: skipped, pending",
            "spec/a.js::group::throws: Error",
            "spec/b.js::prepared: passed",
            "spec/b.js::wrong: Assertion",
        ];
        assert_eq!(lines(&report), expected, "{script}: {:#?}\n{}", report.troubles, report.output);
        assert_eq!(loads(&report), [(TroubleKind::Load, "spec/broken.js")]);
        assert_eq!(report.loaded.get("./").map(String::as_str), Some("calc.js"));
        let one = place.run(0, &Selection::Files(vec!["spec/b.js".into()]));
        assert_eq!((lines(&one), loads(&one)), (expected[3..].iter().map(|line| (*line).to_owned()).collect(), Vec::new()));
    }
}

#[test]
fn ava_names_the_files() {
    let files = [
        (
            "package.json",
            r#"{"name": "calc", "type": "module", "scripts": {"test": "xo && c8 ava --timeout 20s"}, "devDependencies": {"ava": "*"}}"#,
        ),
        ("calc.js", "export const add = (a, b) => a + b;\n"),
        (
            "test/a.js",
            "import test from 'ava';\nimport { add } from '../calc.js';\ntest('adds', t => t.is(add(1, 2), 3));\ntest('wrong', t => t.is(add(1, 2), 4));\ntest('ends', () => process.exit(3));\n",
        ),
        ("test/deep/b.js", "import test from 'ava';\ntest('adds', t => t.pass());\n"),
        ("test/broken.js", "import 'absent-package';\n"),
    ];
    let place = Place::new(&files);
    assert_eq!(place.commands(), [": ava --timeout 20s"]);
    let report = place.run(0, &Selection::All);
    assert_eq!(report.cases.len(), 4, "{:?} {}", lines(&report), report.output);
    let shown = lines(&report);
    assert!(
        shown.contains(&"test/deep/b.js::adds: passed".to_owned()) && shown.contains(&"test/a.js::ends: Crash".to_owned()),
        "{shown:?}"
    );
    assert_eq!(loads(&report), [(TroubleKind::Load, "test/broken.js")]);
    assert_eq!(report.loaded.get("./").map(String::as_str), Some("calc.js"));
    let one = place.run(0, &Selection::Files(vec!["test/deep/b.js".into()]));
    assert_eq!((lines(&one), loads(&one)), (vec!["test/deep/b.js::adds: passed".to_owned()], Vec::new()));
}

#[test]
fn jest_and_vitest_in_workspaces_test_the_linked_packages_of_the_tree() {
    let files = [
        (
            "package.json",
            r#"{"name": "all", "private": true, "workspaces": ["packages/*"], "scripts": {"test": "npm test --workspaces"}, "devDependencies": {"jest": "*", "vitest": "*"}}"#,
        ),
        ("packages/core/package.json", r#"{"name": "@acme/core", "version": "1.0.0", "main": "index.js", "scripts": {"test": "jest"}}"#),
        ("packages/core/index.js", "exports.add = (a, b) => a + b;\n"),
        (
            "packages/core/test/core.test.js",
            "const { add } = require('..');\nit.each([[1, 2, 3], [2, 2, 5]])('%i and %i give %i', (a, b, sum) => { expect(add(a, b)).toBe(sum); });\nit('is kept', () => { expect({ sum: add(1, 1) }).toMatchSnapshot(); });\n",
        ),
        ("packages/core/test/broken.test.js", "require('absent-package');\n"),
        (
            "packages/core/test/__snapshots__/core.test.js.snap",
            "// Jest Snapshot v1, https://jestjs.io/docs/snapshot-testing\n\nexports[`is kept 1`] = `\n{\n  \"sum\": 3,\n}\n`;\n",
        ),
        (
            "packages/app/package.json",
            r#"{"name": "@acme/app", "version": "1.0.0", "type": "module", "scripts": {"test": "vitest"}, "dependencies": {"@acme/core": "*"}}"#,
        ),
        (
            "packages/app/app.test.ts",
            "import { expect, it } from 'vitest';\nimport core from '@acme/core';\nit('uses core', () => { expect(core.add(1, 2)).toBe(3); });\n",
        ),
        ("packages/app/broken.test.ts", "import 'absent-package';\n"),
    ];
    let place = Place::new(&files);
    assert_eq!(place.commands(), ["packages/app: vitest run", "packages/core: jest"]);
    let app = place.run(0, &Selection::All);
    assert_eq!(lines(&app), ["packages/app/app.test.ts::uses core: passed"], "{:#?}\n{}", app.troubles, app.output);
    assert_eq!(loads(&app), [(TroubleKind::Load, "packages/app/broken.test.ts")]);
    assert_eq!(app.loaded.get("packages/core/").map(String::as_str), Some("packages/core/index.js"));
    let core = place.run(1, &Selection::All);
    let expected = [
        "packages/core/test/core.test.js::1 and 2 give 3: passed",
        "packages/core/test/core.test.js::2 and 2 give 5: Assertion",
        "packages/core/test/core.test.js::is kept: Assertion",
    ];
    assert_eq!(lines(&core), expected, "{:#?}\n{}", core.troubles, core.output);
    assert_eq!(loads(&core), [(TroubleKind::Load, "packages/core/test/broken.test.js")]);
    assert_eq!(core.loaded.get("packages/core/").map(String::as_str), Some("packages/core/index.js"));
    let row = TestId::new(&["packages/core/test/core.test.js", "1 and 2 give 3"]);
    assert_eq!(lines(&place.run(1, &Selection::Tests(vec![row]))), expected[..1]);
    // Beside the source of another tree the same link leads to that source.
    fs::write(place.tree.join("packages/core/index.js"), "exports.add = () => 7;\n").unwrap();
    assert_eq!(lines(&place.run(0, &Selection::All)), ["packages/app/app.test.ts::uses core: Assertion"]);
}

#[test]
fn a_package_that_was_copied_is_not_taken_for_the_tree() {
    let files = [
        (
            "package.json",
            r#"{"name": "all", "private": true, "scripts": {"test": "mocha"}, "devDependencies": {"mocha": "*"}, "dependencies": {"@acme/core": "file:packages/core"}}"#,
        ),
        (".npmrc", "install-links=true\n"),
        ("packages/core/package.json", r#"{"name": "@acme/core", "version": "1.0.0", "main": "index.js"}"#),
        ("packages/core/index.js", "exports.one = 1;\n"),
        ("test/core.js", "it('is one', () => { if (require('@acme/core').one !== 1) throw new Error('not one'); });\n"),
    ];
    let place = Place::new(&files);
    fs::write(place.tree.join("packages/core/index.js"), "exports.one = 2;\n").unwrap();
    let report = place.run(0, &Selection::All);
    assert_eq!(lines(&report), ["test/core.js::is one: passed"], "the copy of the base tree was tested");
    assert_eq!(report.loaded.get("packages/core/").map(String::as_str), Some("/node_modules/@acme/core/index.js"));
}
