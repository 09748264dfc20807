//! The user's own toolchains: which folders of the host a child may read so that its `cargo`, `python` or `node` is
//! the one the user has. Folders that hold programs, never a home, never a folder known to keep credentials.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use crate::config::HostEnvironment;

/// A manager of versions: the variable that names its folder, where it lies below home by default, and what of it
/// children need (nothing named: all of it).
const MANAGERS: [(&str, &str, &[&str]); 17] = [
    ("RUSTUP_HOME", ".rustup", &[]),
    ("PYENV_ROOT", ".pyenv", &[]),
    ("NVM_DIR", ".nvm", &[]),
    ("VOLTA_HOME", ".volta", &[]),
    ("FNM_DIR", ".local/share/fnm", &["node-versions", "aliases"]),
    ("ASDF_DATA_DIR", ".asdf", &[]),
    ("ASDF_DIR", ".asdf", &[]),
    ("MISE_DATA_DIR", ".local/share/mise", &["installs", "shims", "plugins"]),
    ("RBENV_ROOT", ".rbenv", &[]),
    ("NODENV_ROOT", ".nodenv", &[]),
    ("GOENV_ROOT", ".goenv", &[]),
    ("JENV_ROOT", ".jenv", &[]),
    ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python", &[]),
    ("UV_TOOL_DIR", ".local/share/uv/tools", &[]),
    ("PIPX_HOME", ".local/share/pipx", &["venvs", "py", "shared"]),
    ("SDKMAN_DIR", ".sdkman", &["candidates"]),
    ("DENO_INSTALL", ".deno", &["bin"]),
];

/// Variables that name one toolchain's folder.
const HOMES: [&str; 8] = ["JAVA_HOME", "GOROOT", "M2_HOME", "MAVEN_HOME", "GRADLE_HOME", "DOTNET_ROOT", "VIRTUAL_ENV", "CONDA_PREFIX"];

/// Files that hold credentials, should one lie at the top of a toolchain's folder.
const CREDENTIALS: [&str; 9] =
    [".env", ".netrc", ".npmrc", ".pypirc", ".git-credentials", "credentials", "credentials.toml", "auth.json", "auth.toml"];

/// What was found for one user.
pub(super) struct Toolchains {
    /// Or a single program.
    folders: BTreeSet<PathBuf>,
    links: Vec<(PathBuf, PathBuf)>,
    home: Option<PathBuf>,
}

impl Toolchains {
    /// Looks at PATH, at the usual variables and at the usual folders; `known` is what children see anyway.
    pub(super) fn find(host: &HostEnvironment, known: &Layout) -> Toolchains {
        let home = host.home().map(|home| home.canonicalize().unwrap_or_else(|_| home.to_path_buf()));
        let mut found = Toolchains { folders: BTreeSet::new(), links: Vec::new(), home };
        for (variable, below_home, parts) in MANAGERS {
            let Some(folder) = host.folder(variable).or_else(|| Some(host.home()?.join(below_home))) else { continue };
            match parts {
                [] => found.add(&folder, known),
                parts => parts.iter().for_each(|part| found.add(&folder.join(part), known)),
            }
        }
        HOMES.iter().filter_map(|name| host.folder(name)).for_each(|folder| found.add(&folder, known));
        host.path().iter().for_each(|folder| found.add_programs(folder, known));
        found
    }

    /// Shows them in `layout`, `empty` standing in for credential files.
    pub(super) fn show(&self, layout: &mut Layout, empty: &Path) {
        for folder in &self.folders {
            if !layout.shows(folder) {
                layout.read_only(folder, folder);
            }
            for name in CREDENTIALS {
                if folder.join(name).is_file() {
                    layout.read_only(empty, &folder.join(name));
                }
            }
        }
        for (link, target) in &self.links {
            if !layout.shows(link) {
                layout.link(target, link);
            }
        }
    }

    /// One folder, where it really lies and where it is said to be.
    fn add(&mut self, folder: &Path, known: &Layout) {
        let Ok(real) = folder.canonicalize() else { return };
        if !real.is_dir() || self.too_wide(&real) {
            return;
        }
        if real != folder {
            self.links.push((folder.to_path_buf(), real.clone()));
        }
        if !known.shows(&real) {
            self.folders.insert(real);
        }
    }

    /// A folder of PATH: itself, the toolchain it belongs to, and where its links lead.
    fn add_programs(&mut self, folder: &Path, known: &Layout) {
        self.add(folder, known);
        let Ok(real) = folder.canonicalize() else { return };
        if known.shows(&real) || self.too_wide(&real) {
            return;
        }
        self.add_owner(&real, known);
        for entry in real.read_dir().into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink())
                && let Ok(program) = entry.path().canonicalize()
                && !known.shows(&program)
                && !self.has(&program)
            {
                self.add_program(&program, known);
            }
        }
    }

    /// Where a link of PATH leads: the toolchain if it lies in one, else that file alone.
    fn add_program(&mut self, program: &Path, known: &Layout) {
        let Some(folder) = program.parent() else { return };
        self.add_owner(folder, known);
        if self.has(program) {
            return;
        }
        let installed = self
            .home
            .iter()
            .any(|home| [".local/share", ".local/lib", ".local/opt"].iter().any(|part| folder.starts_with(home.join(part))));
        if installed || is_programs(folder) {
            self.add(folder, known);
        } else if program.is_file() {
            self.folders.insert(program.to_path_buf());
        }
    }

    /// `versions/20/bin` is of no use without `versions/20/lib`.
    fn add_owner(&mut self, programs: &Path, known: &Layout) {
        let Some(owner) = programs.parent().filter(|_| is_programs(programs)) else { return };
        let shared = self.home.as_ref().is_some_and(|home| owner == home.join(".local"));
        let looks_like_one = owner.file_name().is_some_and(|name| name == "node_modules")
            || ["lib", "libexec", "pyvenv.cfg", "install"].iter().any(|part| owner.join(part).exists());
        if looks_like_one && !shared && !owner.join("credentials.toml").exists() {
            self.add(owner, known);
        }
    }

    fn has(&self, folder: &Path) -> bool {
        folder.ancestors().any(|ancestor| self.folders.contains(ancestor))
    }

    /// A home, something above it, a folder of the root: more than a toolchain.
    fn too_wide(&self, folder: &Path) -> bool {
        let above_home = self.home.as_ref().is_some_and(|home| home.starts_with(folder));
        let cargo_home = folder.join("registry").is_dir() || folder.join("config.toml").is_file() && folder.ends_with(".cargo");
        above_home || cargo_home || folder.components().count() < 3
    }
}

fn is_programs(folder: &Path) -> bool {
    ["bin", ".bin", "sbin"].iter().any(|name| folder.ends_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::trial::program;

    /// The folders found for a home with these programs, relative to it; PATH in the order given.
    fn found(programs: &[&str], links: &[(&str, &str)], path: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().canonicalize().unwrap().join("home/user");
        for file in programs {
            let file = home.join(file);
            program(file.parent().unwrap(), file.file_name().unwrap().to_str().unwrap(), "#!/bin/sh\n");
        }
        for (link, target) in links {
            std::fs::create_dir_all(home.join(link).parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(home.join(target), home.join(link)).unwrap();
        }
        let path: Vec<String> = path.iter().map(|folder| home.join(folder).display().to_string()).collect();
        let variables = [("HOME".to_string(), home.display().to_string()), ("PATH".to_string(), path.join(":"))];
        let found = Toolchains::find(&variables.into_iter().collect(), &Layout::default());
        found.folders.iter().map(|folder| folder.strip_prefix(&home).unwrap().display().to_string()).collect()
    }

    #[test]
    fn rustup_is_shown_and_cargos_home_only_by_its_programs() {
        let programs = [".cargo/bin/rustup", ".cargo/registry/x", ".cargo/credentials.toml", ".rustup/toolchains/stable/bin/cargo"];
        assert_eq!(found(&programs, &[(".cargo/bin/cargo", ".cargo/bin/rustup")], &[".cargo/bin"]), [".cargo/bin", ".rustup"]);
    }

    #[test]
    fn a_version_of_node_comes_with_its_libraries() {
        let programs = ["tools/node-20/bin/node", "tools/node-20/lib/node_modules/npm/bin/npm-cli.js", "tools/other/secret"];
        let path = ["tools/node-20/bin"];
        assert_eq!(found(&programs, &[], &path), ["tools/node-20", "tools/node-20/bin"]);
    }

    #[test]
    fn links_in_a_bin_folder_lead_to_their_tool_and_no_further() {
        let programs = [
            ".local/bin/own",
            ".local/lib/python3.11/x",
            ".local/share/uv/tools/ruff/bin/ruff",
            ".local/share/uv/tools/ruff/lib/x",
            ".local/share/uv/credentials/secret",
            "projects/site/run.sh",
            "projects/site/.env",
        ];
        let links = [(".local/bin/ruff", ".local/share/uv/tools/ruff/bin/ruff"), (".local/bin/site", "projects/site/run.sh")];
        assert_eq!(found(&programs, &links, &[".local/bin"]), [".local/bin", ".local/share/uv/tools", "projects/site/run.sh"]);
    }

    #[test]
    fn a_home_in_path_is_never_shown() {
        assert!(found(&["x", ".ssh/id"], &[], &["", ".."]).is_empty());
    }
}
