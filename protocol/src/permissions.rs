//! What one peer may do (`Permissions`), and changes to it: what is asked (`PermissionsPatch`) and
//! what is remembered (`Overrides`). It must not know rooms, nor who may ask for what.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de, ser::SerializeStruct};

use crate::{
    capability::{AdminGroup, Capabilities},
    id::{PeerId, UserId},
    media::{self, MediaRule, Reception, TrackKinds},
    unique,
};

/// The answer to four questions about a peer: seen? sends what? receives what? does what?
///
/// On the wire `{hasPresence, canSend, canReceive, canAdmin}`; the whole list of capabilities
/// stands beside it ([`Permissions::all_capabilities`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Whether the others see the peer.
    pub has_presence: bool,
    /// What it may send.
    pub can_send: TrackKinds,
    /// What it may receive.
    pub can_receive: Arc<Reception>,
    /// What it may do, the three media capabilities left out: those are views of `can_send`.
    pub capabilities: Capabilities,
}

impl Permissions {
    /// Nothing at all, unseen.
    #[must_use]
    pub fn none() -> Self {
        Self {
            has_presence: false,
            can_send: TrackKinds::NONE,
            can_receive: Arc::new(Reception::all(false)),
            capabilities: Capabilities::NONE,
        }
    }

    /// Every capability held, the media views included.
    #[must_use]
    pub fn all_capabilities(&self) -> Capabilities {
        self.capabilities.union(self.can_send.capabilities())
    }

    /// The groups held whole.
    #[must_use]
    pub fn can_admin(&self) -> Vec<AdminGroup> {
        AdminGroup::shown(self.capabilities)
    }

    /// What both give together: the union of standing roles.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            has_presence: self.has_presence || other.has_presence,
            can_send: self.can_send.union(other.can_send),
            can_receive: Arc::new(self.can_receive.union(&other.can_receive)),
            capabilities: self.capabilities.union(other.capabilities),
        }
    }

    /// What both give, and never more than either.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            has_presence: self.has_presence && other.has_presence,
            can_send: self.can_send.intersection(other.can_send),
            can_receive: Arc::new(self.can_receive.intersection(&other.can_receive)),
            capabilities: self.capabilities.intersection(other.capabilities),
        }
    }

    /// Whether these allow nothing that `other` does not.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        (other.has_presence || !self.has_presence)
            && other.can_send.contains_all(self.can_send)
            && other.capabilities.contains_all(self.capabilities)
            && self.can_receive.within(&other.can_receive)
    }

    /// What the administrative capabilities here are that `before` did not hold.
    #[must_use]
    pub fn newly_administrative(&self, before: &Self) -> Capabilities {
        self.capabilities.difference(before.capabilities).intersection(Capabilities::ADMINISTRATIVE)
    }
}

impl Serialize for Permissions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Permissions", 4)?;
        object.serialize_field("hasPresence", &self.has_presence)?;
        object.serialize_field("canSend", &self.can_send)?;
        object.serialize_field("canReceive", &self.can_receive)?;
        object.serialize_field("canAdmin", &self.can_admin())?;
        object.end()
    }
}

/// One field of a patch: left alone, set back to what the role says, or set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Not mentioned.
    #[default]
    Keep,
    /// `null`: what the role says.
    Reset,
    /// Given.
    Set(T),
}

impl<T> Change<T> {
    /// What becomes of what is set now.
    pub(crate) fn onto(&self, current: Option<T>) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::Keep => current,
            Self::Reset => None,
            Self::Set(value) => Some(value.clone()),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Reset, Self::Set))
    }
}

/// `true` (all), `false` (none) or an array of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de> + Every> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Every> de::Visitor<'de> for Visitor<T> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false or an array of names")
            }
            fn visit_bool<E: de::Error>(self, all: bool) -> Result<Vec<T>, E> {
                Ok(if all { T::every() } else { Vec::new() })
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if list.len() == LISTED_MAX {
                        return Err(de::Error::custom(format!("more than {LISTED_MAX} names")));
                    }
                    list.push(item);
                }
                Ok(list)
            }
        }
        deserializer.deserialize_any(Visitor(std::marker::PhantomData)).map(Self)
    }
}

/// Most names in a `canSend` or `canAdmin` array.
pub const LISTED_MAX: usize = 64;

/// A closed vocabulary of which `true` means all.
pub trait Every: Sized {
    /// All of them.
    fn every() -> Vec<Self>;
}

impl Every for media::TrackKind {
    fn every() -> Vec<Self> {
        Self::ALL.to_vec()
    }
}

impl Every for AdminGroup {
    fn every() -> Vec<Self> {
        Self::ALL.to_vec()
    }
}

/// What `updateParticipant` asks for (`PROTOCOL` 3.3); every field optional, `null` resets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PermissionsPatch {
    /// Seen by the others?
    pub has_presence: Change<bool>,
    /// Replaces what may be sent.
    pub can_send: Change<Listed<media::TrackKind>>,
    /// Each part given replaces that part.
    pub can_receive: Change<ReceptionPatch>,
    /// Touches only the groups that it changes.
    pub can_admin: Change<Listed<AdminGroup>>,
}

/// The `canReceive` part of a patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ReceptionPatch {
    /// What holds where nothing more particular is said.
    pub base: Change<BaseRule>,
    /// By the sender's user id, whole.
    pub by_user_id: Change<Rules<UserId>>,
    /// By the sender's peer id, whole.
    pub by_participant_id: Change<Rules<PeerId>>,
}

unique::read_from_objects! { PermissionsPatch ReceptionPatch }

/// A rule that speaks of every kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct BaseRule(#[serde(deserialize_with = "media::total")] pub MediaRule);

/// A bounded map of rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent, bound(deserialize = "K: Deserialize<'de> + Ord + std::fmt::Debug"))]
pub struct Rules<K>(#[serde(deserialize_with = "media::rules")] pub BTreeMap<K, MediaRule>);

/// What stands for one peer beside its role, as a sequence of patches left it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overrides {
    /// Presence; the only one that outlives a role change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_presence: Option<bool>,
    /// What may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_send: Option<TrackKinds>,
    /// Kinds that may be sent though neither role nor `can_send` has them.
    #[serde(skip_serializing_if = "no_kinds")]
    pub send_granted: TrackKinds,
    /// Kinds that may not be sent though they have them.
    #[serde(skip_serializing_if = "no_kinds")]
    pub send_revoked: TrackKinds,
    /// Parts of what may be received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_receive: Option<Box<ReceptionOverrides>>,
    /// Capabilities held though the role does not give them.
    #[serde(skip_serializing_if = "no_capabilities")]
    pub granted: Capabilities,
    /// Capabilities not held though the role gives them.
    #[serde(skip_serializing_if = "no_capabilities")]
    pub revoked: Capabilities,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
const fn no_capabilities(set: &Capabilities) -> bool {
    set.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
const fn no_kinds(kinds: &TrackKinds) -> bool {
    kinds.is_empty()
}

/// Parts of a reception that stand in place of the role's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReceptionOverrides {
    /// In place of the role's base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<MediaRule>,
    /// In place of the role's rules by user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_user_id: Option<BTreeMap<UserId, MediaRule>>,
    /// In place of the role's rules by peer id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_participant_id: Option<BTreeMap<PeerId, MediaRule>>,
}

impl Overrides {
    /// What is left after a role change: presence alone.
    #[must_use]
    pub fn after_role_change(&self) -> Self {
        Self { has_presence: self.has_presence, ..Self::default() }
    }

    /// These overrides with a patch laid over them; `held` are the capabilities now in force,
    /// which `canAdmin` looks at to know which groups are shown.
    #[must_use]
    pub fn patched(&self, patch: &PermissionsPatch, held: Capabilities) -> Self {
        let send = match &patch.can_send {
            Change::Set(list) => Change::Set(list.0.iter().copied().collect()),
            Change::Reset => Change::Reset,
            Change::Keep => Change::Keep,
        };
        let sends_anew = !matches!(send, Change::Keep);
        let kept = |kinds| if sends_anew { TrackKinds::NONE } else { kinds };
        let mut next = Self {
            has_presence: patch.has_presence.onto(self.has_presence),
            can_send: send.onto(self.can_send),
            send_granted: kept(self.send_granted),
            send_revoked: kept(self.send_revoked),
            can_receive: self.patched_reception(&patch.can_receive),
            granted: self.granted,
            revoked: self.revoked,
        };
        match &patch.can_admin {
            Change::Keep => {}
            Change::Reset => {
                for group in AdminGroup::ALL {
                    next.granted = next.granted.difference(group.capabilities());
                    next.revoked = next.revoked.difference(group.capabilities());
                }
            }
            Change::Set(Listed(listed)) => {
                let strip_all = listed.is_empty();
                for group in AdminGroup::ALL {
                    let its = group.capabilities();
                    if listed.contains(&group) {
                        next = next.with(its);
                    } else if strip_all || held.contains_all(its) {
                        next = next.without(its);
                    }
                }
            }
        }
        next
    }

    fn patched_reception(&self, patch: &Change<ReceptionPatch>) -> Option<Box<ReceptionOverrides>> {
        let patch = match patch {
            Change::Keep => return self.can_receive.clone(),
            Change::Reset => return None,
            Change::Set(patch) => patch,
        };
        let now = self.can_receive.as_deref().cloned().unwrap_or_default();
        let next = ReceptionOverrides {
            base: unwrapped(&patch.base, |r| r.0.clone()).onto(now.base),
            by_user_id: unwrapped(&patch.by_user_id, |r| r.0.clone()).onto(now.by_user_id),
            by_participant_id: unwrapped(&patch.by_participant_id, |r| r.0.clone())
                .onto(now.by_participant_id),
        };
        (next != ReceptionOverrides::default()).then(|| Box::new(next))
    }

    /// These overrides with those capabilities held.
    #[must_use]
    pub fn with(self, capabilities: Capabilities) -> Self {
        Self {
            granted: self.granted.union(capabilities),
            revoked: self.revoked.difference(capabilities),
            ..self
        }
    }

    /// These overrides with those capabilities not held.
    #[must_use]
    pub fn without(self, capabilities: Capabilities) -> Self {
        Self {
            granted: self.granted.difference(capabilities),
            revoked: self.revoked.union(capabilities),
            ..self
        }
    }

    /// These overrides with those kinds of track let through, and then those others stopped;
    /// whatever else the role gives stays the role's to give.
    #[must_use]
    pub fn sending(self, granted: TrackKinds, revoked: TrackKinds) -> Self {
        Self {
            send_granted: self.send_granted.union(granted).difference(revoked),
            send_revoked: self.send_revoked.difference(granted).union(revoked),
            ..self
        }
    }

    /// What may be sent where the role says that.
    #[must_use]
    pub fn sends(&self, role: TrackKinds) -> TrackKinds {
        let base = self.can_send.unwrap_or(role);
        base.union(self.send_granted).difference(self.send_revoked)
    }

    /// A role's permissions with these laid over them.
    #[must_use]
    pub fn over(&self, role: &Permissions) -> Permissions {
        let can_receive = self.can_receive.as_ref().map_or_else(
            || Arc::clone(&role.can_receive),
            |parts| {
                let role = &*role.can_receive;
                Arc::new(Reception {
                    base: parts.base.clone().unwrap_or_else(|| role.base.clone()),
                    // A base that is said of him holds for everybody, whatever their roles.
                    by_role: match parts.base {
                        Some(_) => BTreeMap::new(),
                        None => role.by_role.clone(),
                    },
                    by_user_id: parts.by_user_id.clone().unwrap_or_else(|| role.by_user_id.clone()),
                    by_participant_id: parts
                        .by_participant_id
                        .clone()
                        .unwrap_or_else(|| role.by_participant_id.clone()),
                })
            },
        );
        Permissions {
            has_presence: self.has_presence.unwrap_or(role.has_presence),
            can_send: self.sends(role.can_send),
            can_receive,
            capabilities: role.capabilities.union(self.granted).difference(self.revoked),
        }
    }
}

fn unwrapped<T, U>(change: &Change<T>, f: impl Fn(&T) -> U) -> Change<U> {
    match change {
        Change::Keep => Change::Keep,
        Change::Reset => Change::Reset,
        Change::Set(value) => Change::Set(f(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{capability::Capability, media::TrackKind};

    fn patch(json: &str) -> PermissionsPatch {
        serde_json::from_str(json).unwrap()
    }

    fn role() -> Permissions {
        Permissions {
            has_presence: true,
            can_send: TrackKinds::of(&[TrackKind::Audio]),
            can_receive: Arc::new(Reception::all(true)),
            capabilities: Capabilities::of(&[Capability::JoinCall, Capability::MuteUsers]),
        }
    }

    /// Lays the patches over the role one after the other and shows the last permissions.
    fn shown(patches: &[&str]) -> String {
        let mut overrides = Overrides::default();
        for text in patches {
            let held = overrides.over(&role()).capabilities;
            overrides = overrides.patched(&patch(text), held);
        }
        serde_json::to_string(&overrides.over(&role())).unwrap()
    }

    #[test]
    fn given_replaces_and_null_resets() {
        let plain =
            r#"{"hasPresence":true,"canSend":["audio"],"canReceive":{"base":true},"canAdmin":[]}"#;
        let table: &[(&[&str], &str)] = &[
            (&[], plain),
            (&[r#"{"canSend":["video"]}"#], &plain.replace("audio", "video")),
            (
                &[
                    r#"{"canSend":false}"#,
                    r#"{"hasPresence":false}"#,
                    r#"{"canSend":null,"hasPresence":null}"#,
                ],
                plain,
            ),
            (
                &[r#"{"canReceive":{"base":false}}"#],
                &plain.replace(r#""base":true"#, r#""base":false"#),
            ),
            (
                &[r#"{"canReceive":{"base":false}}"#, r#"{"canReceive":{"byUserId":{"a":true}}}"#],
                &plain.replace(r#""base":true"#, r#""base":false,"byUserId":{"a":true}"#),
            ),
            (
                &[
                    r#"{"canReceive":{"base":false,"byUserId":{"a":true}}}"#,
                    r#"{"canReceive":null}"#,
                ],
                plain,
            ),
            (
                &[
                    r#"{"canReceive":{"base":false,"byUserId":{"a":true}}}"#,
                    r#"{"canReceive":{"base":null}}"#,
                ],
                &plain.replace(r#""base":true"#, r#""base":true,"byUserId":{"a":true}"#),
            ),
            (
                &[r#"{"canAdmin":true}"#],
                &plain.replace("[]", r#"["participants","streaming","transcription"]"#),
            ),
            (&[r#"{"canAdmin":["streaming"]}"#, r#"{"canAdmin":null}"#], plain),
            (
                &[r#"{"canAdmin":["streaming"]}"#, r#"{"canAdmin":["participants"]}"#],
                &plain.replace("[]", r#"["participants"]"#),
            ),
        ];
        for (patches, expected) in table {
            assert_eq!(&shown(patches), expected, "{patches:?}");
        }
    }

    #[test]
    fn a_group_held_in_part_stays_unless_all_is_stripped() {
        let held = |text: &str| {
            let overrides = Overrides::default().patched(&patch(text), role().capabilities);
            overrides.over(&role()).capabilities.contains(Capability::MuteUsers)
        };
        assert!(held(r#"{"canAdmin":["streaming"]}"#));
        assert!(!held(r#"{"canAdmin":false}"#));
        assert!(!held(r#"{"canAdmin":[]}"#));
    }

    #[test]
    fn unknown_keys_and_members_are_refused() {
        for bad in [
            r#"{"canFly":true}"#,
            r#"{"canSend":["smell"]}"#,
            r#"{"canSend":"audio"}"#,
            r#"{"canAdmin":["everything"]}"#,
            r#"{"hasPresence":1}"#,
            r#"{"canReceive":true}"#,
            r#"{"canReceive":[]}"#,
            "[]",
            "[false]",
            r#"{"canReceive":{"base":{"audio":true}}}"#,
            r#"{"canReceive":{"byRole":{}}}"#,
            r#"{"canSend":[],"canSend":["audio"]}"#,
        ] {
            assert!(serde_json::from_str::<PermissionsPatch>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_presence_outlives_a_role_change() {
        let overrides = Overrides::default().patched(
            &patch(r#"{"hasPresence":false,"canSend":true,"canAdmin":true}"#),
            Capabilities::NONE,
        );
        let left = overrides.after_role_change();
        assert_eq!(left, Overrides { has_presence: Some(false), ..Overrides::default() });
    }
}
