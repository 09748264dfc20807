//! Building the test targets of a Cargo workspace, and what cargo's messages say came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::package::{Package, packages, sysroot_libraries};
use super::{Flags, append, environment};
use crate::error::Result;
use crate::runner::TroubleKind;
use crate::runner::findings::Findings;
use crate::runner::session::{Child, Deadline, Session};
use crate::runner::text::{clip, first_lines, plain};
use crate::sandbox::Ending;

/// What a build left.
#[derive(Debug)]
pub(in crate::runner) struct Built {
    pub(in crate::runner) targets: Vec<Target>,
    /// What build scripts told, by package id.
    pub(in crate::runner) scripts: BTreeMap<String, Script>,
    /// Tests may start compilers of their own.
    pub(in crate::runner) compiles: bool,
    /// The packages of the workspace by id, as far as cargo tells.
    pub(in crate::runner) packages: BTreeMap<String, Package>,
    /// Where rustc's own shared libraries are, for proc-macro tests.
    pub(in crate::runner) sysroot_libraries: Option<String>,
    pub(in crate::runner) ending: Ending,
    pub(in crate::runner) output: String,
}

/// One target cargo has built.
#[derive(Debug, Clone)]
pub(in crate::runner) struct Target {
    pub(in crate::runner) package: String,
    pub(in crate::runner) name: String,
    pub(in crate::runner) kind: String,
    /// Its root file, relative to the repository's root.
    pub(in crate::runner) source: String,
    /// The package's folder, as children see it.
    pub(in crate::runner) folder: PathBuf,
    /// The test binary, as children see it; none for what is only linked.
    pub(in crate::runner) executable: Option<PathBuf>,
    /// The program itself, for targets that are programs.
    pub(in crate::runner) program: Option<PathBuf>,
    pub(in crate::runner) doctest: bool,
}

/// What a build script told cargo.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::runner) struct Script {
    pub(in crate::runner) out_dir: String,
    pub(in crate::runner) env: Vec<(String, String)>,
    pub(in crate::runner) linked_paths: Vec<String>,
}

/// Libraries whose tests run rustc.
const COMPILING: [&str; 5] = ["trybuild", "ui_test", "compiletest_rs", "macrotest", "compiletest"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    reason: String,
    package_id: String,
    manifest_path: String,
    target: TargetMessage,
    message: Diagnostic,
    profile: Profile,
    executable: Option<String>,
    #[serde(flatten)]
    script: Script,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TargetMessage {
    kind: Vec<String>,
    name: String,
    src_path: String,
    doctest: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Profile {
    test: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Diagnostic {
    level: String,
    rendered: Option<String>,
    message: String,
}

impl Built {
    /// The libraries that can have doctests.
    pub(in crate::runner) fn libraries(&self) -> Vec<&Target> {
        self.targets.iter().filter(|target| target.doctest && target.executable.is_none()).collect()
    }
}

/// Builds every test target, past those that do not compile.
pub(in crate::runner) fn build(session: &Session<'_>, flags: &Flags, findings: &mut Findings) -> Result<Built> {
    let mut argv = flags.cargo();
    argv.extend(["build", "--message-format=json", "--keep-going"].map(str::to_owned));
    if !flags.targets {
        argv.push("--tests".to_owned());
    }
    if !flags.profile_chosen() {
        // What `cargo test` builds with, and what its artefacts are shared with.
        argv.extend(["--profile", "test"].map(str::to_owned));
    }
    argv.extend(flags.build.iter().cloned());
    let mut child = Child::new(argv).parsed();
    child.env.extend(environment(session));
    child.env.extend(flags.vars.iter().cloned());
    let finished = session.start(child, Deadline::after(session.settings.build_timeout.duration()))?;
    let mut built = Built {
        targets: Vec::new(),
        scripts: BTreeMap::new(),
        compiles: false,
        packages: packages(session, flags)?,
        sysroot_libraries: sysroot_libraries(session)?,
        ending: finished.ending,
        output: String::new(),
    };
    let place = |path: &str| session.relative(path).unwrap_or_else(|| path.to_owned());
    read(&finished.stdout.text(), &place, &mut built, findings);
    let said = plain(&finished.stderr.text());
    let broken = findings.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Build);
    if !finished.ok() && !broken && finished.ending != Ending::TimedOut {
        // Cargo itself refused: a broken manifest, a dependency that is not there, no cargo at all.
        let kind = if said.contains("command not found") { TroubleKind::Missing } else { TroubleKind::Build };
        findings.trouble(kind, None, &first_lines(&decisive(&said), 12));
    }
    append(&mut built.output, &said);
    Ok(built)
}

/// Reads cargo's messages.
fn read(text: &str, place: &dyn Fn(&str) -> String, built: &mut Built, findings: &mut Findings) {
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let Ok(message) = serde_json::from_str::<Message>(line) else { continue };
        match message.reason.as_str() {
            "compiler-message" if message.message.level == "error" => {
                let rendered = message.message.rendered.unwrap_or(message.message.message);
                let file = place(&message.target.src_path);
                let said = format!("{} \"{}\" does not compile: {}", kind(&message.target), message.target.name, clip(&rendered, 3_000));
                findings.trouble(TroubleKind::Build, Some(&file), &said);
                append(&mut built.output, &rendered);
            }
            "compiler-artifact" if COMPILING.contains(&message.target.name.as_str()) => built.compiles = true,
            "compiler-artifact" => built.targets.push(artifact(message, place)),
            "build-script-executed" => {
                built.scripts.insert(message.package_id, message.script);
            }
            _ => {}
        }
    }
}

fn artifact(message: Message, place: &dyn Fn(&str) -> String) -> Target {
    let executable = message.executable.map(PathBuf::from);
    let (executable, program) = if message.profile.test { (executable, None) } else { (None, executable) };
    Target {
        package: message.package_id,
        kind: kind(&message.target),
        source: place(&message.target.src_path),
        folder: PathBuf::from(message.manifest_path).parent().map(PathBuf::from).unwrap_or_default(),
        doctest: message.target.doctest,
        name: message.target.name,
        executable,
        program,
    }
}

fn kind(target: &TargetMessage) -> String {
    target.kind.first().cloned().unwrap_or_default()
}

/// From cargo's first `error` on.
fn decisive(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let start = lines.iter().position(|line| line.starts_with("error")).unwrap_or(lines.len().saturating_sub(12));
    lines[start..].join("\n")
}
