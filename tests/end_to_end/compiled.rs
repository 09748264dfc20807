//! `loom verify` on repositories of Go and Java, with their real tool chains and without a network.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::loom::{Loom, commit_all};
use crate::scene::repository;
use crate::verify::{branch, git};

/// A repository of these files, by a user without any key.
fn of(files: &[(&str, &str)]) -> Loom {
    let loom = Loom::new();
    write(&repository(&loom), files);
    commit_all(&repository(&loom));
    loom
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// What the gate says of a branch.
#[track_caller]
fn judged(loom: &Loom, head: &str, code: i32) -> Value {
    loom.run(&["verify", "--repo", "repository", "--base", "main", "--head", head, "--json"]).exits(code).json()
}

#[track_caller]
fn names(verdict: &Value, of: &str) -> Vec<String> {
    verdict[of].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_fix_and_a_feature_in_go_are_proved_and_a_skip_is_not() {
    const TESTS: &str =
        "package calc\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n\tif Half(4) != 2 {\n\t\tt.Error(\"four\")\n\t}\n}\n";
    const HALF: &str = "package calc\n\nfunc Half(n int) int { return n / 2 }\n\nfunc First(all []int) int { return all[0] }\n";
    let loom = of(&[("go.mod", "module example.com/calc\n\ngo 1.19\n"), ("calc.go", HALF), ("calc_test.go", TESTS)]);
    let fixed = HALF.replace("{ return all[0] }", "{\n\tif len(all) == 0 {\n\t\treturn 0\n\t}\n\treturn all[0]\n}");
    let tested = format!("{TESTS}\nfunc TestEmpty(t *testing.T) {{\n\tif First(nil) != 0 {{\n\t\tt.Error(\"no first\")\n\t}}\n}}\n");
    branch(&loom, "fix", &[("calc.go", &fixed), ("calc_test.go", &tested)]);
    git(&loom, &["checkout", "--quiet", "main"]);
    let skipped = tested.replace("\tif Half(4)", "\tt.Skip(\"later\")\n\tif Half(4)");
    branch(&loom, "skip", &[("calc.go", &fixed.replace("n / 2", "n / 3")), ("calc_test.go", &skipped)]);
    git(&loom, &["checkout", "--quiet", "main"]);
    let double = format!("{HALF}\nfunc Double(n int) int {{ return 2 * n }}\n");
    let doubled = format!("{TESTS}\nfunc TestDouble(t *testing.T) {{\n\tif Double(4) != 8 {{\n\t\tt.Error(\"four\")\n\t}}\n}}\n");
    branch(&loom, "feature", &[("calc.go", &double), ("calc_test.go", &doubled)]);

    let verified = judged(&loom, "fix", 0);
    assert_eq!(verified["fail_to_pass"][0]["test"], "example.com/calc::TestEmpty", "{verified:#}");
    assert_eq!((&verified["fail_to_pass"][0]["red"], &verified["pass_to_pass"]), (&json!("source-error"), &json!(1)), "{verified:#}");
    let feature = judged(&loom, "feature", 0);
    assert_eq!((&feature["fail_to_pass"][0]["red"], &feature["ruling"]), (&json!("missing-api"), &json!("verified")), "{feature:#}");
    let rejected = judged(&loom, "skip", 11);
    assert!(names(&rejected, "reasons").contains(&"tampering-skipped-test".to_owned()), "{rejected:#}");
}

#[test]
fn a_fix_in_java_is_proved_by_maven() {
    const POM: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>calc</groupId><artifactId>calc</artifactId><version>1</version><properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties><dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies></project>\n";
    const CALC: &str = "package calc;\n\npublic class Calc {\n    public static int half(int n) { return n / 2; }\n    public static int first(int[] all) { return all[0]; }\n}\n";
    const TESTS: &str = "package calc;\n\nimport static org.junit.Assert.*;\nimport org.junit.Test;\n\npublic class CalcTest {\n    @Test public void old() { assertEquals(2, Calc.half(4)); }\n}\n";
    let files = [
        (".mvn/maven.config", "-o\n-Dmaven.repo.local=/usr/share/maven-repo\n"),
        ("pom.xml", POM),
        ("src/main/java/calc/Calc.java", CALC),
        ("src/test/java/calc/CalcTest.java", TESTS),
    ];
    let loom = of(&files);
    let fixed = CALC.replace("return all[0]", "return all.length == 0 ? 0 : all[0]");
    let tested = TESTS.replace("}\n}\n", "}\n    @Test public void empty() { assertEquals(0, Calc.first(new int[0])); }\n}\n");
    branch(&loom, "fix", &[("src/main/java/calc/Calc.java", &fixed), ("src/test/java/calc/CalcTest.java", &tested)]);
    let verified = judged(&loom, "fix", 0);
    assert_eq!(verified["fail_to_pass"][0]["test"], "calc.CalcTest::empty", "{verified:#}");
    assert_eq!((&verified["fail_to_pass"][0]["red"], &verified["pass_to_pass"]), (&json!("source-error"), &json!(1)), "{verified:#}");
    // Nothing of the build stays in the repository.
    let status = Command::new("git").args(["status", "--porcelain"]).current_dir(repository(&loom)).output().unwrap();
    assert!(status.stdout.is_empty());
}
