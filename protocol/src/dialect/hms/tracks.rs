//! Tracks as a client of 100ms's tells of its own. They must not know what becomes of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::words;
use crate::media::{TrackKind, TrackKinds};

/// Tracks by id.
#[derive(Debug, Default, Deserialize)]
pub struct Tracks(BTreeMap<String, Track>);

/// A track, as the client that has it knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// What it is.
    pub kind: TrackKind,
    /// Its id.
    pub track_id: String,
    /// Its stream's.
    pub stream_id: String,
}

#[derive(Debug, Deserialize)]
struct Track {
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    stream_id: String,
    #[serde(default)]
    mute: bool,
}

/// Longest id of a track that is remembered, in bytes; the SDK's are much shorter.
const TRACK_ID_MAX: usize = 256;

impl Tracks {
    /// Them, as their client knows them; one of each kind is enough.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        let each = self.0.iter().filter(|(id, track)| {
            id.len() <= TRACK_ID_MAX && track.stream_id.len() <= TRACK_ID_MAX
        });
        let each = each.filter_map(|(id, track)| {
            let kind = words::kind(&track.type_, &track.source)?;
            let (track_id, stream_id) = (id.clone(), track.stream_id.clone());
            Some(Published { kind, track_id, stream_id })
        });
        each.collect()
    }

    /// The kinds that are on, and those that are off.
    #[must_use]
    pub fn states(&self) -> (TrackKinds, TrackKinds) {
        let of = |muted: bool| -> TrackKinds {
            let those = self.0.values().filter(|track| track.mute == muted);
            those.filter_map(|track| words::kind(&track.type_, &track.source)).collect()
        };
        (of(false), of(true))
    }
}
