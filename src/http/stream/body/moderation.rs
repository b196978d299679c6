//! What is done to and by single users of a call: permissions, mutes, blocks, pins, messages.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::user::{UserRequest, UserResponse};
use crate::http::stream::speech::Spent;

/// `updateUserPermissions`: of `send-audio`, `send-video`, `screenshare`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct UpdateUserPermissionsRequest {
    /// Whose.
    #[schema(required, value_type = String, max_length = 128)]
    pub user_id: Option<String>,
    /// What he may send, whatever his roles say.
    #[schema(max_items = 10)]
    pub grant_permissions: Option<Vec<String>>,
    /// What he may not send, whatever his roles say.
    #[schema(max_items = 10)]
    pub revoke_permissions: Option<Vec<String>>,
}

/// `requestPermissions`: of `send-audio`, `send-video`, `screenshare`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RequestPermissionRequest {
    /// What the asker would like to send.
    #[schema(required, value_type = Vec<String>, min_items = 1, max_items = 10)]
    pub permissions: Option<Vec<String>>,
}

/// `muteUsers`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct MuteUsersRequest {
    /// Whom.
    #[schema(max_items = 100)]
    pub user_ids: Option<Vec<String>>,
    /// Everybody, but the asker.
    pub mute_all_users: Option<bool>,
    /// Their microphones.
    pub audio: Option<bool>,
    /// Their cameras.
    pub video: Option<bool>,
    /// Their screens.
    pub screenshare: Option<bool>,
    /// The sound of their screens.
    pub screenshare_audio: Option<bool>,
    /// By whom, where the back end does so for a user; he must be known.
    pub muted_by_id: Option<String>,
    /// The same.
    pub muted_by: Option<UserRequest>,
}

/// `blockUser`, `unblockUser`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct BlockUserRequest {
    /// Whom.
    #[schema(required, value_type = String, max_length = 128)]
    pub user_id: Option<String>,
}

/// `kickUser`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct KickUserRequest {
    /// Whom.
    #[schema(required, value_type = String, max_length = 128)]
    pub user_id: Option<String>,
    /// Whether he may not come back.
    pub block: Option<bool>,
    /// By whom, where the back end does so for a user; he must be known.
    pub kicked_by_id: Option<String>,
    /// The same.
    pub kicked_by: Option<UserRequest>,
}

/// `pin`, `unpin`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct PinRequest {
    /// Whom.
    #[schema(required, value_type = String, max_length = 128)]
    pub user_id: Option<String>,
    /// Which presence of his: `user_session_id`.
    #[schema(required, value_type = String, max_length = 64)]
    pub session_id: Option<String>,
}

/// `sendCallEvent`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct SendCallEventRequest {
    /// What everybody in the call is told.
    pub custom: Option<Map<String, Value>>,
    /// From whom, where the back end sends it for a user; he must be known.
    pub user_id: Option<String>,
    /// The same.
    pub user: Option<UserRequest>,
}

/// `sendReaction`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct SendReactionRequest {
    /// Which reaction.
    #[serde(rename = "type")]
    #[schema(required, value_type = String, max_length = 64)]
    pub kind: Option<String>,
    /// How it looks.
    #[schema(max_length = 64)]
    pub emoji_code: Option<String>,
    /// The customer's own data.
    pub custom: Option<Map<String, Value>>,
}

/// The answer to `sendReaction`.
#[derive(Debug, Serialize, ToSchema)]
pub struct SendReactionResponse {
    /// It.
    pub reaction: ReactionResponse,
    /// How long the server took.
    pub duration: Spent,
}

/// A reaction.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VideoReactionResponse)]
pub struct ReactionResponse {
    /// Which.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose.
    pub user: UserResponse,
    /// How it looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji_code: Option<String>,
    /// The customer's own data.
    pub custom: Map<String, Value>,
}
