//! What is done to those who are in: permissions, ejection, messages. It must not decide what may
//! be; the law does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::extract::State;
use rolecall_protocol::{
    dialect::native::call::UPDATES_MAX,
    id::{PeerId, UserId},
    json::MessageData,
    permissions::PermissionsPatch,
    room::{Command, Reply, Room, command::Recipient},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::input::{Json, Path},
    Answer, Daily, Fault, RoomPath, Routes,
};
use crate::http::back_end::Fault as _;

/// Everybody, or everybody else.
const ALL: &str = "*";
/// Most ids of either kind in one `eject`.
const EJECTED_MAX: usize = 100;

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(update_permissions))
        .routes(routes!(eject))
        .routes(routes!(send_app_message))
}

/// Nothing more is said of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyPermissionsUpdated)]
struct Updated {
    /// How many now have what was asked.
    updated: usize,
    /// Who was left as he is, and why.
    skipped: Vec<Skipped>,
}

/// Somebody who was left as he is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyPermissionsSkipped)]
struct Skipped {
    /// Him.
    #[schema(value_type = String)]
    id: PeerId,
    /// Why: a word.
    #[schema(value_type = String, example = "unknown-peer")]
    reason: &'static str,
}

/// Who may do what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DailyUpdatePermissionsRequest)]
struct UpdatePermissionsRequest {
    /// By session id; `*` is everybody who is not named.
    #[schema(value_type = BTreeMap<String, PermissionsUpdate>)]
    data: BTreeMap<String, PermissionsPatch>,
}

/// What of somebody's permissions is different; what is not given stays, null is what his role says.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document: the law reads it")]
#[schema(as = DailyPermissionsUpdate)]
#[serde(rename_all = "camelCase")]
struct PermissionsUpdate {
    /// Whether the others see him.
    has_presence: Option<bool>,
    /// All, none, or these kinds of media.
    #[schema(value_type = Option<Value>, example = json!(["audio"]))]
    can_send: Option<Value>,
    /// `base`, `byUserId`, `byParticipantId`; each part that is given replaces that part.
    #[schema(value_type = Option<Object>, example = json!({ "base": true }))]
    can_receive: Option<Value>,
    /// All, nothing, or some of `participants`, `streaming`, `transcription`.
    #[schema(value_type = Option<Value>, example = json!(["participants"]))]
    can_admin: Option<Value>,
}

/// Changes what those who are in may do, at once.
#[utoipa::path(
    post, path = "/rooms/{room}/update-permissions", operation_id = "DailyUpdatePermissions",
    tag = "daily", security(("server_token" = [])), params(RoomPath),
    request_body = UpdatePermissionsRequest,
    responses((status = 200, description = "What came of it.", body = Updated)),
)]
async fn update_permissions(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<UpdatePermissionsRequest>,
) -> Answer<Updated> {
    let cid = path.cid()?;
    if request.data.len() > UPDATES_MAX {
        return Err(Fault::input(format!("`data`: has more than {UPDATES_MAX} entries")));
    }
    let mut everybody = None;
    let mut named = BTreeMap::new();
    for (whom, patch) in request.data {
        if whom == ALL {
            everybody = Some(Box::new(patch));
        } else {
            named.insert(peer("data", &whom)?, patch);
        }
    }
    let reply = daily.act(&cid, Command::UpdateManyPermissions { everybody, named }).await?;
    let Reply::Changed { changed, refused, .. } = reply else { return Err(Fault::internal()) };
    let skipped = refused.into_iter().map(|one| Skipped { id: one.peer_id, reason: one.reason });
    Ok(axum::Json(Updated { updated: changed, skipped: skipped.collect() }))
}

fn peer(field: &str, id: &str) -> Result<PeerId, Fault> {
    PeerId::parse(id).map_err(|error| Fault::input(format!("`{field}`: {error}")))
}

/// Who has to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DailyEjectRequest)]
struct EjectRequest {
    /// Session ids.
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    ids: Option<Vec<PeerId>>,
    /// User ids: every session of theirs.
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    user_ids: Option<Vec<UserId>>,
    /// Whether these users are kept out, too.
    ban: Option<bool>,
}

/// Who went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyEjectResponse)]
struct Ejected {
    /// Their session ids.
    #[serde(rename = "ejectedIds")]
    #[schema(value_type = Vec<String>)]
    ejected_ids: Vec<PeerId>,
}

/// Removes those who are in. Whoever is not is no error; with `ban` a user is kept out all the same.
#[utoipa::path(
    post, path = "/rooms/{room}/eject", operation_id = "DailyEject", tag = "daily",
    security(("server_token" = [])), params(RoomPath), request_body = EjectRequest,
    responses((status = 200, description = "Who went.", body = Ejected)),
)]
async fn eject(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<EjectRequest>,
) -> Answer<Ejected> {
    let cid = path.cid()?;
    if request.ids.is_none() && request.user_ids.is_none() {
        return Err(Fault::input("`ids` or `user_ids` must be given"));
    }
    let ids = bounded("ids", request.ids)?;
    let users = bounded("user_ids", request.user_ids)?;
    let ban = request.ban == Some(true);
    let (there, users) = daily.look(&cid, move |room| there(room, &ids, users, ban)).await?;
    let mut ejected_ids = Vec::new();
    if ban {
        // All of a user's sessions go as he is blocked.
        for user_id in users {
            daily.act(&cid, Command::BlockUser { user_id }).await?;
        }
    }
    for (peer_id, is_banned) in there {
        if !is_banned {
            let removal =
                Command::RemovePeer { peer_id: peer_id.clone(), reason: None, block: false };
            match daily.act(&cid, removal).await {
                Ok(_) => {}
                // He went by himself meanwhile.
                Err(fault) if fault.is_unknown() => continue,
                Err(fault) => return Err(fault),
            }
        }
        ejected_ids.push(peer_id);
    }
    Ok(axum::Json(Ejected { ejected_ids }))
}

/// A list of a request as a set, within its bound.
fn bounded<T: Ord>(field: &str, list: Option<Vec<T>>) -> Result<BTreeSet<T>, Fault> {
    let list = list.unwrap_or_default();
    if list.len() > EJECTED_MAX {
        return Err(Fault::input(format!("`{field}`: has more than {EJECTED_MAX} entries")));
    }
    Ok(list.into_iter().collect())
}

/// Who is there of those meant, each with whether his user is to be kept out; and the users whom
/// that concerns. Who has no user id cannot be kept out.
fn there(
    room: &Room,
    ids: &BTreeSet<PeerId>,
    mut users: BTreeSet<UserId>,
    ban: bool,
) -> (Vec<(PeerId, bool)>, BTreeSet<UserId>) {
    let is_user = |user: &UserId, peer: &PeerId| user.as_str() != peer.as_str();
    if ban {
        let peers = ids.iter().filter_map(|id| room.peers.get(id));
        let named = peers.filter(|peer| is_user(&peer.who.user_id, peer.id()));
        users.extend(named.map(|peer| peer.who.user_id.clone()));
    }
    let meant = room.peers.values().filter_map(|peer| {
        let of_user = users.contains(&peer.who.user_id);
        let meant = of_user || ids.contains(peer.id());
        meant.then(|| (peer.id().clone(), ban && of_user))
    });
    (meant.collect(), users)
}

/// Something to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DailySendAppMessageRequest)]
struct SendAppMessageRequest {
    /// What.
    data: Value,
    /// To whom: a session id, or `*` for everybody.
    #[serde(default = "all")]
    recipient: String,
}

fn all() -> String {
    ALL.to_owned()
}

/// It was said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailySendAppMessageResponse)]
struct Sent {
    /// `"true"`, as Daily has it.
    #[schema(value_type = String)]
    sent: &'static str,
}

/// Sends a message to those who are in; the server is who says it.
#[utoipa::path(
    post, path = "/rooms/{room}/send-app-message", operation_id = "DailySendAppMessage",
    tag = "daily", security(("server_token" = [])), params(RoomPath),
    request_body = SendAppMessageRequest,
    responses((status = 200, description = "It was said.", body = Sent)),
)]
async fn send_app_message(
    State(daily): State<Arc<Daily>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<SendAppMessageRequest>,
) -> Answer<Sent> {
    let cid = path.cid()?;
    let data = MessageData::new(&request.data)
        .map_err(|error| Fault::input(format!("`data`: is {error}")))?;
    let to = match request.recipient.as_str() {
        ALL => Recipient::Everybody,
        id => Recipient::Peer(peer("recipient", id)?),
    };
    daily.act(&cid, Command::SendMessage { data, to, speaker: None }).await?;
    Ok(axum::Json(Sent { sent: "true" }))
}
