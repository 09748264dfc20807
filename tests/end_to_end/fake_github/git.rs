//! Git over HTTP: a real bare repository behind git's own `http-backend`. The token is the password; nobody comes in
//! without one, except to read what is public.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::Path as Params;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;

use super::call::rank;
use super::state::{Rights, State};
use super::{REPO, Shared};

/// A git that sees no configuration but the repository's own.
fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .args(["-c", "user.name=Maya", "-c", "user.email=maya@example.com", "-C"])
        .arg(folder);
    git
}

fn told(mut git: Command, input: &str) -> Option<String> {
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

fn run(folder: &Path, args: &[&str], input: &str) -> String {
    let mut git = git(folder);
    git.args(args);
    told(git, input).unwrap_or_else(|| panic!("git {args:?} failed"))
}

/// A bare repository with one commit on `main`.
pub fn seed(bare: &Path) {
    std::fs::create_dir_all(bare).unwrap();
    run(bare, &["init", "-q", "--bare", "--initial-branch=main", "."], "");
    run(bare, &["config", "http.receivepack", "true"], "");
    commit(bare, "main", "README.md", "# widget\n");
}

/// One more commit: a single file on top of what `main` has; its id.
pub fn commit(bare: &Path, branch: &str, path: &str, content: &str) -> String {
    let blob = run(bare, &["hash-object", "-w", "--stdin"], content);
    let index = tempfile::tempdir().unwrap();
    let with_index = |args: &[&str]| {
        let mut git = git(bare);
        git.env("GIT_INDEX_FILE", index.path().join("index")).args(args);
        told(git, "").unwrap()
    };
    let parent = head(bare, "main");
    if let Some(parent) = &parent {
        with_index(&["read-tree", parent]);
    }
    with_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
    let tree = with_index(&["write-tree"]);
    let mut args = vec!["commit-tree", &tree, "-m", "change"];
    args.extend(parent.iter().flat_map(|parent| ["-p", parent]));
    let id = run(bare, &args, "");
    run(bare, &["update-ref", &format!("refs/heads/{branch}"), &id], "");
    id
}

/// One commit of these files on top of `main`, on no branch; its id.
pub fn commit_aside(bare: &Path, files: &[(&str, &str)]) -> String {
    let index = tempfile::tempdir().unwrap();
    let with_index = |args: &[&str]| {
        let mut git = git(bare);
        git.env("GIT_INDEX_FILE", index.path().join("index")).args(args);
        told(git, "").unwrap()
    };
    with_index(&["read-tree", "main"]);
    for (path, text) in files {
        let blob = run(bare, &["hash-object", "-w", "--stdin"], text);
        with_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
    }
    let tree = with_index(&["write-tree"]);
    run(bare, &["commit-tree", &tree, "-m", "change", "-p", &head(bare, "main").unwrap()], "")
}

/// Makes a reference stand at a commit.
pub fn point(bare: &Path, reference: &str, commit: &str) {
    run(bare, &["update-ref", reference, commit], "");
}

/// What any reference points to.
pub fn reference(bare: &Path, name: &str) -> Option<String> {
    let mut git = git(bare);
    git.args(["rev-parse", "--quiet", "--verify", &format!("{name}^{{commit}}")]);
    told(git, "")
}

/// What a branch points to.
pub fn head(bare: &Path, branch: &str) -> Option<String> {
    let mut git = git(bare);
    git.args(["rev-parse", "--quiet", "--verify", &format!("refs/heads/{branch}^{{commit}}")]);
    told(git, "")
}

/// Deletes a branch.
pub fn delete(bare: &Path, branch: &str) {
    run(bare, &["update-ref", "-d", &format!("refs/heads/{branch}")], "");
}

/// All branches, sorted.
pub fn branches(bare: &Path) -> Vec<String> {
    run(bare, &["for-each-ref", "--format=%(refname:short)", "refs/heads"], "").lines().map(str::to_owned).collect()
}

/// The text of a file on a branch, or of the branch's last commit message when the path is empty.
pub fn text(bare: &Path, branch: &str, path: &str) -> String {
    match path {
        "" => run(bare, &["log", "-1", "--format=%B", branch], ""),
        path => run(bare, &["show", &format!("{branch}:{path}")], ""),
    }
}

/// Answers one request of a git client.
pub async fn serve(
    Extension(shared): Extension<Arc<Shared>>,
    Params((owner, repo, rest)): Params<(String, String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let name = format!("{owner}/{}", repo.trim_end_matches(".git"));
    let writes = rest == "git-receive-pack" || uri.query().is_some_and(|query| query.contains("git-receive-pack"));
    if let Err(refused) = admit(&shared.state(), &name, &headers, writes) {
        return refused;
    }
    let mut backend = git(&shared.repositories);
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.repositories)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{REPO}.git/{rest}"))
        .env("REQUEST_METHOD", method.as_str())
        .env("QUERY_STRING", uri.query().unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("REMOTE_USER", "somebody")
        .env("REMOTE_ADDR", "127.0.0.1");
    for (variable, name) in
        [("CONTENT_TYPE", "content-type"), ("HTTP_CONTENT_ENCODING", "content-encoding"), ("GIT_PROTOCOL", "git-protocol")]
    {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            backend.env(variable, value);
        }
    }
    tokio::task::spawn_blocking(move || answer(backend, &body)).await.unwrap()
}

#[expect(clippy::result_large_err, reason = "a refusal is the whole answer")]
fn admit(state: &State, name: &str, headers: &HeaderMap, writes: bool) -> Result<(), Response> {
    let token = password(headers).map(|password| state.tokens.get(&password).cloned());
    let challenge = || (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")], "Who are you?").into_response();
    let login = match token {
        Some(None) => return Err(challenge()),
        None if writes || state.private => return Err(challenge()),
        None => None,
        Some(Some(token)) => Some(token),
    };
    if !state.knows(name) && !state.former_names.iter().any(|former| former == name) {
        return Err((StatusCode::NOT_FOUND, "Repository not found.").into_response());
    }
    let may_push = login.is_some_and(|token| match &token.rights {
        Rights::App(rights) => rights.get("contents") == Some(&"write"),
        Rights::Person => rank(state.role(&token.login)) >= rank("write"),
    });
    if writes && !may_push { Err((StatusCode::FORBIDDEN, "Permission denied.").into_response()) } else { Ok(()) }
}

fn password(headers: &HeaderMap) -> Option<String> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

/// Runs a CGI program and turns what it prints into an answer.
fn answer(mut program: Command, input: &[u8]) -> Response {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A backend that refuses early does not read to the end.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap().stdout
    });
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(output.len());
    let mut response = Bytes::copy_from_slice(output.get(end + 4..).unwrap_or_default()).into_response();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let Some((name, value)) = line.split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("status") {
            *response.status_mut() = value.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(StatusCode::BAD_GATEWAY);
        } else if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
