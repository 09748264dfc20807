//! One task as one sentence.

use std::sync::Arc;

use super::order::{Done, Means, Order, Until};
use super::pulse::Chronicle;
use super::stages::Run;
use crate::error::Result;
use crate::guard::Redactor;

/// Works on one issue until a draft pull request stands, or says why not.
/// Started again after any kind of end, it goes on from the last finished stage.
pub fn run(order: &Order, means: &Means<'_>) -> Result<Done> {
    let (cancel, redactor) = (means.cancel.child(), Arc::new(Redactor::new(means.secrets.all())));
    let chronicle = Chronicle::new(means.reporter, redactor);
    let means = &Means { reporter: &chronicle, cancel: &cancel, ..*means };
    let mut run = match Run::admit(order, means, &chronicle)? {
        Ok(run) => run,
        Err(done_before) => return Ok(done_before),
    };
    let end = through(&mut run, order.until);
    run.close(end)
}

fn through(run: &mut Run<'_>, until: Until) -> Result<Done> {
    run.demand_model()?;
    let ground = run.clone_base()?;
    let bench = run.set_up(&ground)?;
    run.be_heard()?;
    let judged = run.generate_until_it_holds(&ground, &bench)?;
    let proposal = run.propose(&ground, judged)?;
    match until {
        Until::Proposal => Ok(run.stop_before_publishing()),
        Until::PullRequest => {
            let pull_request = run.publish(&ground, &proposal)?;
            run.report(&proposal, pull_request)
        }
    }
}
