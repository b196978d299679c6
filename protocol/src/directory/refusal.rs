//! Why not: the Directory's refusals, each with its code in the manner of HTTP. It must not know
//! whose words the answer is written in.

use crate::id::{CallTypeName, RoleName, UserId};

/// The Directory said no. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something was written that cannot be; `field` is the path of keys.
    #[error("{field}: {problem}")]
    Invalid {
        /// Where.
        field: String,
        /// What is wrong there.
        problem: String,
    },
    /// Only the server side may ask that.
    #[error("only the server side can do that")]
    ServerOnly,
    /// A user writes nobody down but himself.
    #[error("a user can change nobody but himself")]
    NotYourself,
    /// A user does not say that of himself.
    #[error("`{0}` can only be changed from the server side")]
    NotYours(&'static str),
    /// While teams are kept apart, users are written down by the back end alone.
    #[error("users can only be created from the server side while multi-tenant is enabled")]
    MultiTenant,
    /// Nobody becomes a guest by himself.
    #[error("guest user creation is disabled")]
    GuestsDisabled,
    /// No such users.
    #[error("the provided users {} don't exist", list(.0))]
    UnknownUsers(Vec<UserId>),
    /// There is such a user already.
    #[error("user `{0}` already exists")]
    UserExists(UserId),
    /// He is gone; he can be restored.
    #[error("user `{0}` is deleted, restore it first")]
    UserDeleted(UserId),
    /// He is not gone.
    #[error("user \"{0}\" is not deleted, it can't be restored")]
    UserNotDeleted(UserId),
    /// He may not connect already.
    #[error("user `{0}` is already deactivated")]
    UserDeactivated(UserId),
    /// He may connect.
    #[error("user `{0}` is not deactivated")]
    UserNotDeactivated(UserId),
    /// No such role.
    #[error("unknown role `{0}`")]
    UnknownRole(RoleName),
    /// Stream's pages write that role with a hyphen, its wire with an underscore.
    #[error("unknown role `call-member`, it is written `call_member`")]
    CallMember,
    /// There is such a role already.
    #[error("role `{0}` already exists")]
    RoleExists(RoleName),
    /// A role every app has.
    #[error("role `{0}` is built in and cannot be deleted")]
    BuiltInRole(RoleName),
    /// Somebody or something still has the role.
    #[error("role `{role}` is still in use: {by}")]
    RoleInUse {
        /// Which.
        role: RoleName,
        /// By what.
        by: String,
    },
    /// No such call type.
    #[error("{0}: call type does not exist")]
    UnknownCallType(CallTypeName),
    /// There is such a call type already.
    #[error("call type `{0}` already exists")]
    CallTypeExists(CallTypeName),
    /// A call type every server has.
    #[error("call type `{0}` is built in and cannot be deleted")]
    BuiltInCallType(CallTypeName),
    /// A list reached its bound.
    #[error("at most {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

fn list(ids: &[UserId]) -> String {
    let ids: Vec<_> = ids.iter().map(UserId::as_str).collect();
    format!("[{}]", ids.join(" "))
}

impl Refusal {
    /// What was written at that place cannot be.
    #[must_use]
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// The error code, in the manner of HTTP.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Invalid { .. }
            | Self::UserDeleted(_)
            | Self::UserNotDeleted(_)
            | Self::UserDeactivated(_)
            | Self::UserNotDeactivated(_)
            | Self::UnknownRole(_)
            | Self::CallMember
            | Self::BuiltInRole(_)
            | Self::RoleInUse { .. }
            | Self::BuiltInCallType(_)
            | Self::TooMany { .. } => 400,
            Self::ServerOnly
            | Self::NotYourself
            | Self::NotYours(_)
            | Self::MultiTenant
            | Self::GuestsDisabled => 403,
            Self::UnknownUsers(_) | Self::UnknownCallType(_) => 404,
            Self::UserExists(_) | Self::RoleExists(_) | Self::CallTypeExists(_) => 409,
        }
    }
}
