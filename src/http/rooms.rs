//! `/v1/rooms`: rooms, live state, audit trail and calls, for server tokens (`PROTOCOL` 6).

mod explain;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use rolecall_protocol::{
    dialect::native::call::read_command,
    id::{CallTypeName, Cid, Seq},
    wire::code::ErrorBody,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Problem, upgrade::bearer};
use crate::{
    auth::Verifier,
    hub::Hub,
    journal::{ReadError, Record},
};

/// Entries of a page where no limit is given.
const LIMIT: usize = 25;
/// Most entries of a page.
const LIMIT_MAX: usize = 100;

/// What these routes share.
pub struct Rooms {
    /// The rooms.
    pub hub: Arc<Hub>,
    /// Who a token is.
    pub verifier: Arc<Verifier>,
    /// The call type of bare room ids.
    pub default_call_type: CallTypeName,
}

/// The routes.
pub fn routes<S: Clone + Send + Sync + 'static>(rooms: Arc<Rooms>) -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(journal))
        .routes(routes!(call))
        .merge(explain::routes())
        .with_state(rooms)
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "the journal could not be read");
        ErrorBody::unavailable("the journal cannot be read now").into()
    }
}

type Answer = Result<Json<Value>, Problem>;

/// The cid in the path, unread; one that is no text is a problem like all others.
struct CidPath(String);

impl<S: Send + Sync> FromRequestParts<S> for CidPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        let Path(cid) = read.map_err(|_| ErrorBody::bad_params("cid", "the cid is not text"))?;
        Ok(Self(cid))
    }
}

/// The body as text; one that is none, or too large, is a problem like all others.
struct Text(String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        String::from_request(request, state).await.map(Self).map_err(|rejection| {
            match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    "the body is too large",
                ),
                _ => ErrorBody::not_json("the body is not text").into(),
            }
        })
    }
}

impl Rooms {
    /// Lets server tokens in, and nobody else.
    fn admit(&self, headers: &HeaderMap) -> Result<(), ErrorBody> {
        let token = bearer(headers).ok_or_else(|| {
            ErrorBody::bad_token("a server token is needed: `Authorization: Bearer …`")
        })?;
        let identity = self
            .verifier
            .verify(token.expose())
            .map_err(|error| ErrorBody::bad_token(error.to_string()))?;
        if identity.is_server() {
            return Ok(());
        }
        let message = "this token may not ask this; a server token has neither `user_id` nor `room` nor `call_cids`";
        Err(ErrorBody::new(403, "not-allowed", message))
    }

    fn cid(&self, text: &str) -> Result<Cid, ErrorBody> {
        Cid::parse(text, &self.default_call_type)
            .map_err(|error| ErrorBody::bad_params("cid", error.to_string()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page<A> {
    limit: Option<usize>,
    after: Option<A>,
}

type Paged<A> = Result<Query<Page<A>>, axum::extract::rejection::QueryRejection>;

impl<A> Page<A> {
    fn read(query: Paged<A>) -> Result<(usize, Option<A>), ErrorBody> {
        let Query(page) =
            query.map_err(|error| ErrorBody::bad_params("query", error.body_text()))?;
        match page.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok((limit, page.after)),
            _ => Err(ErrorBody::bad_params("limit", format!("`limit` is 1 to {LIMIT_MAX}"))),
        }
    }
}

/// Rooms in order of their cids, each with its counts.
#[utoipa::path(
    get, path = "/v1/rooms", operation_id = "ListRooms", tag = "rooms",
    security(("server_token" = [])),
    params(
        ("limit" = Option<u32>, Query, description = "How many at most.", minimum = 1, maximum = 100),
        ("after" = Option<String>, Query, description = "The `next` of an earlier page."),
    ),
    responses((status = 200, description = "A page.", body = RoomsPage)),
)]
async fn list(State(rooms): State<Arc<Rooms>>, headers: HeaderMap, query: Paged<String>) -> Answer {
    rooms.admit(&headers)?;
    let (limit, after) = Page::read(query)?;
    let after = after.map(|after| {
        rooms.cid(&after).map_err(|_| ErrorBody::bad_params("after", "`after` is no cid"))
    });
    let after = after.transpose()?;
    let journal = &rooms.hub.shared().journal;
    let mut cids = journal.rooms(after.as_ref(), limit + 1).await?;
    let more = cids.len() > limit;
    cids.truncate(limit);
    let next = cids.last().filter(|_| more).cloned();
    let mut shown = Vec::with_capacity(cids.len());
    for cid in cids {
        // One that ended in between is left out, and so is one that is down.
        if let Ok(Some(room)) = rooms.hub.look(&cid, true).await {
            shown.push(room);
        }
    }
    Ok(Json(json!({ "rooms": shown, "next": next })))
}

/// A room's live state.
#[utoipa::path(
    get, path = "/v1/rooms/{cid}", operation_id = "ShowRoom", tag = "rooms",
    security(("server_token" = [])),
    params(("cid" = String, Path, description = "Its cid, or a bare id of the default call type.", max_length = 129, example = "default:standup")),
    responses((status = 200, description = "As it is now.", body = Object)),
)]
async fn show(
    State(rooms): State<Arc<Rooms>>,
    headers: HeaderMap,
    CidPath(cid): CidPath,
) -> Answer {
    rooms.admit(&headers)?;
    let cid = rooms.cid(&cid)?;
    rooms.hub.look(&cid, false).await?.map(Json).ok_or_else(|| Problem::from(unknown_room()))
}

fn unknown_room() -> ErrorBody {
    ErrorBody::from(&rolecall_protocol::room::Refusal::UnknownRoom)
}

/// A room's audit trail: who did what and when.
#[utoipa::path(
    get, path = "/v1/rooms/{cid}/journal", operation_id = "ReadRoomJournal", tag = "rooms",
    security(("server_token" = [])),
    params(
        ("cid" = String, Path, description = "Its cid, or a bare id of the default call type.", max_length = 129, example = "default:standup"),
        ("limit" = Option<u32>, Query, description = "How many at most.", minimum = 1, maximum = 100),
        ("after" = Option<u64>, Query, description = "The `next` of an earlier page."),
    ),
    responses((status = 200, description = "A page.", body = JournalPage)),
)]
async fn journal(
    State(rooms): State<Arc<Rooms>>,
    headers: HeaderMap,
    CidPath(cid): CidPath,
    query: Paged<u64>,
) -> Answer {
    rooms.admit(&headers)?;
    let cid = rooms.cid(&cid)?;
    let (limit, after) = Page::read(query)?;
    let after = Seq(after.unwrap_or(0));
    let journal = &rooms.hub.shared().journal;
    let page = journal.read(&cid, after, limit).await?;
    // Behind the last record of a room that is gone there is nothing yet.
    if page.records.is_empty()
        && journal.read(&cid, Seq(0), 1).await?.records.is_empty()
        && rooms.hub.look(&cid, true).await?.is_none()
    {
        return Err(Problem::from(unknown_room()));
    }
    let records: Vec<Value> = page.records.iter().map(|record| shown(record)).collect();
    Ok(Json(json!({ "records": records, "next": page.next })))
}

/// A record as the audit trail shows it: without the hash of a session's secret, and with the
/// call type by its name instead of whole.
fn shown(record: &Record) -> Value {
    let mut shown = serde_json::to_value(record).unwrap_or_default();
    if let Some(record) = shown.as_object_mut() {
        record.remove("call");
    }
    let events = shown.get_mut("events").and_then(Value::as_array_mut);
    for event in events.into_iter().flatten() {
        if let Some(newcomer) = event.get_mut("newcomer").and_then(Value::as_object_mut) {
            newcomer.remove("session");
        }
        if let Some(call_type) = event.get_mut("callType") {
            *call_type = call_type.get("name").cloned().unwrap_or_default();
        }
    }
    shown
}

/// A call of the native protocol.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Call {
    /// Its name, such as `changeRoleOfPeer`.
    #[schema(example = "endRoom")]
    method: String,
    /// Its params; none is `{}`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    params: Option<Box<RawValue>>,
}

// What the answers are, for the document: they are written from values.

/// A page of rooms.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is a value")]
struct RoomsPage {
    /// Them.
    #[schema(value_type = Vec<Object>)]
    rooms: Vec<Value>,
    /// Where the next page begins; null: there is none.
    #[schema(required = true)]
    next: Option<String>,
}

/// A page of a room's journal.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is a value")]
struct JournalPage {
    /// In the order in which they happened.
    #[schema(value_type = Vec<Object>)]
    records: Vec<Value>,
    /// Where the next page begins; null: there is none.
    #[schema(required = true)]
    next: Option<u64>,
}

/// What came of a call.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is a value")]
struct CallResult {
    /// As the native protocol's reply has it.
    #[schema(value_type = Object)]
    result: Value,
}

/// A call of the server's own: answers `{"result"}` or `{"error"}` as the native protocol does.
#[utoipa::path(
    post, path = "/v1/rooms/{cid}/calls", operation_id = "CallRoom", tag = "rooms",
    security(("server_token" = [])),
    params(("cid" = String, Path, description = "Its cid, or a bare id of the default call type.", max_length = 129, example = "default:standup")),
    request_body = Call,
    responses((status = 200, description = "Done.", body = CallResult)),
)]
async fn call(
    State(rooms): State<Arc<Rooms>>,
    headers: HeaderMap,
    CidPath(cid): CidPath,
    Text(body): Text,
) -> Response {
    match called(&rooms, &headers, &cid, &body).await {
        Ok(result) => Json(json!({ "result": result })).into_response(),
        Err(error) => {
            let problem = Problem::from(error);
            (problem.status(), Json(json!({ "error": problem }))).into_response()
        }
    }
}

async fn called(
    rooms: &Rooms,
    headers: &HeaderMap,
    cid: &str,
    body: &str,
) -> Result<Value, ErrorBody> {
    rooms.admit(headers)?;
    let cid = rooms.cid(cid)?;
    let call: Call = serde_json::from_str(body).map_err(|error| {
        match serde_json::from_str::<serde::de::IgnoredAny>(body) {
            Ok(_) => {
                ErrorBody::not_a_call(format!("the body is {{\"method\", \"params\"}}: {error}"))
            }
            Err(error) => ErrorBody::not_json(&error.to_string()),
        }
    })?;
    let command = read_command(&call.method, call.params.as_deref().map_or("{}", RawValue::get))?;
    let reply = rooms.hub.command(&cid, command).await?;
    serde_json::to_value(reply).map_err(|_| ErrorBody::internal())
}
