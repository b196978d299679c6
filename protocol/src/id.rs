//! The names of things: parsed once, bounded, cheap to clone. It must not know what the things are.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest user id, in characters.
pub const USER_ID_MAX: usize = 128;
/// Longest peer id, request id or subscription id, in characters.
pub const PEER_ID_MAX: usize = 64;
/// Longest role name, call type name or bare room id, in characters.
pub const NAME_MAX: usize = 64;
/// Longest team name, in characters (Stream: "a team name can be up to 100 characters").
pub const TEAM_MAX: usize = 100;
/// Longest display name, in characters.
pub const DISPLAY_NAME_MAX: usize = 128;
/// Longest free-text reason (rejecting, removing, ending), in characters.
pub const REASON_MAX: usize = 256;

/// A name that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("{what} must not be empty")]
    Empty {
        /// What the name was for.
        what: &'static str,
    },
    /// More characters than the bound.
    #[error("{what} must be at most {max} characters")]
    TooLong {
        /// What the name was for.
        what: &'static str,
        /// The bound, in characters.
        max: usize,
    },
    /// A character outside the allowed ones.
    #[error("{what} `{found}` must match {allowed}")]
    Characters {
        /// What the name was for.
        what: &'static str,
        /// The offending name.
        found: String,
        /// The allowed characters.
        allowed: &'static str,
    },
}

fn is_slug(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Letters, digits, and the punctuation people put in ids; no control, no invisible characters.
fn is_printable(c: char) -> bool {
    !(c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
}

fn parse(
    text: &str,
    what: &'static str,
    max: usize,
    allowed: &'static str,
    good: fn(char) -> bool,
) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty { what });
    }
    if text.chars().count() > max {
        return Err(NameError::TooLong { what, max });
    }
    if !text.chars().all(good) {
        let found = text.chars().filter(|c| is_printable(*c)).collect();
        return Err(NameError::Characters { what, found, allowed });
    }
    Ok(())
}

/// A free text for people to read: bounded, without control characters.
///
/// # Errors
/// [`NameError`] when it is longer than `max` characters or holds control characters.
pub fn check_text(text: &str, what: &'static str, max: usize) -> Result<(), NameError> {
    if text.is_empty() {
        Ok(())
    } else {
        parse(text, what, max, "no control characters", is_printable)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr, $allowed:literal, $good:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses the name.
            ///
            /// # Errors
            /// [`NameError`] when it is empty, too long or holds a character that is not allowed.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                parse(text, $what, $max, $allowed, $good)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// Who somebody is, everywhere: the customer's own id.
    UserId, "user id", USER_ID_MAX, "printable characters", is_printable
);
name!(
    /// One live presence in one room; survives reconnects within the grace.
    PeerId, "peer id", PEER_ID_MAX, "[A-Za-z0-9_-]", is_slug
);
name!(
    /// The name of a role within a call type.
    RoleName, "role", NAME_MAX, "[A-Za-z0-9_-]", is_slug
);
name!(
    /// The name of a call type.
    CallTypeName, "call type", NAME_MAX, "[A-Za-z0-9_-]", is_slug
);
name!(
    /// A team: users and rooms of one team never see another's.
    TeamId, "team", TEAM_MAX, "printable characters", is_printable
);
name!(
    /// A pending role request or permission request.
    RequestId, "request id", PEER_ID_MAX, "[A-Za-z0-9_-]", is_slug
);
name!(
    /// What one peer receives of another.
    SubscriptionId, "subscription id", PEER_ID_MAX, "[A-Za-z0-9_-]", is_slug
);

impl SubscriptionId {
    /// The id of a room's subscription of that number.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        Self(format!("subscription-{number}").into())
    }
}

/// A room's name: `type:id`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    text: Arc<str>,
    colon: u8,
}

impl Cid {
    /// Parses `type:id`, or a bare `id` which then is of type `default_type`.
    ///
    /// # Errors
    /// [`NameError`] unless both parts match `[A-Za-z0-9_-]{1,64}`.
    pub fn parse(text: &str, default_type: &CallTypeName) -> Result<Self, NameError> {
        let (call_type, id) = text.split_once(':').unwrap_or((default_type.as_str(), text));
        Self::new(&CallTypeName::parse(call_type)?, id)
    }

    /// Puts a room's name together.
    ///
    /// # Errors
    /// [`NameError`] unless the id matches `[A-Za-z0-9_-]{1,64}`.
    pub fn new(call_type: &CallTypeName, id: &str) -> Result<Self, NameError> {
        parse(id, "room id", NAME_MAX, "[A-Za-z0-9_-]", is_slug)?;
        let colon = u8::try_from(call_type.as_str().len()).unwrap_or(0);
        Ok(Self { text: format!("{call_type}:{id}").into(), colon })
    }

    /// The call type part.
    #[must_use]
    pub fn call_type(&self) -> &str {
        &self.text[..usize::from(self.colon)]
    }

    /// The id part.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.text[usize::from(self.colon) + 1..]
    }

    /// The whole name, `type:id`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.text)
    }
}

impl Serialize for Cid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let (call_type, id) =
            text.split_once(':').ok_or_else(|| de::Error::custom("a cid is `type:id`"))?;
        let call_type = CallTypeName::parse(call_type).map_err(de::Error::custom)?;
        Self::new(&call_type, id).map_err(de::Error::custom)
    }
}

/// A position in a room's order of events; it only grows, and nobody counts with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment: milliseconds since the epoch, RFC 3339 with milliseconds on the wire.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment `millis` milliseconds later.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this moment, 0 where it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        u64::try_from(moment.as_millisecond()).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_plain() {
        assert!(RoleName::parse("call_member").is_ok());
        for bad in ["", "a b", "é", "a:b", "a/b", &"x".repeat(65)] {
            assert!(RoleName::parse(bad).is_err(), "{bad}");
        }
        assert!(UserId::parse("Ann O'Hara <ann@example.org>").is_ok());
        for bad in ["", "a\u{0}", "a\u{202e}b", &"x".repeat(129)] {
            assert!(UserId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bare_room_id_is_of_the_default_type() {
        let default = CallTypeName::parse("default").unwrap();
        let cid = Cid::parse("standup", &default).unwrap();
        assert_eq!(
            (cid.as_str(), cid.call_type(), cid.id()),
            ("default:standup", "default", "standup")
        );
        assert_eq!(Cid::parse("stage:a", &default).unwrap().call_type(), "stage");
        for bad in ["", ":", "a:", ":a", "a:b:c", "a b"] {
            assert!(Cid::parse(bad, &default).is_err(), "{bad}");
        }
    }

    #[test]
    fn timestamps_are_rfc_3339_with_milliseconds() {
        let at = Timestamp(1_767_225_600_000);
        assert_eq!(at.to_string(), "2026-01-01T00:00:00.000Z");
        let json = serde_json::to_string(&at.plus(7)).unwrap();
        assert_eq!(json, "\"2026-01-01T00:00:00.007Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), at.plus(7));
    }
}
