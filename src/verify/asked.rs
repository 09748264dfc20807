//! What the manifests of each ecosystem ask for: one entry per requirement, under a key that stays the same while it does.
//! Pure; what a change of it means is `dependencies`' work.

use std::collections::BTreeMap;

use serde_json::Value;

/// One thing that a manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// Version, source, options, as they are written.
    pub spec: String,
}

/// What a manifest asks for, by a key of its own; none when this is no manifest that loom reads. A missing file asks for nothing.
pub fn asked(name: &str, text: Option<&str>) -> Option<BTreeMap<String, Asked>> {
    let requirements = name.contains("requirements") && name.ends_with(".txt");
    let known = matches!(name, "Cargo.toml" | "package.json" | "composer.json" | "pyproject.toml" | "setup.cfg" | "go.mod" | "Pipfile");
    if !known && !requirements {
        return None;
    }
    let Some(text) = text else { return Some(BTreeMap::new()) };
    let mut asked = BTreeMap::new();
    match name {
        "Cargo.toml" => cargo(&text.parse().ok()?, "", &mut asked),
        "package.json" => json(
            text,
            &["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions"],
            &mut asked,
        )?,
        "composer.json" => json(text, &["require", "require-dev", "repositories"], &mut asked)?,
        "pyproject.toml" | "Pipfile" => python(&text.parse().ok()?, &mut asked),
        "setup.cfg" => setup_cfg(text, &mut asked),
        "go.mod" => text.lines().map(str::trim).filter(|line| line.contains(" v") || line.contains("=>")).for_each(|line| {
            let name = line.trim_start_matches("require ").split_whitespace().next().unwrap_or_default();
            put(&mut asked, line, name, line.trim_end_matches("// indirect").trim());
        }),
        _ => text.lines().for_each(|line| requirement(&mut asked, "", line)),
    }
    Some(asked)
}

fn put(asked: &mut BTreeMap<String, Asked>, key: &str, name: &str, spec: &str) {
    asked.insert(key.to_owned(), Asked { name: name.to_owned(), spec: spec.to_owned() });
}

/// Every table of dependencies, wherever it stands: by target, of the workspace, in `[patch]`.
fn cargo(table: &toml::Table, path: &str, asked: &mut BTreeMap<String, Asked>) {
    for (key, value) in table {
        let here = format!("{path}.{key}");
        let Some(inner) = value.as_table() else { continue };
        let holds = matches!(key.as_str(), "dependencies" | "dev-dependencies" | "build-dependencies" | "replace") || path == ".patch";
        if !holds {
            if matches!(key.as_str(), "target" | "workspace" | "patch") || path.starts_with(".target") {
                cargo(inner, &here, asked);
            }
            continue;
        }
        for (name, spec) in inner {
            let spec =
                toml::Value::try_from(BTreeMap::from([("it", spec)])).ok().and_then(|one| inline(one.get("it")?)).unwrap_or_default();
            put(asked, &format!("{here}.{name}"), name, &spec);
        }
    }
}

/// A value on one line.
fn inline(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Table(table) => {
            let inner: Vec<String> = table.iter().filter_map(|(key, value)| Some(format!("{key} = {}", inline(value)?))).collect();
            Some(format!("{{ {} }}", inner.join(", ")))
        }
        other => Some(other.to_string()),
    }
}

fn json(text: &str, tables: &[&str], asked: &mut BTreeMap<String, Asked>) -> Option<()> {
    let value: Value = serde_json::from_str(text).ok()?;
    for table in tables {
        match value.get(*table) {
            Some(Value::Object(entries)) => entries.iter().for_each(|(name, spec)| {
                let spec = spec.as_str().map_or_else(|| spec.to_string(), str::to_owned);
                put(asked, &format!("{table}.{name}"), name, &spec);
            }),
            Some(other) => put(asked, &format!("option:{table}"), table, &other.to_string()),
            None => {}
        }
    }
    Some(())
}

fn python(table: &toml::Table, asked: &mut BTreeMap<String, Asked>) {
    let at = |path: &[&str]| {
        path.iter()
            .try_fold(None::<&toml::Value>, |value, key| {
                let next = match value {
                    None => table.get(*key),
                    Some(value) => value.get(key),
                };
                next.map(Some)
            })
            .flatten()
    };
    let list = |value: Option<&toml::Value>| value.and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let mut lists = vec![
        ("project".to_owned(), list(at(&["project", "dependencies"]))),
        ("option:build".to_owned(), list(at(&["build-system", "requires"]))),
        ("uv".to_owned(), list(at(&["tool", "uv", "dev-dependencies"]))),
    ];
    for path in [&["project", "optional-dependencies"][..], &["dependency-groups"]] {
        let groups = at(path).and_then(toml::Value::as_table).cloned().unwrap_or_default();
        lists.extend(groups.into_iter().map(|(name, value)| (name, list(Some(&value)))));
    }
    for (group, list) in lists {
        list.iter().filter_map(toml::Value::as_str).for_each(|line| requirement(asked, &group, line));
    }
    if let Some(backend) = at(&["build-system", "build-backend"]) {
        put(asked, "option:backend", "build-system", &backend.to_string());
    }
    let mut tables: Vec<(String, toml::Table)> = Vec::new();
    for path in [
        &["tool", "poetry", "dependencies"][..],
        &["tool", "poetry", "dev-dependencies"],
        &["packages"],
        &["dev-packages"],
        &["tool", "uv", "sources"],
    ] {
        tables.extend(at(path).and_then(toml::Value::as_table).map(|table| (path.join("."), table.clone())));
    }
    for (group, value) in at(&["tool", "poetry", "group"]).and_then(toml::Value::as_table).into_iter().flatten() {
        tables.extend(value.get("dependencies").and_then(toml::Value::as_table).map(|table| (group.clone(), table.clone())));
    }
    for (group, table) in tables {
        for (name, spec) in &table {
            let odd = spec
                .as_table()
                .is_some_and(|spec| ["git", "url", "path", "index", "source", "file"].iter().any(|key| spec.contains_key(*key)));
            let key = if odd { format!("option:{group}.{name}") } else { format!("{group}.{name}") };
            put(asked, &key, name, &inline(spec).unwrap_or_default());
        }
    }
    for option in ["index", "source", "find-links"] {
        for path in [["tool", "uv", option], ["tool", "poetry", option]] {
            if let Some(value) = at(&path) {
                put(asked, &format!("option:{}", path.join(".")), option, &value.to_string());
            }
        }
    }
}

/// One line as pip reads it.
fn requirement(asked: &mut BTreeMap<String, Asked>, group: &str, line: &str) {
    let line = line.split(" #").next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with("--hash") || line.starts_with("-r ") || line.starts_with("-c ") {
        return;
    }
    if line.starts_with("--") && !line.starts_with("--editable") {
        put(asked, &format!("option:{line}"), line, line);
        return;
    }
    let end = line.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '-' | '_' | '.')).unwrap_or(line.len());
    let (name, spec) = line.split_at(if line.starts_with(['-', '.', '/']) { 0 } else { end });
    let spec = if name.is_empty() { line } else { spec.trim().trim_end_matches('\\').trim() };
    let name = if name.is_empty() { line } else { name };
    let key = if group.starts_with("option:") { format!("{group}.{name}") } else { format!("{group}:{name}:{spec}") };
    put(asked, &key, name, spec);
}

fn setup_cfg(text: &str, asked: &mut BTreeMap<String, Asked>) {
    let (mut section, mut key) = (String::new(), String::new());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(name) = line.trim().strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if line.starts_with(char::is_whitespace) {
            let holds = section == "options" && key == "install_requires" || section == "options.extras_require";
            if holds {
                requirement(asked, &key, line);
            }
        } else if let Some((name, value)) = line.split_once('=') {
            key = name.trim().to_owned();
            if section == "options" && key == "install_requires" || section == "options.extras_require" {
                requirement(asked, &key, value);
            }
        }
    }
}
