//! The source files of the tree by package and name: a stack trace of the JVM tells `shop.Price(Price.java:5)`, and the
//! proof asks which file of the repository that is.

use std::collections::HashMap;
use std::sync::LazyLock;

use ignore::WalkBuilder;
use regex::{Captures, Regex};

use super::super::session::Session;

static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<before>\s*at (?:[\w.$@-]*/)*(?P<class>[\w$.]+)\.[\w$<>]+\()(?:(?P<file>[\w$-]+\.(?:java|kt|groovy|scala)):(?P<line>\d+)|[^)]*)\)")
        .expect("a constant pattern that the tests compile")
});

/// Files by `package/Name.java`.
#[derive(Default)]
pub(super) struct Sources(HashMap<String, String>);

impl Sources {
    /// Every source file below the suite's folder.
    pub(super) fn of(session: &Session<'_>) -> Sources {
        let walk = WalkBuilder::new(session.host_dir())
            .standard_filters(false)
            .sort_by_file_path(|a, b| a.cmp(b))
            .filter_entry(|entry| !matches!(entry.file_name().to_string_lossy().as_ref(), ".git" | "node_modules" | "target" | "build"))
            .build();
        let mut files = HashMap::new();
        for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
            let Ok(path) = entry.path().strip_prefix(&session.tree.host) else { continue };
            let path = path.to_string_lossy().into_owned();
            let key = ["/java/", "/kotlin/", "/groovy/", "/scala/"]
                .iter()
                .find_map(|folder| path.split_once(folder))
                .map(|(_, inner)| inner.to_owned());
            if let Some(key) = key {
                // Tests come first on the class path.
                let first = path.contains("src/test/") || !files.contains_key(&key);
                if first {
                    files.insert(key, path);
                }
            }
        }
        Sources(files)
    }

    /// The file of a class, by its outermost one.
    pub(super) fn of_class(&self, class: &str) -> Option<&str> {
        let path = class.split('$').next().unwrap_or(class).replace('.', "/");
        [".java", ".kt", ".groovy"].iter().find_map(|end| self.0.get(&format!("{path}{end}"))).map(String::as_str)
    }

    /// The trace with the repository's own files in their folders, and without the frames of others.
    pub(super) fn placed(&self, trace: &str) -> String {
        let mut kept: Vec<String> = Vec::new();
        let mut dropped = 0;
        for line in trace.lines() {
            let Some(found) = FRAME.captures(line) else {
                kept.push(line.to_owned());
                continue;
            };
            match self.file(&found) {
                Some(file) => kept.push(format!("{}{file}:{})", &found["before"], &found["line"])),
                None => dropped += 1,
            }
        }
        if dropped > 0 {
            kept.push(format!("... {dropped} {} outside the repository", if dropped == 1 { "frame" } else { "frames" }));
        }
        kept.join("\n")
    }

    fn file(&self, frame: &Captures<'_>) -> Option<&str> {
        let name = frame.name("file")?.as_str();
        let package = frame["class"].rsplit_once('.').map_or("", |(package, _)| package).replace('.', "/");
        let key = if package.is_empty() { name.to_owned() } else { format!("{package}/{name}") };
        self.0.get(&key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_placed_and_foreign_ones_counted() {
        let known =
            [("shop/Price.java", "core/src/main/java/shop/Price.java"), ("shop/PriceTest.java", "core/src/test/java/shop/PriceTest.java")];
        let sources = Sources(known.map(|(key, path)| (key.to_owned(), path.to_owned())).into());
        let trace = "java.lang.X: no\n\tat shop.Price.at(Price.java:5)\n\tat app//shop.PriceTest$Inner.deep(PriceTest.java:9)\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:569)\n\tat java.base/jdk.internal.A.invoke0(Native Method)\n";
        let expected = "java.lang.X: no\n\tat shop.Price.at(core/src/main/java/shop/Price.java:5)\n\tat app//shop.PriceTest$Inner.deep(core/src/test/java/shop/PriceTest.java:9)\n... 2 frames outside the repository";
        assert_eq!(sources.placed(trace), expected);
        assert_eq!(sources.of_class("shop.PriceTest$Inner"), Some(known[1].1));
    }
}
