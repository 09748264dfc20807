//! What the repository's own CI says about how its tests are run. Read as text: workflow files are YAML, and only the
//! `cargo test` words in them matter.

use std::fs;

use super::Found;
use crate::runner::words::words;

/// Feature flags of the `cargo test` steps, with the workflow file: those that every one of the first few agree on
/// would be too few, so the plainest step that tests everything wins.
pub(super) fn cargo_flags(found: &Found<'_>) -> Option<(String, String)> {
    let mut best: Option<(String, String)> = None;
    for (file, text) in workflows(found) {
        for line in text.lines() {
            let Some(at) = line.find("cargo test").or_else(|| line.find("cargo nextest run")) else { continue };
            let Some(split) = words(line[at..].trim_end_matches(['"', '\''])) else { continue };
            if split.words.iter().any(|word| word == "--doc" || word == "--no-default-features" || word == "--no-run") {
                continue;
            }
            if split.words.iter().any(|word| word == "--all-features") {
                return Some((file, "--all-features".to_owned()));
            }
            let features = split.words.iter().enumerate().find_map(|(at, word)| match word.strip_prefix("--features") {
                Some("") => split.words.get(at + 1).map(|value| format!("--features {value}")),
                Some(value) => Some(format!("--features{value}")),
                None => None,
            });
            let whole =
                !split.words.iter().any(|word| word == "-p" || word.starts_with("--package") || word.starts_with("--manifest-path"));
            if best.is_none()
                && whole
                && let Some(features) = features
            {
                best = Some((file.clone(), features));
            }
        }
    }
    best
}

/// Flags of the `go test` steps that decide what is built, with the workflow file: those of the first step that tests
/// every package.
pub(super) fn go_flags(found: &Found<'_>) -> Option<(String, String)> {
    for (file, text) in workflows(found) {
        for line in text.lines() {
            let Some(split) = line.find("go test").and_then(|at| words(line[at..].trim_end_matches(['"', '\'']))) else { continue };
            if !split.words.iter().any(|word| word == "./...") {
                continue;
            }
            let mut kept: Vec<String> = Vec::new();
            let mut rest = split.words.iter();
            while let Some(word) = rest.next() {
                let name = word.trim_start_matches('-');
                match name {
                    "race" if (found.has)("gcc") => kept.push("-race".to_owned()),
                    "short" => kept.push("-short".to_owned()),
                    "tags" => kept.extend(rest.next().map(|value| format!("-tags={value}"))),
                    _ if name.starts_with("tags=") && !name.contains(['{', '$']) => kept.push(format!("-{name}")),
                    _ => {}
                }
            }
            if !kept.is_empty() {
                return Some((file, kept.join(" ")));
            }
        }
    }
    None
}

/// The workflow files and their texts, by name.
pub(super) fn workflows(found: &Found<'_>) -> Vec<(String, String)> {
    let folder = ".github/workflows";
    let Ok(entries) = fs::read_dir(found.root.join(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.ends_with(".yml") || name.ends_with(".yaml"));
    names.sort();
    names.into_iter().filter_map(|name| Some((format!("{folder}/{name}"), found.text(&format!("{folder}/{name}"))?))).collect()
}
