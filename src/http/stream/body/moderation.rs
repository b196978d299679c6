//! What is done to and by single users of a call: permissions, mutes, blocks, pins, messages.

use rolecall_protocol::{
    id::{PeerId, UserId},
    json::Metadata,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::user::{UserRequest, UserResponse};
use crate::http::stream::speech::Spent;

/// `updateUserPermissions`: of `send-audio`, `send-video`, `screenshare`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateUserPermissionsRequest {
    /// Whose.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub user_id: UserId,
    /// What he may send, whatever his roles say.
    #[schema(max_items = 10)]
    pub grant_permissions: Option<Vec<String>>,
    /// What he may not send, whatever his roles say.
    #[schema(max_items = 10)]
    pub revoke_permissions: Option<Vec<String>>,
}

/// `requestPermissions`: of `send-audio`, `send-video`, `screenshare`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RequestPermissionRequest {
    /// What the asker would like to send.
    #[schema(min_items = 1, max_items = 10)]
    pub permissions: Vec<String>,
}

/// `muteUsers`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MuteUsersRequest {
    /// Whom.
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    pub user_ids: Option<Vec<UserId>>,
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
    #[schema(value_type = Option<String>, max_length = 128)]
    pub muted_by_id: Option<UserId>,
    /// The same.
    pub muted_by: Option<UserRequest>,
}

/// `blockUser`, `unblockUser`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BlockUserRequest {
    /// Whom.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub user_id: UserId,
}

/// `kickUser`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct KickUserRequest {
    /// Whom.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub user_id: UserId,
    /// Whether he may not come back.
    pub block: Option<bool>,
    /// By whom, where the back end does so for a user; he must be known.
    #[schema(value_type = Option<String>, max_length = 128)]
    pub kicked_by_id: Option<UserId>,
    /// The same.
    pub kicked_by: Option<UserRequest>,
}

/// `pin`, `unpin`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PinRequest {
    /// Whom.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub user_id: UserId,
    /// Which presence of his: `user_session_id`.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub session_id: PeerId,
}

/// `sendCallEvent`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SendCallEventRequest {
    /// What everybody in the call is told.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub custom: Option<Map<String, Value>>,
    /// From whom, where the back end sends it for a user; he must be known.
    #[schema(value_type = Option<String>, max_length = 128)]
    pub user_id: Option<UserId>,
    /// The same.
    pub user: Option<UserRequest>,
}

/// `sendReaction`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SendReactionRequest {
    /// Which reaction.
    #[serde(rename = "type")]
    #[schema(min_length = 1, max_length = 64)]
    pub kind: String,
    /// How it looks.
    #[schema(max_length = 64)]
    pub emoji_code: Option<String>,
    /// The customer's own data.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
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
    #[schema(value_type = String, required = false)]
    pub emoji_code: Option<String>,
    /// The customer's own data.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub custom: Metadata,
}
