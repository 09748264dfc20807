//! A stateful GitHub on 127.0.0.1 for the tests: REST below `/api/v3` as on an Enterprise Server, git over HTTP beside it.
//! Tests seed it, drive the real client against it and assert on its final state. One subject per neighbour.

mod call;
mod checks;
mod faults;
mod gate;
mod git;
mod issues;
mod pulls;
mod repository;
mod state;
mod views;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;
use tokio::sync::oneshot;

pub use faults::Fault;
pub use state::{CheckRun, State};

/// The repository every fake begins with.
pub const REPO: &str = "acme/widget";

/// A running GitHub; it ends when it is dropped.
pub struct FakeGitHub {
    shared: Arc<Shared>,
    held: Receiver<()>,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What requests and tests share.
pub(crate) struct Shared {
    pub(crate) server: String,
    pub(crate) repositories: PathBuf,
    pub(crate) state: Mutex<State>,
    held: Sender<()>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the test, and then lets the client wait.
    pub(crate) async fn hold(&self) {
        let _ = self.held.send(());
        std::future::pending::<()>().await;
    }

    pub(crate) fn bare(&self) -> PathBuf {
        self.repositories.join(format!("{REPO}.git"))
    }
}

impl FakeGitHub {
    /// Starts with `acme/widget`, one commit on `main`, no issues, and one person per role: `octo-admin`, `maya`
    /// (maintain), `wes` and `loom-bot` (write), `trina` (triage), `rita` (read), `mallory` (none).
    pub fn start() -> FakeGitHub {
        let folder = tempfile::tempdir().unwrap();
        let ((tell, told), (hold, held)) = (channel(), channel());
        let (stop, stopped) = oneshot::channel();
        let repositories = folder.path().join("repositories");
        git::seed(&repositories.join(format!("{REPO}.git")));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = wire::Listener::bind().await;
                let server = format!("http://{}", listener.address());
                let shared = Arc::new(Shared { server, repositories, state: Mutex::new(State::fresh()), held: hold });
                tell.send(Arc::clone(&shared)).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    ended = wire::serve(listener, gate::router(shared)) => ended.unwrap(),
                }
            });
        });
        FakeGitHub { shared: told.recv().unwrap(), held, folder, stop: Some(stop), thread: Some(thread) }
    }

    /// Base of the REST API.
    pub fn api_url(&self) -> String {
        format!("{}/api/v3", self.shared.server)
    }

    /// Everything stored; to look at and to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// The bare repository behind the server.
    pub fn bare(&self) -> PathBuf {
        self.shared.bare()
    }

    /// A folder of the test's own, gone with the fake.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Commits a file on a new branch from `main`; its id.
    pub fn branch(&self, name: &str) -> String {
        git::commit(&self.bare(), name, "src/lib.rs", &format!("// {name}\n"))
    }

    /// The next matching requests go wrong.
    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Commits a file on top of what `main` has, as this branch; its id.
    pub fn commit(&self, branch: &str, path: &str, text: &str) -> String {
        git::commit(&self.bare(), branch, path, text)
    }

    /// A pull request from a fork: its commit is on no branch here. Its number and commit.
    pub fn pull_from_fork(&self, title: &str, files: &[(&str, &str)]) -> (u64, String) {
        let commit = git::commit_aside(&self.bare(), files);
        let number = self.state().open_pull(title, "mallory", "patch-1");
        git::point(&self.bare(), &format!("refs/pull/{number}/head"), &commit);
        (number, commit)
    }

    /// Somebody pushes to the branch of a pull request.
    pub fn push_to_pull(&self, number: u64, files: &[(&str, &str)]) -> String {
        let commit = git::commit_aside(&self.bare(), files);
        git::point(&self.bare(), &format!("refs/pull/{number}/head"), &commit);
        commit
    }

    /// What a branch points to.
    pub fn head(&self, branch: &str) -> Option<String> {
        git::head(&self.bare(), branch)
    }

    /// Deletes a branch.
    pub fn delete(&self, branch: &str) {
        git::delete(&self.bare(), branch);
    }

    /// The commit below a branch's last one.
    pub fn parent(&self, branch: &str) -> String {
        git::head(&self.bare(), &format!("{branch}^")).unwrap()
    }

    /// All branches, sorted.
    pub fn branches(&self) -> Vec<String> {
        git::branches(&self.bare())
    }

    /// The text of a file on a branch.
    pub fn text(&self, branch: &str, path: &str) -> String {
        git::text(&self.bare(), branch, path)
    }

    /// Waits until a request is held by a fault.
    pub fn until_held(&self) {
        self.held.recv_timeout(std::time::Duration::from_secs(60)).expect("a request was to be held");
    }

    /// Opens an issue by `rita` and returns its number.
    pub fn issue(&self, title: &str, body: &str) -> u64 {
        self.state().open_issue(title, body, "rita")
    }

    /// Requests so far, like `POST /repos/acme/widget/pulls`.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
