//! What a room keeps of users and of its sessions: members, what somebody may send beside what his
//! roles say, pins, when it was entered. It must not know who may change them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    call_type::CALL_MEMBER,
    id::{PeerId, RoleName, Timestamp, UserId},
    json::Metadata,
    media::TrackKinds,
};

/// A user's standing in one room, whether or not he is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// His role here; unset: `call_member` counts.
    pub role: Option<RoleName>,
    /// The customer's own data of this membership.
    pub custom: Metadata,
    /// Since when.
    pub created_at: Timestamp,
    /// When anything of it changed.
    pub updated_at: Timestamp,
}

impl Member {
    /// The role that counts.
    #[must_use]
    pub fn role(&self) -> RoleName {
        self.role.clone().unwrap_or_else(call_member)
    }
}

/// The role of a member of whom nothing else is said.
#[must_use]
pub fn call_member() -> RoleName {
    #[expect(clippy::expect_used, reason = "a literal")]
    RoleName::parse(CALL_MEMBER).expect("well formed")
}

/// What a user may send beside what his roles say (Stream's `user_permissions`), as long as the
/// session lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserOverrides {
    /// Though his roles do not say so.
    pub granted: TrackKinds,
    /// Not, though they do.
    pub revoked: TrackKinds,
}

impl UserOverrides {
    /// These with kinds let through, and then others stopped.
    #[must_use]
    pub const fn changed(self, grant: TrackKinds, revoke: TrackKinds) -> Self {
        Self {
            granted: self.granted.union(grant).difference(revoke),
            revoked: self.revoked.difference(grant).union(revoke),
        }
    }
}

/// A peer shown first to everybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Whose peer.
    pub user_id: UserId,
    /// Which.
    pub peer_id: PeerId,
}

/// From the first peer's coming to the last one's leaving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    /// The epoch and a number within it: `EPOCH.1` is a room's first.
    pub id: Arc<str>,
    /// Since when.
    pub started_at: Timestamp,
}
