//! Generate and verify until it holds: the baseline runs beside the agent, a rejected patch goes back with the exact
//! reasons, a bounded number of times. The last verify always follows the last edit.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;

use serde::{Deserialize, Serialize};

use super::ground::Ground;
use super::mutate::{Mutate, mutate};
use super::stages::Run;
use super::text;
use crate::agent::{self, Assignment, Outcome};
use crate::error::{Failure, Kind, OrFail, Result};
use crate::model::{self, Model};
use crate::runner::{Bench, Report};
use crate::sandbox::{Cancel, Tier};
use crate::task::{Digest, Event, Stage, TreeId};
use crate::verify::{self, CellRun, Checked, Judge, Ruling, Verdict};
use crate::workspace::{Patch, Workspace};

/// A patch with the gate's word on it.
pub struct Judged {
    /// The change.
    pub patch: Patch,
    /// The word.
    pub verdict: Verdict,
    /// How the agent ended.
    pub outcome: Outcome,
    /// How often the gate sent it back.
    pub repairs: u32,
    /// Who made it.
    pub model: String,
}

/// What a finished round of generation leaves.
#[derive(Serialize, Deserialize)]
struct Made {
    outcome: Outcome,
    tree: TreeId,
    model: String,
}

impl Run<'_> {
    /// The agent works, the gate judges, until the patch holds or the rounds are spent.
    pub fn generate_until_it_holds(&mut self, ground: &Ground, bench: &Bench) -> Result<Judged> {
        let cells = self.folder.at("cells");
        fs::create_dir_all(&cells).or_fail(Kind::Workspace, || format!("making {}", cells.display()))?;
        let reports = OnceLock::new();
        let stop = self.means.cancel.child();
        let means = self.means;
        let beside = Baseline { ground, bench, folder: cells.clone(), file: self.folder.at("baseline.json"), reports: &reports };
        if ground.sandbox.tier() == Tier::None {
            let runs = beside.run(means.reporter, &stop)?;
            return self.rounds(ground, bench, &reports, || Ok(runs));
        }
        thread::scope(|scope| {
            let thread = scope.spawn(|| beside.run(means.reporter, &stop));
            let judged = self.rounds(ground, bench, &reports, || {
                thread.join().unwrap_or_else(|_| Err(Failure::new(Kind::Internal, "the baseline's thread panicked")))
            });
            stop.request(Kind::Internal);
            judged
        })
    }

    fn rounds(
        &mut self,
        ground: &Ground,
        bench: &Bench,
        reports: &OnceLock<Vec<Report>>,
        baseline: impl FnOnce() -> Result<Vec<CellRun>>,
    ) -> Result<Judged> {
        let mut baseline = Some(baseline);
        let mut runs = None;
        let mut repair: Option<String> = None;
        let mut model = None;
        let mut round = 0;
        let mut told_of_findings = false;
        loop {
            let (made, patch) = self.generate(ground, bench, reports, round, repair.as_deref(), &mut model)?;
            let again = round < ground.config.agent.repair_rounds && text::may_go_on(&made.outcome.ended);
            let violations = text::refused_paths(&ground.cache, &patch, &ground.config.gate)?;
            if !violations.is_empty() {
                if !again {
                    return Err(text::protected_failure(&violations));
                }
                repair = Some(text::repair_protected(&violations)?);
                round += 1;
                continue;
            }
            let (patch, checked) = self.check(ground, bench, patch, round)?;
            // Once: a linter is no reason to spend the rounds that the proof may need.
            if again && !told_of_findings && checked.iter().any(|one| !one.faults().is_empty()) {
                told_of_findings = true;
                self.means
                    .reporter
                    .event(&Event::Progress { what: "back to the agent: new findings of the repository's own checks".into() });
                repair = Some(text::repair_findings(&checked)?);
                round += 1;
                continue;
            }
            if let Some(compute) = baseline.take() {
                runs = Some(compute()?);
            }
            let verdict = self.judge(ground, bench, &patch, runs.as_deref().unwrap_or_default(), checked, round)?;
            match &verdict.ruling {
                Ruling::Rejected(reasons) if again => {
                    let names: Vec<&str> = reasons.iter().map(|reason| reason.name.as_str()).collect();
                    self.means.reporter.event(&Event::Progress { what: format!("back to the agent: {}", names.join(", ")) });
                    repair = Some(text::repair(reasons)?);
                    round += 1;
                }
                _ => return Ok(Judged { patch, verdict, outcome: made.outcome, repairs: round, model: made.model }),
            }
        }
    }

    fn generate(
        &mut self,
        ground: &Ground,
        bench: &Bench,
        reports: &OnceLock<Vec<Report>>,
        round: u32,
        repair: Option<&str>,
        model: &mut Option<Box<dyn Model>>,
    ) -> Result<(Made, Patch)> {
        let made: Made = self.stage(Stage::Generate, round, |run| {
            let trajectory = run.folder.proposal().join(crate::proposal::TRAJECTORY);
            fs::create_dir_all(run.folder.proposal()).or_fail(Kind::Workspace, || "making the proposal's folder")?;
            let workspace = open_workspace(ground, agent::last_tree(&trajectory)?)?;
            let model = match model {
                Some(model) => model,
                None => model.insert(model::connect(&ground.config.model, run.means.secrets.model_key()?)?),
            };
            let tree = bench.tree(workspace.root(), &ground.folder.at("private"))?;
            workspace.leave_out(bench.by_products()?);
            let outcome = agent::work(
                &Assignment {
                    issue: &run.issue,
                    workspace: &workspace,
                    tree: &tree,
                    bench,
                    sandbox: &ground.sandbox,
                    config: &ground.config,
                    baseline: reports,
                    round,
                    repair,
                    trajectory: &trajectory,
                    reporter: run.means.reporter,
                    cancel: run.means.cancel,
                },
                model.as_mut(),
            )?;
            let note = format!("{} turns, {} tokens", outcome.turns, outcome.usage.total());
            Ok((Made { outcome, tree: workspace.snapshot()?, model: model.name().to_owned() }, note))
        })?;
        let patch = ground.cache.patch(&ground.base, &made.tree)?;
        self.done.usage = made.outcome.usage;
        self.done.turns = made.outcome.turns;
        if patch.is_empty() {
            return Err(text::no_patch(&made.outcome));
        }
        Ok((made, patch))
    }

    fn judge(
        &mut self,
        ground: &Ground,
        bench: &Bench,
        patch: &Patch,
        baseline: &[CellRun],
        checked: Vec<Checked>,
        round: u32,
    ) -> Result<Verdict> {
        let file = self.folder.at(&format!("verdict-{round}.json"));
        let digest: Digest = self.stage(Stage::Verify, round, |run| {
            let folder = run.folder.at("cells");
            let judge = judge(ground, bench, &folder, run.means.reporter, run.means.cancel);
            let mut verdict = verify::prove(&judge, patch, baseline, &run.issue)?;
            super::ledger::note(run.means.locations, &run.home.url, &verdict)?;
            mutate(Mutate::WhenFast, &judge, patch, &mut verdict)?;
            verdict.evidence.checks = checked;
            let text = serde_json::to_vec(&verdict).or_fail(Kind::Internal, || "writing the verdict as JSON")?;
            fs::write(&file, &text).or_fail(Kind::Workspace, || format!("writing {}", file.display()))?;
            Ok((Digest::of_bytes(&text), format!("{}: {}", verdict.word(), crate::proposal::claim(&verdict))))
        })?;
        let bytes = fs::read(&file).or_fail(Kind::Workspace, || format!("reading {}", file.display()))?;
        if Digest::of_bytes(&bytes) != digest {
            return Err(Failure::new(Kind::Workspace, format_args!("{} was changed since loom wrote it", file.display()))
                .hint("start a new episode with --again"));
        }
        serde_json::from_slice(&bytes).or_fail(Kind::Workspace, || format!("reading {}", file.display()))
    }
}

/// The gate on this ground.
pub fn judge<'a>(
    ground: &'a Ground,
    bench: &'a Bench,
    folder: &'a std::path::Path,
    reporter: &'a dyn crate::task::Reporter,
    cancel: &'a Cancel,
) -> Judge<'a> {
    Judge {
        sandbox: &ground.sandbox,
        bench,
        cache: &ground.cache,
        folder,
        config: &ground.config,
        flakes: &ground.flakes,
        reporter,
        cancel,
    }
}

fn open_workspace(ground: &Ground, tree: Option<TreeId>) -> Result<Workspace> {
    let folder = ground.folder.fresh("work")?;
    match tree {
        Some(tree) => Workspace::resume(&ground.cache, &ground.base, &tree, &folder),
        None => Workspace::create(&ground.cache, &ground.base, &folder),
    }
}

/// The baseline, run beside the agent and kept for a later attempt.
struct Baseline<'a> {
    ground: &'a Ground,
    bench: &'a Bench,
    folder: PathBuf,
    file: PathBuf,
    reports: &'a OnceLock<Vec<Report>>,
}

impl Baseline<'_> {
    fn run(&self, reporter: &dyn crate::task::Reporter, cancel: &Cancel) -> Result<Vec<CellRun>> {
        let runs = match self.kept() {
            Some(runs) => runs,
            None => {
                let judge = judge(self.ground, self.bench, &self.folder, reporter, cancel);
                let runs = verify::baseline(&judge, &self.ground.base)?;
                let text = serde_json::to_vec(&runs).or_fail(Kind::Internal, || "writing the baseline as JSON")?;
                fs::write(&self.file, text).or_fail(Kind::Workspace, || format!("writing {}", self.file.display()))?;
                runs
            }
        };
        let _ = self.reports.set(runs.iter().map(|run| run.report.clone()).collect());
        Ok(runs)
    }

    fn kept(&self) -> Option<Vec<CellRun>> {
        serde_json::from_slice(&fs::read(&self.file).ok()?).ok()
    }
}
