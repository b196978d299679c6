//! The two doors of 100ms's web SDK: `GET /init`, which says where the socket is, and the socket. They
//! must not know rooms; a role is looked for in the call type.

pub mod api;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query as UrlQuery, Request, State, rejection::QueryRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HOST, ORIGIN, VARY,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};
use rolecall_protocol::id::{CallTypeName, Cid, RoleName};
use serde::Deserialize;
use serde_json::json;

use super::{Door, Speech, address, origin, upgrade};
use crate::{auth::Identity, directory::DirectoryHandle, secret::Secret};

/// Where the sockets are.
pub const SOCKETS: &str = "/hms/ws";
/// What the SDK is to do: without media of its own a role needs no offer, and tracks are told by
/// signals alone.
const FLAGS: [&str; 2] = ["nonWebRTCDisableOffer", "onDemandTracks"];
/// How long a browser may remember what it may send from another origin, in seconds.
const PREFLIGHT_S: &str = "600";

/// What the socket's address says of who comes.
#[derive(Debug, Deserialize)]
pub struct Query {
    /// The id that the client has chosen for his peer.
    #[serde(default)]
    pub peer: String,
    /// Who it is.
    pub token: Option<Secret>,
}

/// What these routes share.
pub struct Hms {
    /// What all routes share.
    pub door: Arc<Door>,
    /// Which roles there are.
    pub directory: DirectoryHandle,
    /// The call type of bare room ids.
    pub default_call_type: CallTypeName,
}

/// The routes.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(hms: Arc<Hms>) -> Router<S> {
    Router::new()
        .route("/init", get(init).options(preflight))
        .route(SOCKETS, get(socket))
        .with_state(hms)
}

/// Why a client is not let near.
struct Refused(StatusCode, String);

async fn init(State(hms): State<Arc<Hms>>, headers: HeaderMap) -> Response {
    let answer = match hms.admit(&headers) {
        Ok(()) => {
            // As `http` is to `https`, so is `ws` to `wss`.
            let here = address::of(&headers, &hms.door.config).replacen("http", "ws", 1);
            let endpoint = format!("{here}{SOCKETS}");
            // No connection ever comes about, so nothing has to help it.
            let whole = json!({
                "endpoint": endpoint,
                "config": { "enabledFlags": FLAGS },
                "rtcConfiguration": { "ice_servers": [] },
            });
            (StatusCode::OK, Json(whole)).into_response()
        }
        Err(Refused(status, message)) => {
            let error = json!({ "code": status.as_u16(), "message": message });
            (status, Json(error)).into_response()
        }
    };
    readable(answer, &headers)
}

/// An SDK that cannot read an answer waits for ever: every answer may be read from anywhere, but only
/// pages that may connect get one that says something.
fn readable(mut answer: Response, asked: &HeaderMap) -> Response {
    let headers = answer.headers_mut();
    let origin = asked.get(ORIGIN).cloned().unwrap_or(HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn preflight(headers: HeaderMap) -> Response {
    let mut answer = readable(StatusCode::NO_CONTENT.into_response(), &headers);
    let answers = answer.headers_mut();
    answers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET"));
    let allowed = HeaderValue::from_static("authorization, content-type");
    answers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    answers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_S));
    answer
}

impl Hms {
    /// Whether whoever asks could come in as far as his page, his token and its role go. Never 404: that
    /// the SDK takes for a server that is away.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let door = &self.door;
        let from = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if !origin::is_allowed(from, host, &door.config.allowed_origins) {
            let message = "pages of this origin may not connect; the server's `allowed_origins` says which may";
            return Err(Refused(StatusCode::FORBIDDEN, message.to_owned()));
        }
        let unauthorized = |message: String| Refused(StatusCode::UNAUTHORIZED, message);
        let token =
            upgrade::bearer(headers).ok_or_else(|| unauthorized("a token is needed".to_owned()))?;
        let identity = door
            .verifier
            .verify(token.expose())
            .map_err(|error| unauthorized(error.to_string()))?;
        self.knows_role(&identity)
    }

    /// The role that the token names, which its room's call type has to have.
    fn knows_role(&self, identity: &Identity) -> Result<(), Refused> {
        let wrong = |message: &str| Refused(StatusCode::BAD_REQUEST, message.to_owned());
        let room = identity.room.as_deref().ok_or_else(|| wrong("the token names no `room_id`"))?;
        let cid = Cid::parse(room, &self.default_call_type)
            .map_err(|error| wrong(&format!("`room_id`: {error}")))?;
        let role = identity.role.as_deref().ok_or_else(|| wrong("the token names no `role`"))?;
        let role = RoleName::parse(role).map_err(|error| wrong(&format!("`role`: {error}")))?;
        let directory = self.directory.now();
        let entry = directory.call_type(cid.call_type());
        let entry =
            entry.ok_or_else(|| wrong(&format!("there is no call type `{}`", cid.call_type())))?;
        if entry.call_type.roles.contains_key(&role) {
            Ok(())
        } else {
            Err(wrong(&format!("the call type `{}` has no role `{role}`", cid.call_type())))
        }
    }
}

/// The socket. It is never refused for its token: the SDK would come again without a pause.
async fn socket(
    State(hms): State<Arc<Hms>>,
    query: Result<UrlQuery<Query>, QueryRejection>,
    request: Request,
) -> Response {
    let query = query.map_or_else(|_| Query { peer: String::new(), token: None }, |q| q.0);
    upgrade::connect_in(Arc::clone(&hms.door), request, Speech::Hms(Box::new(query)))
}
