//! Call types, as they are written and read.

use std::collections::BTreeMap;

use rolecall_protocol::{
    call_type::definition::RoleDefinition,
    directory::call_types::{CallTypeEntry, CallTypeInput},
    grant::Grant,
    id::{CallTypeName, RoleName},
    json::given,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::stream::speech::{Moment, Speech, Spent};

/// A call type without the time it took.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CallType)]
pub struct CallTypeView {
    /// Its name, the first part of a call's cid.
    #[schema(value_type = String, example = "default")]
    pub name: CallTypeName,
    /// When it was made.
    pub created_at: Moment,
    /// When it was last changed.
    pub updated_at: Moment,
    /// Each role's permissions, as written.
    #[schema(example = json!({ "user": ["join-call", "send-audio"] }))]
    pub grants: BTreeMap<String, Vec<String>>,
    /// What is switched on in its calls, and how.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, Value>>)]
    pub settings: Value,
    /// Of which things notifications would be sent.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub notification_settings: Value,
    /// Where recordings would go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub external_storage: Option<String>,
}

impl CallTypeView {
    /// `entry` to who speaks `speech`.
    pub fn of(entry: &CallTypeEntry, speech: Speech) -> Self {
        let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
        let grants = entry.grants().into_iter();
        Self {
            name: entry.call_type.name.clone(),
            created_at: speech.moment(entry.created_at),
            updated_at: speech.moment(entry.updated_at),
            grants: grants.map(|(role, list)| (role.to_string(), owned(list))).collect(),
            settings: Value::Object(entry.call_type.document.sections().clone()),
            notification_settings: serde_json::from_str(entry.notification_settings.as_str())
                .unwrap_or_default(),
            external_storage: entry.external_storage.as_deref().map(str::to_owned),
        }
    }
}

/// One call type.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallTypeResponse {
    /// It.
    #[serde(flatten)]
    pub call_type: CallTypeView,
    /// How long the server took.
    pub duration: Spent,
}

/// All call types.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListCallTypeResponse {
    /// By name.
    pub call_types: BTreeMap<String, CallTypeView>,
    /// How long the server took.
    pub duration: Spent,
}

/// A call type to be made, for the document; it is read as the next is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what is read of a flattened field has no place in errors")]
pub struct CreateCallTypeRequest {
    /// Its name.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "lesson")]
    name: CallTypeName,
    /// The rest.
    #[serde(flatten)]
    changes: UpdateCallTypeRequest,
}

/// A call type to be changed; what is not mentioned stays.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateCallTypeRequest {
    /// The name of a new one.
    #[schema(ignore)]
    pub name: Option<CallTypeName>,
    /// Each role mentioned gets exactly these permissions, the others keep theirs; null: all roles
    /// as with a new call type. Permission ids and names of capabilities are taken alike.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<BTreeMap<String, Vec<String>>>, example = json!({ "tutor": ["send-audio", "mute-users"] }))]
    pub grants: Option<Option<BTreeMap<RoleName, Vec<Grant>>>>,
    /// Laid over those there are, section by section.
    #[schema(value_type = Option<BTreeMap<String, BTreeMap<String, Value>>>)]
    pub settings: Option<Value>,
    /// Laid over those there are.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub notification_settings: Option<Value>,
    /// Where recordings would go.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 128)]
    pub external_storage: Option<Option<String>>,
    /// Rolecall's own: roles in 100ms's shape or the native one.
    #[schema(value_type = Option<BTreeMap<String, BTreeMap<String, Value>>>)]
    pub roles: Option<BTreeMap<RoleName, RoleDefinition>>,
    /// Rolecall's own: the role of whoever has none of the others; null: none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 64)]
    pub default_role: Option<Option<RoleName>>,
    /// Rolecall's own: whether it stands in for people without a token too.
    pub open: Option<bool>,
    /// Rolecall's own, for a new one: the call type it starts from.
    #[schema(value_type = Option<String>, max_length = 64)]
    pub extends: Option<CallTypeName>,
}

impl From<UpdateCallTypeRequest> for CallTypeInput {
    fn from(request: UpdateCallTypeRequest) -> Self {
        Self {
            grants: request.grants,
            settings: request.settings,
            notification_settings: request.notification_settings,
            external_storage: request.external_storage.map(|name| name.map(Into::into)),
            roles: request.roles.unwrap_or_default(),
            default_role: request.default_role,
            open: request.open,
            extends: request.extends,
        }
    }
}
