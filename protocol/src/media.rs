//! What may be sent (`TrackKinds`) and what state a track is in; `reception`: whom one may
//! receive. It must not know roles or rooms.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::capability::{Capabilities, Capability};

mod reception;

pub use reception::{
    CUSTOM_TRACK_NAME_MAX, CUSTOM_TRACKS_MAX, MediaRule, RECEPTION_RULES_MAX, Reception, rules,
    total,
};

/// One kind of track, Daily's six.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[repr(u8)]
pub enum TrackKind {
    /// The microphone.
    Audio,
    /// The camera.
    Video,
    /// The picture of a shared screen.
    ScreenVideo,
    /// The sound of a shared screen.
    ScreenAudio,
    /// Video tracks with names of their own.
    CustomVideo,
    /// Audio tracks with names of their own.
    CustomAudio,
}

impl TrackKind {
    /// In wire order.
    pub const ALL: [Self; 6] = [
        Self::Audio,
        Self::Video,
        Self::ScreenVideo,
        Self::ScreenAudio,
        Self::CustomVideo,
        Self::CustomAudio,
    ];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::ScreenVideo => "screenVideo",
            Self::ScreenAudio => "screenAudio",
            Self::CustomVideo => "customVideo",
            Self::CustomAudio => "customAudio",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The media capability under which this kind is granted.
    #[must_use]
    pub const fn capability(self) -> Capability {
        match self {
            Self::Audio | Self::CustomAudio => Capability::SendAudio,
            Self::Video | Self::CustomVideo => Capability::SendVideo,
            Self::ScreenVideo | Self::ScreenAudio => Capability::Screenshare,
        }
    }
}

impl fmt::Display for TrackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// By hand, so that as a key of an object it is read as text and errors can name it.
impl<'de> Deserialize<'de> for TrackKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            de::Error::custom(format!("unknown track kind `{shown}`"))
        })
    }
}

/// A set of track kinds; on the wire an array in the order of [`TrackKind::ALL`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKinds(u8);

impl TrackKinds {
    /// None.
    pub const NONE: Self = Self(0);
    /// All six.
    pub const ALL: Self = Self(0b11_1111);

    /// The set of these.
    #[must_use]
    pub const fn of(list: &[TrackKind]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= 1 << list[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// What a media capability grants: `send-audio` is audio and customAudio, `send-video` video
    /// and customVideo, `screenshare` both screen kinds; any other capability nothing.
    #[must_use]
    pub fn granted_by(capability: Capability) -> Self {
        if !Capabilities::MEDIA.contains(capability) {
            return Self::NONE;
        }
        TrackKind::ALL.into_iter().filter(|kind| kind.capability() == capability).collect()
    }

    /// The media capabilities this set shows: `send-audio` for audio, `send-video` for video,
    /// `screenshare` for both screen kinds.
    #[must_use]
    pub const fn capabilities(self) -> Capabilities {
        let mut held = Capabilities::NONE;
        if self.contains(TrackKind::Audio) {
            held = held.with(Capability::SendAudio);
        }
        if self.contains(TrackKind::Video) {
            held = held.with(Capability::SendVideo);
        }
        if self.contains(TrackKind::ScreenVideo) && self.contains(TrackKind::ScreenAudio) {
            held = held.with(Capability::Screenshare);
        }
        held
    }

    /// Whether the kind is in the set.
    #[must_use]
    pub const fn contains(self, kind: TrackKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether all of `other` are in the set.
    #[must_use]
    pub const fn contains_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many kinds.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Those in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in this one and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// In wire order.
    pub fn iter(self) -> impl Iterator<Item = TrackKind> {
        TrackKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<TrackKind> for TrackKinds {
    fn from_iter<I: IntoIterator<Item = TrackKind>>(iter: I) -> Self {
        iter.into_iter().fold(Self::NONE, |set, kind| set.union(Self::of(&[kind])))
    }
}

impl fmt::Debug for TrackKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(TrackKind::as_str)).finish()
    }
}

impl Serialize for TrackKinds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for TrackKinds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<TrackKind>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// What one track of a peer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackState {
    /// Sending.
    On,
    /// Allowed to send, not sending.
    Off,
    /// Not allowed to send, or hidden.
    Blocked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_views_of_kinds() {
        use Capability::{Screenshare, SendAudio, SendVideo};
        assert_eq!(
            TrackKinds::granted_by(SendAudio),
            TrackKinds::of(&[TrackKind::Audio, TrackKind::CustomAudio])
        );
        assert_eq!(TrackKinds::granted_by(Capability::EndCall), TrackKinds::NONE);
        assert_eq!(
            TrackKinds::ALL.capabilities(),
            Capabilities::of(&[SendAudio, SendVideo, Screenshare])
        );
        let half = TrackKinds::of(&[TrackKind::ScreenVideo, TrackKind::CustomAudio]);
        assert_eq!(half.capabilities(), Capabilities::NONE);
    }
}
