//! What the Directory is made of: one thing with one name, changed and stored as a whole. It must
//! not know what is in it.

use std::{fmt, str::FromStr};

use crate::id::{CallTypeName, RoleName, UserId};

/// The name of one thing in the Directory; as text `app`, `user/ID`, `role/NAME`,
/// `call_type/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The app's settings.
    App,
    /// A call type.
    CallType(CallTypeName),
    /// A role that somebody made.
    Role(RoleName),
    /// A user.
    User(UserId),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App => f.write_str("app"),
            Self::CallType(name) => write!(f, "call_type/{name}"),
            Self::Role(name) => write!(f, "role/{name}"),
            Self::User(id) => write!(f, "user/{id}"),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |error: crate::id::NameError| format!("`{text}` names nothing: {error}");
        match text.split_once('/') {
            None if text == "app" => Ok(Self::App),
            Some(("call_type", name)) => {
                CallTypeName::parse(name).map(Self::CallType).map_err(wrong)
            }
            Some(("role", name)) => RoleName::parse(name).map(Self::Role).map_err(wrong),
            Some(("user", id)) => UserId::parse(id).map(Self::User).map_err(wrong),
            _ => Err(format!("`{text}` names nothing")),
        }
    }
}
