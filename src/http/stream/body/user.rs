//! Users, as they are written and read.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    directory::{User, user::UserInput},
    id::{RoleName, TeamId, Timestamp, UserId},
    json::Metadata,
    team::Teams,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::stream::{
    fault::Fault,
    speech::{Moment, Speech, Spent},
};

/// The role of a user of whom nothing is known.
const UNKNOWN_ROLE: &str = "user";

/// A user as he is to be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct UserRequest {
    /// The customer's own id of him.
    #[schema(value_type = String, min_length = 1, max_length = 128, example = "ana")]
    pub id: UserId,
    /// His display name.
    #[schema(value_type = Option<String>, max_length = 256)]
    pub name: Option<Arc<str>>,
    /// The address of his picture.
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub image: Option<Arc<str>>,
    /// What he is everywhere: a built-in role or one that was created.
    #[schema(value_type = Option<String>, max_length = 64, example = "user")]
    pub role: Option<RoleName>,
    /// Teams he is in.
    #[schema(value_type = Option<Vec<String>>, max_items = 250)]
    pub teams: Option<Teams>,
    /// What he is in calls of a team, in place of `role`; counts while teams are kept apart.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub teams_role: Option<BTreeMap<TeamId, RoleName>>,
    /// The customer's own data, at most 4 KiB.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub custom: Option<Metadata>,
    /// The code of his language.
    #[schema(value_type = Option<String>, max_length = 16)]
    pub language: Option<Arc<str>>,
    /// Whether his being online is kept from others.
    pub invisible: Option<bool>,
    /// Of chat; not supported.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub privacy_settings: Option<Value>,
}

impl UserRequest {
    /// The user as the directory takes him; `place` is where he stands in the request.
    ///
    /// # Errors
    /// 400 for what is not supported.
    pub fn input(self, place: &str) -> Result<UserInput, Fault> {
        if self.privacy_settings.is_some() {
            return Err(Fault::field(format!("{place}.privacy_settings"), "is not supported"));
        }
        Ok(UserInput {
            id: self.id,
            role: self.role,
            name: self.name,
            image: self.image,
            teams: self.teams,
            teams_role: self.teams_role,
            custom: self.custom,
            language: self.language,
            invisible: self.invisible,
        })
    }
}

/// Users as they are to be, by id.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateUsersRequest {
    /// At most 100.
    pub users: BTreeMap<String, UserRequest>,
}

/// Changes of users.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateUsersPartialRequest {
    /// One each.
    #[schema(min_items = 1, max_items = 100)]
    pub users: Vec<UpdateUserPartialRequest>,
}

/// A change of one user: a key that names no field is one of his custom data; a dot goes into what
/// is there.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UpdateUserPartialRequest {
    /// Who.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub id: UserId,
    /// What to set.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub set: Option<Map<String, Value>>,
    /// What to take away.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub unset: Option<Vec<String>>,
}

/// A user as others see him.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserResponse {
    /// The customer's own id of him.
    #[schema(value_type = String, example = "ana")]
    pub id: UserId,
    /// What he is everywhere.
    #[schema(value_type = String, example = "user")]
    pub role: RoleName,
    /// Teams he is in.
    #[schema(value_type = Vec<String>)]
    pub teams: Teams,
    /// What he is in calls of a team.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub teams_role: BTreeMap<TeamId, RoleName>,
    /// His display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub name: Option<Arc<str>>,
    /// The address of his picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub image: Option<Arc<str>>,
    /// The customer's own data.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub custom: Metadata,
    /// The code of his language, or nothing.
    #[schema(value_type = String)]
    pub language: Arc<str>,
    /// When he was first written down.
    pub created_at: Moment,
    /// When he was last changed.
    pub updated_at: Moment,
    /// Whether he is banned from everything.
    pub banned: bool,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub ban_expires: Option<Moment>,
    /// Never.
    pub shadow_banned: bool,
    /// Whether he is in a call now.
    pub online: bool,
    /// Whether that is kept from others.
    pub invisible: bool,
    /// Of chat; empty.
    #[schema(value_type = Vec<String>)]
    pub blocked_user_ids: [&'static str; 0],
    /// When he was last here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub last_active: Option<Moment>,
    /// Since when he may not connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub deactivated_at: Option<Moment>,
    /// Since when he is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub deleted_at: Option<Moment>,
}

impl UserResponse {
    /// `user` to who speaks `speech`; `online`: whether he is in a call now.
    pub fn of(user: &User, online: bool, speech: Speech) -> Self {
        Self {
            id: user.id.clone(),
            role: user.role.clone(),
            teams: user.teams.clone(),
            teams_role: user.teams_role.clone(),
            name: user.name.clone(),
            image: user.image.clone(),
            custom: user.custom.clone(),
            language: Arc::clone(&user.language),
            created_at: speech.moment(user.created_at),
            updated_at: speech.moment(user.updated_at),
            banned: user.is_banned(),
            ban_expires: speech.moments(user.ban.as_ref().and_then(|ban| ban.until)),
            shadow_banned: false,
            online: online && !user.invisible,
            invisible: user.invisible,
            blocked_user_ids: [],
            last_active: speech.moments(user.last_active),
            deactivated_at: speech.moments(user.deactivated_at),
            deleted_at: speech.moments(user.deleted_at),
        }
    }

    /// Somebody whom only a token names: nothing is written down of him.
    pub fn of_stranger(id: &UserId, name: Option<&str>, online: bool, speech: Speech) -> Self {
        #[expect(clippy::expect_used, reason = "a literal of this file")]
        let role = RoleName::parse(UNKNOWN_ROLE).expect("a built-in role is well formed");
        let mut user = User::new(id.clone(), role, Timestamp(0));
        user.name = name.filter(|name| !name.is_empty()).map(Arc::from);
        Self::of(&user, online, speech)
    }
}

/// A user with what chat would know of him.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FullUserResponse {
    #[serde(flatten)]
    user: UserResponse,
    /// Of chat; empty.
    #[schema(value_type = Vec<Value>)]
    devices: [(); 0],
    /// Of chat; empty.
    #[schema(value_type = Vec<Value>)]
    mutes: [(); 0],
    /// Of chat; empty.
    #[schema(value_type = Vec<Value>)]
    channel_mutes: [(); 0],
    /// Of chat; 0.
    total_unread_count: u32,
    /// Of chat; 0.
    unread_channels: u32,
    /// Of chat; 0.
    unread_count: u32,
    /// Of chat; 0.
    unread_threads: u32,
}

impl From<UserResponse> for FullUserResponse {
    fn from(user: UserResponse) -> Self {
        Self {
            user,
            devices: [],
            mutes: [],
            channel_mutes: [],
            total_unread_count: 0,
            unread_channels: 0,
            unread_count: 0,
            unread_threads: 0,
        }
    }
}

/// Users as they are now, by id.
#[derive(Debug, Serialize, ToSchema)]
pub struct UpdateUsersResponse {
    /// Those that were written.
    #[schema(value_type = BTreeMap<String, FullUserResponse>)]
    pub users: BTreeMap<UserId, FullUserResponse>,
    /// Of chat; empty.
    pub membership_deletion_task_id: &'static str,
    /// How long the server took.
    pub duration: Spent,
}

/// Users that were looked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryUsersResponse {
    /// In the order asked for.
    pub users: Vec<FullUserResponse>,
    /// How long the server took.
    pub duration: Spent,
}

/// Which users.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UsersRequest {
    /// Who.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 100)]
    pub user_ids: Vec<UserId>,
}

/// How much of what a user leaves behind goes with him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deletion {
    /// It is hidden, and can come back.
    Soft,
    /// As `soft`, here.
    Pruning,
    /// For good.
    Hard,
}

/// Which users go, and how.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DeleteUsersRequest {
    /// Who.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 100)]
    pub user_ids: Vec<UserId>,
    /// `hard`: for good; else they can be restored.
    pub user: Option<Deletion>,
    /// Whether the calls they created are deleted too; for good, whatever it says.
    pub calls: Option<Deletion>,
    /// Not supported.
    pub new_call_owner_id: Option<String>,
}

/// One user as he is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneUserResponse {
    /// Him.
    pub user: UserResponse,
    /// How long the server took.
    pub duration: Spent,
}

/// A new name where a user comes back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReactivateUserRequest {
    /// His display name from now on.
    #[schema(value_type = Option<String>, max_length = 256)]
    pub name: Option<Arc<str>>,
}

/// Somebody who comes without an account.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CreateGuestRequest {
    /// As he calls himself.
    pub user: UserRequest,
}

/// A guest and his token.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreateGuestResponse {
    /// The guest; his id has got a prefix.
    pub user: UserResponse,
    /// With this he calls from now on.
    pub access_token: String,
    /// How long the server took.
    pub duration: Spent,
}

/// A ban from everything.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BanRequest {
    /// Whom.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    pub target_user_id: UserId,
    /// By whom.
    #[schema(value_type = Option<String>, max_length = 128)]
    pub banned_by_id: Option<UserId>,
    /// By whom, as a user; his id counts.
    pub banned_by: Option<UserRequest>,
    /// Why.
    #[schema(value_type = Option<String>, max_length = 256)]
    pub reason: Option<Arc<str>>,
    /// For how many minutes; unset: for good.
    #[schema(minimum = 1, maximum = 52_560_000)]
    pub timeout: Option<u64>,
    /// Not supported: a ban is from everything; to keep somebody from one call, block him there.
    pub channel_cid: Option<String>,
    /// Not supported.
    pub shadow: Option<bool>,
    /// Not supported.
    pub ip_ban: Option<bool>,
}

/// Whose ban ends.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UnbanParams {
    /// Whose.
    #[param(value_type = String, min_length = 1, max_length = 128)]
    pub target_user_id: UserId,
    /// Not supported.
    pub channel_cid: Option<String>,
}

/// By whom a ban ends; not kept.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UnbanRequest {
    /// By whom.
    pub unbanned_by_id: Option<String>,
}
