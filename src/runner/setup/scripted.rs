//! composer, bundler and cpanm: where they install to, and what becomes of a suite when they cannot.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Setup, mentions};
use crate::error::Result;
use crate::runner::text::first_lines;
use crate::runner::{Program, Suite};

/// The variables that make them install into the bench, and let what is there be found beside the machine's own.
pub(super) fn environment(suites: &[Suite], point: &Path, inside: &Path, path: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let below = |name: &str| inside.join(name).to_string_lossy().into_owned();
    let mut set = |name: &str, value: String| drop(env.insert(name.to_owned(), value));
    for suite in suites.iter().filter(|suite| suite.program == Program::Phpunit || mentions(suite, &["composer", "phpunit"])) {
        path.push(point.join(&suite.dir).join("vendor/bin").to_string_lossy().into_owned());
        set("COMPOSER_ALLOW_SUPERUSER", "1".to_owned());
    }
    let is_ruby = |suite: &Suite| matches!(suite.program, Program::Rspec | Program::Minitest) || mentions(suite, &["bundle", "rake"]);
    if suites.iter().any(is_ruby) {
        path.push(below("gems/bin"));
        set("GEM_HOME", below("gems"));
        set("BUNDLE_RETRY", "1".to_owned());
        set("BUNDLE_TIMEOUT", "30".to_owned());
        set("BUNDLE_DISABLE_VERSION_CHECK", "true".to_owned());
    }
    if suites.iter().any(|suite| suite.program == Program::Prove || mentions(suite, &["cpanm", "prove"])) {
        path.push(below("perl/bin"));
        set("PERL5LIB", below("perl/lib/perl5"));
        set("PERL_CPANM_OPT", format!("--local-lib-contained={} --quiet", below("perl")));
    }
    env
}

/// After `composer install`, `bundle install` or `cpanm` failed: the tests run with what this machine has, and what that
/// means is told. False when the command was none of them.
pub(super) fn by_the_machine(setup: &Setup<'_>, dir: &str, command: &str, said: &str) -> Result<bool> {
    let program = command.split_whitespace().next().unwrap_or_default();
    if !matches!(program, "composer" | "bundle" | "cpanm") {
        return Ok(false);
    }
    let why = first_lines(said, 2).replace('\n', " ");
    setup.lacks(format!("setup: `{command}` failed, so the tests run with what is installed on this machine: {why}"));
    if program == "composer" {
        // The classes of the repository itself can be loaded without anything from elsewhere.
        let finished = setup.start(dir, "composer dump-autoload --no-interaction --no-scripts --no-plugins")?;
        if !finished.ok() {
            setup.lacks("setup: composer could not write vendor/autoload.php either".to_owned());
        }
    }
    Ok(true)
}
