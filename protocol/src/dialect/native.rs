//! `rolecall.v1`, the native protocol. [`call`] reads what is called, this writes what is told.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    id::{PeerId, Seq, Timestamp},
    room::{
        Body, Notice, Room, SessionData,
        notice::{open_waiting, visible_requests},
        state::{Counts, Peer, RoomView},
        subscription::visible_subscriptions,
    },
    wire::frame::{self, CallId},
};

pub mod call;

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "rolecall.v1";

#[derive(Serialize)]
struct Params<'a> {
    #[serde(flatten)]
    body: &'a Body,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<Seq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

/// A notice as a frame. "All but messages, signals and `token-expiring` carry `seq` and `at`."
#[must_use]
pub fn notice(notice: &Notice) -> String {
    let at = notice.seq.map(|_| notice.at);
    frame::notice(notice.body.method(), &Params { body: &notice.body, seq: notice.seq, at })
}

/// `token-expiring`: the token's term ends in that many seconds.
#[must_use]
pub fn token_expiring(seconds: u64) -> String {
    frame::notice("token-expiring", &json!({ "in": seconds }))
}

/// What is told to who knocked: until when he may come in, where he may.
#[must_use]
pub fn waiting_answered(waiting_id: &PeerId, admitted_until: Option<Timestamp>) -> String {
    let mut params = json!({ "waitingId": waiting_id, "admitted": admitted_until.is_some() });
    if let Some(until) = admitted_until {
        params["expiresAt"] = json!(until);
    }
    frame::notice("waiting-answered", &params)
}

/// The reply to `resume` where every missed notice was told again.
#[must_use]
pub fn resumed(id: &CallId, peer_id: &PeerId, seq: Seq) -> String {
    frame::reply(id, &json!({ "resumed": true, "peerId": peer_id, "seq": seq }))
}

/// How the join reply is asked for: by `join`, by a `resume` that could not replay, by `state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `join` or `state`.
    Plainly,
    /// `resume`: the reply says `resumed: false`.
    ByResume,
}

/// The beginning of the reply to `join` (or `state`) for one peer, `PROTOCOL` 1.2, up to the inside
/// of `participants`; those he may see, comma-separated, and [`JOINED_END`] complete it. `roles` is
/// the JSON of the call type's roles. Both are kept by the caller, so that a join encodes neither
/// anew. `session` is the secret by which he resumes.
#[must_use]
pub fn joined_begin(
    id: &CallId,
    room: &Room,
    peer: &Peer,
    session: &str,
    roles: &str,
    asked: Asked,
) -> String {
    let head = Joined {
        resumed: (asked == Asked::ByResume).then_some(false),
        peer_id: peer.id(),
        session,
        epoch: &room.epoch,
        seq: room.seq,
        room: RoomView(room),
        session_data: &room.session_data,
        counts: room.counts(),
        requests: visible_requests(room, peer),
        subscriptions: visible_subscriptions(room, peer),
        protocol: SUBPROTOCOL,
        version: env!("CARGO_PKG_VERSION"),
    };
    let mut head = serde_json::to_string(&head).unwrap_or_else(|_| "{}".to_owned());
    head.pop();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{head},"roles":{roles},"participants":["#)
}

/// What completes [`joined_begin`].
pub const JOINED_END: &str = "]}}";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Joined<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<bool>,
    peer_id: &'a PeerId,
    session: &'a str,
    epoch: &'a str,
    seq: Seq,
    room: RoomView<'a>,
    session_data: &'a SessionData,
    counts: Counts,
    requests: Value,
    subscriptions: Value,
    protocol: &'static str,
    version: &'static str,
}

/// The room itself and its counts, for the server side's lists.
#[must_use]
pub fn brief(room: &Room) -> Value {
    json!({ "room": RoomView(room), "counts": room.counts(), "seq": room.seq })
}

/// The live state as a holder of every right sees it, for the server side.
#[must_use]
pub fn state(room: &Room) -> Value {
    let participants: Vec<&Peer> = room.peers.values().collect();
    let requests = json!({
        "role": room.role_requests.values().collect::<Vec<_>>(),
        "permission": room.permission_requests.values().collect::<Vec<_>>(),
        "waiting": open_waiting(room).collect::<Vec<_>>(),
    });
    json!({
        "epoch": room.epoch,
        "seq": room.seq,
        "room": RoomView(room),
        "roles": room.call_type.role_views(),
        "participants": participants,
        "counts": room.counts(),
        "admission": room.admission,
        "members": room.members,
        "blocked": room.blocked,
        "userOverrides": room.user_overrides,
        "session": room.session,
        "sessionData": room.session_data,
        "settings": room.settings,
        "updatedAt": room.updated_at,
        "requests": requests,
        "subscriptions": room.subscriptions.values().collect::<Vec<_>>(),
    })
}
