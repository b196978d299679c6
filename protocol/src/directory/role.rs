//! Names of roles: those everybody has, and those people made. It must not know what they give.

use serde::{Deserialize, Serialize};

use crate::id::{RoleName, Timestamp};

/// Most roles that people made (Stream: 25 in an app).
pub const CUSTOM_ROLES_MAX: usize = 25;

/// The roles every app has. Stream's pages write `call-member`, its wire `call_member`.
pub const BUILT_IN: &[&str] = &[
    "admin",
    "anonymous",
    "call_member",
    "global_admin",
    "global_moderator",
    "global_read_only",
    "guest",
    "host",
    "moderator",
    "user",
];

/// The app role of a guest.
pub const GUEST: &str = "guest";

/// Whether every app has that role.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

/// A role that somebody made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRole {
    /// Its name.
    pub name: RoleName,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
