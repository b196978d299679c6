//! The app's settings, as they are written and read.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::call_type::CallTypeView;
use crate::http::stream::speech::{Moment, Spent, When};

/// The app's settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct GetApplicationResponse {
    /// Them.
    pub app: AppResponseFields,
    /// How long the server took.
    pub duration: Spent,
}

/// How the app is set. Fields of Stream's other products are there, and empty, as SDKs want them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppResponseFields {
    /// A number; always 1.
    pub id: u32,
    /// The app's public name: its key.
    pub name: String,
    /// Nothing.
    pub organization: &'static str,
    /// Whether teams are kept apart.
    pub multi_tenant_enabled: bool,
    /// `v2`.
    pub permission_version: &'static str,
    /// What each role may do outside of calls.
    #[schema(example = json!({ "user": ["search-user"] }))]
    pub grants: BTreeMap<String, Vec<String>>,
    /// The call types by name.
    pub call_types: BTreeMap<String, AppCallType>,
    /// Whether nobody becomes a guest by himself.
    pub guest_user_creation_disabled: bool,
    /// Never.
    pub disable_permissions_checks: bool,
    /// Never.
    pub disable_auth_checks: bool,
    /// User tokens issued earlier do not count any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub revoke_tokens_issued_before: Option<Moment>,
    /// What Stream's other products would be set to.
    #[serde(flatten)]
    pub others: OtherProducts,
}

/// Settings of Stream's other products: off, empty or zero.
#[derive(Debug, Default, Serialize, ToSchema)]
#[expect(missing_docs, reason = "they mean nothing here")]
#[expect(clippy::struct_excessive_bools, reason = "Stream's shape")]
pub struct OtherProducts {
    pub allow_multi_user_devices: bool,
    pub async_url_enrich_enabled: bool,
    pub auto_translation_enabled: bool,
    pub before_message_send_hook_url: &'static str,
    pub campaign_enabled: bool,
    pub cdn_expiration_seconds: u32,
    #[schema(value_type = BTreeMap<String, Value>)]
    pub channel_configs: BTreeMap<String, ()>,
    pub custom_action_handler_url: &'static str,
    pub enforce_unique_usernames: No,
    #[schema(value_type = Vec<Value>)]
    pub event_hooks: [(); 0],
    pub feed_audit_logs_enabled: bool,
    pub file_upload_config: UploadConfig,
    pub image_moderation_enabled: bool,
    pub image_upload_config: UploadConfig,
    pub max_aggregated_activities_length: u32,
    pub member_custom_on_mentioned_users_enabled: bool,
    pub member_custom_on_messages_enabled: bool,
    pub member_custom_on_typing_events_enabled: bool,
    pub moderation_audio_call_moderation_enabled: bool,
    pub moderation_enabled: bool,
    pub moderation_keyframe_video_enabled: bool,
    pub moderation_llm_configurability_enabled: bool,
    pub moderation_multitenant_blocklist_enabled: bool,
    pub moderation_video_call_moderation_enabled: bool,
    pub moderation_webhook_url: &'static str,
    pub placement: &'static str,
    #[schema(value_type = BTreeMap<String, Vec<Value>>)]
    pub policies: BTreeMap<String, ()>,
    pub push_notifications: PushNotifications,
    pub reminders_interval: u32,
    pub sns_key: &'static str,
    pub sns_secret: &'static str,
    pub sns_topic_arn: &'static str,
    pub sqs_key: &'static str,
    pub sqs_secret: &'static str,
    pub sqs_url: &'static str,
    pub suspended: bool,
    pub suspended_explanation: &'static str,
    pub use_hook_v2: bool,
    pub user_response_time_enabled: bool,
    #[schema(value_type = Vec<String>)]
    pub user_search_disallowed_roles: [&'static str; 0],
    #[schema(value_type = Vec<String>)]
    pub webhook_events: [&'static str; 0],
    pub webhook_url: &'static str,
}

/// `no`.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum No {
    /// Names may be there twice.
    #[default]
    No,
}

/// Uploads: there are none.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct UploadConfig {
    /// 0.
    pub size_limit: u32,
}

/// Push: there is none.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct PushNotifications {
    /// Nothing.
    pub version: &'static str,
    /// Never.
    pub offline_only: bool,
    /// Off.
    pub apn: OffApn,
    /// Off.
    pub firebase: Off,
    /// Off.
    pub huawei: Off,
    /// Off.
    pub xiaomi: Off,
}

/// A service that is off.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Off {
    /// Never.
    pub enabled: bool,
}

/// Apple's service, which is off.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct OffApn {
    /// Never.
    pub enabled: bool,
    /// Never.
    pub development: bool,
}

/// A call type with what else Stream's SDKs expect of one within the app.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppCallType {
    /// It.
    #[serde(flatten)]
    pub call_type: CallTypeView,
    /// A number; always 1.
    pub app: u32,
    /// A number, its place among them.
    pub id: usize,
    /// Where recordings would go, or nothing.
    pub recording_external_storage: String,
}

/// A change of the app's settings; what is not mentioned stays. Settings of Stream's other products
/// are refused, unless they say what is so anyway.
#[derive(Debug, ToSchema)]
pub struct UpdateAppRequest {
    /// Keep teams apart, or not.
    pub multi_tenant_enabled: Option<bool>,
    /// Let nobody become a guest by himself, or let them.
    pub guest_user_creation_disabled: Option<bool>,
    /// User tokens issued earlier do not count any more; null: all count.
    pub revoke_tokens_issued_before: Option<When>,
    /// Each role mentioned gets exactly these in the scope `.app`; null: the defaults for all.
    #[schema(example = json!({ "user": ["search-user"] }))]
    pub grants: Option<BTreeMap<String, Vec<String>>>,
}
