//! The stages of one task. Each is recorded before it begins and when it ends; what ended before is not repeated.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::board::Board;
use super::ground::{Folder, GIT_WALL, Ground};
use super::order::{Again, Done, Means, Order, Until};
use super::publish::{Outgoing, put_out};
use super::rounds::Judged;
use super::text;
use crate::error::{Failure, Kind, OrFail, Result};
use crate::forge::{self, Forge, Home, PullRequest, Status};
use crate::guard::Redactor;
use crate::proposal::{Mark, Progress, Proposal, Target, Work};
use crate::queue::{Claim, Queue, Task};
use crate::runner::Bench;
use crate::task::{CommitId, Event, Issue, Stage, TaskState};
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
    pub(super) folder: Folder,
    pub(super) redactor: Arc<Redactor>,
    pub(super) board: Board<'a>,
    pub(super) claim: Claim,
    pub(super) begun: Instant,
    pub(super) at: Stage,
    pub(super) done: Done,
}

impl<'a> Run<'a> {
    /// Reads and freezes the issue, decides whether to work on it, and takes the task up.
    /// The inner `Err` is an episode that is done already.
    pub fn admit(order: &'a Order, means: &'a Means<'a>) -> Result<std::result::Result<Run<'a>, Done>> {
        let begun = Instant::now();
        means.cancel.check()?;
        let config = &means.settings.config;
        let queue = Queue::open(&means.locations.queue)?;
        let outbox = means.locations.state.join("outbox");
        let token = means.secrets.forge_token()?;
        let forge: Arc<dyn Forge> = forge::connect(config, token, &order.issue, order.repository.as_deref(), &outbox, means.cancel)?.into();
        let issue = forge.issue(&order.issue)?;
        let home = forge.home(&order.issue)?;
        text::admit(&issue, forge.as_ref(), config)?;

        let task = queue.add(&home.repository_id, &issue, order.again == Again::Anew)?;
        let folder = Folder::open(means.locations, &task.id.to_string())?;
        if let Some(done) = done_before(&task, order.until, &folder)? {
            return Ok(Err(done));
        }
        let claim = queue.claim(task.id)?;
        folder.end_strays();
        let issue = frozen(&claim, issue)?;
        let redactor = Arc::new(Redactor::new(means.secrets.all()));
        let episode = (home.repository_id.as_str(), task.episode.as_str());
        let mut board = Board::new(Arc::clone(&forge), order.issue.clone(), episode, Arc::clone(&redactor), means.reporter);
        if order.until == Until::Proposal {
            board.silence();
        }
        let branch = text::branch(&config.pull_request.branch_prefix, &issue, &home.repository_id, &task.episode);
        means.reporter.event(&Event::Started {
            task: task.id,
            issue: order.issue.to_string(),
            title: issue.title.clone(),
            model: text::announced(&config.model.name),
        });
        let done = Done {
            task: task.id,
            verdict: None,
            claim: None,
            proposal: None,
            digest: None,
            branch: None,
            pull_request: None,
            usage: Default::default(),
            turns: 0,
            elapsed_ms: 0,
            own_cpu_ms: 0,
        };
        let at = Stage::Admit;
        let mut run = Run { order, means, forge, issue, home, branch, folder, redactor, board, claim, begun, at, done };
        match run.adopt() {
            Ok(Some(done)) => run.close(Ok(done)).map(Err),
            Ok(None) => {
                run.board.label(Status::Running);
                Ok(Ok(run))
            }
            Err(failure) => run.close(Err(failure)).map(Err),
        }
    }

    /// A pull request that another machine opened for this very episode is adopted, not opened again.
    fn adopt(&mut self) -> Result<Option<Done>> {
        let title = self.issue.title.clone();
        self.stage(Stage::Admit, 0, |run| Ok((run.issue.clone(), title)))?;
        if self.order.until == Until::Proposal || self.claim.stage_result(Stage::Generate, 0)?.is_some() {
            return Ok(None);
        }
        let Some(pull_request) = self.forge.find_pull_request(&self.order.issue, &self.branch)? else { return Ok(None) };
        let page = pull_request.url.clone();
        self.board.close(Status::Completed, "A draft pull request stands for this issue.".to_owned(), |progress| {
            progress.lines.iter_mut().for_each(|line| line.mark = Mark::Done);
            progress.pull_request = Some(page);
        })?;
        self.claim.note(None, None, Some((pull_request.number, &pull_request.url)))?;
        self.done.branch = Some(self.branch.clone());
        self.done.pull_request = Some(pull_request);
        Ok(Some(self.finished()))
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
        Ground::new(self.folder.clone(), cache, commit, self.means.settings, self.means.reporter)
    }

    /// Finds the suites and installs what they need.
    pub fn set_up(&mut self, ground: &Ground) -> Result<Bench> {
        let began = self.begin(Stage::Setup, 0)?;
        let bench = ground.bench(self.means.reporter, self.means.cancel)?;
        let suites: Vec<&str> = bench.suites.iter().map(|suite| suite.command.as_str()).collect();
        let note = if suites.is_empty() { "no tests found".to_owned() } else { suites.join("; ") };
        self.end(Stage::Setup, 0, began, "null", &note)?;
        Ok(bench)
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
    pub fn stop_before_publishing(&mut self, _proposal: &Proposal) -> Result<Done> {
        Ok(self.finished())
    }

    /// Branch and pull request.
    pub fn publish(&mut self, ground: &Ground, proposal: &Proposal) -> Result<PullRequest> {
        self.stage(Stage::Publish, 0, |run| {
            let layout = text::layout(&ground.config, &ground.cache, &ground.base_tree)?;
            let cache_folder = &run.means.locations.cache;
            let outgoing = Outgoing { proposal, config: &ground.config, layout, redactor: &run.redactor, cache_folder };
            let pull_request = put_out(run.forge.as_ref(), &ground.cache, &run.home, &outgoing, run.means.cancel)?;
            run.claim.note(None, None, Some((pull_request.number, &pull_request.url)))?;
            let note = format!("{} {}", if pull_request.adopted { "adopted" } else { "opened" }, pull_request.url);
            Ok((pull_request, note))
        })
    }

    /// Labels and the last word on the issue.
    pub fn report(&mut self, proposal: &Proposal, pull_request: PullRequest) -> Result<Done> {
        let began = self.begin(Stage::Report, 0)?;
        for warning in &pull_request.warnings {
            self.means.reporter.event(&Event::Warning { text: warning.clone() });
        }
        let word = match proposal.verdict().ruling {
            Ruling::Verified(_) => "verified",
            _ => "for review",
        };
        let headline = format!("A draft pull request is open, {word}: {}.", crate::proposal::claim(proposal.verdict()));
        let page = pull_request.url.clone();
        self.board.close(Status::Completed, headline, |progress| {
            progress.lines.iter_mut().for_each(|line| line.mark = Mark::Done);
            progress.pull_request = Some(page);
        })?;
        self.end(Stage::Report, 0, began, "null", "labels and comment are current")?;
        self.done.branch = Some(self.branch.clone());
        self.done.pull_request = Some(pull_request);
        Ok(self.finished())
    }

    /// Ends the attempt: the queue, the labels and the comment agree with the exit code.
    pub fn close(mut self, end: Result<Done>) -> Result<Done> {
        match end {
            Ok(done) => {
                self.claim.finish(TaskState::Completed, None)?;
                self.folder.tidy();
                Ok(done)
            }
            Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::Terminated) => {
                self.claim.release()?;
                Err(failure.hint("run the same command again: it goes on from the last finished stage"))
            }
            Err(failure) => {
                let failure = self.tell_failure(failure);
                let line = self.redactor.text(&failure.line());
                let state = if failure.kind == Kind::Cancelled { TaskState::Cancelled } else { TaskState::Failed };
                // The first failure is the one to tell; a full disk hinders both.
                Err(match self.claim.finish(state, Some(&line)) {
                    Ok(()) => failure,
                    Err(second) => second.hints.iter().fold(failure, |failure, hint| failure.hint(hint)),
                })
            }
        }
    }

    fn tell_failure(&mut self, failure: Failure) -> Failure {
        let status = if text::needs_info(&failure) { Status::NeedsInfo } else { Status::Failed };
        let (stage, hints, line) = (self.at, failure.hints.clone(), failure.line());
        let told = self.board.close(status, text::headline(failure.kind).to_owned(), |progress: &mut Progress| {
            if let Some(at) = progress.lines.iter_mut().find(|one| one.stage == stage) {
                at.mark = Mark::Failed;
            }
            progress.detail = text::quoted(&line);
            progress.hints = hints;
        });
        match told {
            Ok(()) => failure,
            Err(second) => failure.hint(format!("the issue could not be told either: {}", second.line())),
        }
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

/// An episode that is done stays done, whoever asks again; one that stopped before publishing says how to go on.
fn done_before(task: &Task, until: Until, folder: &Folder) -> Result<Option<Done>> {
    if task.state != TaskState::Completed {
        return Ok(None);
    }
    let proposal = Some(folder.proposal()).filter(|path| path.exists());
    let pull_request =
        task.pr_url.clone().map(|url| PullRequest { number: task.pr_number.unwrap_or(0), url, adopted: true, warnings: Vec::new() });
    if pull_request.is_none() && until == Until::PullRequest {
        let failure = Failure::new(Kind::Skipped, format_args!("task {} stopped before publishing, as it was asked to", task.id));
        return Err(failure.hint(format!("loom publish {}", folder.proposal().display())).hint("or start a new episode with --again"));
    }
    Ok(Some(Done {
        task: task.id,
        verdict: task.verdict.clone(),
        claim: None,
        proposal,
        digest: None,
        branch: None,
        pull_request,
        usage: Default::default(),
        turns: 0,
        elapsed_ms: 0,
        own_cpu_ms: text::own_cpu_ms(),
    }))
}

/// The issue as the first attempt froze it.
fn frozen(claim: &Claim, issue: Issue) -> Result<Issue> {
    let before = claim.stage_result(Stage::Admit, 0)?;
    Ok(before.and_then(|text| serde_json::from_str::<(Issue, String)>(&text).ok()).map_or(issue, |(issue, _)| issue))
}
