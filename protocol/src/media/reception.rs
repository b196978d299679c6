//! Whom one may receive, and what of them. It must not know who asks.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{TrackKind, TrackKinds};
use crate::id::{PeerId, RoleName, UserId};

/// Most entries in one of the maps of a [`Reception`].
pub const RECEPTION_RULES_MAX: usize = 256;
/// Most named custom tracks in one rule.
pub const CUSTOM_TRACKS_MAX: usize = 32;
/// Longest name of a custom track, in characters.
pub const CUSTOM_TRACK_NAME_MAX: usize = 64;

/// Whether each kind of track may be received: everything, nothing, or kind by kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MediaRule {
    audio: Option<bool>,
    video: Option<bool>,
    screen_video: Option<bool>,
    screen_audio: Option<bool>,
    custom_video: BTreeMap<String, bool>,
    custom_audio: BTreeMap<String, bool>,
}

impl MediaRule {
    /// The rule that says the same of every kind.
    #[must_use]
    pub fn all(allowed: bool) -> Self {
        let any = || BTreeMap::from([("*".to_owned(), allowed)]);
        Self {
            audio: Some(allowed),
            video: Some(allowed),
            screen_video: Some(allowed),
            screen_audio: Some(allowed),
            custom_video: any(),
            custom_audio: any(),
        }
    }

    /// Where the rule says the same of every kind, what it says.
    #[must_use]
    pub fn uniform(&self) -> Option<bool> {
        let allowed = self.audio?;
        (*self == Self::all(allowed)).then_some(allowed)
    }

    /// Whether anything is forbidden by it.
    #[must_use]
    pub fn forbids(&self) -> bool {
        [self.audio, self.video, self.screen_video, self.screen_audio].contains(&Some(false))
            || self.custom_video.values().chain(self.custom_audio.values()).any(|allowed| !allowed)
    }

    /// What the rule says of a kind (of a custom track by name, or of `*`), if it says anything.
    #[must_use]
    pub fn says(&self, kind: TrackKind, track: Option<&str>) -> Option<bool> {
        let named = |map: &BTreeMap<String, bool>| {
            track.and_then(|name| map.get(name)).or_else(|| map.get("*")).copied()
        };
        match kind {
            TrackKind::Audio => self.audio,
            TrackKind::Video => self.video,
            TrackKind::ScreenVideo => self.screen_video,
            TrackKind::ScreenAudio => self.screen_audio,
            TrackKind::CustomVideo => named(&self.custom_video),
            TrackKind::CustomAudio => named(&self.custom_audio),
        }
    }

    /// Whether the rule speaks of every kind, as a base must.
    #[must_use]
    pub fn is_total(&self) -> bool {
        TrackKind::ALL.into_iter().all(|kind| self.says(kind, None).is_some())
    }

    /// Whether this rule allows nothing that `other` forbids, kind by kind.
    fn within(&self, other: &Self) -> bool {
        let customs = |kind, a: &BTreeMap<String, bool>, b: &BTreeMap<String, bool>| {
            a.keys().chain(b.keys()).all(|name| {
                self.says(kind, Some(name)) != Some(true)
                    || other.says(kind, Some(name)) == Some(true)
            })
        };
        TrackKind::ALL
            .into_iter()
            .all(|kind| self.says(kind, None) != Some(true) || other.says(kind, None) == Some(true))
            && customs(TrackKind::CustomVideo, &self.custom_video, &other.custom_video)
            && customs(TrackKind::CustomAudio, &self.custom_audio, &other.custom_audio)
    }
}

impl Serialize for MediaRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(allowed) = self.uniform() {
            return serializer.serialize_bool(allowed);
        }
        let mut map = serializer.serialize_map(None)?;
        for kind in
            [TrackKind::Audio, TrackKind::Video, TrackKind::ScreenVideo, TrackKind::ScreenAudio]
        {
            if let Some(allowed) = self.says(kind, None) {
                map.serialize_entry(kind.as_str(), &allowed)?;
            }
        }
        if !self.custom_video.is_empty() {
            map.serialize_entry("customVideo", &self.custom_video)?;
        }
        if !self.custom_audio.is_empty() {
            map.serialize_entry("customAudio", &self.custom_audio)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for MediaRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = MediaRule;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or an object of track kinds")
            }
            fn visit_bool<E: de::Error>(self, allowed: bool) -> Result<MediaRule, E> {
                Ok(MediaRule::all(allowed))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<MediaRule, A::Error> {
                let mut rule = MediaRule {
                    audio: None,
                    video: None,
                    screen_video: None,
                    screen_audio: None,
                    custom_video: BTreeMap::new(),
                    custom_audio: BTreeMap::new(),
                };
                let mut seen = TrackKinds::NONE;
                while let Some(kind) = map.next_key::<TrackKind>()? {
                    if seen.contains(kind) {
                        return Err(de::Error::custom(format!("duplicate field `{kind}`")));
                    }
                    seen = seen.union(TrackKinds::of(&[kind]));
                    match kind {
                        TrackKind::Audio => rule.audio = Some(map.next_value()?),
                        TrackKind::Video => rule.video = Some(map.next_value()?),
                        TrackKind::ScreenVideo => rule.screen_video = Some(map.next_value()?),
                        TrackKind::ScreenAudio => rule.screen_audio = Some(map.next_value()?),
                        TrackKind::CustomVideo => {
                            rule.custom_video = map.next_value::<CustomTracks>()?.0
                        }
                        TrackKind::CustomAudio => {
                            rule.custom_audio = map.next_value::<CustomTracks>()?.0
                        }
                    }
                }
                Ok(rule)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

struct CustomTracks(BTreeMap<String, bool>);

impl<'de> Deserialize<'de> for CustomTracks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map: BTreeMap<String, bool> = crate::unique::map(deserializer, CUSTOM_TRACKS_MAX)?;
        for name in map.keys() {
            if name.is_empty() || name.chars().count() > CUSTOM_TRACK_NAME_MAX {
                return Err(de::Error::custom(format!(
                    "a custom track's name has 1 to {CUSTOM_TRACK_NAME_MAX} characters"
                )));
            }
        }
        Ok(Self(map))
    }
}

/// Whom a peer may receive, and what of them.
///
/// Read from the most particular to the base (Daily: "byParticipantId" before "byUserId" before
/// "base"); `by_role` is 100ms's `subscribeToRoles` and stands between the two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reception {
    /// What holds where nothing more particular is said; speaks of every kind.
    #[serde(deserialize_with = "total")]
    pub base: MediaRule,
    /// By the sender's role.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "rules")]
    pub by_role: BTreeMap<RoleName, MediaRule>,
    /// By the sender's user id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "rules")]
    pub by_user_id: BTreeMap<UserId, MediaRule>,
    /// By the sender's peer id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "rules")]
    pub by_participant_id: BTreeMap<PeerId, MediaRule>,
}

impl Reception {
    /// Everything of everybody, or nothing of anybody.
    #[must_use]
    pub fn all(allowed: bool) -> Self {
        Self {
            base: MediaRule::all(allowed),
            by_role: BTreeMap::new(),
            by_user_id: BTreeMap::new(),
            by_participant_id: BTreeMap::new(),
        }
    }

    /// Everything of those roles, nothing of others (100ms `subscribeToRoles`).
    pub fn of_roles<'a>(roles: impl IntoIterator<Item = &'a RoleName>) -> Self {
        let by_role = roles.into_iter().map(|r| (r.clone(), MediaRule::all(true))).collect();
        Self { by_role, ..Self::all(false) }
    }

    /// Whether a track of this kind may be received from that sender.
    #[must_use]
    pub fn allows(
        &self,
        peer: &PeerId,
        user: &UserId,
        role: &RoleName,
        kind: TrackKind,
        track: Option<&str>,
    ) -> bool {
        [self.by_participant_id.get(peer), self.by_user_id.get(user), self.by_role.get(role)]
            .into_iter()
            .flatten()
            .chain([&self.base])
            .find_map(|rule| rule.says(kind, track))
            .unwrap_or(false)
    }

    /// Whether anything may be received from that sender.
    #[must_use]
    pub fn allows_any(&self, peer: &PeerId, user: &UserId, role: &RoleName) -> bool {
        let named = |kind| {
            [self.by_participant_id.get(peer), self.by_user_id.get(user), self.by_role.get(role)]
                .into_iter()
                .flatten()
                .chain([&self.base])
                .any(|rule| match kind {
                    TrackKind::CustomVideo => rule.custom_video.values().any(|a| *a),
                    TrackKind::CustomAudio => rule.custom_audio.values().any(|a| *a),
                    _ => false,
                })
        };
        TrackKind::ALL
            .into_iter()
            .any(|kind| self.allows(peer, user, role, kind, None) || named(kind))
    }

    /// Whether this reception surely allows nothing that `other` forbids; where the particular
    /// rules differ it says no rather than guess.
    #[must_use]
    pub fn within(&self, other: &Self) -> bool {
        *self == *other
            || *self == Self::all(false)
            || *other == Self::all(true)
            || (self.by_role == other.by_role
                && self.by_user_id == other.by_user_id
                && self.by_participant_id == other.by_participant_id
                && self.base.within(&other.base))
    }

    /// What both allow: the narrower, where one surely is that; else nothing.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.within(other) {
            return self.clone();
        }
        if other.within(self) { other.clone() } else { Self::all(false) }
    }

    /// What either allows, as far as one set of rules can say it: everything where one allows
    /// everything, else the rules of both, the more generous where both speak of the same sender.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.within(other) {
            return other.clone();
        }
        if other.within(self) {
            return self.clone();
        }
        Self {
            base: generous(&self.base, &other.base),
            by_role: merged(&self.by_role, &other.by_role, &self.base, &other.base),
            by_user_id: merged(&self.by_user_id, &other.by_user_id, &self.base, &other.base),
            by_participant_id: merged(
                &self.by_participant_id,
                &other.by_participant_id,
                &self.base,
                &other.base,
            ),
        }
    }
}

/// Every kind that either rule allows.
fn generous(a: &MediaRule, b: &MediaRule) -> MediaRule {
    let either = |x: Option<bool>, y: Option<bool>| match (x, y) {
        (None, None) => None,
        (x, y) => Some(x == Some(true) || y == Some(true)),
    };
    let customs = |kind, x: &BTreeMap<String, bool>, y: &BTreeMap<String, bool>| {
        x.keys()
            .chain(y.keys())
            .filter_map(|name| {
                let allowed = either(a.says(kind, Some(name)), b.says(kind, Some(name)))?;
                Some((name.clone(), allowed))
            })
            .collect()
    };
    MediaRule {
        audio: either(a.audio, b.audio),
        video: either(a.video, b.video),
        screen_video: either(a.screen_video, b.screen_video),
        screen_audio: either(a.screen_audio, b.screen_audio),
        custom_video: customs(TrackKind::CustomVideo, &a.custom_video, &b.custom_video),
        custom_audio: customs(TrackKind::CustomAudio, &a.custom_audio, &b.custom_audio),
    }
}

fn merged<K: Ord + Clone>(
    a: &BTreeMap<K, MediaRule>,
    b: &BTreeMap<K, MediaRule>,
    base_a: &MediaRule,
    base_b: &MediaRule,
) -> BTreeMap<K, MediaRule> {
    a.keys()
        .chain(b.keys())
        .map(|key| {
            let rule = generous(a.get(key).unwrap_or(base_a), b.get(key).unwrap_or(base_b));
            (key.clone(), rule)
        })
        .collect()
}

/// Reads a base rule, which must speak of every kind.
///
/// # Errors
/// The deserializer's, or that a kind is missing (Daily: "must specify all media types").
pub fn total<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MediaRule, D::Error> {
    let rule = MediaRule::deserialize(deserializer)?;
    if rule.is_total() {
        return Ok(rule);
    }
    Err(de::Error::custom(
        "`base` is a boolean or names all six track kinds, the custom ones as maps with `*`",
    ))
}

/// Reads a map of rules: bounded, no key twice.
///
/// # Errors
/// The deserializer's, or that there are too many entries or a key twice.
pub fn rules<'de, D, K>(deserializer: D) -> Result<BTreeMap<K, MediaRule>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Debug,
{
    crate::unique::map(deserializer, RECEPTION_RULES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: &str) -> MediaRule {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn uniform_rules_collapse_to_a_boolean() {
        let long = r#"{"audio":true,"video":true,"screenVideo":true,"screenAudio":true,
            "customVideo":{"*":true},"customAudio":{"*":true}}"#;
        assert_eq!(serde_json::to_string(&rule(long)).unwrap(), "true");
        let named = rule(
            &long.replace(r#""customAudio":{"*":true}"#, r#""customAudio":{"*":true,"x":true}"#),
        );
        assert_eq!(named.uniform(), None);
    }

    #[test]
    fn the_particular_comes_before_the_base() {
        let reception: Reception = serde_json::from_str(
            r#"{"base":false,"byRole":{"host":true},"byUserId":{"ann":{"video":false}},
                "byParticipantId":{"p1":{"audio":true}}}"#,
        )
        .unwrap();
        let ask = |peer: &str, user: &str, role: &str, kind| {
            reception.allows(
                &PeerId::parse(peer).unwrap(),
                &UserId::parse(user).unwrap(),
                &RoleName::parse(role).unwrap(),
                kind,
                None,
            )
        };
        assert!(!ask("p9", "bo", "guest", TrackKind::Audio));
        assert!(ask("p9", "bo", "host", TrackKind::Audio));
        assert!(!ask("p9", "ann", "host", TrackKind::Video));
        assert!(ask("p9", "ann", "host", TrackKind::Audio));
        assert!(ask("p1", "bo", "guest", TrackKind::Audio));
        assert!(!ask("p1", "bo", "guest", TrackKind::Video));
    }

    #[test]
    fn bad_rules_are_refused() {
        for bad in [
            r#"{"base":{"audio":true}}"#,
            r#"{"base":true,"byTeam":{}}"#,
            r#"{"base":1}"#,
            r#"{"base":true,"byUserId":{"a":true,"a":false}}"#,
            r#"{"base":true,"byUserId":{"a":{"smell":true}}}"#,
            r#"{"base":true,"byUserId":{"a":{"audio":true,"audio":false}}}"#,
        ] {
            assert!(serde_json::from_str::<Reception>(bad).is_err(), "{bad}");
        }
    }
}
