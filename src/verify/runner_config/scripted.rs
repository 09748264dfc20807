//! PHPUnit's configuration, `.rspec`, and the tasks of a Rakefile. Pure.

use super::{Change, said};

/// Options of rspec that say how results are shown.
const SHOWN: [&str; 7] = ["--color", "--colour", "--no-color", "--format", "-f", "--warnings", "--profile"];

/// What the difference of two `.rspec` files means.
pub fn rspec(base: &str, head: &str) -> Change {
    let words = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.filter(|line| !SHOWN.iter().any(|word| line.starts_with(word))).map(str::to_owned).collect()
    };
    said(words(base) != words(head))
}

/// What the difference of two configurations of PHPUnit means: layout, comments, and what measures coverage are no settings.
pub fn phpunit(base: &str, head: &str) -> Change {
    let plain = |text: &str| {
        let mut text = without(text, "<!--", "-->");
        for name in ["coverage", "source", "filter", "logging"] {
            text = without(&text, &format!("<{name}>"), &format!("</{name}>"));
            text = without(&text, &format!("<{name} "), &format!("</{name}>"));
        }
        text.split_whitespace().collect::<String>()
    };
    said(plain(base) != plain(head))
}

fn without(text: &str, open: &str, close: &str) -> String {
    let (mut left, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(open) {
        let Some((_, behind)) = after.split_once(close) else { break };
        left.push_str(before);
        rest = behind;
    }
    left + rest
}

/// What the difference of two Rakefiles means: lines about tests may not change.
pub fn rakefile(base: &str, head: &str) -> Change {
    let about = ["test", "spec", "TestTask", "RakeTask", ".libs", ".pattern", ".ruby_opts", ".rspec_opts", ".options", "ENV"];
    let tasks = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && about.iter().any(|word| line.contains(word)));
        lines.map(str::to_owned).collect()
    };
    said(tasks(base) != tasks(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_may_change_and_what_runs_may_not() {
        assert_eq!(rspec("--color\n", "--format documentation\n"), Change::Nothing);
        assert_eq!(rspec("--color\n", "--color\n--tag ~slow\n"), Change::Silences);
        let xml = "<phpunit bootstrap=\"a\">\n<testsuites/>\n<coverage><include/></coverage></phpunit>";
        assert_eq!(phpunit(xml, &xml.replace("<include/>", "").replace('\n', "<!-- x -->")), Change::Nothing);
        assert_eq!(phpunit(xml, &xml.replace("<testsuites/>", "<testsuites/><groups/>")), Change::Silences);
        assert_eq!(rakefile("task :docs\nt.pattern = 'a'\n", "task :pages\nt.pattern = 'a'\n"), Change::Nothing);
        assert_eq!(rakefile("t.pattern = 'a'\n", "t.pattern = 'b'\n"), Change::Silences);
    }
}
