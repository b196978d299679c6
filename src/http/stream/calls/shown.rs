//! What was seen of a room, as Stream's SDKs read it: with the users as the Directory knows them.
//! It must not know who may see what.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    directory::Directory,
    id::{RoleName, Timestamp, UserId},
    room::member::Member,
};
use serde_json::Value;

use super::glimpse::{Glimpse, Present};
use crate::{
    directory::DirectoryHandle,
    http::stream::{
        body::{
            call::{CallIngressResponse, CallResponse, CallState, EgressResponse},
            member::MemberResponse,
            session::{CallParticipantResponse, CallSessionResponse},
            user::UserResponse,
        },
        speech::Speech,
    },
};

/// Who is shown to have created what the server created for nobody.
const HOUSE: &str = "server";

/// How one asker is shown things.
pub(super) struct Shown {
    pub(super) directory: Arc<Directory>,
    pub(super) speech: Speech,
}
