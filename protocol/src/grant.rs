//! Grants: the strings a call type's role is made of, as Stream writes them. It must not know roles.
//!
//! A grant is a permission id (`block-user`, `pin-call-track`, `send-audio-owner`) or the name of a
//! capability (`block-users`); Stream's own pages use both. The suffix `-owner` makes it count only
//! for the room's creator, `-any-team` across teams.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::capability::Capability;

/// Permission ids whose capability has another name.
const RENAMED: &[(&str, Capability)] = &[
    ("block-user", Capability::BlockUsers),
    ("create-call-reaction", Capability::CreateReaction),
    ("pin-call-track", Capability::PinForEveryone),
    ("send-closed-captions", Capability::SendClosedCaptionsCall),
    ("start-broadcasting", Capability::StartBroadcastCall),
    ("start-closed-captions", Capability::StartClosedCaptionsCall),
    ("start-frame-recording", Capability::StartFrameRecordCall),
    ("start-individual-recording", Capability::StartIndividualRecordCall),
    ("start-raw-recording", Capability::StartRawRecordCall),
    ("start-recording", Capability::StartRecordCall),
    ("start-transcription", Capability::StartTranscriptionCall),
    ("stop-broadcasting", Capability::StopBroadcastCall),
    ("stop-closed-captions", Capability::StopClosedCaptionsCall),
    ("stop-frame-recording", Capability::StopFrameRecordCall),
    ("stop-individual-recording", Capability::StopIndividualRecordCall),
    ("stop-raw-recording", Capability::StopRawRecordCall),
    ("stop-recording", Capability::StopRecordCall),
    ("stop-transcription", Capability::StopTranscriptionCall),
];

macro_rules! silent {
    ($($variant:ident $id:literal,)*) => {
        /// A permission that exists and shows as no capability.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Silent { $(#[doc = concat!("`", $id, "`")] $variant,)* }

        impl Silent {
            /// All of them, in alphabetical order of their ids.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its id, kebab-case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            fn from_id(id: &str) -> Option<Self> {
                match id { $($id => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

silent! {
    DeleteRecording "delete-recording",
    DeleteTranscription "delete-transcription",
    ListRecordings "list-recordings",
    ListTranscriptions "list-transcriptions",
    ReadCallStats "read-call-stats",
    SendEvent "send-event",
    UpdateCallMemberRole "update-call-member-role",
}

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gives {
    Capability(Capability),
    Silent(Silent),
}

/// One grant of a role, kept as it was written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    text: String,
    gives: Gives,
    /// Counts only for the room's creator.
    pub owner: bool,
    /// Counts in rooms of other teams too.
    pub any_team: bool,
}

impl Grant {
    /// Reads a grant.
    ///
    /// # Errors
    /// The name itself, where there is no such permission or capability.
    pub fn parse(text: &str) -> Result<Self, UnknownGrant> {
        let (rest, any_team) = strip(text, "-any-team");
        let (name, owner) = strip(rest, "-owner");
        let capability = RENAMED
            .iter()
            .find_map(|(id, capability)| (*id == name).then_some(*capability))
            .or_else(|| Capability::from_name(name));
        let gives = capability
            .map(Gives::Capability)
            .or_else(|| Silent::from_id(name).map(Gives::Silent))
            .ok_or_else(|| UnknownGrant(text.chars().take(80).collect()))?;
        Ok(Self { text: text.to_owned(), gives, owner, any_team })
    }

    /// The grant as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it lets its holder do, if that shows as a capability.
    #[must_use]
    pub const fn capability(&self) -> Option<Capability> {
        match self.gives {
            Gives::Capability(capability) => Some(capability),
            Gives::Silent(_) => None,
        }
    }

    /// What it lets its holder do, if that shows as none.
    #[must_use]
    pub const fn silent(&self) -> Option<Silent> {
        match self.gives {
            Gives::Capability(_) => None,
            Gives::Silent(silent) => Some(silent),
        }
    }
}

fn strip<'a>(text: &'a str, suffix: &str) -> (&'a str, bool) {
    text.strip_suffix(suffix).map_or((text, false), |rest| (rest, true))
}

/// There is no such permission or capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown permission `{0}`")]
pub struct UnknownGrant(pub String);

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_capability_names_are_read_alike() {
        let table = [
            ("block-user", Some("block-users"), false, false),
            ("block-users", Some("block-users"), false, false),
            ("pin-call-track-owner", Some("pin-for-everyone"), true, false),
            ("send-audio", Some("send-audio"), false, false),
            ("enable-noise-cancellation-any-team", Some("enable-noise-cancellation"), false, true),
            ("join-call-owner-any-team", Some("join-call"), true, true),
            ("send-event", None, false, false),
        ];
        for (text, capability, owner, any_team) in table {
            let grant = Grant::parse(text).unwrap();
            assert_eq!(grant.capability().map(Capability::as_str), capability, "{text}");
            assert_eq!((grant.owner, grant.any_team, grant.as_str()), (owner, any_team, text));
            assert_eq!(grant.silent().is_none(), capability.is_some(), "{text}");
        }
        for bad in ["", "fly", "send-smell", "send-audio-any", "-owner", "SEND-AUDIO"] {
            assert!(Grant::parse(bad).is_err(), "{bad}");
        }
        for silent in Silent::ALL {
            assert_eq!(Grant::parse(silent.as_str()).unwrap().silent(), Some(*silent));
        }
    }
}
