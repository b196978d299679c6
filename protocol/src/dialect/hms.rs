//! 100ms's wire, as its web SDK speaks it. [`call`] reads what a client says, [`Ear`] writes what it
//! hears, [`words`] has the shapes of both. It must not see sockets.

use serde_json::{Value, json};

use crate::{
    capability::Capability,
    wire::{code::ErrorBody, frame::CallId},
};

pub mod call;
mod ear;
mod query;
pub mod tracks;
pub mod words;

pub use ear::{Ear, gone, policy, policy_of_nobody};
pub use query::answered;

/// An answer. `result` must be something: to the SDK nothing is a fault.
#[must_use]
pub fn reply(id: &CallId, result: &Value) -> String {
    let id: Value = serde_json::from_str(id.as_str()).unwrap_or_default();
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

/// Why somebody does not come in: that a room has ended has a code of its own here.
#[must_use]
pub fn not_let_in(error: ErrorBody) -> ErrorBody {
    let ended = error.data.get("needs") == Some(&json!(Capability::JoinEndedCall));
    if ended {
        ErrorBody { code: 410, message: "the room has ended".to_owned(), ..error }
    } else {
        error
    }
}

/// A refusal. What the SDK should not try again has to be below 500.
#[must_use]
pub fn error(id: &CallId, error: &ErrorBody) -> String {
    let id: Value = serde_json::from_str(id.as_str()).unwrap_or_default();
    let code = error.http_status();
    let error = json!({ "code": code, "message": error.message, "data": error.data });
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}
