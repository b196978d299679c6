//! Somebody, everywhere: what is known of a user, and what may be written of him. It must not know
//! rooms, nor who may write.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    id::{RoleName, TeamId, Timestamp, UserId},
    json::Metadata,
    team::Teams,
};

/// Most users in one command (Stream: 100 in one request).
pub const USERS_PER_COMMAND_MAX: usize = 100;
/// Longest name of a user, in characters.
pub const USER_NAME_MAX: usize = 256;
/// Longest address of a user's image, in characters.
pub const IMAGE_MAX: usize = 2048;
/// Longest code of a language, in characters.
pub const LANGUAGE_MAX: usize = 16;
/// A user's last activity is written down anew when it is older than this, in milliseconds.
pub const SEEN_AGAIN_MS: u64 = 15 * 60 * 1000;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The customer's own id of him.
    pub id: UserId,
    /// What he is everywhere.
    pub role: RoleName,
    /// His display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// The address of his picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Arc<str>>,
    /// Teams he is in.
    #[serde(default, skip_serializing_if = "Teams::is_empty")]
    pub teams: Teams,
    /// What he is in rooms of a team, in place of `role`; counts while teams are kept apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams_role: BTreeMap<TeamId, RoleName>,
    /// The customer's own data.
    pub custom: Metadata,
    /// The code of his language, or nothing.
    #[serde(default)]
    pub language: Arc<str>,
    /// Whether his being online is kept from others.
    #[serde(default)]
    pub invisible: bool,
    /// Banned from everything, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<Ban>,
    /// When he was first written down.
    pub created_at: Timestamp,
    /// When he was last changed.
    pub updated_at: Timestamp,
    /// When he was last here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_active: Option<Timestamp>,
    /// Since when he may not connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivated_at: Option<Timestamp>,
    /// Since when he is gone, but can be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl User {
    /// A user of whom nothing is known but his role.
    #[must_use]
    pub fn new(id: UserId, role: RoleName, at: Timestamp) -> Self {
        Self {
            id,
            role,
            name: None,
            image: None,
            teams: Teams::new(),
            teams_role: BTreeMap::new(),
            custom: Metadata::empty_object(),
            language: "".into(),
            invisible: false,
            ban: None,
            created_at: at,
            updated_at: at,
            last_active: None,
            deactivated_at: None,
            deleted_at: None,
        }
    }

    /// Whether others are shown the same of both: his role and teams, and what he says of himself. When
    /// he was here, and whether he may come in, is not of it.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        self.role == other.role
            && self.name == other.name
            && self.image == other.image
            && self.teams == other.teams
            && self.teams_role == other.teams_role
            && self.custom == other.custom
            && self.language == other.language
            && self.invisible == other.invisible
    }

    /// Whether he is banned.
    #[must_use]
    pub const fn is_banned(&self) -> bool {
        self.ban.is_some()
    }

    /// Whether he may come in anywhere: neither banned nor deactivated nor deleted.
    #[must_use]
    pub const fn is_welcome(&self) -> bool {
        self.ban.is_none() && self.deactivated_at.is_none() && self.deleted_at.is_none()
    }
}

/// How somebody is banned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// By whom, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Why, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// Until when; unset: for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A user as he is to be: what is not given is as with a new one, but for the role and the teams of
/// somebody already known, which stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInput {
    /// Who.
    pub id: UserId,
    /// What he is everywhere.
    pub role: Option<RoleName>,
    /// His display name.
    pub name: Option<Arc<str>>,
    /// The address of his picture.
    pub image: Option<Arc<str>>,
    /// Teams he is in.
    pub teams: Option<Teams>,
    /// What he is in rooms of a team.
    pub teams_role: Option<BTreeMap<TeamId, RoleName>>,
    /// The customer's own data, an object.
    pub custom: Option<Metadata>,
    /// The code of his language.
    pub language: Option<Arc<str>>,
    /// Whether his being online is kept from others.
    pub invisible: Option<bool>,
}

impl UserInput {
    /// Nothing but who.
    #[must_use]
    pub const fn of(id: UserId) -> Self {
        Self {
            id,
            role: None,
            name: None,
            image: None,
            teams: None,
            teams_role: None,
            custom: None,
            language: None,
            invisible: None,
        }
    }
}

/// A change of one user (Stream's partial update): a key that names no field is one of his custom
/// data; a dot goes into what is there.
#[derive(Clone, Debug, PartialEq)]
pub struct UserPatch {
    /// Who.
    pub id: UserId,
    /// What to set.
    pub set: Map<String, Value>,
    /// What to take away.
    pub unset: Vec<String>,
}
