//! The stages of one task. Each is recorded before it begins and when it ends; what ended before is not repeated.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::board::Board;
use super::environment::environment;
use super::ground::{Folder, GIT_WALL, Ground};
use super::order::{Done, Means, Order};
use super::publish::{Outgoing, put_out};
use super::pulse::Pulse;
use super::rounds::Judged;
use super::text;
use crate::error::{Kind, OrFail, Result};
use crate::forge::{Forge, Home, PullRequest, Status};
use crate::guard::Redactor;
use crate::model;
use crate::proposal::{Environment, Mark, Proposal, Target, Work};
use crate::queue::Claim;
use crate::runner::Bench;
use crate::task::{CommitId, Event, Issue, Stage};
use crate::verify::Ruling;
use crate::workspace::Cache;

/// One attempt at one task.
pub struct Run<'a> {
    pub(super) order: &'a Order,
    pub(super) means: &'a Means<'a>,
    pub(super) forge: Arc<dyn Forge>,
    pub(super) issue: Issue,
    pub(super) home: Home,
    pub(super) branch: String,
    pub(super) episode: String,
    pub(super) folder: Folder,
    pub(super) redactor: Arc<Redactor>,
    pub(super) board: Board<'a>,
    pub(super) claim: Arc<Claim>,
    /// Keeps the claim while the attempt lasts.
    #[expect(dead_code, reason = "it works until it is dropped")]
    pub(super) pulse: Pulse,
    pub(super) begun: Instant,
    pub(super) at: Stage,
    pub(super) done: Done,
    /// With what the proof is made, once it is known.
    pub(super) environment: Environment,
    /// The label that a failure leaves.
    pub(super) ends_as: Status,
}

impl<'a> Run<'a> {
    /// Fails before anything is paid or cloned when the model cannot be asked; whoever set the label hears of it.
    /// A task that was generated before goes on without one.
    pub fn demand_model(&self) -> Result<()> {
        if self.claim.stage_result(Stage::Generate, 0)?.is_some() {
            return Ok(());
        }
        let key = self.means.secrets.model_key()?;
        model::connect(&self.means.settings.config.model, key).map(drop)
    }

    /// Brings the repository; the base commit stays what it was when the task began.
    pub fn clone_base(&mut self) -> Result<Ground> {
        let cache_folder = self.means.locations.cache.clone();
        let (commit, branch): (CommitId, String) = self.stage(Stage::Clone, 0, |run| {
            let home = &run.home;
            let fetched = Cache::fetch(&cache_folder, &home.url, Some(&home.base), home.credential.as_ref(), GIT_WALL, run.means.cancel)?;
            let (_, commit, branch) = fetched;
            let note = format!("{branch} at {}", commit.short());
            Ok(((commit, branch), note))
        })?;
        self.home.base = branch;
        let cache = Cache::open(&cache_folder, &self.home.url)?;
        let ground = Ground::new(self.folder.clone(), cache, commit, self.means.settings, self.means.reporter)?;
        ground.with_ledger(self.means.locations, &self.home.url)
    }

    /// Finds the suites and installs what they need.
    pub fn set_up(&mut self, ground: &Ground) -> Result<Bench> {
        let began = self.begin(Stage::Setup, 0)?;
        let bench = ground.bench(self.means.reporter, self.means.cancel)?;
        self.environment = environment(ground, &bench, self.means.cancel)?;
        let suites: Vec<&str> = bench.suites.iter().map(|suite| suite.command.as_str()).collect();
        let note = if suites.is_empty() { "no tests found".to_owned() } else { suites.join("; ") };
        self.end(Stage::Setup, 0, began, "null", &note)?;
        Ok(bench)
    }

    /// The issue was told that the work goes on: a token that may not say so could not publish either, and nothing was
    /// paid yet.
    pub fn be_heard(&mut self) -> Result<()> {
        self.board.settle()
    }

    /// Writes the proposal's folder. A patch that the gate turned away is written too, and then ends the task.
    pub fn propose(&mut self, ground: &Ground, judged: Judged) -> Result<Proposal> {
        let Judged { patch, verdict, outcome, repairs, model } = judged;
        let config = &ground.config;
        let target = Target {
            url: self.home.url.clone(),
            repository_id: self.home.repository_id.clone(),
            base: self.home.base.clone(),
            branch: self.branch.clone(),
            episode: self.episode.clone(),
        };
        let work = Work {
            model,
            turns: outcome.turns,
            usage: outcome.usage,
            repairs,
            elapsed_ms: self.elapsed_ms(),
            ended_early: text::ended_early(&outcome.ended),
            made_at: jiff::Timestamp::now(),
            loom: env!("CARGO_PKG_VERSION").to_owned(),
            environment: self.environment.clone(),
        };
        let words = text::for_people(&outcome, &self.issue);
        let proposal = Proposal::new(self.issue.clone(), target, words, work, patch, verdict)?;
        let layout = text::layout(config, &ground.cache, &ground.base_tree)?;
        let (_, page) = crate::proposal::pull_request(&proposal, &layout)?;
        let digest = proposal.write(&self.folder.proposal(), &page, &self.redactor)?;
        let verdict = proposal.verdict();
        self.claim.note(Some(outcome.usage.total()), Some(verdict.word()), None)?;
        self.done.verdict = Some(verdict.word().to_owned());
        self.done.claim = Some(crate::proposal::claim(verdict));
        self.done.proposal = Some(self.folder.proposal());
        self.done.digest = Some(digest.to_string());
        match text::refusal(verdict) {
            None => Ok(proposal),
            Some(failure) => Err(failure.hint(format!("the patch and the evidence are kept in {}", self.folder.proposal().display()))),
        }
    }

    /// The end of a dry run.
    pub fn stop_before_publishing(&self) -> Done {
        self.finished()
    }

    /// Branch and pull request.
    pub fn publish(&mut self, ground: &Ground, proposal: &Proposal) -> Result<PullRequest> {
        self.stage(Stage::Publish, 0, |run| {
            let mut layout = text::layout(&ground.config, &ground.cache, &ground.base_tree)?;
            layout.moved = run.moved_on(ground, proposal)?;
            let cache_folder = &run.means.locations.cache;
            let outgoing = Outgoing { proposal, config: &ground.config, layout, redactor: &run.redactor, cache_folder };
            let pull_request = put_out(run.forge.as_ref(), &ground.cache, &run.home, &outgoing, run.means.cancel)?;
            run.claim.note(None, None, Some((pull_request.number, &pull_request.url)))?;
            let note = if pull_request.adopted { "adopted the pull request that was there" } else { "opened the draft pull request" };
            Ok((pull_request, note.to_owned()))
        })
    }

    /// Labels and the last word on the issue.
    pub fn report(&mut self, proposal: &Proposal, pull_request: PullRequest) -> Result<Done> {
        let began = self.begin(Stage::Report, 0)?;
        for warning in &pull_request.warnings {
            self.means.reporter.event(&Event::Warning { text: warning.clone() });
        }
        report(&mut self.board, proposal, &pull_request)?;
        self.end(Stage::Report, 0, began, "null", "labels and comment are current")?;
        self.done.branch = Some(self.branch.clone());
        self.done.pull_request = Some(pull_request);
        Ok(self.finished())
    }

    /// Does a stage, or reads what an earlier attempt left of it.
    pub(super) fn stage<T: Serialize + DeserializeOwned>(
        &mut self,
        stage: Stage,
        round: u32,
        work: impl FnOnce(&mut Self) -> Result<(T, String)>,
    ) -> Result<T> {
        if let Some(before) = self.claim.stage_result(stage, round)?
            && let Ok((value, note)) = serde_json::from_str::<(T, String)>(&before)
        {
            self.board.mark(stage, Mark::Done, &note);
            self.means.reporter.event(&Event::StageEnded { stage, elapsed_ms: 0, outcome: note, resumed: true });
            return Ok(value);
        }
        let began = self.begin(stage, round)?;
        let done = work(self)?;
        let record = serde_json::to_string(&done).or_fail(Kind::Internal, || format!("recording the {stage} stage"))?;
        self.end(stage, round, began, &record, &done.1)?;
        Ok(done.0)
    }

    pub(super) fn begin(&mut self, stage: Stage, round: u32) -> Result<Instant> {
        self.means.cancel.check()?;
        self.at = stage;
        self.claim.stage_began(stage, round)?;
        self.means.reporter.event(&Event::StageBegan { stage });
        self.board.mark(stage, Mark::Running, "");
        Ok(Instant::now())
    }

    pub(super) fn end(&mut self, stage: Stage, round: u32, began: Instant, record: &str, note: &str) -> Result<()> {
        let elapsed_ms = began.elapsed().as_millis() as u64;
        self.claim.stage_ended(stage, round, &self.redactor.text(record))?;
        self.claim.log("info", &self.redactor.text(&format!("{stage}: {note}")), &serde_json::json!({ "elapsed_ms": elapsed_ms }))?;
        self.board.mark(stage, Mark::Done, note);
        self.means.reporter.event(&Event::StageEnded { stage, elapsed_ms, outcome: note.to_owned(), resumed: false });
        Ok(())
    }

    fn elapsed_ms(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    pub(super) fn finished(&self) -> Done {
        Done { elapsed_ms: self.elapsed_ms(), own_cpu_ms: text::own_cpu_ms(), ..self.done.clone() }
    }
}

/// The last word on the issue of a proposal that is out.
pub fn report(board: &mut Board<'_>, proposal: &Proposal, pull_request: &PullRequest) -> Result<()> {
    let claim = crate::proposal::claim(proposal.verdict());
    let headline = match proposal.verdict().ruling {
        Ruling::Verified(_) => format!("A draft pull request is open, verified: {claim}."),
        _ => format!("A draft pull request is open for review, {claim}."),
    };
    board.close(Status::Completed, headline, |progress| {
        progress.lines.iter_mut().for_each(|line| line.mark = Mark::Done);
        progress.pull_request = Some(pull_request.url.clone());
    })
}
