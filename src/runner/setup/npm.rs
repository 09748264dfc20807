//! npm when single packages cannot be had: the rest is installed, and what is missing is named.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use ignore::WalkBuilder;
use regex::Regex;
use serde_json::Value;

use super::{Setup, decisive};
use crate::error::{Kind, OrFail, Result};
use crate::runner::places;
use crate::sandbox::{Finished, Mount};
use crate::task::Event;

/// Longest package.json that is read.
const MANIFEST: u64 = 4 << 20;

static IMPORT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:require\(|from|import|import\()\s*['"]([^'".\n][^'"\n]*)['"]"#).expect("a constant pattern that the tests compile")
});

/// The folder in which an install is run: that of the workspace, where the package is a part of one.
pub(super) fn home<'d>(root: &Path, dir: &'d str, command: &str) -> &'d str {
    let installs = ["npm ci", "npm install", "pnpm install", "yarn install"].iter().any(|start| command.starts_with(start));
    let is_workspace = |folder: &Path| {
        let manifest = places::read(&root.join(folder).join("package.json"), MANIFEST).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        manifest.get("workspaces").is_some() || root.join(folder).join("pnpm-workspace.yaml").is_file()
    };
    let above = Path::new(dir).ancestors().skip(1).filter(|_| installs).find(|folder| is_workspace(folder));
    above.and_then(Path::to_str).unwrap_or(dir)
}

/// After `npm ci` or `npm install` failed: production dependencies and the development packages that the test command
/// and the code really name, first together, then in halves down to the single package that fails. False when the
/// command was no such install or nothing could be had.
pub(super) fn partly(setup: &Setup<'_>, dir: &str, command: &str, said: &str) -> Result<bool> {
    if !command.starts_with("npm ") {
        return Ok(false);
    }
    let manifest = places::read(&setup.tree.host.join(dir).join("package.json"), MANIFEST).unwrap_or_default();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let Some(declared) = manifest.get("devDependencies").and_then(Value::as_object) else { return Ok(false) };
    let mut named = named(setup, dir);
    let steps = steps(setup, &manifest);
    named.extend(declared.keys().filter(|name| builds(&steps, name)).cloned());
    let (mut wanted, mut missing) = (Vec::new(), Vec::new());
    for (name, version) in declared.iter().filter_map(|(name, version)| Some((name, version.as_str()?))) {
        let package = format!("{name}@{version}");
        if named.contains(name) && !names(said, &package) { wanted.push(package) } else { missing.push(package) }
    }
    setup.warn(format!("setup: `{command}` failed; installing what the tests name: {}", wanted.join(", ")));
    let installed = halves(setup, dir, wanted, &mut missing, 0)?;
    if !missing.is_empty() {
        setup.lacks(format!("setup: not installed: {}", missing.join(", ")));
    }
    Ok(!installed.is_empty())
}

/// The words of the build steps before the tests, and of the scripts of the manifest that they call.
fn steps(setup: &Setup<'_>, manifest: &Value) -> BTreeSet<String> {
    let words = |text: &str| text.split([' ', '\t', '"', '\'', ';']).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let mut waiting: Vec<String> = setup.suites.iter().flat_map(|suite| &suite.build).flat_map(|step| words(step)).collect();
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    let mut steps = BTreeSet::new();
    while let Some(word) = waiting.pop() {
        // `run-p build:*` calls all scripts that begin so; what stands before and behind a script is called with it.
        let calls = |name: &str| {
            let own = name.strip_prefix("pre").or(name.strip_prefix("post")).unwrap_or(name);
            own == word || name == word || word.strip_suffix('*').is_some_and(|start| start.ends_with(':') && name.starts_with(start))
        };
        let called = scripts.iter().flat_map(|all| all.iter()).filter(|(name, _)| calls(name));
        let more: Vec<String> = called.filter_map(|(_, script)| script.as_str()).flat_map(words).collect();
        if steps.insert(word) {
            waiting.extend(more);
        }
    }
    steps
}

/// Whether a package takes part in the build steps: a tool that they start, or what such tools load.
fn builds(steps: &BTreeSet<String>, package: &str) -> bool {
    let any = |holds: &dyn Fn(&str) -> bool| steps.iter().any(|word| holds(word));
    let of_types = package.starts_with("@types/") || package == "typescript";
    let of_family =
        ["babel", "rollup", "esbuild", "swc", "webpack"].iter().any(|name| package.contains(name) && any(&|word| word.contains(name)));
    // Packages whose programs have other names.
    let started = match package {
        "npm-run-all" | "npm-run-all2" => any(&|word| matches!(word, "run-p" | "run-s")),
        "uglify-js" => any(&|word| word == "uglifyjs"),
        _ => false,
    };
    steps.contains(package)
        || started
        || of_family && !package.contains("eslint")
        || of_types && any(&|word| word.starts_with("ts") || word.contains("types"))
}

/// Names of packages in the test command, and in `require`, `import` and `from` of the code outside of dependencies.
fn named(setup: &Setup<'_>, dir: &str) -> BTreeSet<String> {
    let mut named: BTreeSet<String> = setup.suites.iter().flat_map(|suite| suite.command.split_whitespace()).map(str::to_owned).collect();
    let walk = WalkBuilder::new(setup.tree.host.join(dir))
        .standard_filters(false)
        .filter_entry(|entry| !matches!(entry.file_name().to_string_lossy().as_ref(), "node_modules" | ".git" | "dist"))
        .build();
    for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
        let code = entry
            .path()
            .extension()
            .is_some_and(|end| ["js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx"].iter().any(|one| end == *one));
        // What configures a linter or bundler is not what the tests need.
        let code = code && !entry.file_name().to_string_lossy().contains(".config.");
        let small = entry.metadata().is_ok_and(|meta| meta.len() < 1 << 20);
        if !code || !small {
            continue;
        }
        let Ok(text) = places::read(entry.path(), 1 << 20) else { continue };
        for found in IMPORT.captures_iter(&String::from_utf8_lossy(&text)) {
            let parts: Vec<&str> = found[1].split('/').take(if found[1].starts_with('@') { 2 } else { 1 }).collect();
            named.insert(parts.join("/"));
        }
    }
    named
}

/// Whether npm's words blame this package itself.
fn names(said: &str, package: &str) -> bool {
    let name = package.rsplit_once('@').map_or(package, |(name, _)| name);
    let path = format!("/{}", name.replace('/', "%2f"));
    said.lines().any(|line| {
        let blamed = line.contains("404") || line.contains("No matching version") || line.contains("403") || line.contains("ENOTFOUND");
        blamed && (line.contains(&path) || line.contains(&format!("'{package}'")) || line.contains(&format!(" {name}@")))
    })
}

/// Installs all of `wanted` that can be; packages that fail alone go to `missing`.
fn halves(setup: &Setup<'_>, dir: &str, wanted: Vec<String>, missing: &mut Vec<String>, depth: usize) -> Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let finished = install(setup, dir, &wanted)?;
    if finished.ok() {
        return Ok(wanted);
    }
    if wanted.len() == 1 || depth > 12 || setup.deadline.spent() {
        missing.extend(wanted);
        return Ok(Vec::new());
    }
    let said = decisive(&finished);
    let (blamed, rest): (Vec<String>, Vec<String>) = wanted.into_iter().partition(|one| names(&said, one));
    if !blamed.is_empty() {
        missing.extend(blamed);
        return halves(setup, dir, rest, missing, depth + 1);
    }
    let (first, second) = rest.split_at(rest.len() / 2);
    let mut good = halves(setup, dir, first.to_vec(), missing, depth + 1)?;
    let more = halves(setup, dir, second.to_vec(), missing, depth + 1)?;
    // npm removes what the last call did not name, so both halves are named once more together.
    if !good.is_empty() && !more.is_empty() {
        good.extend(more);
        let finished = install(setup, dir, &good)?;
        return Ok(if finished.ok() { good } else { Vec::new() });
    }
    good.extend(more);
    Ok(good)
}

/// npm asks the registry about everything a package.json names, wanted or not: it is shown one that names less.
fn install(setup: &Setup<'_>, dir: &str, wanted: &[String]) -> Result<Finished> {
    let real = places::read(&setup.tree.host.join(dir).join("package.json"), MANIFEST).unwrap_or_default();
    let mut manifest: Value = serde_json::from_slice(&real).unwrap_or_default();
    if let Some(declared) = manifest.get_mut("devDependencies").and_then(Value::as_object_mut) {
        declared.retain(|name, version| wanted.contains(&format!("{name}@{}", version.as_str().unwrap_or_default())));
    }
    // The package's own hooks (prepare, prepublish) need tools that may be among what is missing.
    if let Some(manifest) = manifest.as_object_mut() {
        manifest.remove("scripts");
    }
    let path = places::write(&setup.tree.private, "package.json", &manifest.to_string())
        .or_fail(Kind::Workspace, || format!("writing a package.json to {}", setup.tree.private.display()))?;
    let shown = Mount::ReadOnly { host: path, inside: setup.tree.point.join(dir).join("package.json") };
    let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
    setup.reporter.event(&Event::Progress { what: format!("setup: trying {}", names.join(" ")) });
    setup.start_over(dir, "npm install --no-save --no-package-lock --legacy-peer-deps --ignore-scripts", Some(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_that_take_part_in_a_build_are_known_by_the_scripts_that_it_calls() {
        let steps: BTreeSet<String> = ["npm", "run", "run-p", "build:*", "esbuild", "src/a.js"].map(str::to_owned).into();
        for package in ["npm-run-all", "esbuild", "esbuild-plugin-umd-wrapper"] {
            assert!(builds(&steps, package), "{package}");
        }
        for package in ["eslint", "rimraf", "@types/node", "semantic-release"] {
            assert!(!builds(&steps, package), "{package}");
        }
    }
}
