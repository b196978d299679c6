//! What the caller is told, and what is passed on without being committed. It must not know frames.

use std::collections::BTreeMap;

use serde::{Serialize, ser::SerializeStruct};
use serde_json::json;

use super::{
    command::Recipient, event::Outcome, explain::Explanation, people::Person, refusal::Refusal,
};
use crate::{
    id::{PeerId, RequestId, SubscriptionId, Timestamp},
    json::{MessageData, SignalData},
    media::TrackKinds,
};

/// Most refused peers that a reply names.
pub const REFUSED_MAX: usize = 100;

/// The `result` of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Reply {
    /// `{}`
    Done {},
    /// Whether the room was created now; it may have been there.
    Created {
        /// Now.
        created: bool,
    },
    /// The state as the joiner sees it, which whoever keeps the snapshots puts together.
    Joined,
    /// A role was offered.
    RoleRequested {
        /// Under this id.
        request_id: RequestId,
        /// Until then.
        expires_at: Timestamp,
    },
    /// An acceptance that came to nothing.
    Ended {
        /// How the request ended instead.
        outcome: Outcome,
    },
    /// A bulk change.
    Changed {
        /// How many peers are now as asked.
        changed: usize,
        /// How many were left as they are.
        skipped: usize,
        /// Which ones and why, the first [`REFUSED_MAX`] of them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        refused: Vec<PeerRefused>,
    },
    /// Permissions were asked for.
    PermissionRequested {
        /// Under this id.
        request_id: RequestId,
    },
    /// Tracks were muted.
    Muted {
        /// How many.
        muted: usize,
    },
    /// Tracks were asked for.
    Asked {
        /// How many.
        asked: usize,
    },
    /// The caller receives these kinds.
    Subscribed {
        /// Under this id.
        subscription_id: SubscriptionId,
        /// Which.
        tracks: TrackKinds,
    },
    /// The caller waits.
    Waiting {
        /// Under this id.
        waiting_id: PeerId,
    },
    /// What would become of coming in.
    Access(Access),
    /// Why a right is held or not.
    Explained(Explanation),
}

impl Reply {
    pub(super) const fn changed(changed: usize, skipped: usize) -> Self {
        Self::Changed { changed, skipped, refused: Vec::new() }
    }
}

/// What would become of coming in now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// How far he would get.
    pub level: Level,
    /// Why not further.
    pub refused: Option<Refusal>,
}

impl Serialize for Access {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let error = self.refused.as_ref().map(|refusal| {
            json!({ "code": refusal.code(), "message": refusal.to_string(), "data": refusal.data() })
        });
        let mut object = serializer.serialize_struct("Access", 2)?;
        object.serialize_field("access", &self.level)?;
        object.serialize_field("error", &error)?;
        object.end()
    }
}

/// How far somebody would get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// In.
    Full,
    /// Before the door: he may knock.
    Lobby,
    /// Nowhere.
    None,
}

/// One peer whom a bulk change left as he is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerRefused {
    /// Him.
    pub peer_id: PeerId,
    /// The reason of the refusal.
    pub reason: &'static str,
}

/// Passed on, not committed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Relay {
    /// `sendMessage`
    Message { from: Person, data: MessageData, to: Recipient },
    /// `signal`
    Signal { from: Person, data: MessageData, to: PeerId },
    /// `requestUnmute`: what each is asked for, by his name or among others.
    Unmute { from: Person, asked: BTreeMap<PeerId, TrackKinds>, by_name: bool },
    /// `signalSubscription`
    Subscription { to: PeerId, subscription_id: SubscriptionId, data: SignalData },
}
