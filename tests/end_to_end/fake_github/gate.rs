//! What every request passes: the log, faults, the token, renamed repositories. Also the table of routes.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Shares};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Extension, Router};

use super::call::refuse;
use super::faults::{Fault, Trouble};
use super::state::Token;
use super::wire::Knife;
use super::{Shared, checks, git, issues, pulls, repository};

pub fn router(shared: Arc<Shared>) -> Router {
    let repo = Router::new()
        .route("/", get(repository::show))
        .route("/collaborators/{login}/permission", get(repository::permission))
        .route("/git/ref/{*reference}", get(repository::reference))
        .route("/labels", post(issues::make_label))
        .route("/labels/{label}", get(issues::show_label))
        .route("/issues/{number}", get(issues::show))
        .route("/issues/{number}/comments", get(issues::comments).post(issues::comment))
        .route("/issues/comments/{id}", patch(issues::edit_comment).delete(issues::delete_comment))
        .route("/issues/{number}/events", get(issues::events))
        .route("/issues/{number}/labels", get(issues::labels).post(issues::add_labels))
        .route("/issues/{number}/labels/{label}", delete(issues::remove_label))
        .route("/check-runs", post(checks::create))
        .route("/check-runs/{id}", patch(checks::update))
        .route("/commits/{sha}/check-runs", get(checks::list))
        .route("/pulls", get(pulls::list).post(pulls::open))
        .route("/pulls/{number}", get(pulls::show).patch(pulls::edit))
        .route("/pulls/{number}/requested_reviewers", post(pulls::ask_reviewers));
    let api = Router::new()
        .route("/user", get(repository::user))
        .route("/repositories/{id}", get(repository::by_id))
        .nest("/repos/{owner}/{name}", repo)
        .fallback(|| async { refuse(404, "Not Found") })
        .layer(from_fn_with_state(Arc::clone(&shared), gate));
    Router::new()
        .nest("/api/v3", api)
        .route("/{owner}/{repo}/{*rest}", get(git::serve).post(git::serve).layer(from_fn_with_state(Arc::clone(&shared), around_git)))
        .layer(Extension(Arc::clone(&shared)))
        .with_state(())
}

async fn gate(Shares(shared): Shares<Arc<Shared>>, ConnectInfo(knife): ConnectInfo<Knife>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let trouble = {
        let mut state = shared.state();
        state.requests.push(format!("{method} {path}"));
        Fault::take(&mut state.faults, &method, &path)
    };
    if let Some(Trouble::Answer { status, headers, body }) = trouble {
        return answered(status, headers, body);
    }
    if let Some(Trouble::Drop) = trouble {
        knife.cut();
        return StatusCode::OK.into_response();
    }
    if let Some(Trouble::Hold) = trouble {
        shared.hold().await;
    }
    let admitted = admit(&shared, &request);
    match admitted {
        Ok(token) => request.extensions_mut().insert(token),
        Err(refused) => return refused,
    };
    let response = next.run(request).await;
    match trouble {
        Some(Trouble::DropAfter) => knife.cut(),
        Some(Trouble::Slow(span)) => tokio::time::sleep(span).await,
        Some(Trouble::Truncate) => return halved(response).await,
        Some(Trouble::HoldAfter) => shared.hold().await,
        Some(Trouble::Answer { .. } | Trouble::Drop | Trouble::Hold) | None => {}
    }
    response
}

/// Git's requests can go wrong too: they can be refused, held, and their answers lost.
async fn around_git(Shares(shared): Shares<Arc<Shared>>, ConnectInfo(knife): ConnectInfo<Knife>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let trouble = {
        let mut state = shared.state();
        state.requests.push(format!("{method} {path}"));
        Fault::take(&mut state.faults, &method, &path)
    };
    match trouble {
        Some(Trouble::Answer { status, headers, body }) => return answered(status, headers, body),
        Some(Trouble::Hold) => shared.hold().await,
        _ => {}
    }
    let response = next.run(request).await;
    match trouble {
        Some(Trouble::HoldAfter) => shared.hold().await,
        Some(Trouble::DropAfter) => knife.cut(),
        _ => {}
    }
    response
}

#[expect(clippy::result_large_err, reason = "a refusal is the whole answer")]
fn admit(shared: &Shared, request: &Request) -> Result<Option<Token>, Response> {
    let headers = request.headers();
    if !headers.contains_key(header::USER_AGENT) {
        return Err(refuse(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
            .into_response());
    }
    let state = shared.state();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = match bearer {
        Some(text) => Some(state.tokens.get(text).cloned().ok_or_else(|| refuse(401, "Bad credentials").into_response())?),
        None => None,
    };
    let path = request.uri().path();
    if let Some(rest) = path.strip_prefix("/repos/") {
        let mut parts = rest.splitn(3, '/');
        let name = format!("{}/{}", parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if state.former_names.contains(&name) {
            let rest = parts.next().map_or(String::new(), |rest| format!("/{rest}"));
            return Err(redirected(request.method().as_str(), format!("{}/api/v3/repositories/700001{rest}", shared.server)));
        }
        let hidden = state.private && token.as_ref().is_none_or(|token| state.role(&token.login) == "none");
        if !state.knows(&name) || hidden {
            return Err(refuse(404, "Not Found").into_response());
        }
    }
    Ok(token)
}

pub fn redirected(method: &str, target: String) -> Response {
    let mut response = refuse(if method == "GET" { 301 } else { 307 }, "Moved Permanently").into_response();
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&target).unwrap());
    response
}

fn answered(status: u16, headers: Vec<(&'static str, String)>, body: String) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    response
}

async fn halved(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes.slice(..bytes.len() / 2)))
}
