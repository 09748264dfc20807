//! npm when single packages cannot be had: the rest is installed, and what is missing is named.

use std::fs;

use serde_json::Value;

use super::{Setup, decisive};
use crate::error::Result;
use crate::runner::words::line;

/// After `npm ci` or `npm install` failed: production dependencies, then the development ones in halves, down to the
/// single package that fails. False when the command was no such install or nothing could be had.
pub(super) fn partly(setup: &Setup<'_>, dir: &str, command: &str, said: &str) -> Result<bool> {
    if !command.starts_with("npm ") {
        return Ok(false);
    }
    let manifest = fs::read(setup.tree.host.join(dir).join("package.json")).unwrap_or_default();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let Some(wanted) = manifest.get("devDependencies").and_then(Value::as_object) else { return Ok(false) };
    let wanted: Vec<String> = wanted.iter().filter_map(|(name, version)| Some(format!("{name}@{}", version.as_str()?))).collect();
    let (named, rest): (Vec<String>, Vec<String>) = wanted.into_iter().partition(|one| names(said, one));
    setup.warn(format!("setup: `{command}` failed; installing what can be had"));
    let mut missing = named;
    let installed = halves(setup, dir, rest, &mut missing, 0)?;
    if !missing.is_empty() {
        setup.warn(format!("setup: not installed: {}", missing.join(", ")));
    }
    Ok(!installed.is_empty())
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
    let finished = setup.start(dir, &install(&wanted))?;
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
        let finished = setup.start(dir, &install(&good))?;
        return Ok(if finished.ok() { good } else { Vec::new() });
    }
    good.extend(more);
    Ok(good)
}

/// Without touching package.json: what is named, and the production dependencies.
fn install(wanted: &[String]) -> String {
    format!("npm install --no-save --no-package-lock --no-audit --no-fund --omit=dev {}", line(wanted))
}
