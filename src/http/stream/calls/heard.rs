//! What is heard of calls, as Stream's SDKs read it from their connection. It must not know who hears
//! it.

use rolecall_protocol::{
    dialect::stream::{
        ear::{Heard, What},
        glimpse::Glimpse,
    },
    id::{Timestamp, UserId},
};
use serde_json::{Map, Value, json};

use super::{
    super::Stream,
    shown::{HOUSE, Shown},
};
use crate::http::stream::speech::{Speech, Times};

/// Why somebody was muted; there is no more to say.
const MUTED: &str = "muted by a moderator";

/// One event, as JSON text.
pub(in crate::http::stream) fn say(stream: &Stream, heard: &Heard) -> String {
    let shown = Shown::new(stream, Speech { times: Times::Rfc3339 });
    let mut event = Map::from_iter([
        ("type".to_owned(), heard.what.name().into()),
        ("call_cid".to_owned(), heard.cid.as_str().into()),
        ("created_at".to_owned(), json!(shown.moment(heard.at))),
    ]);
    if let Value::Object(fields) = fields(&shown, &heard.what) {
        event.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(event).to_string()
}

/// `user.updated`, as JSON text: what the user is now. It is of no call.
pub(in crate::http::stream) fn user_updated(
    stream: &Stream,
    user: &UserId,
    at: Timestamp,
) -> String {
    let shown = Shown::new(stream, Speech { times: Times::Rfc3339 });
    let event = json!({
        "type": "user.updated",
        "created_at": shown.moment(at),
        "user": shown.user(user, None),
        "custom": {},
    });
    event.to_string()
}

/// What an event says beside what all of them say; null: not said.
fn fields(shown: &Shown<'_>, what: &What) -> Value {
    let call = |call: &Glimpse| json!(shown.call(call));
    let user = |id: &UserId| json!(shown.user(id, None));
    let maybe = |id: &Option<UserId>| id.as_ref().map(user);
    match what {
        What::Updated { call: it, by_role } => {
            json!({ "call": call(it), "capabilities_by_role": by_role })
        }
        What::LiveStarted { call: it } | What::Deleted { call: it } => json!({ "call": call(it) }),
        What::Ended { call: it, by, reason } => {
            json!({ "call": call(it), "user": maybe(by), "reason": reason })
        }
        What::Created { call: it, members }
        | What::MemberAdded { call: it, members }
        | What::MemberUpdated { call: it, members } => {
            json!({ "call": call(it), "members": shown.members(members) })
        }
        What::MemberRole { call: it, members, by_role } => json!({
            "call": call(it),
            "members": shown.members(members),
            "capabilities_by_role": by_role,
        }),
        What::MemberRemoved { call: it, user } => json!({ "call": call(it), "members": [user] }),
        What::Blocked { user: it, by } => {
            json!({ "user": user(it), "blocked_by_user": maybe(by) })
        }
        What::Unblocked { user: it } => json!({ "user": user(it) }),
        What::Kicked { user: it, by } => json!({ "user": user(it), "kicked_by_user": maybe(by) }),
        What::Muted { user, by } => json!({
            "from_user_id": by.as_ref().map_or(HOUSE, |by| by.as_str()),
            "muted_user_ids": [user],
            "reason": MUTED,
        }),
        What::PermissionRequest { from, permissions } => {
            json!({ "user": shown.person(from), "permissions": permissions })
        }
        What::PermissionsUpdated { user: it, capabilities } => {
            json!({ "user": user(it), "own_capabilities": capabilities })
        }
        What::SessionStarted { call: it, session } | What::SessionEnded { call: it, session } => {
            json!({ "call": call(it), "session_id": session })
        }
        What::Joined { who, session } => {
            json!({ "participant": shown.participant(who), "session_id": session })
        }
        What::Left { who, session, seconds } => json!({
            "participant": shown.participant(who),
            "session_id": session,
            "duration_seconds": seconds,
        }),
        What::Counts { session, by_role, anonymous } => json!({
            "session_id": session,
            "participants_count_by_role": by_role,
            "anonymous_participant_count": anonymous,
        }),
        What::Reaction { from, reaction } => {
            let mut reaction = reaction.clone();
            reaction["user"] = json!(shown.person(from));
            json!({ "reaction": reaction })
        }
        What::Custom { from, data } => {
            // An SDK reads an object; what natives say may be anything.
            let said = serde_json::from_str::<Value>(data.as_str()).unwrap_or_default();
            let custom = if said.is_object() { said } else { json!({ "data": said }) };
            json!({ "user": shown.person(from), "custom": custom })
        }
    }
}
