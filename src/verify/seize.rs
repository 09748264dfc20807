//! Ways of Go and Java to decide from one file what other tests say: classes and modules in the place of others,
//! build constraints, replaced modules, registered listeners. Pure; each is a reason by name.

use super::Reason;
use super::split::{Side, Sided, Split};
use super::{go, java};

/// Packages of test frameworks: what lies in them in the repository stands before the real ones.
const FRAMEWORKS: [&str; 7] =
    ["/org/junit/", "/junit/framework/", "/org/hamcrest/", "/org/assertj/", "/org/opentest4j/", "/org/testng/", "/org/mockito/"];
/// Vendored modules that tests assert with.
const VENDORED: [&str; 8] = [
    "vendor/github.com/stretchr/testify/",
    "vendor/github.com/google/go-cmp/",
    "vendor/gopkg.in/check.v1/",
    "vendor/github.com/onsi/",
    "vendor/github.com/matryer/is/",
    "vendor/gotest.tools/",
    "vendor/github.com/frankban/quicktest/",
    "vendor/modules.txt",
];

/// What the files of a patch seize; `sources` are the source files of the base tree.
pub fn look<'p>(split: &'p Split, sources: impl Iterator<Item = &'p str> + Clone) -> Vec<Reason> {
    let own = split.source_side().map(|file| file.path.as_str());
    let sources: Vec<&str> = sources.chain(own).collect();
    let gone: Vec<&str> = split.files.iter().filter(|file| file.existed && file.head.is_none()).map(|file| file.path.as_str()).collect();
    let mut reasons = Vec::new();
    for file in split.files.iter().filter(|file| file.head.is_some() && file.base != file.head) {
        reasons.extend(constrained(file, &gone));
        reasons.extend(in_the_place_of_another(file, &sources));
        if file.path.contains("META-INF/services/org.junit") || file.path.ends_with("junit-platform.properties") {
            reasons.push(reason(
                "tampering-runner-config",
                format!("{} changes how the tests are run or reported. Leave that as it is.", file.path),
            ));
        }
    }
    reasons
}

fn reason(name: &str, text: String) -> Reason {
    Reason { name: name.into(), text, lines: String::new() }
}

/// A constraint that was not there takes every test of the file out of the suite; a new file may be an old one that moved.
fn constrained(file: &Sided, gone: &[&str]) -> Option<Reason> {
    if !file.path.ends_with("_test.go") || file.side == Side::Support {
        return None;
    }
    let of = |text: &Option<String>| text.as_deref().map(|text| go::constraints(&file.path, text)).unwrap_or_default();
    let (base, head) = (of(&file.base), of(&file.head));
    let added: Vec<String> = head.into_iter().filter(|one| !base.contains(one)).collect();
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let moved = gone.iter().any(|path| path.ends_with("_test.go") && folder(path) == folder(&file.path));
    (!added.is_empty() && (file.existed || moved)).then(|| Reason {
        name: "tampering-skipped-test".into(),
        text: format!("{} is now built under a condition only, which takes its tests out of the suite. Remove it.", file.path),
        lines: added.join("\n"),
    })
}

fn in_the_place_of_another(file: &Sided, sources: &[&str]) -> Option<Reason> {
    let slashed = format!("/{}", file.path);
    if !file.existed && file.path.ends_with(".java") && FRAMEWORKS.iter().any(|package| slashed.contains(package)) {
        let text = format!("{} takes the place of a class that the tests assert or run with. Give it another package.", file.path);
        return Some(reason("tampering-runner-module", text));
    }
    if VENDORED.iter().any(|module| slashed.contains(&format!("/{module}"))) {
        return Some(reason(
            "tampering-runner-module",
            format!("{} is part of what the tests assert with. Leave vendored modules as they are.", file.path),
        ));
    }
    let other = java::shadowed(&file.path, sources.iter().copied()).filter(|_| !file.existed)?;
    let text = format!("{} takes the place of {other} while the tests run, so they would not test it. Remove it.", file.path);
    Some(reason("tampering-runner-module", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(path: &str, base: Option<&str>, head: &str) -> Vec<String> {
        let side = if path.contains("test") { Side::Test } else { Side::Source };
        let file = Sided::for_trial(path, side, base, Some(head));
        let sources = ["src/main/java/shop/Price.java"];
        constrained(&file, &["old/a_test.go"]).into_iter().chain(in_the_place_of_another(&file, &sources)).map(|one| one.name).collect()
    }

    #[test]
    fn each_way_has_its_name() {
        assert_eq!(kinds("a_test.go", Some("package a\n"), "//go:build ignore\n\npackage a\n"), ["tampering-skipped-test"]);
        assert_eq!(kinds("old/a_windows_test.go", None, "package a\n"), ["tampering-skipped-test"]);
        assert_eq!(kinds("src/test/java/shop/Price.java", None, "class Price {}"), ["tampering-runner-module"]);
        assert_eq!(kinds("src/test/java/org/junit/Assert.java", None, "class Assert {}"), ["tampering-runner-module"]);
        assert_eq!(kinds("vendor/github.com/stretchr/testify/assert/a.go", Some("a"), "b"), ["tampering-runner-module"]);
    }

    #[test]
    fn honest_files_have_none() {
        let tagged = "//go:build unix\n\npackage a\n";
        assert!(kinds("a_test.go", Some(tagged), &format!("{tagged}func TestA() {{}}\n")).is_empty());
        assert!(kinds("b_linux_test.go", None, tagged).is_empty(), "a new file under a condition takes nothing away");
        assert!(kinds("src/test/java/shop/PriceTest.java", None, "class PriceTest {}").is_empty());
    }
}
