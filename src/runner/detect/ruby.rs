//! Ruby: rspec by `.rspec` or its spec files, minitest by its test files; bundler where there is a Gemfile.

use super::{Found, at};
use crate::runner::{Program, Suite};

const MANIFESTS: [&str; 4] = ["Gemfile", ".rspec", "Rakefile", ".ruby-version"];

/// At most one suite of each kind per folder with a manifest that no other one contains.
pub(super) fn suites(found: &Found<'_>) -> Vec<Suite> {
    let mut folders: Vec<String> = MANIFESTS.iter().flat_map(|name| found.folders_with(name)).collect();
    let is_ruby = |path: &str| is_spec(path) || is_test(path);
    if folders.is_empty() && ["spec", "test"].iter().any(|folder| found.any_file(folder, is_ruby).is_some()) {
        folders.push(String::new());
    }
    let mut suites = super::apart(folders.clone(), |dir| rspec(found, dir));
    suites.extend(super::apart(folders, |dir| minitest(found, dir)));
    suites
}

fn is_spec(path: &str) -> bool {
    path.ends_with("_spec.rb")
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let inside = path.split('/').any(|part| matches!(part, "test" | "tests"));
    inside && (name.starts_with("test_") && name.ends_with(".rb") && name != "test_helper.rb" || name.ends_with("_test.rb"))
}

fn rspec(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let is_rspec =
        |path: &str| is_spec(path) && found.text(path).is_some_and(|text| !text.contains("minitest") && text.contains("describe"));
    let test = found.any_file(&at(dir, "spec"), is_rspec)?;
    suite(found, dir, Program::Rspec, "rspec", &test)
}

fn minitest(found: &Found<'_>, dir: &str) -> Option<Suite> {
    let helps = |text: &str| text.contains("test_helper") || text.contains("helper");
    let says = |text: &str| text.contains("minitest") || text.contains("Minitest");
    let helper = ["test/test_helper.rb", "test/helper.rb", "test/minitest_helper.rb"]
        .iter()
        .any(|name| found.text(&at(dir, name)).is_some_and(|text| says(&text)));
    let is_minitest = |path: &str| is_test(path) && found.text(path).is_some_and(|text| says(&text) || helper && helps(&text));
    let folder = ["test", "tests"].into_iter().find(|folder| found.any_file(&at(dir, folder), is_minitest).is_some())?;
    let test = found.any_file(&at(dir, folder), is_minitest)?;
    let by_rake = found.text(&at(dir, "Rakefile")).is_some_and(|text| text.contains("TestTask") || text.contains("task :test"));
    let command = match by_rake && (found.has)("rake") {
        true => "rake test".to_owned(),
        false => format!("ruby -Ilib -I{folder} -e 'Dir[\"./{folder}/**/{{test_*,*_test}}.rb\"].sort.each {{ |file| require file }}'"),
    };
    suite(found, dir, Program::Minitest, &command, &test)
}

fn suite(found: &Found<'_>, dir: &str, program: Program, command: &str, test: &str) -> Option<Suite> {
    let bundled = found.is_file(&at(dir, "Gemfile")) && (found.has)("bundle");
    Some(Suite {
        program,
        dir: dir.to_owned(),
        command: if bundled { format!("bundle exec {command}") } else { command.to_owned() },
        junit: None,
        setup: setup(found, dir),
        build: Vec::new(),
        why: format!("{}first test in {test}", if bundled { format!("{}; ", at(dir, "Gemfile")) } else { String::new() }),
    })
}

/// Installs by bundler where it is used.
pub(super) fn setup(found: &Found<'_>, dir: &str) -> Vec<String> {
    if found.is_file(&at(dir, "Gemfile")) && (found.has)("bundle") { vec!["bundle install".to_owned()] } else { Vec::new() }
}
