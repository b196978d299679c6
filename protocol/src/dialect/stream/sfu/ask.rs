//! What Stream's SDK says to its media server: frames and remote calls in, what is asked out. It must
//! not know who asks.

use prost::Message as _;
use serde::Deserialize;
use serde_json::Value;

use super::words;
use crate::{id::PeerId, media::TrackKinds};

/// Most tracks that one call names.
pub const TRACKS_MAX: usize = 100;

/// What one frame of a client's is.
#[derive(Debug)]
pub enum Said {
    /// To come in, or back.
    Join(Box<Join>),
    /// Whether the server lives.
    HealthCheck,
    /// He goes.
    Leave,
}

/// `JoinRequest`, as far as it matters where no media flows.
#[derive(Debug)]
pub struct Join {
    /// Who it is.
    pub token: String,
    /// The id that the client has chosen for this life of its own.
    pub session_id: PeerId,
    /// The id under which it was in before, where it comes back: the same, or an earlier one.
    pub known_as: Option<PeerId>,
    /// What it publishes already, as it comes back.
    pub on: TrackKinds,
}

/// What a remote call asks.
#[derive(Debug)]
pub enum Call {
    /// To be answered an offer.
    Answer {
        /// By whom.
        session_id: PeerId,
        /// The offer.
        sdp: String,
    },
    /// Tracks are on now, others off.
    Tracks {
        /// Whose.
        session_id: PeerId,
        /// On from now on.
        on: TrackKinds,
        /// Off from now on.
        off: TrackKinds,
    },
    /// What is of no concern where no media flows: statistics, candidates, what is to be received.
    Nothing,
}

/// Why a remote call is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCall {
    /// There is no such method.
    Unknown,
    /// Its body is not good.
    Bad(String),
}

#[derive(prost::Message)]
struct SfuRequest {
    #[prost(oneof = "Payload", tags = "1, 2, 3")]
    payload: Option<Payload>,
}

#[derive(prost::Oneof)]
enum Payload {
    #[prost(message, tag = "1")]
    Join(JoinRequest),
    #[prost(message, tag = "2")]
    HealthCheck(HealthCheckRequest),
    #[prost(message, tag = "3")]
    Leave(LeaveCallRequest),
}

#[derive(prost::Message)]
struct JoinRequest {
    #[prost(string, tag = "1")]
    token: String,
    #[prost(string, tag = "2")]
    session_id: String,
    #[prost(bool, tag = "6")]
    fast_reconnect: bool,
    #[prost(message, optional, tag = "7")]
    reconnect_details: Option<ReconnectDetails>,
}

#[derive(prost::Message)]
struct ReconnectDetails {
    #[prost(message, repeated, tag = "3")]
    announced_tracks: Vec<TrackInfo>,
    #[prost(string, tag = "7")]
    previous_session_id: String,
}

#[derive(prost::Message)]
struct TrackInfo {
    #[prost(int32, tag = "2")]
    track_type: i32,
    #[prost(bool, tag = "10")]
    muted: bool,
}

#[derive(prost::Message)]
struct HealthCheckRequest {}

#[derive(prost::Message)]
struct LeaveCallRequest {}

/// Reads one binary frame.
///
/// # Errors
/// A sentence where it is none, or says nothing.
pub fn read(frame: &[u8]) -> Result<Said, String> {
    let request = SfuRequest::decode(frame).map_err(|error| error.to_string())?;
    match request.payload {
        Some(Payload::Join(join)) => joining(join).map(|join| Said::Join(Box::new(join))),
        Some(Payload::HealthCheck(_)) => Ok(Said::HealthCheck),
        Some(Payload::Leave(_)) => Ok(Said::Leave),
        None => Err("the frame asks for nothing that is known".to_owned()),
    }
}

fn joining(join: JoinRequest) -> Result<Join, String> {
    let id = |text: &str| PeerId::parse(text).map_err(|error| error.to_string());
    let session_id = id(&join.session_id)?;
    let details = join.reconnect_details.unwrap_or_default();
    let known_as = match details.previous_session_id.as_str() {
        "" => join.fast_reconnect.then(|| session_id.clone()),
        previous => Some(id(previous)?),
    };
    let live = details.announced_tracks.iter().filter(|track| !track.muted);
    let on = live.filter_map(|track| words::kind_of_number(track.track_type)).collect();
    Ok(Join { token: join.token, session_id, known_as, on })
}

/// Reads one remote call.
///
/// # Errors
/// [`NoCall`].
pub fn call(method: &str, body: &[u8]) -> Result<Call, NoCall> {
    match method {
        "SetPublisher" => {
            let SetPublisher { session_id, sdp } = json(body)?;
            Ok(Call::Answer { session_id, sdp })
        }
        "UpdateMuteStates" => {
            let UpdateMuteStates { session_id, mute_states } = json(body)?;
            if mute_states.len() > TRACKS_MAX {
                return Err(NoCall::Bad(format!(
                    "`muteStates` has more than {TRACKS_MAX} entries"
                )));
            }
            // Of one that is named twice the last word counts.
            let (mut on, mut off) = (TrackKinds::NONE, TrackKinds::NONE);
            for MuteState { track_type, muted } in mute_states {
                let Some(kind) = words::kind(&track_type) else { continue };
                let kind = TrackKinds::of(&[kind]);
                (on, off) = if muted {
                    (on.difference(kind), off.union(kind))
                } else {
                    (on.union(kind), off.difference(kind))
                };
            }
            Ok(Call::Tracks { session_id, on, off })
        }
        "SendAnswer"
        | "IceTrickle"
        | "UpdateSubscriptions"
        | "IceRestart"
        | "SendStats"
        | "SendMetrics"
        | "StartNoiseCancellation"
        | "StopNoiseCancellation" => json::<Value>(body).map(|_| Call::Nothing),
        _ => Err(NoCall::Unknown),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetPublisher {
    session_id: PeerId,
    #[serde(default)]
    sdp: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateMuteStates {
    session_id: PeerId,
    #[serde(default)]
    mute_states: Vec<MuteState>,
}

/// What is not said is what protocol buffers take it for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MuteState {
    #[serde(default)]
    track_type: Value,
    #[serde(default)]
    muted: bool,
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, NoCall> {
    serde_json::from_slice(body).map_err(|error| NoCall::Bad(error.to_string()))
}
