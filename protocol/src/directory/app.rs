//! How the app is set: whether teams are kept apart, which tokens still count, what roles may do
//! outside of rooms. It must not know users.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::permission;
use crate::{
    id::{RoleName, Timestamp},
    unique,
};

/// Most roles with grants of the app's own scope.
pub const APP_ROLES_MAX: usize = 64;
/// Most grants of one role there.
pub const APP_GRANTS_MAX: usize = 128;

/// The app's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct App {
    /// Teams are kept apart: what a user asks for must be of a team of his.
    pub multi_tenant_enabled: bool,
    /// Nobody becomes a guest by himself.
    pub guest_user_creation_disabled: bool,
    /// User tokens issued earlier do not count any more.
    pub revoke_tokens_issued_before: Option<Timestamp>,
    /// What each role may do outside of rooms (Stream's scope `.app`).
    pub grants: BTreeMap<RoleName, Vec<AppGrant>>,
    /// When any of it was last changed; unset: never.
    pub updated_at: Option<Timestamp>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            multi_tenant_enabled: false,
            guest_user_creation_disabled: false,
            revoke_tokens_issued_before: None,
            grants: permission::app_defaults(),
            updated_at: None,
        }
    }
}

impl App {
    /// Whether that role may do this outside of rooms.
    #[must_use]
    pub fn grants(&self, role: &RoleName, permission: &str) -> bool {
        self.grants.get(role).is_some_and(|list| list.iter().any(|g| g.as_str() == permission))
    }
}

impl App {
    /// Whether a user token made then (in seconds since the epoch) counts. One made in the very
    /// second from which on tokens count does: it cannot be told from a fresh one.
    #[must_use]
    pub fn honors(&self, issued_s: u64) -> bool {
        self.revoke_tokens_issued_before.is_none_or(|moment| issued_s >= moment.0 / 1000)
    }
}

/// The id of a permission of the app's scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppGrant(String);

impl AppGrant {
    /// Reads one.
    ///
    /// # Errors
    /// A sentence with the name itself, where there is no such permission in that scope.
    pub fn parse(text: &str) -> Result<Self, String> {
        if permission::is_of_app(text) {
            Ok(Self(text.to_owned()))
        } else {
            let shown: String = text.chars().take(80).collect();
            Err(format!("unknown permission `{shown}` in scope `.app`"))
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for AppGrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AppGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A change of the app's settings; what is not mentioned stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppPatch {
    /// Keep teams apart, or not.
    pub multi_tenant_enabled: Option<bool>,
    /// Let nobody become a guest by himself, or let them.
    pub guest_user_creation_disabled: Option<bool>,
    /// Never switched on: the server always checks tokens.
    pub disable_auth_checks: Option<bool>,
    /// Never switched on: the server always checks permissions.
    pub disable_permissions_checks: Option<bool>,
    /// From when on tokens count; null: all of them.
    #[serde(deserialize_with = "crate::json::given")]
    pub revoke_tokens_issued_before: Option<Option<Timestamp>>,
    /// Each role mentioned gets exactly these; null: back to the defaults.
    #[serde(deserialize_with = "grants")]
    pub grants: Option<Option<BTreeMap<RoleName, Vec<AppGrant>>>>,
}

/// Grants of the app's scope by role, or null.
type Grants = Option<BTreeMap<RoleName, Vec<AppGrant>>>;

fn grants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Grants>, D::Error> {
    struct Map(BTreeMap<RoleName, Vec<AppGrant>>);
    impl<'de> Deserialize<'de> for Map {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            unique::map(deserializer, APP_ROLES_MAX).map(Self)
        }
    }
    Ok(Some(Option::<Map>::deserialize(deserializer)?.map(|map| map.0)))
}
