//! The doors of the media server that Stream's SDK believes in: its socket, by which somebody is a
//! participant, and the remote calls beside it. They must not know what a participant hears.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query as UrlQuery, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use rolecall_protocol::{
    dialect::{
        sdp,
        stream::sfu::{
            Face, Faces,
            ask::{self, Call, NoCall},
            words,
        },
    },
    id::{CallTypeName, Cid, PeerId, UserId},
    room::Command,
    wire::code::ErrorBody,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Stream,
    caller::{self, User},
    cors,
};
use crate::{
    directory::DirectoryHandle,
    http::{
        self, Speech, address,
        rate::Key,
        upgrade::{bearer, connect_in},
    },
    hub::{AsideAsk, Ask, Fresh},
    mint,
};

/// Where everything of it is.
const PREFIX: &str = "/video/sfu";
/// Where its sockets are.
const SOCKETS: &str = "/video/sfu/ws";
/// Where its remote calls are: Twirp's path behind the address that a client is given for one call.
const CALLS: &str = "/video/sfu/{type}/{id}/stream.video.sfu.signal.SignalServer/{method}";
/// Its name, as SDKs show it.
pub(super) const EDGE: &str = "rolecall";
/// How the credentials of somebody begin who has no token of his own.
const TICKET: &str = "anonymous.";

/// What the socket's address says.
#[derive(Debug, Default, Deserialize)]
pub struct Query {
    /// The call.
    #[serde(default)]
    pub cid: String,
    /// The app.
    #[serde(default)]
    pub api_key: String,
}

/// What these doors share.
pub struct Sfu {
    /// What all routes share.
    pub door: Arc<http::Door>,
    /// What the REST API has.
    pub stream: Arc<Stream>,
}

/// The routes.
pub fn routes<S: Clone + Send + Sync + 'static>(sfu: Arc<Sfu>) -> Router<S> {
    let cors = cors(&sfu.stream.config);
    Router::new()
        .route(CALLS, post(call))
        .method_not_allowed_fallback(async || {
            let message = "this path does not know that method";
            twirp(StatusCode::METHOD_NOT_ALLOWED, "bad_route", message)
        })
        // It answers browsers that ask before they call.
        .layer(cors)
        .route(SOCKETS, get(socket))
        .with_state(sfu)
}

/// Where a client finds the media server of that call, as it has reached this one: the address of its
/// remote calls and that of its sockets.
pub(super) fn addresses(headers: &HeaderMap, stream: &Stream, cid: &Cid) -> (String, String) {
    let here = address::of(headers, &stream.config);
    let calls = format!("{here}{PREFIX}/{}/{}", cid.call_type(), cid.id());
    // As `http` is to `https`, so is `ws` to `wss`.
    (calls, format!("{}{SOCKETS}", here.replacen("http", "ws", 1)))
}

/// Credentials for somebody who has no token: nobody guesses them, and his seat is theirs.
pub(super) fn ticket() -> String {
    format!("{TICKET}{}", mint::connection_id())
}

/// Whether credentials are those of somebody who has no token.
pub fn is_ticket(token: &str) -> bool {
    token.starts_with(TICKET)
}

/// What is stored of the secret by which somebody takes his seat again: his name, which his token
/// proves, or his ticket.
pub fn session_hash(user: Option<&str>, token: &str) -> Arc<str> {
    mint::session_hash(&match user {
        Some(user) => format!("sfu user {user}"),
        None => format!("sfu ticket {token}"),
    })
}

/// What is known of users beside what rooms know.
pub fn faces(directory: DirectoryHandle) -> Faces {
    Faces(Arc::new(move |user: &UserId| {
        let now = directory.now();
        let Some(user) = now.user(user) else { return Face::default() };
        Face {
            image: user.image.clone().unwrap_or_else(|| "".into()),
            custom: serde_json::from_str(user.custom.as_str()).unwrap_or_default(),
        }
    }))
}

/// The socket. Who comes says so in his first frame, and is told there why he does not get in.
async fn socket(
    State(sfu): State<Arc<Sfu>>,
    query: Result<UrlQuery<Query>, QueryRejection>,
    request: Request,
) -> Response {
    let query = query.map_or_else(|_| Query::default(), |query| query.0);
    connect_in(Arc::clone(&sfu.door), request, Speech::Stream(Box::new(query)))
}

#[derive(Deserialize)]
struct CallPath {
    #[serde(rename = "type")]
    call_type: String,
    id: String,
    method: String,
}

/// A remote call. What the law refuses is no failure of the transport: the SDK would try for ever.
async fn call(
    State(sfu): State<Arc<Sfu>>,
    Path(path): Path<CallPath>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let from = Key::of_address(&request);
    let limit = sfu.door.config.limits.body_bytes;
    let Ok(body) = axum::body::to_bytes(request.into_body(), limit).await else {
        return twirp(StatusCode::PAYLOAD_TOO_LARGE, "malformed", "the body is too large");
    };
    let call = match ask::call(&path.method, &body) {
        Ok(call) => call,
        Err(NoCall::Unknown) => {
            return twirp(StatusCode::NOT_FOUND, "bad_route", "there is no such method");
        }
        Err(NoCall::Bad(why)) => return twirp(StatusCode::BAD_REQUEST, "malformed", &why),
    };
    let answer = sfu.answer(&path, &headers, from, call).await;
    Json(answer.unwrap_or_else(|error| json!({ "error": words::failure(&error) }))).into_response()
}

/// An error of Twirp's.
fn twirp(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "code": code, "msg": message }))).into_response()
}

impl Sfu {
    async fn answer(
        &self,
        path: &CallPath,
        headers: &HeaderMap,
        from: Key,
        call: Call,
    ) -> Result<Value, ErrorBody> {
        let token = bearer(headers).ok_or_else(|| ErrorBody::bad_token("a token is needed"))?;
        let user = self.user(token.expose())?;
        // Dozens of these come at once, and do nothing.
        let counts = !matches!(call, Call::Nothing);
        if let Some(wait_s) = counts.then(|| self.wait_s(from, user.as_ref())).flatten() {
            return Err(ErrorBody::too_many(f64::from(wait_s)));
        }
        match call {
            Call::Nothing => Ok(json!({})),
            Call::Answer { session_id, sdp } => {
                let version = self.stream.clock.now_ms();
                let answer = sdp::silent_answer(&sdp, version)
                    .ok_or_else(|| ErrorBody::bad_params("sdp", "that is no offer"))?;
                Ok(json!({ "sdp": answer, "sessionId": session_id, "iceRestart": false }))
            }
            Call::Tracks { session_id, on, off } => {
                let command = Command::SetTracks { on, off };
                let session_hash =
                    session_hash(user.as_ref().map(|user| user.id.as_str()), token.expose());
                let fresh = user.map(|user| Fresh::of(&user.identity)).transpose()?;
                self.aside(path, session_id, session_hash, fresh, command).await?;
                Ok(json!({}))
            }
        }
    }

    /// How long he is to wait, where it is too much at once.
    fn wait_s(&self, from: Key, user: Option<&User>) -> Option<u32> {
        let key = user.map_or(from, |user| Key::User(user.id.clone()));
        let wait_s = self.stream.rates.take(key, self.stream.clock.now_s()).wait_s?;
        Some(u32::try_from(wait_s).unwrap_or(u32::MAX))
    }

    /// Whose token that is; nobody's where it is a ticket.
    fn user(&self, token: &str) -> Result<Option<User>, ErrorBody> {
        if is_ticket(token) {
            return Ok(None);
        }
        let user = caller::user_of(&self.stream, token);
        user.map(Some).map_err(|fault| ErrorBody::bad_token(fault.text()))
    }

    async fn aside(
        &self,
        path: &CallPath,
        known_as: PeerId,
        session_hash: Arc<str>,
        token: Option<Fresh>,
        command: Command,
    ) -> Result<(), ErrorBody> {
        let wrong = |error: rolecall_protocol::id::NameError| {
            ErrorBody::bad_params("room", error.to_string())
        };
        let call_type = CallTypeName::parse(&path.call_type).map_err(wrong)?;
        let cid = Cid::new(&call_type, &path.id).map_err(wrong)?;
        let ask = |answer| {
            let aside = AsideAsk { known_as, session_hash, token, command, answer };
            Ask::Aside(Box::new(aside))
        };
        self.stream.hub.asked(&cid, ask).await?.map(drop)
    }
}
