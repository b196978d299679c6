//! Calls: where each of their operations is, and what all of them share: which call it is about,
//! who asks, and how the hub is asked for him. What may be is decided by the law, in the room's
//! task.

mod changing;
mod creating;
mod glimpse;
mod members;
mod messages;
mod moderation;
mod queries;
mod reading;
mod shown;

use std::sync::Arc;

use rolecall_protocol::{
    directory::Directory,
    id::{CallTypeName, Cid, UserId},
    json::Metadata,
    room::{Command, Reply, Room, rights::may_read},
    team::Caller as LawCaller,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use self::glimpse::Glimpse;
use super::{
    Routes, Stream,
    ask::Ask,
    caller::Caller,
    fault::{self, Fault, Subject},
};
use crate::hub::{Outsider, Seen};

/// How many members are shown where nothing is said.
const MEMBERS: usize = 25;
/// Most entries of any list in a request or an answer.
const LIST_MAX: usize = 100;

/// The routes under `/api/v2/video` and under `/video`.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .merge(reading::routes())
        .merge(creating::routes())
        .merge(changing::routes())
        .merge(queries::routes())
        .merge(members::routes())
        .merge(moderation::routes())
        .merge(messages::routes())
}

/// The routes that only browsers know.
pub(super) fn browser_routes() -> Routes {
    OpenApiRouter::default().merge(moderation::browser_routes()).merge(messages::browser_routes())
}

/// Which call.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CallPath {
    /// Its call type.
    #[serde(rename = "type")]
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    call_type: String,
    /// Its id within the call type.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    id: String,
}

/// One call, and somebody who asks of it.
struct Call<'a> {
    stream: &'a Stream,
    ask: &'a Ask,
    cid: Cid,
    by: Outsider,
}

impl CallPath {
    /// The call, as whoever asks may ask of it.
    fn of<'a>(&self, stream: &'a Stream, ask: &'a Ask) -> Result<Call<'a>, Fault> {
        Call::new(stream, ask, &self.call_type, &self.id)
    }
}
