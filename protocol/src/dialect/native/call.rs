//! The calls of `rolecall.v1`: method and params in, what is asked out. It must not know who asks.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use crate::{
    id::PeerId,
    json::{self, Metadata},
    media::{TrackKind, TrackKinds},
    room::command::{Command, Explainee, Right, Whom},
    wire::code::ErrorBody,
};

mod params;

pub use params::{LIST_MAX, TOKEN_MAX, UPDATES_MAX};

/// What a call asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// `join`
    Join(Box<Join>),
    /// `knock`
    Knock(Knock),
    /// `access`
    Access(Access),
    /// `resume`
    Resume(Resume),
    /// `ping`
    Ping,
    /// `state`
    State,
    /// `media`
    Media,
    /// `refreshToken`
    RefreshToken(String),
    /// Anything that is for the room to decide.
    Command(Command),
}

/// The params of `join`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Join {
    /// `type:id` or a bare id.
    pub room: String,
    /// Who it is; may come in the handshake instead.
    #[serde(default, deserialize_with = "params::token")]
    pub token: Option<String>,
    /// Display name.
    #[serde(default, deserialize_with = "params::display_name")]
    pub name: Option<Arc<str>>,
    /// The peer's own data.
    #[serde(default)]
    pub metadata: Metadata,
    /// Whether to create the room if there is none.
    #[serde(default = "yes")]
    pub create: bool,
}

/// The params of `knock`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Knock {
    /// `type:id` or a bare id.
    pub room: String,
    /// Who it is; may come in the handshake instead.
    #[serde(default, deserialize_with = "params::token")]
    pub token: Option<String>,
    /// Display name.
    #[serde(default, deserialize_with = "params::display_name")]
    pub name: Option<Arc<str>>,
}

/// The params of `access`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Access {
    /// `type:id` or a bare id.
    pub room: String,
    /// Who it is; may come in the handshake instead.
    #[serde(default, deserialize_with = "params::token")]
    pub token: Option<String>,
    /// Whether coming in would create the room if there is none.
    #[serde(default = "yes")]
    pub create: bool,
}

/// The params of `resume`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resume {
    /// The secret of the join reply.
    pub session: String,
    /// The epoch of the join reply.
    pub epoch: String,
    /// The last seq seen.
    pub seq: u64,
    /// A fresh token, where the old one expired.
    #[serde(default, deserialize_with = "params::token")]
    pub token: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Reads method and params.
///
/// # Errors
/// -32601 for an unknown method, -32602 naming the field for wrong params, 413 for free-form JSON
/// over its bound.
pub fn read(method: &str, params: &str) -> Result<Request, ErrorBody> {
    Ok(match method {
        "join" => Request::Join(params_of(params)?),
        "knock" => Request::Knock(params_of(params)?),
        "access" => Request::Access(params_of(params)?),
        "resume" => Request::Resume(params_of(params)?),
        "ping" => nothing(params, Request::Ping)?,
        "state" => nothing(params, Request::State)?,
        "media" => nothing(params, Request::Media)?,
        "refreshToken" => Request::RefreshToken(params_of::<params::RefreshToken>(params)?.token),
        _ => Request::Command(read_command(method, params)?),
    })
}

/// Reads method and params of a call that is for the room to decide.
///
/// # Errors
/// As [`read`].
pub fn read_command(method: &str, text: &str) -> Result<Command, ErrorBody> {
    Ok(match method {
        "leave" => nothing(text, Command::Leave)?,
        "goLive" => nothing(text, Command::SetBackstage { backstage: false })?,
        "stopLive" => nothing(text, Command::SetBackstage { backstage: true })?,
        "changeRoleOfPeer" => {
            let params::ChangeRole { peer_id, role, force } = params_of(text)?;
            Command::ChangeRole { peer_id, role, force }
        }
        "changeRoleOfPeersWithRoles" => {
            let params::ChangeRoles { of_roles, to_role } = params_of(text)?;
            Command::ChangeRoles { of_roles: of_roles.0.into_iter().collect(), to_role }
        }
        "acceptChangeRole" => {
            Command::AcceptRole { request_id: params_of::<params::OfRequest>(text)?.request_id }
        }
        "cancelChangeRole" => {
            Command::CancelRole { request_id: params_of::<params::OfRequest>(text)?.request_id }
        }
        "rejectChangeRole" => {
            let params::RejectRole { request_id, reason } = params_of(text)?;
            Command::RejectRole { request_id, reason }
        }
        "updateParticipant" => {
            let params::Update { peer_id, update_permissions } = params_of(text)?;
            Command::UpdatePermissions { peer_id, patch: Box::new(update_permissions) }
        }
        "updateParticipants" => update_many(params_of(text)?),
        "requestPermissions" => {
            let params::RequestPermissions { permissions } = params_of(text)?;
            Command::RequestPermissions { permissions: permissions.0.into_iter().collect() }
        }
        "answerPermissionRequest" => {
            let params::AnswerPermissionRequest { request_id, grant, reason } = params_of(text)?;
            Command::AnswerPermissionRequest { request_id, grant, reason }
        }
        "setTracks" => set_tracks(&params_of(text)?),
        "mute" => {
            let (whom, tracks) = whose_tracks(params_of(text)?)?;
            Command::Mute { whom, tracks }
        }
        "requestUnmute" => {
            let (whom, tracks) = whose_tracks(params_of(text)?)?;
            Command::RequestUnmute { whom, tracks }
        }
        "removePeer" => {
            let params::RemovePeer { peer_id, reason, block } = params_of(text)?;
            Command::RemovePeer { peer_id, reason, block }
        }
        "blockUser" => Command::BlockUser { user_id: params_of::<params::OfUser>(text)?.user_id },
        "unblockUser" => {
            Command::UnblockUser { user_id: params_of::<params::OfUser>(text)?.user_id }
        }
        "endRoom" => {
            let params::EndRoom { reason, lock } = params_of(text)?;
            Command::EndRoom { reason, lock }
        }
        "setName" => {
            let params::SetName { name, peer_id } = params_of(text)?;
            match peer_id {
                None => Command::SetName { name },
                Some(peer_id) => Command::SetNameOf { peer_id, name },
            }
        }
        "setMetadata" => {
            let params::SetMetadata { metadata, peer_id } = params_of(text)?;
            match peer_id {
                None => Command::SetMetadata { metadata },
                Some(peer_id) => Command::SetMetadataOf { peer_id, metadata },
            }
        }
        "raiseHand" => {
            let params::RaiseHand { raised, peer_id } = params_of(text)?;
            match peer_id {
                None => Command::RaiseHand { raised },
                Some(peer_id) => Command::RaiseHandOf { peer_id, raised },
            }
        }
        "sendMessage" => {
            let params::SendMessage { data, to } = params_of(text)?;
            Command::SendMessage { data, to: to.0, speaker: None }
        }
        "signal" => {
            let params::Signal { to, data } = params_of(text)?;
            Command::Signal { to, data }
        }
        "subscribe" => {
            let params::Subscribe { peer_id, tracks } = params_of(text)?;
            Command::Subscribe { peer_id, tracks }
        }
        "unsubscribe" => {
            let params::Unsubscribe { subscription_id } = params_of(text)?;
            Command::Unsubscribe { subscription_id }
        }
        "signalSubscription" => {
            let params::SignalSubscription { subscription_id, data } = params_of(text)?;
            Command::SignalSubscription { subscription_id, data }
        }
        "answerWaiting" => {
            let params::AnswerWaiting { waiting_id, admit } = params_of(text)?;
            Command::AnswerWaiting { waiting_id, admit }
        }
        "setAdmission" => Command::SetAdmission { patch: Box::new(params_of(text)?) },
        "setSessionData" => Command::SetSessionData { change: Box::new(params_of(text)?) },
        "explain" => explain(params_of(text)?)?,
        _ => return Err(ErrorBody::unknown_method(method)),
    })
}

fn update_many(params: params::Updates) -> Command {
    let mut everybody = None;
    let mut named: BTreeMap<PeerId, _> = BTreeMap::new();
    for (target, one) in params.updates {
        match target {
            params::Target::Everybody => everybody = Some(Box::new(one.update_permissions)),
            params::Target::Peer(peer_id) => {
                named.insert(peer_id, one.update_permissions);
            }
        }
    }
    Command::UpdateManyPermissions { everybody, named }
}

fn set_tracks(params: &params::SetTracks) -> Command {
    let those = |to: bool| -> TrackKinds {
        params
            .0
            .iter()
            .filter(|(_, on)| **on == to)
            .map(|(kind, _): (&TrackKind, _)| *kind)
            .collect()
    };
    Command::SetTracks { on: those(true), off: those(false) }
}

fn whose_tracks(params: params::WhoseTracks) -> Result<(Whom, TrackKinds), ErrorBody> {
    let whom = match (params.peer_id, params.roles) {
        (Some(_), Some(_)) => {
            return Err(ErrorBody::bad_params("roles", "give `peerId` or `roles`, not both"));
        }
        (Some(peer_id), None) => Whom::Peer(peer_id),
        (None, Some(roles)) => Whom::Roles(roles.0.into_iter().collect()),
        (None, None) => Whom::Everybody,
    };
    Ok((whom, params.tracks.0.into_iter().collect()))
}

fn explain(params: params::Explain) -> Result<Command, ErrorBody> {
    let right = match (params.capability, params.track) {
        (Some(capability), None) => Right::Capability(capability),
        (None, Some(track)) => Right::Track(track),
        _ => return Err(ErrorBody::bad_params("capability", "give `capability` or `track`")),
    };
    let whom = params.peer_id.map_or(Explainee::Own, Explainee::Peer);
    Ok(Command::Explain { whom, right })
}

fn nothing<T>(text: &str, request: T) -> Result<T, ErrorBody> {
    params_of::<params::Nothing>(text).map(|params::Nothing {}| request)
}

/// Reads params of one shape; an error names the place.
fn params_of<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, ErrorBody> {
    if !text.trim_start().starts_with('{') {
        return Err(ErrorBody::bad_params("params", "`params` must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // serde_json's own message ends in a position within the params, which says nothing here.
        let whole = error.into_inner().to_string();
        let why = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(why, _)| why);
        let field = field(&path, why);
        if why.starts_with(json::TOO_LARGE) {
            let message = format!("`{field}` is {why}");
            return ErrorBody::new(413, "too-large", message).with("field", field);
        }
        ErrorBody::bad_params(&field, why)
    })
}

/// The place of an error: the path, and the key that is missing, unknown or doubled there.
fn field(path: &str, why: &str) -> String {
    let named = ["missing field `", "unknown field `", "duplicate field `"];
    let key = named.iter().find_map(|start| why.strip_prefix(start)?.split_once('`'));
    match (path, key.map(|(key, _)| key)) {
        (".", Some(key)) => key.to_owned(),
        (path, Some(key)) if path == key || path.ends_with(&format!(".{key}")) => path.to_owned(),
        (path, Some(key)) => format!("{path}.{key}"),
        (".", None) => "params".to_owned(),
        (path, None) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
