//! Roles and permissions, as they are read.

use rolecall_protocol::id::RoleName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::stream::speech::{Moment, Spent};

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub struct Role {
    /// Its name.
    #[schema(value_type = String, example = "tutor")]
    pub name: RoleName,
    /// Whether somebody made it.
    pub custom: bool,
    /// Where it has grants: `.app`, or `video:` and a call type.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last changed.
    pub updated_at: Moment,
}

/// All roles.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListRolesResponse {
    /// In order of their names.
    pub roles: Vec<Role>,
    /// How long the server took.
    pub duration: Spent,
}

/// A role to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateRoleRequest {
    /// Its name.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "tutor")]
    pub name: RoleName,
}

/// The role that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateRoleResponse {
    /// It.
    pub role: Role,
    /// How long the server took.
    pub duration: Spent,
}

/// A permission: what a grant may name.
#[derive(Debug, Serialize, ToSchema)]
pub struct Permission {
    /// What a grant names it by.
    #[schema(example = "block-user-owner")]
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// What is done.
    #[schema(example = "BlockUser")]
    pub action: String,
    /// Whether it counts only on what its holder made himself.
    pub owner: bool,
    /// Whether it counts only within his teams.
    pub same_team: bool,
    /// Whether somebody made it; never.
    pub custom: bool,
    /// `app`, or `channel` for those of calls.
    pub level: String,
    /// Whose owner `owner` is about.
    pub owner_resource: String,
    /// What it is about.
    pub tags: Vec<String>,
}

impl From<rolecall_protocol::directory::permission::Permission> for Permission {
    fn from(permission: rolecall_protocol::directory::permission::Permission) -> Self {
        Self {
            id: permission.id,
            name: permission.name,
            description: permission.description,
            action: permission.action.to_owned(),
            owner: permission.owner,
            same_team: permission.same_team,
            custom: permission.custom,
            level: permission.level.to_owned(),
            owner_resource: permission.owner_resource.to_owned(),
            tags: permission.tags.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// All permissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListPermissionsResponse {
    /// In order of their ids.
    pub permissions: Vec<Permission>,
    /// How long the server took.
    pub duration: Spent,
}

/// One permission.
#[derive(Debug, Serialize, ToSchema)]
pub struct GetPermissionResponse {
    /// It.
    pub permission: Permission,
    /// How long the server took.
    pub duration: Spent,
}

/// A permission to be made: not supported.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PermissionRequest {
    /// What a grant would name it by.
    pub id: Option<String>,
    /// What is done.
    pub action: Option<String>,
    /// When it holds.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub condition: Option<Value>,
}
