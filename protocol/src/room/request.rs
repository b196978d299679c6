//! Pending requests: a role offered from above, permissions asked from below. They must not know
//! how they end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::people::Person;
use crate::{
    capability::{Capabilities, Capability},
    id::{PeerId, RequestId, RoleName, Timestamp},
    media::TrackKinds,
    permissions::Permissions,
};

/// "Would you become …?", asked from above, answered by the asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleRequest {
    /// Its id.
    pub request_id: RequestId,
    /// Who is asked.
    pub peer_id: PeerId,
    /// Who asks.
    pub by: Person,
    /// The role offered.
    pub role: RoleName,
    /// When it expires.
    pub expires_at: Timestamp,
    /// What the asker could grant when he asked (kept for when he has left since); never on the
    /// wire.
    #[serde(skip)]
    pub held: Capabilities,
}

impl RoleRequest {
    /// Whether its time has passed.
    #[must_use]
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.expires_at <= at
    }
}

/// What a peer may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// To be seen.
    Presence,
    /// Both screen kinds.
    Screenshare,
    /// Audio and custom audio.
    SendAudio,
    /// Video and custom video.
    SendVideo,
}

impl Wanted {
    /// The track kinds it stands for.
    #[must_use]
    pub fn kinds(self) -> TrackKinds {
        match self {
            Self::Presence => TrackKinds::NONE,
            Self::Screenshare => TrackKinds::granted_by(Capability::Screenshare),
            Self::SendAudio => TrackKinds::granted_by(Capability::SendAudio),
            Self::SendVideo => TrackKinds::granted_by(Capability::SendVideo),
        }
    }

    /// Whether these permissions hold it.
    #[must_use]
    pub const fn is_held(self, permissions: &Permissions) -> bool {
        let capability = match self {
            Self::Presence => return permissions.has_presence,
            Self::Screenshare => Capability::Screenshare,
            Self::SendAudio => Capability::SendAudio,
            Self::SendVideo => Capability::SendVideo,
        };
        permissions.can_send.capabilities().contains(capability)
    }
}

/// "May I …?", asked from below, answered by a holder of `update-call-permissions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionRequest {
    /// Its id.
    pub request_id: RequestId,
    /// Who asks.
    pub from: Person,
    /// For what.
    pub permissions: BTreeSet<Wanted>,
    /// Who was told of it (kept so that all of them hear the answer); never on the wire.
    #[serde(skip)]
    pub asked: BTreeSet<PeerId>,
}
