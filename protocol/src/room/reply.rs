//! What the caller is told, and what is passed on without being committed. It must not know frames.

use serde::Serialize;

use super::{command::Recipient, event::Outcome, explain::Explanation, people::Person};
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
    /// Why a right is held or not.
    Explained(Explanation),
}

impl Reply {
    pub(super) const fn changed(changed: usize, skipped: usize) -> Self {
        Self::Changed { changed, skipped, refused: Vec::new() }
    }
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
    /// `signalSubscription`
    Subscription { to: PeerId, subscription_id: SubscriptionId, data: SignalData },
}
