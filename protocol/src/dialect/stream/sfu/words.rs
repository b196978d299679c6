//! The shapes of the wire of Stream's media server, as protocol buffers write them in JSON. They must
//! not know who is told.

use serde_json::{Value, json};

use super::Face;
use crate::{
    id::{PeerId, Timestamp},
    media::{TrackKind, TrackKinds},
    room::Peer,
    wire::code::ErrorBody,
};

/// The kinds that this wire has words for, and the words; their numbers are their places, from 1.
const KINDS: [(TrackKind, &str); 4] = [
    (TrackKind::Audio, "TRACK_TYPE_AUDIO"),
    (TrackKind::Video, "TRACK_TYPE_VIDEO"),
    (TrackKind::ScreenVideo, "TRACK_TYPE_SCREEN_SHARE"),
    (TrackKind::ScreenAudio, "TRACK_TYPE_SCREEN_SHARE_AUDIO"),
];

/// Of these kinds those that have a word.
pub const WORDED: TrackKinds = TrackKinds::of(&[
    TrackKind::Audio,
    TrackKind::Video,
    TrackKind::ScreenVideo,
    TrackKind::ScreenAudio,
]);

/// The word for a kind; custom ones have none.
#[must_use]
pub fn word(kind: TrackKind) -> Option<&'static str> {
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, word)| *word)
}

/// The kind that such a word, or its number, stands for.
#[must_use]
pub fn kind(said: &Value) -> Option<TrackKind> {
    match said {
        Value::String(word) => KINDS.iter().find(|(_, known)| known == word).map(|(kind, _)| *kind),
        said => kind_of_number(i32::try_from(said.as_i64()?).ok()?),
    }
}

/// The kind of that number.
#[must_use]
pub fn kind_of_number(number: i32) -> Option<TrackKind> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    KINDS.get(place).map(|(kind, _)| *kind)
}

/// What a client may publish, and how. No media flows, but the SDK turns on no track of a kind for
/// which nothing is said here.
#[must_use]
pub fn publish_options() -> Value {
    let video = |id: u32, kind: TrackKind, bitrate: u32, (width, height): (u32, u32)| {
        json!({
            "trackType": word(kind),
            "codec": { "name": "vp8", "payloadType": 96, "clockRate": 90_000 },
            "bitrate": bitrate,
            "fps": 30,
            "maxSpatialLayers": 3,
            "maxTemporalLayers": 3,
            "videoDimension": { "width": width, "height": height },
            "id": id,
        })
    };
    let audio = |id: u32, kind: TrackKind, bitrate: u32| {
        json!({
            "trackType": word(kind),
            "codec": { "name": "opus", "payloadType": 111, "clockRate": 48_000 },
            "bitrate": bitrate,
            "id": id,
        })
    };
    json!([
        audio(1, TrackKind::Audio, 64_000),
        video(2, TrackKind::Video, 1_500_000, (1280, 720)),
        video(3, TrackKind::ScreenVideo, 2_500_000, (1920, 1080)),
        audio(4, TrackKind::ScreenAudio, 128_000),
    ])
}

/// Somebody who is in, under that id, with those of his tracks that are shown.
#[must_use]
pub fn participant(peer: &Peer, session_id: &PeerId, face: &Face, shown: TrackKinds) -> Value {
    json!({
        "userId": peer.who.user_id,
        "sessionId": session_id,
        "publishedTracks": shown.iter().filter_map(word).collect::<Vec<_>>(),
        "joinedAt": moment(peer.joined_at),
        "trackLookupPrefix": session_id,
        "connectionQuality": "CONNECTION_QUALITY_UNSPECIFIED",
        "name": peer.who.name,
        "image": face.image,
        "custom": face.custom,
        "roles": [peer.role],
    })
}

/// A moment.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_string()
}

/// Why the server does not go on with a client, and what it is to do about it. What the SDK takes for
/// a failure to join has a code of its own: for no other it stops waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// He does not get in; trying again is of no use.
    Refused,
    /// He does not get in as he is; with fresh credentials he may.
    Stale,
    /// He has to go, and to stay away.
    Out,
    /// He has to go, and may come with fresh credentials.
    Expired,
}

/// An `error` that says so.
#[must_use]
pub fn error(trouble: Trouble, message: &str) -> String {
    let (code, strategy) = match trouble {
        Trouble::Refused => ("CALL_PARTICIPANT_LIMIT_REACHED", "DISCONNECT"),
        Trouble::Stale => ("SFU_SHUTTING_DOWN", "REJOIN"),
        Trouble::Out => ("PERMISSION_DENIED", "DISCONNECT"),
        Trouble::Expired => ("UNAUTHENTICATED", "REJOIN"),
    };
    let error = json!({
        "error": {
            "error": { "code": format!("ERROR_CODE_{code}"), "message": message, "shouldRetry": false },
            "reconnectStrategy": format!("WEBSOCKET_RECONNECT_STRATEGY_{strategy}"),
        },
    });
    error.to_string()
}

/// Why a remote call was not done, as its answer says it.
#[must_use]
pub fn failure(error: &ErrorBody) -> Value {
    let (code, again) = match error.http_status() {
        401 => ("UNAUTHENTICATED", false),
        403 => ("PERMISSION_DENIED", false),
        404 | 410 => ("PARTICIPANT_NOT_FOUND", false),
        429 => ("TOO_MANY_REQUESTS", true),
        500.. => ("INTERNAL_SERVER_ERROR", true),
        _ => ("REQUEST_VALIDATION_FAILED", false),
    };
    json!({ "code": format!("ERROR_CODE_{code}"), "message": error.message, "shouldRetry": again })
}

/// The answer to a `healthCheckRequest`. How many are in is told where it changes.
#[must_use]
pub fn healthy() -> String {
    json!({ "healthCheckResponse": {} }).to_string()
}
