//! `Cargo.toml`: new targets and members are welcome, what switches tests off is not. Pure.

/// New targets and members are welcome; what switches tests off is not.
pub fn loses(base: &str, head: &str, path: &str, is_gone: &dyn Fn(&str) -> bool) -> bool {
    let folder = path.strip_suffix("Cargo.toml").unwrap_or_default();
    let (Ok(base), Ok(head)) = (base.parse::<toml::Table>(), head.parse::<toml::Table>()) else { return base != head };
    let off = |table: &toml::Table| {
        let mut found = Vec::new();
        let targets = ["lib", "bin", "test", "example", "bench"].iter().filter_map(|key| Some((*key, table.get(*key)?)));
        for (key, value) in targets {
            let many = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
            for one in many {
                for switch in ["test", "doctest", "harness"] {
                    if one.get(switch).and_then(toml::Value::as_bool) == Some(false) {
                        found.push(format!("{key} {:?} {switch}", one.get("name")));
                    }
                }
            }
        }
        for switch in ["autotests", "autobins", "autolib"] {
            if table.get("package").and_then(|package| package.get(switch)).and_then(toml::Value::as_bool) == Some(false) {
                found.push(switch.to_owned());
            }
        }
        found
    };
    let listed = |table: &toml::Table, key: &str| -> Vec<String> {
        let list = table.get("workspace").and_then(|w| w.get(key)).and_then(toml::Value::as_array);
        let all = list.into_iter().flatten().filter_map(toml::Value::as_str);
        all.filter(|one| !is_gone(&format!("{folder}{one}/Cargo.toml"))).map(str::to_owned).collect()
    };
    // A target or member that leaves with its file is judged by the tests that leave.
    let names = |table: &toml::Table| -> Vec<String> {
        let named = |one: &toml::Value, key: &str| one.get(key).and_then(toml::Value::as_str).map(str::to_owned);
        let place = |one: &toml::Value| named(one, "path").or_else(|| Some(format!("tests/{}.rs", named(one, "name")?)));
        let list = table.get("test").and_then(toml::Value::as_array).into_iter().flatten();
        list.filter_map(place).filter(|one| !is_gone(&format!("{folder}{one}"))).collect()
    };
    let profile = |table: &toml::Table| table.get("profile").and_then(|p| p.get("test").or(p.get("dev"))).cloned();
    let lost = |before: Vec<String>, after: Vec<String>| before.iter().any(|one| !after.contains(one));
    lost(off(&head), off(&base))
        || lost(listed(&base, "members"), listed(&head, "members"))
        || lost(listed(&base, "default-members"), listed(&head, "default-members"))
        || lost(listed(&head, "exclude"), listed(&base, "exclude"))
        || lost(names(&base), names(&head))
        || profile(&base) != profile(&head)
}

/// Whether the tests get other features of the repository's own packages than before: code that only they are built with.
pub fn features_of_tests(base: &str, head: &str) -> bool {
    let own = |text: &str| -> Vec<(String, String)> {
        let table = text.parse::<toml::Table>().unwrap_or_default();
        let asked = table.get("dev-dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
        let local = asked.into_iter().filter(|(_, one)| one.get("path").is_some());
        local.filter_map(|(name, one)| Some((name, one.get("features").or(one.get("default-features"))?.to_string()))).collect()
    };
    let before = own(base);
    own(head).iter().any(|one| !before.contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_switches_tests_off_is_seen() {
        let base = "[package]\nname = \"a\"\n[workspace]\nmembers = [\"x\", \"y\"]\n[[test]]\nname = \"old\"\npath = \"tests/old.rs\"\n";
        let off = |head: &str| loses(base, head, "Cargo.toml", &|_| false);
        assert!(off(&format!("{base}[lib]\ntest = false\n")));
        assert!(off(&base.replace(", \"y\"", "")));
        assert!(off(&base.replace("name = \"a\"", "name = \"a\"\nautotests = false")));
        assert!(!off(&format!("{base}[dependencies]\nserde = \"1\"\n[[test]]\nname = \"new\"\n")));
        let without = base.split("[[test]]").next().unwrap();
        assert!(off(without));
        assert!(!loses(base, without, "Cargo.toml", &|path| path == "tests/old.rs"), "it left with its file");
        assert!(!loses(base, &base.replace(", \"y\"", ""), "Cargo.toml", &|path| path == "y/Cargo.toml"));
        assert!(features_of_tests(base, &format!("{base}[dev-dependencies]\na = {{ path = \".\", features = [\"x\"] }}\n")));
        assert!(!features_of_tests(
            base,
            &format!("{base}[dev-dependencies]\na = {{ path = \"x\" }}\nserde = {{ version = \"1\", features = [\"y\"] }}\n")
        ));
    }
}
