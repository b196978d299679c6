//! Who is in: one room, and all of them. It must not know how anybody came in.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use futures::{StreamExt as _, stream};
use rolecall_protocol::{
    id::{Cid, PeerId, Timestamp},
    room::Room,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::input::{Path, Query},
    Answer, Daily, RoomPath, Routes,
};
use crate::auth::daily::CALL_TYPE;

/// Rooms that are looked at at once where all are asked for.
const ROOMS_AT_ONCE: usize = 32;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(get_room_presence)).routes(routes!(get_presence))
}

/// Somebody who is in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DailyPresence)]
struct Present {
    /// The room.
    room: String,
    /// His peer id, Daily's session id.
    #[schema(value_type = String)]
    id: PeerId,
    /// His user id; null where he came without one.
    #[schema(required = true)]
    user_id: Option<String>,
    /// The name he shows.
    #[schema(value_type = String)]
    user_name: Arc<str>,
    /// The session of the room.
    #[schema(value_type = Option<String>, required = true)]
    mtg_session_id: Option<Arc<str>>,
    /// When he came.
    #[schema(value_type = String, format = DateTime)]
    join_time: Timestamp,
    /// How many seconds ago that was.
    duration: u64,
}

/// Who is in one room.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyRoomPresence)]
struct RoomPresence {
    /// How many there are, whatever the limit.
    total_count: usize,
    /// Them, the first to come first.
    data: Vec<Present>,
}

/// Whom to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct PresenceQuery {
    /// How many at most.
    limit: Option<usize>,
    /// Only that user.
    user_id: Option<String>,
    /// Only those who show that name.
    user_name: Option<String>,
}

/// Who is in a room and seen by all, as of now.
#[utoipa::path(
    get, path = "/rooms/{room}/presence", operation_id = "DailyGetRoomPresence", tag = "daily",
    security(("server_token" = [])), params(RoomPath, PresenceQuery),
    responses((status = 200, description = "Them.", body = RoomPresence)),
)]
async fn get_room_presence(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
    Query(query): Query<PresenceQuery>,
) -> Answer<RoomPresence> {
    let cid = path.cid()?;
    let now = Timestamp(daily.clock.now_ms());
    let mut data = daily.look(&cid, move |room| present(room, now)).await?;
    let is = |asked: &Option<String>, what: Option<&str>| {
        asked.as_deref().is_none_or(|asked| Some(asked) == what)
    };
    data.retain(|one| {
        is(&query.user_id, one.user_id.as_deref()) && is(&query.user_name, Some(&one.user_name))
    });
    let total_count = data.len();
    data.truncate(query.limit.unwrap_or(usize::MAX));
    Ok(axum::Json(RoomPresence { total_count, data }))
}

/// Who is in each room that anybody is in, as of now.
#[utoipa::path(
    get, path = "/presence", operation_id = "DailyGetPresence", tag = "daily",
    security(("server_token" = [])),
    responses((status = 200, description = "Them by room.", body = BTreeMap<String, Vec<Present>>)),
)]
async fn get_presence(State(daily): State<Arc<Daily>>) -> Answer<BTreeMap<String, Vec<Present>>> {
    let now = Timestamp(daily.clock.now_ms());
    let cards = daily.hub.shared().calls.cards_of_type(CALL_TYPE);
    let there = cards.into_iter().filter(|card| card.is_ongoing());
    let cids: Vec<Cid> = there.map(|card| card.room.cid.clone()).collect();
    let looks = cids.into_iter().map(async |cid| {
        // One that ended in between is left out, and so is one that is down.
        let data = daily.look(&cid, move |room| present(room, now)).await.unwrap_or_default();
        (cid.id().to_owned(), data)
    });
    let seen = stream::iter(looks).buffer_unordered(ROOMS_AT_ONCE);
    let seen = seen.filter(|(_, data)| std::future::ready(!data.is_empty()));
    Ok(axum::Json(seen.collect().await))
}

/// Those whom everybody sees, the first to come first.
fn present(room: &Room, now: Timestamp) -> Vec<Present> {
    let mut peers: Vec<_> = room.peers.values().filter(|peer| peer.is_visible()).collect();
    peers.sort_by_key(|peer| (peer.joined_at, peer.id()));
    let session = room.session.as_ref().map(|session| Arc::clone(&session.id));
    let shown = peers.into_iter().map(|peer| {
        let user_id = peer.who.user_id.as_str();
        Present {
            room: room.cid.id().to_owned(),
            id: peer.id().clone(),
            user_id: (user_id != peer.id().as_str()).then(|| user_id.to_owned()),
            user_name: Arc::clone(&peer.who.name),
            mtg_session_id: session.clone(),
            join_time: peer.joined_at,
            duration: now.0.saturating_sub(peer.joined_at.0) / 1000,
        }
    });
    shown.collect()
}
