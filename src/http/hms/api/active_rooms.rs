//! Rooms that somebody is in: shown, one by one and page by page, and ended. It must not know what is
//! said of each peer.

use std::sync::Arc;

use axum::extract::State;
use rolecall_protocol::{
    id::{Cid, PeerId, REASON_MAX, Timestamp, check_text},
    room::{Command, Room},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Api, Fault, Message, RoomPath, Routes};
use crate::http::input::{Json, Path, Query};

/// Rooms of a page where it is not said how many.
const LIMIT: usize = 10;
/// Most rooms of a page.
const LIMIT_MAX: usize = 100;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_active_rooms))
        .routes(routes!(get_active_room))
        .routes(routes!(end_active_room))
}

/// A room that somebody is in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsActiveRoom)]
struct ActiveRoom {
    /// Its id, `type:id`.
    #[schema(value_type = String, example = "stage:keynote")]
    id: Cid,
    /// The same: rooms have no other name here.
    #[schema(value_type = String)]
    name: Cid,
    /// The app's public key.
    customer_id: String,
    /// What goes on in it.
    session: Session,
}

/// What goes on in a room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsActiveSession)]
struct Session {
    /// Its id.
    #[schema(value_type = String)]
    id: Arc<str>,
    /// When the first one came.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who is in, the first to come first; those whom others do not see, too.
    #[schema(value_type = Vec<String>)]
    peers: Vec<PeerId>,
}

impl ActiveRoom {
    /// The room, where anybody is in it.
    fn of(room: &Room, customer_id: String) -> Option<Self> {
        let session = room.session.as_ref()?;
        let mut peers: Vec<_> = room.peers.values().collect();
        peers.sort_by_key(|peer| (peer.joined_at, peer.id()));
        Some(Self {
            id: room.cid.clone(),
            name: room.cid.clone(),
            customer_id,
            session: Session {
                id: Arc::clone(&session.id),
                created_at: session.started_at,
                peers: peers.into_iter().map(|peer| peer.id().clone()).collect(),
            },
        })
    }
}

/// A page of rooms.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsActiveRooms)]
struct ActiveRooms {
    /// How many were asked for.
    limit: usize,
    /// Them, by their ids.
    data: Vec<ActiveRoom>,
    /// The `start` of the next page; null where there is none.
    #[schema(value_type = Option<String>)]
    last: Option<Cid>,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 10)]
    limit: Option<usize>,
    /// The `last` of an earlier page.
    start: Option<String>,
}

/// The rooms that somebody is in, page by page. 100ms itself has them in its list of sessions alone.
#[utoipa::path(
    get, path = "/active-rooms", operation_id = "HmsListActiveRooms", tag = "100ms",
    security(("management_token" = [])), params(Page),
    responses((status = 200, description = "Them.", body = ActiveRooms)),
)]
async fn list_active_rooms(
    State(api): State<Arc<Api>>,
    Query(page): Query<Page>,
) -> Answer<ActiveRooms> {
    let limit = page.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Fault::field("limit", format!("is 1 to {LIMIT_MAX}")));
    }
    let start = page.start.as_deref().map(|start| api.cid("start", start)).transpose()?;
    let calls = &api.hub.shared().calls;
    let mut cids = calls.ongoing_after(start.as_ref(), limit + 1);
    let more = cids.len() > limit;
    cids.truncate(limit);
    let last = cids.last().filter(|_| more).cloned();
    let mut data = Vec::with_capacity(cids.len());
    for cid in cids {
        // One that ended in between is left out, and so is one that is down.
        data.extend(api.active_room(&cid).await.ok());
    }
    Ok(axum::Json(ActiveRooms { limit, data, last }))
}

/// A room that somebody is in.
#[utoipa::path(
    get, path = "/active-rooms/{room}", operation_id = "HmsGetActiveRoom", tag = "100ms",
    security(("management_token" = [])), params(RoomPath),
    responses((status = 200, description = "It.", body = ActiveRoom)),
)]
async fn get_active_room(
    State(api): State<Arc<Api>>,
    Path(path): Path<RoomPath>,
) -> Answer<ActiveRoom> {
    api.active_room(&api.cid("room", &path.room)?).await.map(axum::Json)
}

/// How a room ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HmsEndRoomRequest)]
struct EndRoomRequest {
    /// Why, for those who are in.
    #[schema(max_length = 256)]
    reason: Option<String>,
    /// Whether nobody may come in again; else it is what goes on in it now that ends.
    lock: Option<bool>,
}

/// Ends what goes on in a room: everybody is out. With `lock` nobody comes in again.
#[utoipa::path(
    post, path = "/active-rooms/{room}/end-room", operation_id = "HmsEndRoom", tag = "100ms",
    security(("management_token" = [])), params(RoomPath), request_body = EndRoomRequest,
    responses((status = 200, description = "It is done.", body = Message)),
)]
async fn end_active_room(
    State(api): State<Arc<Api>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<EndRoomRequest>,
) -> Answer<Message> {
    let cid = api.cid("room", &path.room)?;
    let lock = request.lock == Some(true);
    let end = Command::EndRoom { reason: reason(request.reason)?, lock };
    api.act(&cid, end).await?;
    Ok(Message::new("session is ending"))
}

/// The text that those who have to go are told; an empty one is none.
pub(super) fn reason(reason: Option<String>) -> Result<Option<String>, Fault> {
    let reason = reason.filter(|reason| !reason.is_empty());
    if let Some(reason) = &reason {
        check_text(reason, "reason", REASON_MAX).map_err(|why| Fault::field("reason", why))?;
    }
    Ok(reason)
}

impl Api {
    async fn active_room(&self, cid: &Cid) -> Result<ActiveRoom, Fault> {
        let customer_id = self.config.api_key.clone();
        self.look(cid, |room| ActiveRoom::of(room, customer_id))
            .await?
            .ok_or_else(Fault::not_active)
    }
}
