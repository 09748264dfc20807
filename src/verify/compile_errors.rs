//! What the compilers of Go and Java say of names and shapes that are not there: whether all of it can come from names
//! that the patch adds. Rust's errors have codes and are read by `red`. Pure.

use std::sync::LazyLock;

use regex::Regex;

use super::red::Known;

fn patterns(all: &[&str]) -> Vec<Regex> {
    all.iter().map(|one| Regex::new(one).expect("a fixed pattern")).collect()
}

/// One error of Go's compiler: file, line, column, words. Of Java's, as Maven and javac print it.
static ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^(?:vet: |\[ERROR\] )?(?P<file>[^\s:]+\.(?:go|java))(?::\d+(?::\d+)?:|:\[\d+,\d+\]) (?:error: )?(?P<said>.*(?:\n(?:\s+|  ).*)*)").expect("a fixed pattern")
});

/// Something is missing; `n` must be a name that the patch adds.
static NAMED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    patterns(&[
        r"^undefined: (?P<n>[\w.]+)",
        r"^undeclared name: (?P<n>[\w.]+)",
        r"(?:^|\.)(?P<n>\w+) undefined \(",
        r"unknown field '?(?P<n>\w+)'? in struct literal",
        r"(?:missing method|has no field or method|does not have method) (?P<n>\w+)",
        r"(?:too many|not enough) arguments in call to (?P<n>[\w.]+)",
        r"no required module provides package \S*?(?P<n>[\w-]+)(?:;|$)",
        r"cannot find module providing package \S*?(?P<n>[\w-]+)(?::|$)",
        r"package \S*?(?P<n>[\w-]+) is not in (?:GOROOT|std)",
        r"(?:does not contain|cannot find) package \S*?(?P<n>[\w-]+)",
        r"^(?:invalid (?:method|constructor) reference\s+)?cannot find symbol(?s:.)*symbol:\s+(?:method|variable|class|static)\s+(?P<n>\w+)",
        r"^package (?P<n>[\w.]+) does not exist",
        r"^(?:method|constructor) (?P<n>\w+) in (?:class|interface|enum|record) .* cannot be applied",
        r"^no suitable (?:method|constructor) found for (?P<n>\w+)\(",
    ])
});

/// A package of which there are only tests; told without a file.
static ONLY_TESTS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^(?:go build |package )?\S*?(?P<n>[\w-]+): no non-test Go files in ").expect("a fixed pattern"));

/// What else comes of a name that has another shape; proves nothing without a name beside it.
static SHAPED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    patterns(&[
        r"^assignment mismatch:",
        r"^cannot use ",
        r"does not implement",
        r"^impossible type (?:assertion|switch)",
        r"used as (?:value|type)",
        r"^(?:cannot infer|got \d+ (?:type )?arguments but)",
        r"is not a generic type",
        r"is not (?:a type|an interface|an expression)$",
        r"^incompatible types",
        r"^too many errors",
        r"^could not import",
        r"is not abstract and does not override abstract method",
        r"^method does not override or implement",
        r"^cannot find symbol",
        r"^unreported exception",
        r"^static import only from classes and interfaces",
    ])
});

/// Whether these are errors of Go or Java, and all of them may come from names that the patch adds.
pub fn miss_added_names(message: &str, known: &Known) -> bool {
    let mut told = ONLY_TESTS.captures_iter(message).filter(|found| is_added(&found["n"], known)).count();
    for error in ERROR.captures_iter(message) {
        let said = error["said"].trim();
        match NAMED.iter().find_map(|pattern| pattern.captures(said)) {
            Some(found) if is_added(&found["n"], known) => told += 1,
            Some(_) => return false,
            None if SHAPED.iter().any(|pattern| pattern.is_match(said)) => {
                let words = said.split(|c: char| !c.is_alphanumeric() && c != '_');
                told += usize::from(words.into_iter().any(|word| known.added.contains(word)));
            }
            None => return false,
        }
    }
    told > 0
}

fn is_added(name: &str, known: &Known) -> bool {
    known.added.contains(name) || name.rsplit('.').next().is_some_and(|last| known.added.contains(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(message: &str) -> bool {
        let known = Known { added: ["Fresh", "fresh", "Wider"].map(str::to_owned).into(), ..Known::default() };
        miss_added_names(message, &known)
    }

    #[test]
    fn what_the_patch_adds_is_missing() {
        for yes in [
            "pkg/b_test.go:5:28: undefined: Fresh",
            "./b_test.go:5:28: undefined: calc.Fresh\n./b_test.go:9:2: too many errors",
            "b_test.go:7:4: x.Fresh undefined (type T has no field or method Fresh)",
            "b_test.go:7:4: unknown field Fresh in struct literal of type T",
            "b_test.go:5:9: too many arguments in call to calc.Wider\n\thave (number, number)\n\twant (int)",
            "b_test.go:5:9: assignment mismatch: 2 variables but calc.Wider returns 1 value",
            "imp_test.go:3:20: no required module provides package example.com/calc/fresh; to add it:\n\tgo get example.com/calc/fresh",
            "go build example.com/parcels/fresh: no non-test Go files in fresh",
            "src/test/java/a/ATest.java:[9,30] cannot find symbol\n  symbol:   method fresh(int)\n  location: class shop.Price",
            "src/test/java/a/ATest.java:[9,30] invalid method reference\n  cannot find symbol\n    symbol:   method fresh(int)\n    location: class A",
            "[ERROR] src/test/java/a/ATest.java:[9,30] method Wider in class a.A cannot be applied to given types;\n  required: int",
        ] {
            assert!(of(yes), "{yes}");
        }
    }

    #[test]
    fn anything_else_is_no_proof() {
        for no in [
            "b_test.go:5:28: undefined: Typo",
            "b_test.go:5:28: undefined: Fresh\nb_test.go:6:1: syntax error: unexpected }",
            "b_test.go:5:28: undefined: Fresh\nb_test.go:3:8: \"os\" imported and not used",
            "b_test.go:5:9: cannot use 1 (untyped int constant) as string value in argument to f",
            "src/test/java/a/ATest.java:[9,30] cannot find symbol\n  symbol:   method typo(int)\n  location: class Fresh",
            "src/test/java/a/ATest.java:[9,30] ';' expected",
            "no error at all: Fresh",
        ] {
            assert!(!of(no), "{no}");
        }
    }
}
