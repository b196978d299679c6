//! Members of a call.

use rolecall_protocol::{
    id::{RoleName, UserId},
    json::Metadata,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{call::SortParam, user::UserResponse};
use crate::http::stream::speech::{Moment, Spent};

/// A user's standing in a call, whether he is in or not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MemberResponse {
    /// His id.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// He himself.
    pub user: UserResponse,
    /// The role that the membership gives him.
    #[schema(value_type = String)]
    pub role: RoleName,
    /// The customer's own data of this membership.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub custom: Metadata,
    /// Since when.
    pub created_at: Moment,
    /// When anything of it was changed.
    pub updated_at: Moment,
}

/// Somebody who is to be a member.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MemberRequest {
    /// Who; he must be known.
    #[schema(required, value_type = String, min_length = 1, max_length = 128)]
    pub user_id: Option<UserId>,
    /// His role here; `call_member` where none is given.
    #[schema(value_type = Option<String>, max_length = 64)]
    pub role: Option<RoleName>,
    /// The customer's own data, whole, at most 4 KiB.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub custom: Option<Map<String, Value>>,
}

/// `updateCallMembers`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateCallMembersRequest {
    /// Who is to be a member; what is not given of one who is stays.
    #[schema(max_items = 100)]
    pub update_members: Option<Vec<MemberRequest>>,
    /// Who is no longer to be one.
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    pub remove_members: Option<Vec<UserId>>,
}

/// The answer to `updateCallMembers`.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdateCallMembersResponse {
    /// Who was added or changed, in the order of the request.
    pub members: Vec<MemberResponse>,
    /// How long the server took.
    pub duration: Spent,
}

/// `queryMembers`.
#[derive(Debug, Deserialize, ToSchema)]
pub struct QueryCallMembersRequest {
    /// The call type.
    #[serde(rename = "type")]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub call_type: String,
    /// The call's id.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub id: String,
    /// Which members.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub filter_conditions: Option<Value>,
    /// In which order.
    #[schema(value_type = Option<Vec<SortParam>>, max_items = 10)]
    pub sort: Option<Value>,
    /// How many.
    #[schema(minimum = 0, maximum = 100)]
    pub limit: Option<u64>,
    /// The `next` of an earlier page.
    pub next: Option<String>,
    /// The `prev` of an earlier page.
    pub prev: Option<String>,
}

/// The answer to `queryMembers`.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryCallMembersResponse {
    /// They.
    pub members: Vec<MemberResponse>,
    /// Where it goes on, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub next: Option<String>,
    /// Where what comes before is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub prev: Option<String>,
    /// How long the server took.
    pub duration: Spent,
}
