//! Those who are in a room: shown, changed, removed, written to. It must not decide what may be; the law
//! does.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use rolecall_protocol::{
    dialect::hms::words,
    id::{DISPLAY_NAME_MAX, PeerId, RoleName, Timestamp, UserId, check_text},
    json::MessageData,
    room::{Command, Peer, Room, command::Recipient},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Api, Fault, Message, RoomPath, Routes, active_rooms::reason};
use crate::http::input::{Json, Path, Query};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list_peers))
        .routes(routes!(get_peer, update_peer))
        .routes(routes!(remove_peers))
        .routes(routes!(send_message))
}

/// Somebody who is in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsPeer)]
struct Shown {
    /// His peer id.
    #[schema(value_type = String)]
    id: PeerId,
    /// His display name.
    #[schema(value_type = String)]
    name: Arc<str>,
    /// Who he is.
    #[schema(value_type = String)]
    user_id: UserId,
    /// His own data, as text: what is no text is JSON.
    metadata: String,
    /// His role.
    #[schema(value_type = String)]
    role: RoleName,
    /// When he came.
    #[schema(value_type = String, format = DateTime)]
    joined_at: Timestamp,
    /// His tracks by their ids, where he is shown alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    tracks: Option<BTreeMap<String, Track>>,
}

/// A track of somebody's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsTrack)]
struct Track {
    /// Its id, as the others have it.
    id: String,
    /// Its stream's.
    stream_id: String,
    /// Whether it is off.
    mute: bool,
    /// `audio` or `video`.
    #[schema(value_type = String, example = "audio")]
    r#type: &'static str,
    /// `regular`, `screen`, or another.
    #[schema(value_type = String, example = "regular")]
    source: &'static str,
    /// Always empty.
    #[schema(value_type = String)]
    description: &'static str,
}

impl Shown {
    fn of(peer: &Peer) -> Self {
        Self {
            id: peer.id().clone(),
            name: Arc::clone(&peer.who.name),
            user_id: peer.who.user_id.clone(),
            metadata: words::data(&peer.who.metadata),
            role: peer.role.clone(),
            joined_at: peer.joined_at,
            tracks: None,
        }
    }

    fn with_tracks(peer: &Peer) -> Self {
        let tracks = words::shown(peer).iter().map(|kind| {
            let (r#type, source) = words::type_and_source(kind);
            let id = words::track_id(peer, kind);
            let stream_id = words::stream_id(peer, kind);
            let mute = !peer.on.contains(kind);
            (id.clone(), Track { id, stream_id, mute, r#type, source, description: "" })
        });
        Self { tracks: Some(tracks.collect()), ..Self::of(peer) }
    }
}

/// Who is in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsPeers)]
struct Peers {
    /// Them by their ids; those whom others do not see, too.
    #[schema(value_type = BTreeMap<String, Shown>)]
    peers: BTreeMap<PeerId, Shown>,
}

/// Whom to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those in that role.
    role: Option<String>,
    /// Only that user.
    user_id: Option<String>,
}

impl Filter {
    fn admits(&self, peer: &Peer) -> bool {
        let is = |asked: &Option<String>, what: &str| asked.as_deref().is_none_or(|it| it == what);
        is(&self.role, peer.role.as_str()) && is(&self.user_id, peer.who.user_id.as_str())
    }
}

/// Those who are in a room.
#[utoipa::path(
    get, path = "/active-rooms/{room}/peers", operation_id = "HmsListPeers", tag = "100ms",
    security(("management_token" = [])), params(RoomPath, Filter),
    responses((status = 200, description = "Them.", body = Peers)),
)]
async fn list_peers(
    State(api): State<Arc<Api>>,
    Path(path): Path<RoomPath>,
    Query(filter): Query<Filter>,
) -> Answer<Peers> {
    let cid = api.cid("room", &path.room)?;
    let there = move |room: &Room| {
        room.session.as_ref()?;
        let fits = room.peers.values().filter(|peer| filter.admits(peer));
        Some(fits.map(|peer| (peer.id().clone(), Shown::of(peer))).collect())
    };
    let peers = api.look(&cid, there).await?.ok_or_else(Fault::not_active)?;
    Ok(axum::Json(Peers { peers }))
}

/// Which peer of which room.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PeerPath {
    /// The room's id: `type:id`, or an id of the default call type.
    #[param(pattern = "^([A-Za-z0-9_-]{1,64}:)?[A-Za-z0-9_-]{1,64}$", example = "stage:keynote")]
    room: String,
    /// The peer's.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    peer: String,
}

/// Somebody who is in, with his tracks.
#[utoipa::path(
    get, path = "/active-rooms/{room}/peers/{peer}", operation_id = "HmsGetPeer", tag = "100ms",
    security(("management_token" = [])), params(PeerPath),
    responses((status = 200, description = "Him.", body = Shown)),
)]
async fn get_peer(State(api): State<Arc<Api>>, Path(path): Path<PeerPath>) -> Answer<Shown> {
    let cid = api.cid("room", &path.room)?;
    let id = peer_id("peer", &path.peer)?;
    let see = move |room: &Room| {
        room.session.as_ref()?;
        Some(room.peers.get(&id).map(Shown::with_tracks))
    };
    let seen = api.look(&cid, see).await?.ok_or_else(Fault::not_active)?;
    seen.ok_or_else(Fault::no_peer).map(axum::Json)
}

/// What is to be another of somebody; what is not given stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HmsUpdatePeerRequest)]
struct UpdatePeerRequest {
    /// His display name.
    #[schema(max_length = 128)]
    name: Option<String>,
    /// His role, at once: he is not asked.
    role: Option<String>,
    /// His own data, as text; a JSON object or array is that to native clients.
    metadata: Option<String>,
}

/// Changes somebody's role, name or data. Where the role is refused, nothing of it is done.
#[utoipa::path(
    post, path = "/active-rooms/{room}/peers/{peer}", operation_id = "HmsUpdatePeer", tag = "100ms",
    security(("management_token" = [])), params(PeerPath), request_body = UpdatePeerRequest,
    responses((status = 200, description = "He, as he is now.", body = Shown)),
)]
async fn update_peer(
    State(api): State<Arc<Api>>,
    Path(path): Path<PeerPath>,
    Json(request): Json<UpdatePeerRequest>,
) -> Answer<Shown> {
    let cid = api.cid("room", &path.room)?;
    let peer_id = peer_id("peer", &path.peer)?;
    let mut commands = Vec::new();
    // First what may be refused.
    if let Some(role) = &request.role {
        let (peer_id, role) = (peer_id.clone(), role_name(role)?);
        commands.push(Command::ChangeRole { peer_id, role, force: true });
    }
    if let Some(name) = request.name {
        check_text(&name, "name", DISPLAY_NAME_MAX).map_err(|why| Fault::field("name", why))?;
        commands.push(Command::SetNameOf { peer_id: peer_id.clone(), name: name.into() });
    }
    if let Some(data) = &request.metadata {
        let metadata = words::metadata(data).map_err(|why| Fault::too_large("metadata", why))?;
        commands.push(Command::SetMetadataOf { peer_id: peer_id.clone(), metadata });
    }
    for command in commands {
        api.act(&cid, command).await?;
    }
    let see = move |room: &Room| room.peers.get(&peer_id).map(Shown::with_tracks);
    api.look(&cid, see).await?.ok_or_else(Fault::no_peer).map(axum::Json)
}

/// Who has to go: one, or all of a role. Where both are given, it is the one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HmsRemovePeersRequest)]
struct RemovePeersRequest {
    /// A peer id.
    peer_id: Option<String>,
    /// A role.
    role: Option<String>,
    /// Why, for those who go.
    #[schema(max_length = 256)]
    reason: Option<String>,
}

/// Removes somebody, or all of a role. They may come again.
#[utoipa::path(
    post, path = "/active-rooms/{room}/remove-peers", operation_id = "HmsRemovePeers",
    tag = "100ms", security(("management_token" = [])), params(RoomPath),
    request_body = RemovePeersRequest,
    responses((status = 200, description = "It is done.", body = Message)),
)]
async fn remove_peers(
    State(api): State<Arc<Api>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<RemovePeersRequest>,
) -> Answer<Message> {
    let cid = api.cid("room", &path.room)?;
    let reason = reason(request.reason)?;
    let removal = |peer_id| Command::RemovePeer { peer_id, reason: reason.clone(), block: false };
    match whom(request.peer_id, request.role)? {
        Some(Recipient::Peer(peer_id)) => drop(api.act(&cid, removal(peer_id)).await?),
        Some(Recipient::Roles(roles)) => {
            let of_role = move |room: &Room| -> Result<Vec<PeerId>, Fault> {
                room.session.as_ref().ok_or_else(Fault::not_active)?;
                if roles.iter().any(|role| !room.call_type.roles.contains_key(role)) {
                    return Err(Fault::field("role", "the call type has no such role"));
                }
                let those = room.peers.values().filter(|peer| roles.contains(&peer.role));
                Ok(those.map(|peer| peer.id().clone()).collect())
            };
            for peer_id in api.look(&cid, of_role).await?? {
                match api.act(&cid, removal(peer_id)).await {
                    Ok(_) => {}
                    // He went by himself meanwhile.
                    Err(fault) if fault.is_unknown() => {}
                    Err(fault) => return Err(fault),
                }
            }
        }
        _ => return Err(Fault::field("peer_id", "`peer_id` or `role` must be given")),
    }
    Ok(Message::new("peer remove request submitted"))
}

/// Something to say: to one, to all of a role, or to everybody. Where both are given, it is to the one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HmsSendMessageRequest)]
struct SendMessageRequest {
    /// A peer id. 100ms's SDK for Node writes it as `peerId`.
    #[serde(alias = "peerId")]
    peer_id: Option<String>,
    /// A role.
    role: Option<String>,
    /// What: a text, as 100ms has it; any JSON is passed on.
    message: Value,
    /// What kind of message it is.
    #[serde(rename = "type")]
    #[schema(default = "chat")]
    kind: Option<String>,
}

/// Sends a message to those who are in; nobody is its sender.
#[utoipa::path(
    post, path = "/active-rooms/{room}/send-message", operation_id = "HmsSendMessage",
    tag = "100ms", security(("management_token" = [])), params(RoomPath),
    request_body = SendMessageRequest,
    responses((status = 200, description = "It was said.", body = Message)),
)]
async fn send_message(
    State(api): State<Arc<Api>>,
    Path(path): Path<RoomPath>,
    Json(request): Json<SendMessageRequest>,
) -> Answer<Message> {
    let cid = api.cid("room", &path.room)?;
    let kind = request.kind.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "chat".to_owned());
    let data = MessageData::new(&json!({ "type": kind, "message": request.message }))
        .map_err(|why| Fault::too_large("message", why))?;
    let to = whom(request.peer_id, request.role)?.unwrap_or(Recipient::Everybody);
    api.look(&cid, |room| room.session.is_some())
        .await?
        .then_some(())
        .ok_or_else(Fault::not_active)?;
    api.act(&cid, Command::SendMessage { data, to, speaker: None }).await?;
    Ok(Message::new("message sent"))
}

/// One peer, or else a role; what is empty is not given.
fn whom(peer: Option<String>, role: Option<String>) -> Result<Option<Recipient>, Fault> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    match (given(peer), given(role)) {
        (Some(peer), _) => peer_id("peer_id", &peer).map(Recipient::Peer).map(Some),
        (None, Some(role)) => Ok(Some(Recipient::Roles([role_name(&role)?].into()))),
        (None, None) => Ok(None),
    }
}

fn peer_id(field: &str, id: &str) -> Result<PeerId, Fault> {
    PeerId::parse(id).map_err(|why| Fault::field(field, why))
}

fn role_name(role: &str) -> Result<RoleName, Fault> {
    RoleName::parse(role).map_err(|why| Fault::field("role", why))
}
