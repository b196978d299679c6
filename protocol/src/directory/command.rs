//! What is asked of the Directory, and by whom. It must not know what follows.

use std::{fmt, sync::Arc};

use super::{
    app::AppPatch,
    call_types::CallTypeInput,
    user::{Ban, UserInput, UserPatch},
};
use crate::{
    call_type::CallType,
    id::{CallTypeName, RoleName, UserId},
};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The server side: may do all.
    Server,
    /// A user; asks nothing but for himself to be written down: [`Command::UpsertUsers`],
    /// [`Command::UpdateUsers`] with his own id alone.
    User(UserId),
    /// Somebody without a token; asks nothing but [`Command::CreateGuest`].
    Nobody,
    /// Time that passed; asks nothing but [`Command::Tick`].
    Timer,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Nobody => f.write_str("nobody"),
            Self::Timer => f.write_str("timer"),
        }
    }
}

/// An intent.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Command {
    /// Changes the app's settings.
    UpdateApp(Box<AppPatch>),
    /// Writes these users down, new or known: all or none.
    UpsertUsers { users: Vec<UserInput> },
    /// Changes these users: all or none.
    UpdateUsers { patches: Vec<UserPatch> },
    /// Writes a guest down; the id is the whole one, its prefix included.
    CreateGuest { user: Box<UserInput> },
    /// From now on they may not connect.
    DeactivateUsers { ids: Vec<UserId> },
    /// They may again.
    ReactivateUsers { ids: Vec<UserId> },
    /// They are gone: `hard` for good, else they can be restored.
    DeleteUsers { ids: Vec<UserId>, hard: bool },
    /// They are back.
    RestoreUsers { ids: Vec<UserId> },
    /// Bans a user from everything.
    BanUser { id: UserId, ban: Box<Ban> },
    /// Ends that.
    UnbanUser { id: UserId },
    /// A user was here.
    TouchUser { id: UserId },
    /// Makes a role.
    CreateRole { name: RoleName },
    /// Unmakes one that nobody uses.
    DeleteRole { name: RoleName },
    /// Makes a call type.
    CreateCallType { name: CallTypeName, input: Box<CallTypeInput> },
    /// Changes a call type.
    UpdateCallType { name: CallTypeName, input: Box<CallTypeInput> },
    /// Unmakes a call type.
    DeleteCallType { name: CallTypeName },
    /// Takes a call type over from the configuration, whose table has that hash.
    AdoptCallType { call_type: Arc<CallType>, hash: Arc<str> },
    /// Ends what time ends: bans.
    Tick,
}

impl Command {
    /// Its name, for logs, metrics and the journal: Stream's operation where there is one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UpdateApp(_) => "updateApp",
            Self::UpsertUsers { .. } => "updateUsers",
            Self::UpdateUsers { .. } => "updateUsersPartial",
            Self::CreateGuest { .. } => "createGuest",
            Self::DeactivateUsers { .. } => "deactivateUsers",
            Self::ReactivateUsers { .. } => "reactivateUsers",
            Self::DeleteUsers { .. } => "deleteUsers",
            Self::RestoreUsers { .. } => "restoreUsers",
            Self::BanUser { .. } => "ban",
            Self::UnbanUser { .. } => "unban",
            Self::TouchUser { .. } => "touch",
            Self::CreateRole { .. } => "createRole",
            Self::DeleteRole { .. } => "deleteRole",
            Self::CreateCallType { .. } => "createCallType",
            Self::UpdateCallType { .. } => "updateCallType",
            Self::DeleteCallType { .. } => "deleteCallType",
            Self::AdoptCallType { .. } => "adoptCallType",
            Self::Tick => "tick",
        }
    }
}
