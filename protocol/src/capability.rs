//! One act (`Capability`) and a set of them (`Capabilities`). It must not know who holds which.
//!
//! The spelling is Stream's (`own_capabilities`). The three media entries of Stream's list
//! (`send-audio`, `send-video`, `screenshare`) are views of [`crate::media::TrackKinds`]: there is
//! one truth, and it is not here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! capabilities {
    ($($variant:ident $name:literal,)*) => {
        /// One act a peer may be allowed to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Capability { $(#[doc = concat!("`", $name, "`")] $variant,)* }

        impl Capability {
            /// All of them, in alphabetical order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The wire name, kebab-case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The capability of that name, if there is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

// Alphabetical: the order of the bits is the order on the wire.
capabilities! {
    BlockUsers "block-users",
    ChangeMaxDuration "change-max-duration",
    CreateCall "create-call",
    CreateReaction "create-reaction",
    EnableNoiseCancellation "enable-noise-cancellation",
    EndCall "end-call",
    JoinBackstage "join-backstage",
    JoinCall "join-call",
    JoinEndedCall "join-ended-call",
    KickUser "kick-user",
    MuteUsers "mute-users",
    PinForEveryone "pin-for-everyone",
    ReadCall "read-call",
    RemoveCallMember "remove-call-member",
    Screenshare "screenshare",
    SendAudio "send-audio",
    SendClosedCaptionsCall "send-closed-captions-call",
    SendVideo "send-video",
    StartBroadcastCall "start-broadcast-call",
    StartClosedCaptionsCall "start-closed-captions-call",
    StartFrameRecordCall "start-frame-record-call",
    StartIndividualRecordCall "start-individual-record-call",
    StartRawRecordCall "start-raw-record-call",
    StartRecordCall "start-record-call",
    StartTranscriptionCall "start-transcription-call",
    StopBroadcastCall "stop-broadcast-call",
    StopClosedCaptionsCall "stop-closed-captions-call",
    StopFrameRecordCall "stop-frame-record-call",
    StopIndividualRecordCall "stop-individual-record-call",
    StopRawRecordCall "stop-raw-record-call",
    StopRecordCall "stop-record-call",
    StopTranscriptionCall "stop-transcription-call",
    UpdateCall "update-call",
    UpdateCallMember "update-call-member",
    UpdateCallPermissions "update-call-permissions",
    UpdateCallSettings "update-call-settings",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| de::Error::custom(format!("unknown capability `{name}`")))
    }
}

/// A set of capabilities; on the wire a sorted array of names.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None.
    pub const NONE: Self = Self(0);
    /// The three that are views of what may be sent.
    pub const MEDIA: Self =
        Self::of(&[Capability::SendAudio, Capability::SendVideo, Capability::Screenshare]);
    /// Every one of them.
    pub const ALL: Self = Self::of(Capability::ALL);
    /// Rights over others: nobody grants one that he lacks himself (`PROTOCOL` 3.4, rule 2).
    ///
    /// The three groups of `canAdmin`, and what rules the room itself. Recordings of every kind
    /// and captions are administrative for the same reason as the groups' own: they cost money
    /// and concern everybody.
    pub const ADMINISTRATIVE: Self = Self::of(&[
        Capability::EndCall,
        Capability::JoinBackstage,
        Capability::JoinEndedCall,
        Capability::PinForEveryone,
        Capability::StartClosedCaptionsCall,
        Capability::StartFrameRecordCall,
        Capability::StartIndividualRecordCall,
        Capability::StartRawRecordCall,
        Capability::StopClosedCaptionsCall,
        Capability::StopFrameRecordCall,
        Capability::StopIndividualRecordCall,
        Capability::StopRawRecordCall,
        Capability::UpdateCall,
        Capability::UpdateCallMember,
        Capability::UpdateCallPermissions,
        Capability::UpdateCallSettings,
    ])
    .union(AdminGroup::Participants.capabilities())
    .union(AdminGroup::Streaming.capabilities())
    .union(AdminGroup::Transcription.capabilities());

    /// The set of these.
    #[must_use]
    pub const fn of(list: &[Capability]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < list.len() {
            bits |= 1 << list[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Whether the capability is in the set.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
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

    /// This set with one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u8)
    }

    /// In alphabetical order.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |c| self.contains(*c))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(iter: I) -> Self {
        iter.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::as_str)).finish()
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Capability>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// A group of administrative capabilities, an item of Daily's `canAdmin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AdminGroup {
    /// Ruling the people: their permissions, muting, removing, blocking.
    Participants,
    /// Starting and stopping broadcasts and recordings.
    Streaming,
    /// Starting and stopping transcription.
    Transcription,
}

impl AdminGroup {
    /// In wire order.
    pub const ALL: [Self; 3] = [Self::Participants, Self::Streaming, Self::Transcription];

    /// The wire name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Participants => "participants",
            Self::Streaming => "streaming",
            Self::Transcription => "transcription",
        }
    }

    /// What the group stands for (`PROTOCOL` 3.3).
    #[must_use]
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Participants => Capabilities::of(&[
                Capability::UpdateCallPermissions,
                Capability::MuteUsers,
                Capability::RemoveCallMember,
                Capability::KickUser,
                Capability::BlockUsers,
            ]),
            Self::Streaming => Capabilities::of(&[
                Capability::StartBroadcastCall,
                Capability::StopBroadcastCall,
                Capability::StartRecordCall,
                Capability::StopRecordCall,
            ]),
            Self::Transcription => Capabilities::of(&[
                Capability::StartTranscriptionCall,
                Capability::StopTranscriptionCall,
            ]),
        }
    }

    /// The groups of which all capabilities are held, in wire order.
    #[must_use]
    pub fn shown(held: Capabilities) -> Vec<Self> {
        Self::ALL.into_iter().filter(|g| held.contains_all(g.capabilities())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_read_back() {
        let names: Vec<_> = Capability::ALL.iter().map(|c| c.as_str()).collect();
        assert!(names.is_sorted());
        for c in Capability::ALL {
            assert_eq!(Capability::from_name(c.as_str()), Some(*c));
        }
        assert_eq!(Capability::from_name("fly"), None);
    }

    #[test]
    fn a_group_shows_when_held_whole() {
        let most = AdminGroup::Participants
            .capabilities()
            .difference(Capabilities::of(&[Capability::KickUser]));
        assert_eq!(AdminGroup::shown(most), []);
        assert_eq!(AdminGroup::shown(most.with(Capability::KickUser)), [AdminGroup::Participants]);
        assert_eq!(AdminGroup::shown(Capabilities::ALL), AdminGroup::ALL);
    }

    #[test]
    fn media_is_never_administrative() {
        assert!(Capabilities::ADMINISTRATIVE.intersection(Capabilities::MEDIA).is_empty());
    }
}
