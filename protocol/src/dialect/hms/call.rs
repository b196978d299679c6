//! What 100ms's SDK says: frames in, what is asked out. It must not know who asks.

use std::{borrow::Cow, collections::BTreeSet};

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json, value::RawValue};

use super::{tracks::Tracks, words};
use crate::{
    dialect::native::call::LIST_MAX,
    id::{DISPLAY_NAME_MAX, PeerId, REASON_MAX, RequestId, RoleName, check_text},
    json::MessageData,
    media::TrackKinds,
    room::{
        Command,
        command::{Recipient, Whom},
        session_data::SessionDataChange,
    },
    wire::{code::ErrorBody, frame::CallId},
};

/// Longest key of the session store, in characters.
pub const KEY_MAX: usize = 128;
/// Most keys that one client observes.
pub const KEYS_MAX: usize = 100;
/// Most peers of a page.
pub const PAGE_MAX: usize = 100;

/// One frame.
#[derive(Debug)]
pub enum Frame {
    /// It wants an answer.
    Request {
        /// Echoed in the answer.
        id: CallId,
        /// What is asked; or why it is not understood.
        request: Result<Request, ErrorBody>,
    },
    /// It wants none.
    Said(Said),
}

/// What is asked.
#[derive(Debug)]
pub enum Request {
    /// Whether the server lives; the client's own time is echoed.
    Ping(Value),
    /// To come in.
    Join(Join),
    /// To be answered an offer; whoever publishes says what.
    Offer(Offer),
    /// A thing for the room to decide, answered by nothing in particular.
    Command(Command),
    /// The same, of a message.
    Broadcast(Command),
    /// A hand up or down; nobody named: one's own.
    Hand {
        /// Whose.
        peer_id: Option<PeerId>,
        /// Up.
        raised: bool,
    },
    /// A value of the session store.
    Get {
        /// Under that key.
        key: String,
    },
    /// To be told of these keys of it, and of no others.
    Observe {
        /// Them.
        keys: BTreeSet<String>,
    },
    /// A value of it is to be this; none: no more.
    Set {
        /// Under that key.
        key: String,
        /// What.
        data: Option<Value>,
    },
    /// Who somebody is.
    GetPeer {
        /// He.
        peer_id: PeerId,
    },
    /// Peers, page by page.
    FindPeers(Search),
    /// The next page.
    MorePeers {
        /// Where the last one ended.
        iterator: String,
        /// How many.
        limit: usize,
    },
    /// Peers whose name has that in it.
    SearchNames {
        /// In lower case.
        query: String,
        /// How many.
        limit: usize,
        /// Behind so many.
        offset: usize,
    },
}

/// What wants no answer.
#[derive(Debug)]
pub enum Said {
    /// He goes.
    Leave,
    /// What his tracks do.
    Tracks(Tracks),
    /// What is of no concern here.
    Nothing,
}

/// `join`
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Join {
    /// The display name.
    #[serde(deserialize_with = "name")]
    pub name: Option<String>,
    /// Metadata, as text.
    pub data: Option<String>,
    /// Where media is to flow.
    pub offer: Option<Description>,
}

/// `offer`
#[derive(Debug, Deserialize)]
pub struct Offer {
    /// The offer.
    pub desc: Description,
    /// All that is published, by track id, where that is told.
    #[serde(default)]
    pub tracks: Option<Tracks>,
}

/// A session description.
#[derive(Debug, Deserialize)]
pub struct Description {
    /// Its text.
    pub sdp: String,
}

/// `find-peer`
#[derive(Clone, Debug, Deserialize)]
pub struct Search {
    /// Of that role.
    pub role: Option<String>,
    /// Of that group.
    pub group: Option<String>,
    /// Of these ids.
    #[serde(rename = "peerIds")]
    pub peer_ids: Option<Vec<String>>,
    /// How many.
    #[serde(default = "page", deserialize_with = "limit")]
    pub limit: usize,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Reads one text frame.
///
/// # Errors
/// What is no frame at all.
pub fn read(text: &str) -> Result<Frame, ErrorBody> {
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| ErrorBody::not_json(&error.to_string()))?;
    let Some(method) = envelope.method else {
        return Err(ErrorBody::not_a_call("a frame needs a `method`"));
    };
    let params = envelope.params.map_or("{}", RawValue::get);
    match envelope.id.map(RawValue::get).filter(|id| *id != "null") {
        Some(raw) => {
            let id = CallId::read(raw)
                .ok_or_else(|| ErrorBody::not_a_call("`id` must be a short number or string"))?;
            Ok(Frame::Request { id, request: request(&method, params) })
        }
        None => Ok(Frame::Said(said(&method, params))),
    }
}

fn said(method: &str, params: &str) -> Said {
    match method {
        "leave" => Said::Leave,
        "track-update" => {
            #[derive(Deserialize)]
            struct Update {
                tracks: Tracks,
            }
            let tracks = serde_json::from_str::<Update>(params).map(|update| update.tracks);
            tracks.map_or(Said::Nothing, Said::Tracks)
        }
        // Candidates and answers of connections that never are, and what the SDK counts.
        _ => Said::Nothing,
    }
}

macro_rules! params {
    ($text:expr, $name:ident { $($(#[$attr:meta])* $field:ident: $type:ty),* $(,)? }) => {{
        #[derive(Deserialize)]
        struct $name { $($(#[$attr])* $field: $type,)* }
        read_params::<$name>($text)?
    }};
}

fn request(method: &str, text: &str) -> Result<Request, ErrorBody> {
    Ok(match method {
        "ping" => Request::Ping(read_params::<Value>(text)?["timestamp"].clone()),
        "join" => Request::Join(read_params(text)?),
        "offer" => Request::Offer(read_params(text)?),
        "role-change-request" => role_change(text)?,
        "role-change" => {
            let of = params!(text, Accepted { token: RequestId });
            Request::Command(Command::AcceptRole { request_id: of.token })
        }
        "peer-update" => peer_update(text)?,
        "broadcast" => Request::Broadcast(broadcast(text)?),
        "group-join" | "group-leave" => {
            let of = params!(text, Group { name: String });
            hand(&of.name)?;
            Request::Hand { peer_id: None, raised: method == "group-join" }
        }
        "group-add" | "group-remove" => {
            let of = params!(text, GroupOf { name: String, peer_id: PeerId });
            hand(&of.name)?;
            Request::Hand { peer_id: Some(of.peer_id), raised: method == "group-add" }
        }
        "peer-leave-request" => {
            let of = params!(text, Removal { requested_for: PeerId, #[serde(default, deserialize_with = "reason")] reason: Option<String>, });
            let (peer_id, reason) = (of.requested_for, of.reason);
            Request::Command(Command::RemovePeer { peer_id, reason, block: false })
        }
        "end-room" => {
            let of = params!(text, End { #[serde(default)] lock: bool, #[serde(default, deserialize_with = "reason")] reason: Option<String>, });
            Request::Command(Command::EndRoom { reason: of.reason, lock: of.lock })
        }
        "track-update-request" => mute_one(text)?,
        "change-track-mute-state-request" => mute_many(text)?,
        "set-metadata" => {
            let of = params!(text, Set { #[serde(deserialize_with = "key")] key: String, #[serde(default)] data: Option<Value>, });
            Request::Set { key: of.key, data: of.data }
        }
        "get-metadata" => {
            let of = params!(
                text,
                Get {
                    #[serde(deserialize_with = "key")]
                    key: String,
                }
            );
            Request::Get { key: of.key }
        }
        "listen-metadata-change" => {
            let of = params!(text, Listen { keys: Vec<String>, });
            if of.keys.len() > KEYS_MAX || of.keys.iter().any(|key| key.chars().count() > KEY_MAX) {
                let why = format!("at most {KEYS_MAX} keys of {KEY_MAX} characters");
                return Err(ErrorBody::bad_params("keys", why));
            }
            Request::Observe { keys: of.keys.into_iter().collect() }
        }
        "get-peer" => {
            let of = params!(text, Get { peer_id: PeerId });
            Request::GetPeer { peer_id: of.peer_id }
        }
        "find-peer" => Request::FindPeers(read_params(text)?),
        "peer-iter-next" => {
            let of = params!(
                text,
                More {
                    iterator: String,
                    #[serde(default = "page", deserialize_with = "limit")]
                    limit: usize,
                }
            );
            Request::MorePeers { iterator: of.iterator, limit: of.limit }
        }
        "peer-name-search" => {
            let of = params!(
                text,
                Names {
                    #[serde(default)]
                    query: String,
                    #[serde(default = "page", deserialize_with = "limit")]
                    limit: usize,
                    #[serde(default)]
                    offset: usize,
                }
            );
            Request::SearchNames {
                query: of.query.to_lowercase(),
                limit: of.limit,
                offset: of.offset,
            }
        }
        _ => return Err(ErrorBody::unknown_method(method)),
    })
}

/// "For one peer, or for all of these roles, who are not asked."
fn role_change(text: &str) -> Result<Request, ErrorBody> {
    let of = params!(text, Change {
        #[serde(default)]
        requested_for: Option<PeerId>,
        #[serde(default)]
        roles: Option<Vec<RoleName>>,
        role: RoleName,
        #[serde(default)]
        force: bool,
    });
    Ok(Request::Command(match (of.requested_for, of.roles) {
        (Some(peer_id), None) => Command::ChangeRole { peer_id, role: of.role, force: of.force },
        (None, Some(roles)) if roles.len() <= LIST_MAX => {
            Command::ChangeRoles { of_roles: roles.into_iter().collect(), to_role: of.role }
        }
        _ => return Err(ErrorBody::bad_params("requested_for", "give `requested_for` or `roles`")),
    }))
}

fn peer_update(text: &str) -> Result<Request, ErrorBody> {
    let of = params!(text, Update {
        #[serde(default, deserialize_with = "name")]
        name: Option<String>,
        #[serde(default)]
        data: Option<String>,
    });
    Ok(Request::Command(match (of.name, of.data) {
        (Some(name), None) => Command::SetName { name: name.into() },
        (None, Some(data)) => {
            let metadata = words::metadata(&data).map_err(|why| too_large("data", why))?;
            Command::SetMetadata { metadata }
        }
        _ => return Err(ErrorBody::bad_params("name", "give `name` or `data`")),
    }))
}

fn broadcast(text: &str) -> Result<Command, ErrorBody> {
    let of = params!(text, Message {
        info: Info,
        #[serde(default)]
        peer_id: Option<PeerId>,
        #[serde(default)]
        roles: Option<Vec<RoleName>>,
    });
    let data = MessageData::new(&json!({ "type": of.info.type_, "message": of.info.message }))
        .map_err(|why| too_large("message", why))?;
    let to = match (of.peer_id, of.roles.filter(|roles| !roles.is_empty())) {
        (Some(peer_id), _) => Recipient::Peer(peer_id),
        (None, Some(roles)) if roles.len() <= LIST_MAX => {
            Recipient::Roles(roles.into_iter().collect())
        }
        (None, Some(_)) => return Err(ErrorBody::bad_params("roles", "too many roles")),
        (None, None) => Recipient::Everybody,
    };
    Ok(Command::SendMessage { data, to, speaker: None })
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    message: Value,
    #[serde(rename = "type", default = "chat")]
    type_: String,
}

fn chat() -> String {
    "chat".to_owned()
}

/// "Mute is done, unmute only asked."
fn mute_one(text: &str) -> Result<Request, ErrorBody> {
    let of = params!(text, Mute { requested_for: PeerId, track_id: String, mute: bool });
    let kind = words::kind_of_track(&of.track_id)
        .ok_or_else(|| ErrorBody::bad_params("track_id", "there is no such track"))?;
    let (whom, tracks) = (Whom::Peer(of.requested_for), TrackKinds::of(&[kind]));
    Ok(Request::Command(mute_or_ask(of.mute, whom, tracks)))
}

fn mute_many(text: &str) -> Result<Request, ErrorBody> {
    let of = params!(text, Mute {
        value: bool,
        #[serde(default)]
        roles: Option<Vec<RoleName>>,
        #[serde(rename = "type", default)]
        type_: Option<String>,
        #[serde(default)]
        source: Option<String>,
    });
    let whom = match of.roles.filter(|roles| !roles.is_empty()) {
        Some(roles) if roles.len() > LIST_MAX => {
            return Err(ErrorBody::bad_params("roles", "too many roles"));
        }
        Some(roles) => Whom::Roles(roles.into_iter().collect()),
        None => Whom::Everybody,
    };
    let tracks = words::kinds(of.type_.as_deref(), of.source.as_deref());
    Ok(Request::Command(mute_or_ask(of.value, whom, tracks)))
}

const fn mute_or_ask(mute: bool, whom: Whom, tracks: TrackKinds) -> Command {
    if mute { Command::Mute { whom, tracks } } else { Command::RequestUnmute { whom, tracks } }
}

fn too_large(field: &str, why: String) -> ErrorBody {
    ErrorBody::new(413, "too-large", format!("`{field}` is {why}"))
}

/// Of the groups that a peer may be in there is one that the law knows.
fn hand(group: &str) -> Result<(), ErrorBody> {
    if group == words::HAND {
        return Ok(());
    }
    Err(ErrorBody::bad_params("name", "the only group is that of raised hands"))
}

/// The change of session data that a `set-metadata` is.
///
/// # Errors
/// Where the value is over its bound.
pub fn change(key: &str, data: Option<&Value>) -> Result<SessionDataChange, ErrorBody> {
    let whole = match data {
        Some(data) => json!({ "data": { key: data }, "merge": true }),
        None => json!({ "data": {}, "merge": true, "remove": [key] }),
    };
    serde_json::from_value(whole).map_err(|error| too_large("data", error.to_string()))
}

fn read_params<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ErrorBody> {
    serde_json::from_str(text).map_err(|error| {
        let whole = error.to_string();
        let why = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(why, _)| why);
        ErrorBody::bad_params("params", why)
    })
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    if let Some(name) = &name {
        check_text(name, "name", DISPLAY_NAME_MAX).map_err(serde::de::Error::custom)?;
    }
    Ok(name)
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let reason = Option::<String>::deserialize(deserializer)?.filter(|reason| !reason.is_empty());
    if let Some(reason) = &reason {
        check_text(reason, "reason", REASON_MAX).map_err(serde::de::Error::custom)?;
    }
    Ok(reason)
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let key = String::deserialize(deserializer)?;
    check_text(&key, "key", KEY_MAX).map_err(serde::de::Error::custom)?;
    Ok(key)
}

fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let limit = Option::<usize>::deserialize(deserializer)?.filter(|limit| *limit > 0);
    Ok(limit.unwrap_or_else(page).min(PAGE_MAX))
}

/// Peers of a page where it is not said how many.
const fn page() -> usize {
    10
}
