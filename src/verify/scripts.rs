//! The words by which PHP, Ruby, Perl and shells deal with their own testing: what source says when it asks whether it is tested,
//! what tests say when they reach into the runner, and how either ends the process. `aware` and `tamper` look for them.

use super::syntax::Language;

const PHP: [&str; 16] = [
    "PHPUNIT",
    "PHPUnit",
    "phpunit",
    "debug_backtrace",
    "get_declared_classes",
    "get_included_files",
    "class_alias",
    "register_shutdown_function",
    "pcntl_",
    "posix_kill",
    "uopz_",
    "runkit",
    "['argv']",
    "getmypid",
    "##teamcity",
    "<testcase",
];
const RUBY: [&str; 20] = [
    "RSpec",
    "Minitest",
    "Test::Unit",
    "SPEC_OPTS",
    "TESTOPTS",
    "RUBYOPT",
    "$PROGRAM_NAME",
    "ObjectSpace",
    "TracePoint",
    "set_trace_func",
    "caller_locations",
    "caller(",
    "caller.",
    "at_exit",
    "exit!",
    "Process.exit",
    "Process.kill",
    "Kernel.exit",
    "abort(",
    "rspec/",
];
const PERL: [&str; 19] = [
    "HARNESS_",
    "Test::More",
    "Test::Builder",
    "Test2",
    "TAP::",
    "POSIX::_exit",
    "_exit(",
    "CORE::GLOBAL",
    "%INC",
    "$INC{",
    "DB::",
    "$^P",
    "caller",
    "END{",
    "\"ok ",
    "'ok ",
    "\"not ok",
    "\"1..",
    "getppid",
];
/// What the source of shells says that asks who runs it, reaches the runner or speaks in its words.
pub const SHELL: [&str; 24] = [
    "HARNESS_",
    "BATS_",
    "SHUNIT",
    "SHELLSPEC",
    "BASH_SOURCE",
    "FUNCNAME",
    "$(caller",
    "`caller",
    "$0",
    "${0",
    "PPID",
    "/proc/",
    "/dev/fd/",
    "/dev/tty",
    "kill ",
    "'ok ",
    "\"ok ",
    "not ok",
    "echo ok",
    "echo 1..",
    "'1..",
    "\"1..",
    ".test.sh",
    "BASH_ENV",
];
/// What a script that others source says when it changes how they end.
pub const SHELL_ENDS: [&str; 3] = ["trap ", "exec ", "alias "];
/// Tests that reach into what runs them.
const OF_PHP: [&str; 8] = [
    "functionassert",
    "TestListener",
    "PHPUnit\\Runner",
    "PHPUnit\\Event",
    "onNotSuccessfulTest",
    "functionrunBare",
    "functionrunTest",
    "TestResult",
];
const OF_RUBY: [&str; 15] = [
    "RSpec::Core",
    "RSpec::Expectations",
    "RSpec::Matchers.",
    "moduleRSpec",
    "moduleMinitest",
    "Minitest.after_run",
    "Minitest.reporter",
    "Minitest::Runnable",
    "Minitest::Assertions",
    "Minitest::Result",
    "defassert",
    "defrefute",
    "defexpect",
    "define_method(:assert",
    "run_all_when_everything_filtered",
];
const OF_PERL: [&str; 10] =
    ["Test::Builder", "Test2::", "CORE::GLOBAL", "END{", "*ok=", "*is=", "*Test::More", "*main::ok", "subok", "subis"];

/// What source says that asks, reaches or ends.
pub fn of_source(language: Language, path: &str) -> Vec<&'static str> {
    match language {
        Language::Php => PHP.to_vec(),
        Language::Ruby => RUBY.to_vec(),
        // A program of its own may end as it likes.
        Language::Perl if path.ends_with(".pm") => PERL.iter().copied().chain(["exit(", "exit;"]).collect(),
        Language::Perl => PERL.to_vec(),
        _ => Vec::new(),
    }
}

/// What tests and their set-up say that reach into the runner.
pub fn of_tests(path: &str) -> &'static [&'static str] {
    match Language::of(path) {
        Some(Language::Php) => &OF_PHP,
        Some(Language::Ruby) => &OF_RUBY,
        Some(Language::Perl) => &OF_PERL,
        _ => &[],
    }
}

/// Whether a line of a test ends the process, or arranges for something when it ends.
pub fn ends_process(path: &str, line: &str) -> bool {
    let comment = if Language::of(path) == Some(Language::Php) { " //" } else { " # " };
    let plain: String = line.split(comment).next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let called = |word: &str, after: &[char]| {
        plain.match_indices(word).any(|(at, _)| {
            let before = plain[..at].chars().next_back();
            let own = before.is_none_or(|letter| !(letter.is_alphanumeric() || "_.:>$'\"@%&\\".contains(letter)));
            let next = plain[at + word.len()..].chars().next();
            own && next.map_or(after.contains(&';'), |next| after.contains(&next))
        })
    };
    if plain.starts_with('#') || plain.starts_with("//") || plain.starts_with('*') {
        return false;
    }
    match Language::of(path) {
        Some(Language::Php) => {
            called("exit", &['(', ';', ' '])
                || called("die", &['(', ';'])
                || plain.contains("register_shutdown_function(")
                || plain.contains("posix_kill(")
        }
        Some(Language::Ruby) => {
            let named =
                ["exit!", "Process.exit", "Process.kill", "Kernel.exit", "Kernel.abort", "at_exit"].iter().any(|word| plain.contains(word));
            named || called("exit", &['(', ';', ' ']) || called("abort", &['(', ';', ' '])
        }
        Some(Language::Perl) => {
            plain.contains("_exit(") || called("exit", &['(', ';', ' ']) || plain.contains("kill 9") || plain.contains("kill KILL")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_end_a_process_are_known() {
        for (path, line) in [
            ("tests/ATest.php", "        exit(0);"),
            ("tests/ATest.php", "die;"),
            ("tests/ATest.php", "register_shutdown_function(function () {});"),
            ("test/test_a.rb", "  exit!"),
            ("spec/a_spec.rb", "    at_exit { exit! 0 }"),
            ("test/test_a.rb", "  exit 0"),
            ("t/a.t", "POSIX::_exit(0);"),
            ("t/a.t", "exit;"),
        ] {
            assert!(ends_process(path, line), "{line}");
        }
        for (path, line) in [
            ("tests/ATest.php", "$this->exit(); $dies = 1; // exit(0)"),
            ("spec/a_spec.rb", "expect { cli.exit }.to raise_error(SystemExit)"),
            ("spec/a_spec.rb", "allow(cli).to receive(:exit)"),
            ("t/a.t", "is($exit, 0, 'exit code');"),
            ("a.py", "exit(0)"),
        ] {
            assert!(!ends_process(path, line), "{line}");
        }
    }
}
