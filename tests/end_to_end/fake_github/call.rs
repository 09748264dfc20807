//! One request, taken apart, and the answers it can get.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;
use super::state::{Rights, State, Token};

/// A request that passed the gate.
pub struct Call {
    pub shared: Arc<Shared>,
    pub token: Option<Token>,
    pub params: HashMap<String, String>,
    pub query: HashMap<String, String>,
    pub path: String,
    pub body: Value,
}

pub type Reply = Result<Answer, Refusal>;

/// A good answer.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub link: Option<String>,
}

pub fn answer(status: u16, body: Value) -> Reply {
    Ok(Answer { status, body, link: None })
}

/// A bad answer in GitHub's words.
#[derive(Debug, Default)]
pub struct Refusal {
    pub status: u16,
    pub message: String,
    pub errors: Vec<Value>,
    pub permission: Option<String>,
}

pub fn refuse(status: u16, message: &str) -> Refusal {
    Refusal { status, message: message.into(), ..Refusal::default() }
}

pub fn invalid(resource: &str, field: &str, code: &str) -> Refusal {
    let errors = vec![json!({ "resource": resource, "field": field, "code": code })];
    Refusal { errors, ..refuse(422, "Validation Failed") }
}

pub fn custom(resource: &str, message: &str) -> Refusal {
    let errors = vec![json!({ "resource": resource, "code": "custom", "message": message })];
    Refusal { errors, ..refuse(422, "Validation Failed") }
}

impl<S: Send + Sync> FromRequest<S> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Call, Response> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let params =
            axum::RequestPartsExt::extract::<Path<HashMap<String, String>>>(&mut parts).await.map_err(IntoResponse::into_response)?.0;
        let query =
            axum::RequestPartsExt::extract::<Query<HashMap<String, String>>>(&mut parts).await.map_err(IntoResponse::into_response)?.0;
        let shared = parts.extensions.get::<Arc<Shared>>().cloned().unwrap();
        let token = parts.extensions.get::<Option<Token>>().cloned().unwrap();
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await.map_err(IntoResponse::into_response)?;
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).map_err(|_| refuse(400, "Problems parsing JSON").into_response())?,
        };
        Ok(Call { shared, token, params, query, path, body })
    }
}

impl Call {
    pub fn param(&self, name: &str) -> &str {
        &self.params[name]
    }

    pub fn number(&self) -> Result<u64, Refusal> {
        self.param("number").parse().map_err(|_| refuse(404, "Not Found"))
    }

    pub fn login(&self) -> Result<&str, Refusal> {
        self.token.as_ref().map(|token| token.login.as_str()).ok_or_else(|| refuse(401, "Requires authentication"))
    }

    pub fn text(&self, resource: &str, field: &str) -> Result<String, Refusal> {
        match self.body.get(field).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(invalid(resource, field, "missing_field")),
        }
    }

    pub fn texts(&self, field: &str) -> Vec<String> {
        let items = self.body.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Reading needs nothing but sight of the repository, except for apps.
    pub fn may_read(&self, right: &str) -> Result<(), Refusal> {
        match self.token.as_ref().map(|token| &token.rights) {
            Some(Rights::App(rights)) if !rights.contains_key(right) && right != "metadata" => Err(missing(right, "read")),
            _ => Ok(()),
        }
    }

    /// Writing needs this permission of an app, and this role of a person.
    pub fn may_write(&self, state: &State, right: &str, role: &str) -> Result<(), Refusal> {
        let login = self.login()?;
        match self.token.as_ref().map(|token| &token.rights) {
            Some(Rights::App(rights)) if rights.get(right) == Some(&"write") => Ok(()),
            Some(Rights::App(_)) => Err(missing(right, "write")),
            _ if rank(state.role(login)) >= rank(role) => Ok(()),
            _ => Err(refuse(403, "Must have push access to repository")),
        }
    }

    /// A page of a list with the links to its neighbours.
    pub fn page(&self, items: Vec<Value>) -> Reply {
        let ask = |name: &str, default: usize| self.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default).max(1);
        let (size, page) = (ask("per_page", 30).min(100), ask("page", 1));
        let last = items.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        for (rel, number, there) in [("prev", page - 1, page > 1), ("next", page + 1, page < last), ("last", last, page < last)] {
            if there {
                // GitHub names the repository by its id here.
                let path = self.path.replacen("/repos/acme/widget", "/repositories/700001", 1);
                links.push(format!("<{}{path}?per_page={size}&page={number}>; rel=\"{rel}\"", self.shared.server));
            }
        }
        let body = items.into_iter().skip((page - 1) * size).take(size).collect();
        Ok(Answer { status: 200, body, link: (!links.is_empty()).then(|| links.join(", ")) })
    }
}

pub fn rank(role: &str) -> usize {
    ["none", "read", "triage", "write", "maintain", "admin"].iter().position(|known| *known == role).unwrap_or(0)
}

fn missing(right: &str, level: &str) -> Refusal {
    Refusal { permission: Some(format!("{right}={level}")), ..refuse(403, "Resource not accessible by integration") }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let mut response = if self.status == 204 { status.into_response() } else { (status, Json(self.body)).into_response() };
        if let Some(link) = self.link {
            response.headers_mut().insert(HeaderName::from_static("link"), HeaderValue::from_str(&link).unwrap());
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body =
            json!({ "message": self.message, "documentation_url": "https://docs.github.com/rest", "status": self.status.to_string() });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        let mut response = (StatusCode::from_u16(self.status).unwrap(), Json(body)).into_response();
        if let Some(permission) = self.permission {
            let name = HeaderName::from_static("x-accepted-github-permissions");
            response.headers_mut().insert(name, HeaderValue::from_str(&permission).unwrap());
        }
        response
    }
}
