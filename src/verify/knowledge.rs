//! What the patch does to the names of the source: which it adds, which it removes, which files are source at all.
//! Read by the red classifier and by the judges of test texts.

use std::collections::BTreeSet;

use super::functions;
use super::inline;
use super::paths::is_test_path;
use super::red::Known;
use super::split::{Sided, Split};
use super::syntax::{Language, identifiers};
use crate::error::Result;
use crate::workspace::{Cache, Patch};

/// Gathers it from the base tree and the split.
pub fn of(cache: &Cache, patch: &Patch, split: &Split, own_folders: &[String]) -> Result<Known> {
    let paths = cache.paths(&patch.base_tree)?;
    let is_source = |path: &String| Language::of(path).is_some() && !is_test_path(path, own_folders);
    let mut known = Known { source_paths: paths.into_iter().filter(is_source).collect(), ..Known::default() };
    for file in split.source_side() {
        let Some(language) = Language::of(&file.path) else { continue };
        let (base, head) = (source(file, file.base.as_deref()), source(file, file.head.as_deref()));
        let before = identifiers(language, &base);
        known.added.extend(identifiers(language, &head).into_iter().filter(|name| !before.contains(name)));
        known.added.extend(functions::added(&file.path, &base, &head).into_iter().map(|one| one.name));
        if !file.existed && file.head.is_some() {
            known.new_sources.insert(file.path.clone());
            known.added.extend(module_names(&file.path));
        }
    }
    Ok(known)
}

/// Names of functions that the patch removes from every source file it touches.
pub fn removed(split: &Split) -> BTreeSet<String> {
    let mut gone = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for file in split.source_side() {
        let (base, head) = (source(file, file.base.as_deref()), source(file, file.head.as_deref()));
        gone.extend(functions::removed(&file.path, &base, &head));
        kept.extend(Language::of(&file.path).map(|language| identifiers(language, &head)).unwrap_or_default());
    }
    gone.retain(|name| !kept.contains(name) && name.len() > 2);
    gone
}

fn source(file: &Sided, text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    match Language::of(&file.path) {
        Some(language) if inline::holds_tests(language) => inline::source_text(language, text).unwrap_or_else(|| text.to_owned()),
        _ => text.to_owned(),
    }
}

/// What a new file is imported as: its stem, or its folder's name.
fn module_names(path: &str) -> Vec<String> {
    let mut parts = path.rsplit('/');
    let stem = parts.next().and_then(|name| name.split('.').next()).unwrap_or_default();
    if path.ends_with(".go") {
        return parts.next().into_iter().map(str::to_owned).collect();
    }
    match stem {
        "mod" | "__init__" | "index" => parts.next().into_iter().map(str::to_owned).collect(),
        _ => vec![stem.to_owned()],
    }
}
