//! Settings of Maven, Gradle and Go: plugins that run tests, what leaves tests or modules out, modules that are
//! replaced. Pure.

/// What a project says of running its tests: the plugins that do, and what leaves tests or whole modules out.
fn pom_part(text: &str) -> Vec<String> {
    const WORDS: [&str; 12] = [
        "skipTests",
        "maven.test.skip",
        "skipITs",
        "testFailureIgnore",
        "test.failure.ignore",
        "surefire",
        "failsafe",
        "testSourceDirectory",
        "testExclude",
        "testIncludes",
        "<module>",
        "<argLine>",
    ];
    let mut part = Vec::new();
    let mut plugin: Vec<String> = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("<!--")) {
        if line.contains("<plugin>") {
            (inside, plugin) = (true, Vec::new());
        }
        if inside {
            plugin.push(line.to_owned());
        } else if WORDS.iter().any(|word| line.contains(word)) {
            part.push(line.to_owned());
        }
        if line.contains("</plugin>") {
            let runs = plugin.iter().any(|line| WORDS.iter().any(|word| line.contains(word)));
            part.extend(std::mem::take(&mut plugin).into_iter().filter(|line| runs && !line.contains("<version>")));
            inside = false;
        }
    }
    part
}

/// Whether a project runs its tests otherwise; a module more is welcome.
pub(super) fn pom(base: &str, head: &str) -> bool {
    let parts = |text: &str| -> (Vec<String>, Vec<String>) { pom_part(text).into_iter().partition(|line| line.contains("<module>")) };
    let ((before, base), (after, head)) = (parts(base), parts(head));
    base != head || before.iter().any(|module| !after.contains(module))
}

/// Modules that are taken from elsewhere than where they come from.
fn modules_of(text: &str) -> Vec<String> {
    let mut part = Vec::new();
    let mut inside = false;
    for line in text.lines().map(|line| line.split("//").next().unwrap_or_default().trim()) {
        let begins = line.starts_with("replace") || line.starts_with("exclude");
        if (inside || begins) && !line.is_empty() {
            part.push(line.to_owned());
        }
        inside = begins && line.ends_with('(') || inside && line != ")";
    }
    part
}

/// What a build says of its tests.
fn build_of(text: &str) -> Vec<String> {
    const WORDS: [&str; 12] = [
        "ignoreFailures",
        "onlyIf",
        "exclude",
        "filter",
        "includeTags",
        "excludeTags",
        "excludeTestsMatching",
        "useJUnit",
        "useTestNG",
        "maxRetries",
        "enabled",
        "failFast",
    ];
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && WORDS.iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect()
}

/// Whether modules are taken from elsewhere than before.
pub(super) fn go(base: &str, head: &str) -> bool {
    modules_of(base) != modules_of(head)
}

/// Whether a build runs its tests otherwise.
pub(super) fn gradle(base: &str, head: &str) -> bool {
    build_of(base) != build_of(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_tests_out_is_seen() {
        let whole = "<project>\n<version>1</version>\n<modules>\n<module>a</module>\n</modules>\n</project>\n";
        assert!(!pom(whole, &whole.replace("<version>1", "<version>2")));
        assert!(!pom(whole, &whole.replace("</modules>", "<module>b</module>\n</modules>")));
        assert!(pom(whole, &whole.replace("<module>a</module>\n", "")));
        assert!(pom(whole, &format!("{whole}<skipTests>true</skipTests>\n")));
        let plugin = "<plugin>\n<artifactId>maven-surefire-plugin</artifactId>\n<version>3</version>\n</plugin>\n";
        assert!(pom(whole, &format!("{whole}{}", plugin.replace("<version>", "<excludes>x</excludes>\n<version>"))));
        assert!(!go("module a\nrequire x v1\n", "module a\nrequire x v2\n"));
        assert!(go("module a\n", "module a\nreplace (\n\tx => ./x\n)\n"));
        assert!(gradle("test { }\n", "test {\n  ignoreFailures = true\n}\n"));
    }
}
