//! Somebody who knocked at a private room: he is no peer, waits for an answer, and may come in once he
//! has it. It must not know who answers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{PeerId, Timestamp, UserId};

/// How long who was admitted has to come in, in milliseconds.
pub const ADMITTED_MS: u64 = 60_000;

/// Somebody who waits. On the wire without `admittedUntil`: who is admitted is shown no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// His id, which his peer's will be.
    pub waiting_id: PeerId,
    /// Who he is; for the anonymous the same id.
    pub user_id: UserId,
    /// The name by which he knocked, and comes in.
    pub name: Arc<str>,
    /// Since when.
    pub since: Timestamp,
    /// Where he was admitted: until when he may come in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_until: Option<Timestamp>,
}

impl Waiting {
    /// Whether nobody has answered him.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.admitted_until.is_none()
    }

    /// Whether he was admitted and may still come in.
    #[must_use]
    pub fn is_admitted(&self, at: Timestamp) -> bool {
        self.admitted_until.is_some_and(|until| at < until)
    }
}

/// Why somebody waits no more, as those who may answer are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WaitingOutcome {
    /// He may come in.
    Admitted,
    /// He may not.
    Refused,
    /// He went.
    Left,
    /// He waits, but who is told may not answer any more.
    Hidden,
}
