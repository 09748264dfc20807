//! A pull request opened after its task had ended: a dry run's proposal that somebody published.

use rusqlite::params;

use super::Queue;
use super::add::issue_key;
use super::task::{stored, stored_count};
use crate::error::Result;
use crate::task::IssueRef;

impl Queue {
    /// Notes the pull request of an episode that ended without one. A queue that never heard of the episode stays as it is.
    pub fn published(&self, repository_id: &str, issue: &IssueRef, episode: &str, pull_request: (u64, &str)) -> Result<()> {
        let key = issue_key(issue)?;
        let (number, url) = pull_request;
        // A local branch has no number.
        let number = (number > 0).then(|| stored_count(number));
        let now = stored(self.now());
        self.write("noting a pull request", |transaction| {
            transaction.execute(
                "UPDATE tasks SET pr_number = ?4, pr_url = ?5, updated_at = ?6
                 WHERE repository_id = ?1 AND issue_key = ?2 AND episode = ?3 AND status = 'completed'",
                params![repository_id, key, episode, number, url, now],
            )?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::queue::file::tests::{Bed, issue};
    use crate::task::TaskState;

    #[test]
    fn a_published_dry_run_has_its_pull_request() {
        let queue = Bed::new().queue();
        let (done, open) = (queue.add("R1", &issue(1, 1), false).unwrap(), queue.add("R1", &issue(2, 1), false).unwrap());
        queue.claim(done.id).unwrap().finish(TaskState::Completed, None).unwrap();
        for (number, task) in [(1, &done), (2, &open), (3, &done)] {
            queue.published("R1", &issue(number, 1).reference, &task.episode, (7, "https://x/7")).unwrap();
        }
        let shown = |id| queue.task(id).unwrap().unwrap().pr_url;
        assert_eq!((shown(done.id).as_deref(), shown(open.id)), (Some("https://x/7"), None));
    }
}
