//! The shapes of 100ms's wire: roles, peers, tracks, written from what the law knows. They must not
//! know who is told.

use serde_json::{Map, Value, json};

use crate::{
    call_type::{
        CallType, Role, Scope,
        definition::{HAS_PRESENCE, behind_flag},
    },
    capability::{AdminGroup, Capability},
    grant::Silent,
    json::Metadata,
    media::{MediaRule, Reception, TrackKind, TrackKinds},
    permissions::Permissions,
    room::{
        Peer, Room,
        people::{Doer, Person},
    },
};

/// The group of those whose hand is up.
pub const HAND: &str = "_handraise";
/// What a subscriber may receive in kbit/s where the role does not say: 100ms's own default.
const SUBSCRIBE_BIT_RATE: u32 = 3200;

/// What of a peer's roles a client of his is told: all of the call type, his own with what he may do
/// himself. Where a word of 100ms's says more than is so, it is not said.
#[must_use]
pub fn known_roles(room: &Room, peer: &Peer) -> Value {
    let call_type = &room.call_type;
    let mut roles: Map<String, Value> = call_type
        .roles
        .values()
        .map(|role| {
            let mut given = room.given_by(role);
            if !given.has_presence {
                given.can_send = TrackKinds::NONE;
            }
            let receives = received_whole(call_type, &given.can_receive);
            let name = role.name.as_str();
            (name.to_owned(), role_view(name, Some(role), &given, &receives))
        })
        .collect();
    let name = peer.role.as_str();
    let role = call_type.roles.get(&peer.role);
    let mut held = peer.permissions.clone();
    held.can_send = peer.sendable();
    let receives = received(call_type, &held.can_receive);
    roles.insert(name.to_owned(), role_view(name, role, &held, &receives));
    Value::Object(roles)
}

/// An `HMSRole` whose holder may do that. How media should be encoded, and flags of the customer's
/// own, are as its call type has them.
fn role_view(name: &str, role: Option<&Role>, may: &Permissions, receives: &[&str]) -> Value {
    let object = |metadata: Option<&Metadata>| -> Map<String, Value> {
        let parsed = metadata.and_then(|metadata| serde_json::from_str(metadata.as_str()).ok());
        parsed.unwrap_or_default()
    };
    let mut publish = defaults_of_publishing();
    publish.extend(object(role.and_then(|role| role.publish_params.as_ref())));
    publish.insert("allowed".to_owned(), json!(allowed(may.can_send)));
    let mut permissions = object(role.and_then(|role| role.flags.as_ref()));
    permissions.retain(|flag, as_written| match flag.as_str() {
        "transcriptions" => {
            *as_written == Value::Bool(true)
                && AdminGroup::shown(may.capabilities).contains(&AdminGroup::Transcription)
        }
        flag => !NOT_HERE.contains(&flag),
    });
    permissions.extend(flags(may));
    permissions.extend(withheld(role, may));
    json!({
        "name": name,
        "priority": role.map_or(5, |role| role.priority),
        // 100ms: 0 is any number, -1 nobody.
        "maxPeerCount": match role.and_then(|role| role.max_peer_count) {
            None => 0,
            Some(0) => -1,
            Some(n) => i64::from(n),
        },
        "publishParams": publish,
        "subscribeParams": {
            "subscribeToRoles": receives,
            "maxSubsBitRate": SUBSCRIBE_BIT_RATE,
        },
        "permissions": permissions,
    })
}

fn defaults_of_publishing() -> Map<String, Value> {
    let video =
        json!({ "bitRate": 300, "codec": "vp8", "frameRate": 30, "width": 480, "height": 360 });
    let screen =
        json!({ "bitRate": 500, "codec": "vp8", "frameRate": 10, "width": 1280, "height": 720 });
    let of = [
        ("audio", json!({ "bitRate": 32, "codec": "opus" })),
        ("video", video),
        ("screen", screen),
    ];
    of.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Who shares a screen at 100ms shares its sound, too.
fn allowed(kinds: TrackKinds) -> Vec<&'static str> {
    let words = [
        ("audio", TrackKinds::of(&[TrackKind::Audio])),
        ("video", TrackKinds::of(&[TrackKind::Video])),
        ("screen", TrackKinds::of(&[TrackKind::ScreenVideo, TrackKind::ScreenAudio])),
    ];
    words.into_iter().filter(|(_, all)| kinds.contains_all(*all)).map(|(word, _)| word).collect()
}

/// Roles of which anything may be received: without his publisher's role the SDK shows nobody's
/// tracks, and those that may not be received it is not told of.
fn received<'a>(call_type: &'a CallType, reception: &Reception) -> Vec<&'a str> {
    let anything = |rule: &MediaRule| {
        TrackKind::ALL.into_iter().any(|kind| rule.says(kind, None) == Some(true))
    };
    roles_where(call_type, reception, anything)
}

/// Roles of which everything may be received, whoever has them.
fn received_whole<'a>(call_type: &'a CallType, reception: &Reception) -> Vec<&'a str> {
    let single = reception.by_user_id.values().chain(reception.by_participant_id.values());
    if single.into_iter().any(MediaRule::forbids) {
        return Vec::new();
    }
    roles_where(call_type, reception, |rule| rule.uniform() == Some(true))
}

fn roles_where<'a>(
    call_type: &'a CallType,
    reception: &Reception,
    fits: impl Fn(&MediaRule) -> bool,
) -> Vec<&'a str> {
    let roles = call_type.roles.values();
    let fits = |role: &&Role| fits(reception.by_role.get(&role.name).unwrap_or(&reception.base));
    roles.filter(fits).map(|role| role.name.as_str()).collect()
}

/// Flags of 100ms's own of what is not here, however a call type is written.
const NOT_HERE: [&str; 2] = ["sendRoomState", "whiteboard"];

/// 100ms's permission flags.
fn flags(may: &Permissions) -> Map<String, Value> {
    let flags = [
        "endRoom",
        "removeOthers",
        "mute",
        // Nobody turns on somebody else's track: it is asked for.
        "unmute",
        "changeRole",
        "hlsStreaming",
        "rtmpStreaming",
        "browserRecording",
    ];
    let held = |flag: &str| may.capabilities.contains_all(behind_flag(flag));
    let flags = flags.into_iter().map(|flag| (flag, held(flag)));
    let never = ["pollRead", "pollWrite"].map(|flag| (flag, false));
    flags.chain(never).map(|(flag, on)| (flag.to_owned(), json!(on))).collect()
}

/// What every role may that is written in 100ms's shape, and this one may not: a flag for each, so that
/// it may no more where it is written as it is read.
fn withheld(role: Option<&Role>, may: &Permissions) -> Map<String, Value> {
    let mut always = vec![Capability::JoinCall, Capability::ReadCall, Capability::CreateReaction];
    if may.capabilities.contains(Capability::UpdateCallPermissions) {
        always.push(Capability::CreateCall);
    }
    let lacks = always.into_iter().filter(|capability| !may.capabilities.contains(*capability));
    let says = role.is_some_and(|role| role.permits(Scope::PLAIN, Silent::SendEvent));
    let silent = (!says).then_some(Silent::SendEvent.as_str());
    let unseen = (!may.has_presence).then_some(HAS_PRESENCE);
    let lacks = lacks.map(Capability::as_str).chain(silent).chain(unseen);
    lacks.map(|flag| (flag.to_owned(), json!(false))).collect()
}

/// A peer, without his tracks.
#[must_use]
pub fn peer(peer: &Peer) -> Value {
    json!({
        "peer_id": peer.id(),
        "role": peer.role,
        "groups": groups(peer),
        "joined_at": peer.joined_at.0,
        // Without it the SDK takes him for one who is gone.
        "realtime": true,
        "info": {
            "name": peer.who.name,
            "data": data(&peer.who.metadata),
            "user_id": peer.who.user_id,
            "type": "regular",
        },
    })
}

/// The groups that he is in.
#[must_use]
pub fn groups(peer: &Peer) -> Vec<&'static str> {
    if peer.hand_raised { vec![HAND] } else { Vec::new() }
}

/// Metadata as the string that 100ms has for it: text as it is, nothing as none, the rest as JSON.
#[must_use]
pub fn data(metadata: &Metadata) -> String {
    match serde_json::from_str::<Value>(metadata.as_str()) {
        Ok(Value::String(text)) => text,
        Ok(Value::Null) | Err(_) => String::new(),
        Ok(_) => metadata.as_str().to_owned(),
    }
}

/// The metadata that such a string stands for. Objects and arrays are what others see as such.
///
/// # Errors
/// A sentence where it is over its bound.
pub fn metadata(data: &str) -> Result<Metadata, String> {
    if data.is_empty() {
        return Ok(Metadata::null());
    }
    let value = match serde_json::from_str::<Value>(data) {
        Ok(value) if value.is_object() || value.is_array() => value,
        _ => Value::from(data),
    };
    Metadata::new(&value)
}

/// The tracks that a peer has: those that are on, and those of microphone and camera that he may turn on.
#[must_use]
pub fn shown(of: &Peer) -> TrackKinds {
    of.on.union(of.sendable().intersection(OWN))
}

/// Tracks of these kinds.
#[must_use]
pub fn tracks_of(of: &Peer, kinds: TrackKinds) -> Value {
    let tracks = kinds.iter().map(|kind| (track_id(of, kind), track(of, kind)));
    Value::Object(tracks.collect())
}

/// Kinds that a peer has as long as he may send them.
const OWN: TrackKinds = TrackKinds::of(&[TrackKind::Audio, TrackKind::Video]);

/// The id under which others know a track of his.
#[must_use]
pub fn track_id(peer: &Peer, kind: TrackKind) -> String {
    format!("{}.{kind}", peer.id())
}

/// The kind of the track of that id, whosever it is.
#[must_use]
pub fn kind_of_track(id: &str) -> Option<TrackKind> {
    TrackKind::from_name(id.rsplit_once('.')?.1)
}

/// The id of the stream that such a track of his is in.
#[must_use]
pub fn stream_id(peer: &Peer, kind: TrackKind) -> String {
    format!("{}.{}", peer.id(), type_and_source(kind).1)
}

fn track(of: &Peer, kind: TrackKind) -> Value {
    let (type_, source) = type_and_source(kind);
    json!({
        "track_id": track_id(of, kind),
        "stream_id": stream_id(of, kind),
        "type": type_,
        "source": source,
        "mute": !of.on.contains(kind),
        "description": "",
    })
}

/// A kind in 100ms's two words.
#[must_use]
pub const fn type_and_source(kind: TrackKind) -> (&'static str, &'static str) {
    match kind {
        TrackKind::Audio => ("audio", "regular"),
        TrackKind::Video => ("video", "regular"),
        TrackKind::ScreenVideo => ("video", "screen"),
        TrackKind::ScreenAudio => ("audio", "screen"),
        TrackKind::CustomVideo => ("video", "videoplaylist"),
        TrackKind::CustomAudio => ("audio", "audioplaylist"),
    }
}

/// The kind that 100ms's two words stand for; whatever is neither the device's nor a screen is custom.
#[must_use]
pub fn kind(type_: &str, source: &str) -> Option<TrackKind> {
    Some(match (type_, source) {
        ("audio", "regular") => TrackKind::Audio,
        ("video", "regular") => TrackKind::Video,
        ("video", "screen") => TrackKind::ScreenVideo,
        ("audio", "screen") => TrackKind::ScreenAudio,
        ("video", _) => TrackKind::CustomVideo,
        ("audio", _) => TrackKind::CustomAudio,
        _ => return None,
    })
}

/// The kinds of those of the two words that are given.
#[must_use]
pub fn kinds(type_: Option<&str>, source: Option<&str>) -> TrackKinds {
    let fits = |kind: &TrackKind| {
        let (own_type, own_source) = type_and_source(*kind);
        type_.is_none_or(|type_| type_ == own_type)
            && source.is_none_or(|source| source == own_source)
    };
    TrackKind::ALL.into_iter().filter(fits).collect()
}

/// The fewest words that among these kinds mean those alone.
#[must_use]
pub fn words_for(
    those: TrackKinds,
    among: TrackKinds,
) -> Option<(Option<&'static str>, Option<&'static str>)> {
    let types = [None, Some("audio"), Some("video")];
    let sources = [None, Some("regular"), Some("screen")];
    let pairs = sources.into_iter().flat_map(|source| types.map(|type_| (type_, source)));
    pairs.into_iter().find(|(type_, source)| kinds(*type_, *source).intersection(among) == those)
}

/// The room as `peer-list` has it.
#[must_use]
pub fn room(room: &Room) -> Value {
    let session = room.session.as_ref();
    json!({
        "name": room.cid,
        "session_id": session.map_or("", |session| &*session.id),
        "started_at": session.map_or(0, |session| session.started_at.0),
        "recording": { "sfu": { "enabled": false }, "browser": { "enabled": false }, "hls": { "enabled": false } },
        "streaming": { "enabled": false, "rtmp": { "enabled": false }, "hls": { "enabled": false } },
    })
}

/// Who asked, where he is a peer.
#[must_use]
pub fn requested_by(by: &Doer) -> Option<&str> {
    match by {
        Doer::Peer(id) => Some(id.as_str()),
        Doer::User(_) | Doer::Server | Doer::Nobody => None,
    }
}

/// Who says something, as `on-broadcast` has him; the server is nobody.
#[must_use]
pub fn sender(room: &Room, from: &Person) -> Option<Value> {
    let id = from.peer_id.as_ref()?;
    room.peers.get(id).map(peer)
}
