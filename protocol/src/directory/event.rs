//! What happened to the Directory: committed facts, the content of its journal. It must not know
//! whom they concern.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    app::App,
    call_types::CallTypeEntry,
    key::Key,
    role::CustomRole,
    user::{Ban, User},
};
use crate::id::{CallTypeName, RoleName, UserId};

/// A committed fact; it touches exactly one [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// The app is set like this.
    AppUpdated { app: Arc<App> },
    /// A user is like this, new or changed.
    UserSet { user: Arc<User> },
    /// A user was here.
    UserSeen { id: UserId },
    /// A user is banned.
    UserBanned { id: UserId, ban: Ban },
    /// He is no more.
    UserUnbanned { id: UserId },
    /// A user may not connect.
    UserDeactivated { id: UserId },
    /// He may again.
    UserReactivated { id: UserId },
    /// A user is gone, but can be restored.
    UserDeleted { id: UserId },
    /// He is back.
    UserRestored { id: UserId },
    /// A user is gone for good.
    UserErased { id: UserId },
    /// There is a role more.
    RoleCreated { role: CustomRole },
    /// There is a role less.
    RoleDeleted { name: RoleName },
    /// A call type is like this, new or changed.
    CallTypeSet { entry: Arc<CallTypeEntry> },
    /// There is a call type less.
    CallTypeDeleted { name: CallTypeName },
}

impl Event {
    /// What it touches.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::AppUpdated { .. } => Key::App,
            Self::UserSet { user } => Key::User(user.id.clone()),
            Self::UserSeen { id }
            | Self::UserBanned { id, .. }
            | Self::UserUnbanned { id }
            | Self::UserDeactivated { id }
            | Self::UserReactivated { id }
            | Self::UserDeleted { id }
            | Self::UserRestored { id }
            | Self::UserErased { id } => Key::User(id.clone()),
            Self::RoleCreated { role } => Key::Role(role.name.clone()),
            Self::RoleDeleted { name } => Key::Role(name.clone()),
            Self::CallTypeSet { entry } => Key::CallType(entry.call_type.name.clone()),
            Self::CallTypeDeleted { name } => Key::CallType(name.clone()),
        }
    }
}
