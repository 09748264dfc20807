//! How a task begins: the issue is read, the episode looked up, the task taken up, and whether loom works on it decided.
//! Owns that whoever asked by a label gets an answer on the issue, and that an episode which is done is not done again.

use std::sync::Arc;
use std::time::Instant;

use super::board::Board;
use super::ground::Folder;
use super::order::{Again, Done, Means, Order, Until};
use super::pulse::{Chronicle, Pulse};
use super::stages::Run;
use super::teller::Place;
use super::text;
use crate::error::{Failure, Kind, Result};
use crate::forge::{self, Forge, Home, PullRequest, Status};
use crate::proposal::marker;
use crate::queue::{Claim, Queue, Task};
use crate::task::{Event, Issue, Stage, TaskState};

/// A task that was taken up.
struct Taken {
    task: Task,
    claim: Arc<Claim>,
    folder: Folder,
    branch: String,
}

impl<'a> Run<'a> {
    /// Reads and freezes the issue, takes the task up, and decides whether to work on it.
    /// The inner `Err` is an episode that is done already.
    pub fn admit(order: &'a Order, means: &'a Means<'a>, chronicle: &Chronicle<'_>) -> Result<std::result::Result<Run<'a>, Done>> {
        let begun = Instant::now();
        means.cancel.check()?;
        let config = &means.settings.config;
        let queue = Queue::open(&means.locations.queue)?;
        let outbox = means.locations.state.join("outbox");
        let token = means.secrets.forge_token()?;
        let forge: Arc<dyn Forge> = forge::connect(config, token, &order.issue, order.repository.as_deref(), &outbox, means.cancel)?.into();
        // A forge that is down is asked for minutes: whoever watches sees what is waited for.
        means.reporter.event(&Event::Progress { what: format!("reading {}", order.issue) });
        let fresh = forge.issue(&order.issue)?;
        let home = forge.home(&order.issue)?;
        let taken = match take_up(order, means, &queue, forge.as_ref(), &home, &fresh)? {
            Ok(taken) => taken,
            Err(done) => return Ok(Err(done)),
        };
        let Taken { task, claim, folder, branch } = taken;
        chronicle.keep_in(&claim);
        let redactor = chronicle.redactor();
        warn_of_short_secrets(means, redactor.ignored());
        let place = Place { forge: Arc::clone(&forge), issue: order.issue.clone(), marker: marker(&home.repository_id, &task.episode) };
        let mut board = Board::new(place, Arc::clone(&redactor), means.reporter);
        if order.until == Until::Proposal {
            board.silence();
        }
        means.reporter.event(&Event::Started {
            task: task.id,
            issue: order.issue.to_string(),
            title: fresh.title.clone(),
            model: text::announced(&config.model.name),
        });
        let pulse = Pulse::every(Claim::BEAT, &claim, means.cancel);
        let issue = frozen(&claim, &fresh)?;
        let (at, done, ends_as) = (Stage::Admit, Done::nothing_yet(task.id), Status::Failed);
        let episode = task.episode;
        let environment = Default::default();
        let mut run = Run {
            order,
            means,
            forge,
            issue,
            home,
            branch,
            episode,
            folder,
            redactor,
            board,
            claim,
            pulse,
            begun,
            at,
            done,
            environment,
            ends_as,
        };
        match run.enter(&fresh) {
            Ok(Some(done)) => run.close(Ok(done)).map(Err),
            Ok(None) => Ok(Ok(run)),
            Err(failure) => run.close(Err(failure)).map(Err),
        }
    }

    /// A refusal, a pull request that stands already, or the way in.
    fn enter(&mut self, fresh: &Issue) -> Result<Option<Done>> {
        let asked_by = match text::admit(fresh, self.forge.as_ref(), &self.means.settings.config) {
            Ok(asked_by) => asked_by,
            Err((status, failure)) => {
                self.ends_as = status;
                // Whoever asked at a terminal reads it there; on the issue nobody waits for an answer.
                if fresh.trigger.is_none() {
                    self.board.silence();
                }
                return Err(failure);
            }
        };
        self.adopt(asked_by)
    }

    /// A pull request that another machine opened for this very episode is adopted, not opened again.
    fn adopt(&mut self, asked_by: String) -> Result<Option<Done>> {
        let generated = self.claim.stage_result(Stage::Generate, 0)?.is_some();
        let found = match self.order.until {
            Until::PullRequest if !generated => self.forge.find_pull_request(&self.order.issue, &self.branch)?,
            _ => None,
        };
        let Some(pull_request) = found else {
            self.stage(Stage::Admit, 0, |run| Ok((run.issue.clone(), asked_by)))?;
            self.board.label(Status::Running);
            return Ok(None);
        };
        self.board.stands(&pull_request.url)?;
        self.claim.note(None, None, Some((pull_request.number, &pull_request.url)))?;
        self.done.branch = Some(self.branch.clone());
        self.done.pull_request = Some(pull_request);
        Ok(Some(self.finished()))
    }
}

/// The task of this episode, claimed; or what an earlier run made of it. Asked for anew, an episode that this machine
/// never heard of and that has its pull request already counts as done, and the next one is taken.
fn take_up(
    order: &Order,
    means: &Means<'_>,
    queue: &Queue,
    forge: &dyn Forge,
    home: &Home,
    fresh: &Issue,
) -> Result<std::result::Result<Taken, Done>> {
    let prefix = &means.settings.config.pull_request.branch_prefix;
    loop {
        let task = queue.add(&home.repository_id, fresh, order.again == Again::Anew)?;
        let folder = Folder::open(means.locations, &task.id.to_string())?;
        if let Some(done) = done_before(&task, order.until, &folder)? {
            return Ok(Err(done));
        }
        let claim = queue.claim(task.id)?;
        folder.end_strays();
        let branch = text::branch(prefix, fresh, &home.repository_id, &task.episode);
        if order.again == Again::Anew && has_pull_request(forge, order, &branch)? {
            claim.finish(TaskState::Completed, Some("it has a pull request from another machine"))?;
            continue;
        }
        return Ok(Ok(Taken { task, claim: Arc::new(claim), folder, branch }));
    }
}

fn has_pull_request(forge: &dyn Forge, order: &Order, branch: &str) -> Result<bool> {
    match forge.find_pull_request(&order.issue, branch) {
        Ok(found) => Ok(found.is_some()),
        Err(closed) if closed.kind == Kind::Skipped => Ok(true),
        Err(failure) => Err(failure),
    }
}

fn warn_of_short_secrets(means: &Means<'_>, ignored: usize) {
    if ignored > 0 {
        let text = format!("{ignored} of the keys and tokens are so short that they cannot be hidden in what leaves this machine");
        means.reporter.event(&Event::Warning { text });
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
    Ok(Some(Done { verdict: task.verdict.clone(), proposal, pull_request, own_cpu_ms: text::own_cpu_ms(), ..Done::nothing_yet(task.id) }))
}

/// The issue as the first attempt froze it.
fn frozen(claim: &Claim, fresh: &Issue) -> Result<Issue> {
    let before = claim.stage_result(Stage::Admit, 0)?;
    Ok(before.and_then(|text| serde_json::from_str::<(Issue, String)>(&text).ok()).map_or_else(|| fresh.clone(), |(issue, _)| issue))
}
