//! Call types as the Directory keeps them, and as they are written over REST. It must not know
//! rooms.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    call_type::{CallType, definition::RoleDefinition},
    directory::notifications::NotificationSettings,
    grant::Grant,
    id::{CallTypeName, RoleName, Timestamp},
};

/// Most call types (Stream names no bound).
pub const CALL_TYPES_MAX: usize = 100;
/// Longest name of an external storage, in characters.
pub const EXTERNAL_STORAGE_MAX: usize = 128;

/// A call type, and what is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallTypeEntry {
    /// Roles and settings.
    pub call_type: Arc<CallType>,
    /// When it was made; a built-in one: at the epoch.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Stream's `notification_settings`, whole.
    #[serde(default)]
    pub notification_settings: NotificationSettings,
    /// Stream's `external_storage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_storage: Option<Arc<str>>,
    /// The hash of the table in the configuration it was last taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_file: Option<Arc<str>>,
}

impl CallTypeEntry {
    /// Whether the call type gives that role anything.
    #[must_use]
    pub fn gives(&self, role: &RoleName) -> bool {
        let role = self.call_type.roles.get(role);
        role.is_some_and(|role| !role.grants.is_empty() || !role.can_send.is_empty())
    }

    /// The grants of each role as Stream writes them: those written, and for a role of another
    /// shape what they would have to be.
    #[must_use]
    pub fn grants(&self) -> BTreeMap<&RoleName, Vec<&str>> {
        let roles = self.call_type.roles.iter();
        roles.map(|(name, role)| (name, role.grants_shown())).collect()
    }
}

/// A call type as written over REST, to make one or to change one.
#[derive(Clone, Debug, Default)]
pub struct CallTypeInput {
    /// Each role mentioned gets exactly these; `Some(None)`: all roles as with a new one.
    pub grants: Option<Option<BTreeMap<RoleName, Vec<Grant>>>>,
    /// Stream's `settings`, merged section by section; what is wrong there is refused by its name.
    pub settings: Option<Value>,
    /// Stream's `notification_settings`, merged likewise.
    pub notification_settings: Option<Value>,
    /// Stream's `external_storage`; `Some(None)`: none.
    pub external_storage: Option<Option<Arc<str>>>,
    /// Rolecall's own: roles in 100ms's shape or the native one.
    pub roles: BTreeMap<RoleName, RoleDefinition>,
    /// Rolecall's own: the role of whoever has none of the others.
    pub default_role: Option<Option<RoleName>>,
    /// Rolecall's own: whether the default role stands in for people without a token too.
    pub open: Option<bool>,
    /// Rolecall's own, for a new one: the call type it starts from.
    pub extends: Option<CallTypeName>,
}
