//! What a session's peers keep together, as the back end reads and changes it. It must not decide
//! how a change comes about; the law does.

use std::sync::Arc;

use axum::extract::State;
use rolecall_protocol::room::{
    Command, SessionData, SessionDataChange, session_data::KEYS_REMOVED_MAX,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::input::{Json, Path},
    Answer, Daily, Fault, RoomPath, Routes,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(get_session_data)).routes(routes!(set_session_data))
}

/// The session data of a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailySessionData)]
struct Told {
    /// The whole; `{}` where there is none.
    #[schema(value_type = Object)]
    data: SessionData,
}

/// What the session's peers keep together. Where nobody is in, it is what was set for the next
/// session.
#[utoipa::path(
    get, path = "/rooms/{room}/get-session-data", operation_id = "DailyGetSessionData",
    tag = "daily", security(("server_token" = [])), params(RoomPath),
    responses((status = 200, description = "It.", body = Told)),
)]
async fn get_session_data(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
) -> Answer<Told> {
    let data = daily.look(&path.cid()?, |room| room.session_data.clone()).await?;
    Ok(axum::Json(Told { data }))
}

/// How the session data is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DailySetSessionDataRequest)]
struct SetRequest {
    /// What takes its place, or is laid over it; `{}` unless given.
    #[schema(value_type = Option<Object>)]
    data: Option<SessionData>,
    /// Whether keys that are not mentioned stay: `replace` unless given.
    merge_strategy: Option<Merge>,
    /// Keys that go, beside `shallow-merge` only.
    #[serde(default)]
    #[schema(max_items = 1000)]
    keys_to_delete: Option<Vec<String>>,
}

/// How it is laid over what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = DailyMergeStrategy)]
enum Merge {
    /// Not at all: it takes its place.
    #[default]
    Replace,
    /// Key by key, not deeper.
    ShallowMerge,
}

/// Changes what the session's peers keep together; everybody who is in is told. Where nobody is
/// in, it counts for the next session.
#[utoipa::path(
    post, path = "/rooms/{room}/set-session-data", operation_id = "DailySetSessionData",
    tag = "daily", security(("server_token" = [])), params(RoomPath), request_body = SetRequest,
    responses((status = 200, description = "The whole as it is then.", body = Told)),
)]
async fn set_session_data(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<SetRequest>,
) -> Answer<Told> {
    let cid = path.cid()?;
    let merge = request.merge_strategy.unwrap_or_default() == Merge::ShallowMerge;
    let remove = request.keys_to_delete.unwrap_or_default();
    if remove.len() > KEYS_REMOVED_MAX {
        let info = format!("`keysToDelete`: has more than {KEYS_REMOVED_MAX} entries");
        return Err(Fault::input(info));
    }
    if !merge && !remove.is_empty() {
        return Err(Fault::input("`keysToDelete`: goes with `mergeStrategy` `shallow-merge` only"));
    }
    let data = request.data.unwrap_or_default();
    let change = Box::new(SessionDataChange { data, merge, remove });
    let command = Some(Command::SetSessionData { change });
    let (_, data) = daily.asked(&cid, command, |room| room.session_data.clone()).await?;
    Ok(axum::Json(Told { data }))
}
