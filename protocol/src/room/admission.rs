//! Who is let in, when, and with what: the room's own rules beside its roles. They must not know who
//! is there.

use std::{collections::BTreeSet, num::NonZeroU32};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    capability::{AdminGroup, Capabilities},
    id::Timestamp,
    media::TrackKinds,
    permissions::{Change, Overrides, Permissions, PermissionsPatch, ReceptionOverrides},
    unique,
};

/// Who is let in, when, and with what. Without any of it the call type says all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Admission {
    /// What everybody but an owner has in place of what his role says, unless it was said of him.
    pub permissions: Option<Box<Defaults>>,
    /// How many peers the room holds at most; the house may hold fewer.
    pub max_peers: Option<NonZeroU32>,
    /// Whether only who was invited gets in: by a token for this room, as a member, or admitted.
    pub private: bool,
    /// Whether who was not invited may wait until somebody admits him.
    pub knocking: bool,
    /// Before then nobody gets in.
    pub opens_at: Option<Timestamp>,
    /// From then on nobody gets in.
    pub closes_at: Option<Timestamp>,
    /// Whether everybody is out then, too.
    pub eject_at_close: bool,
    /// Whether a user's coming in again puts out who he was before.
    pub one_per_user: bool,
}

/// What everybody but an owner has in place of what his role says; on the wire and in the journal a
/// patch that says it. Unset: as the role says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Defaults {
    /// Seen by the others?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_presence: Option<bool>,
    /// All that may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_send: Option<TrackKinds>,
    /// Parts of what may be received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_receive: Option<Box<ReceptionOverrides>>,
    /// The groups that are held, all others being not; what is of no group the role says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_admin: Option<BTreeSet<AdminGroup>>,
}

impl Defaults {
    /// What a patch says of whoever comes; nothing where it says nothing. To set something back is
    /// to say nothing of it.
    #[must_use]
    pub fn of(patch: &PermissionsPatch) -> Option<Self> {
        let Overrides { has_presence, can_send, can_receive, .. } =
            Overrides::default().patched(patch, Capabilities::NONE);
        let can_admin = match &patch.can_admin {
            Change::Set(groups) => Some(groups.0.iter().copied().collect()),
            Change::Keep | Change::Reset => None,
        };
        let defaults = Self { has_presence, can_send, can_receive, can_admin };
        (defaults != Self::default()).then_some(defaults)
    }

    /// A role's permissions with these in their place.
    #[must_use]
    pub fn over(&self, role: &Permissions) -> Permissions {
        let Self { has_presence, can_send, can_receive, can_admin } = self;
        let mut overrides = Overrides {
            has_presence: *has_presence,
            can_send: *can_send,
            can_receive: can_receive.clone(),
            ..Overrides::default()
        };
        for group in AdminGroup::ALL {
            overrides = match can_admin {
                None => overrides,
                Some(held) if held.contains(&group) => overrides.with(group.capabilities()),
                Some(_) => overrides.without(group.capabilities()),
            };
        }
        overrides.over(role)
    }
}

/// What is to be of it; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AdmissionPatch {
    /// The defaults, whole.
    pub permissions: Change<PermissionsPatch>,
    /// How many peers.
    pub max_peers: Change<NonZeroU32>,
    /// Only who was invited?
    #[serde(deserialize_with = "given")]
    pub private: Option<bool>,
    /// May the others knock?
    #[serde(deserialize_with = "given")]
    pub knocking: Option<bool>,
    /// From when on.
    pub opens_at: Change<Timestamp>,
    /// Until when.
    pub closes_at: Change<Timestamp>,
    /// Everybody out then?
    #[serde(deserialize_with = "given")]
    pub eject_at_close: Option<bool>,
    /// One peer for each user?
    #[serde(deserialize_with = "given")]
    pub one_per_user: Option<bool>,
}

unique::read_from_objects! { AdmissionPatch }

/// Either is said; null is neither.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    bool::deserialize(deserializer).map(Some)
}

impl Admission {
    /// It with a patch laid over it.
    #[must_use]
    pub fn patched(&self, patch: &AdmissionPatch) -> Self {
        let permissions = match &patch.permissions {
            Change::Keep => self.permissions.clone(),
            Change::Reset => None,
            Change::Set(permissions) => Defaults::of(permissions).map(Box::new),
        };
        Self {
            permissions,
            max_peers: patch.max_peers.onto(self.max_peers),
            private: patch.private.unwrap_or(self.private),
            knocking: patch.knocking.unwrap_or(self.knocking),
            opens_at: patch.opens_at.onto(self.opens_at),
            closes_at: patch.closes_at.onto(self.closes_at),
            eject_at_close: patch.eject_at_close.unwrap_or(self.eject_at_close),
            one_per_user: patch.one_per_user.unwrap_or(self.one_per_user),
        }
    }

    /// Whether the time to come in has passed.
    #[must_use]
    pub fn is_closed(&self, at: Timestamp) -> bool {
        self.closes_at.is_some_and(|closes_at| closes_at <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capability::Capability,
        media::{Reception, TrackKind},
    };

    fn patch(text: &str) -> AdmissionPatch {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_not_given_stays_and_null_takes_it_back() {
        let first = Admission::default().patched(&patch(
            r#"{"private":true,"maxPeers":2,"closesAt":"2026-01-01T00:00:00Z","permissions":{"canSend":["audio"]}}"#,
        ));
        assert!(first.private && !first.knocking);
        assert_eq!(first.max_peers.map(NonZeroU32::get), Some(2));
        let second = first.patched(&patch(r#"{"knocking":true,"maxPeers":null}"#));
        assert_eq!(second, Admission { knocking: true, max_peers: None, ..first.clone() });
        let third = first.patched(&patch(r#"{"permissions":{"hasPresence":false}}"#));
        let defaults = third.permissions.as_deref().unwrap();
        assert_eq!((defaults.has_presence, defaults.can_send), (Some(false), None));
        assert_eq!(first.patched(&patch(r#"{"permissions":null}"#)).permissions, None);
        assert_eq!(first.patched(&patch(r#"{"permissions":{"canSend":null}}"#)).permissions, None);
    }

    #[test]
    fn what_makes_no_sense_is_no_patch() {
        for wrong in [
            r#"{"maxPeers":0}"#,
            r#"{"private":null}"#,
            r#"{"private":1}"#,
            r#"{"opensAt":12}"#,
            r#"{"colour":"red"}"#,
            r#"{"permissions":{"canSend":["smell"]}}"#,
            "[]",
        ] {
            assert!(serde_json::from_str::<AdmissionPatch>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn groups_that_are_not_named_are_not_held() {
        let role = Permissions {
            has_presence: true,
            can_send: TrackKinds::of(&[TrackKind::Audio]),
            can_receive: std::sync::Arc::new(Reception::all(true)),
            capabilities: Capabilities::of(&[Capability::MuteUsers, Capability::EndCall]),
        };
        let over = |text: &str| {
            let patch: PermissionsPatch = serde_json::from_str(text).unwrap();
            Defaults::of(&patch).unwrap().over(&role)
        };
        let none = over(r#"{"canAdmin":false}"#);
        assert_eq!(none.capabilities, Capabilities::of(&[Capability::EndCall]));
        let streaming = over(r#"{"canAdmin":["streaming"]}"#);
        assert!(!streaming.capabilities.contains(Capability::MuteUsers));
        assert!(streaming.capabilities.contains(Capability::StartBroadcastCall));
        let hidden = over(r#"{"hasPresence":false,"canSend":true}"#);
        assert_eq!((hidden.has_presence, hidden.can_send), (false, TrackKinds::ALL));
        assert_eq!(hidden.capabilities, role.capabilities);
    }
}
