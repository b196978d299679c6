//! Who is in a call.

use std::collections::BTreeMap;

use rolecall_protocol::id::{PeerId, RoleName};
use serde::Serialize;
use utoipa::ToSchema;

use super::user::UserResponse;
use crate::http::stream::speech::Moment;

/// From the first participant's coming to the last one's leaving.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallSessionResponse {
    /// Its id.
    pub id: String,
    /// When the first one came.
    pub started_at: Moment,
    /// When the call went live, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Moment, required = false)]
    pub live_started_at: Option<Moment>,
    /// Who is in, as far as whoever asked sees them; the anonymous are only counted.
    pub participants: Vec<CallParticipantResponse>,
    /// How many of them in which role.
    pub participants_count_by_role: BTreeMap<String, usize>,
    /// How many are in without a token.
    pub anonymous_participant_count: usize,
    /// Nobody is rung here, so nobody accepts.
    pub accepted_by: BTreeMap<String, Moment>,
    /// Nor rejects.
    pub rejected_by: BTreeMap<String, Moment>,
    /// Nor misses a call.
    pub missed_by: BTreeMap<String, Moment>,
}

/// Somebody who is in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallParticipantResponse {
    /// Who.
    pub user: UserResponse,
    /// This presence of his: the native protocol's peer id.
    #[schema(value_type = String)]
    pub user_session_id: PeerId,
    /// The role that counts now.
    #[schema(value_type = String)]
    pub role: RoleName,
    /// Since when.
    pub joined_at: Moment,
}
