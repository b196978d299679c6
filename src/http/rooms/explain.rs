//! `/v1/rooms/{cid}/explain`: why somebody holds a right in a room, or does not. It must not know
//! what gives rights: the law explains.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
};
use rolecall_protocol::{
    id::{Cid, PeerId, UserId},
    room::{
        Command,
        command::{Explainee, Right},
    },
    wire::code::ErrorBody,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, CidPath, Rooms};

/// The route.
pub(super) fn routes() -> OpenApiRouter<Arc<Rooms>> {
    OpenApiRouter::default().routes(routes!(explain))
}

/// Whose right, and which.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    peer: Option<String>,
    user: Option<String>,
    capability: Option<String>,
    track: Option<String>,
}

/// Why.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is a value")]
struct Explanation {
    /// Whether the right is held now.
    allowed: bool,
    /// What speaks for and against it, in the order in which it counts: the later overrules.
    #[schema(value_type = Vec<Object>, example = json!([{ "rule": "role-lacks", "role": "listener" }]))]
    because: Vec<Value>,
}

/// Why a peer, or a user who is there or not, holds a right in a room or does not.
#[utoipa::path(
    get, path = "/v1/rooms/{cid}/explain", operation_id = "ExplainRoom", tag = "rooms",
    security(("server_token" = [])),
    params(
        ("cid" = String, Path, description = "Its cid, or a bare id of the default call type.", max_length = 129, example = "default:standup"),
        ("peer" = Option<String>, Query, description = "That peer; or `user`."),
        ("user" = Option<String>, Query, description = "That user, in the room or not; or `peer`.", max_length = 128, example = "ann"),
        ("capability" = Option<String>, Query, description = "A capability; or `track`.", example = "mute-users"),
        ("track" = Option<String>, Query, description = "Sending that kind of track; or `capability`."),
    ),
    responses((status = 200, description = "Why.", body = Explanation)),
)]
async fn explain(
    State(rooms): State<Arc<Rooms>>,
    headers: HeaderMap,
    CidPath(cid): CidPath,
    query: Result<Query<Asked>, QueryRejection>,
) -> Answer {
    rooms.admit(&headers)?;
    let cid = rooms.cid(&cid)?;
    let Query(asked) = query.map_err(|error| ErrorBody::bad_params("query", error.body_text()))?;
    let right = match (asked.capability, asked.track) {
        (Some(name), None) => Right::Capability(word("capability", &name)?),
        (None, Some(kind)) => Right::Track(word("track", &kind)?),
        _ => return Err(ErrorBody::bad_params("capability", "give `capability` or `track`").into()),
    };
    let (whom, banned) = match (asked.peer, asked.user) {
        (Some(peer), None) => (Explainee::Peer(word::<PeerId>("peer", &peer)?), false),
        (None, Some(user)) => rooms.user(&cid, &word("user", &user)?),
        _ => return Err(ErrorBody::bad_params("user", "give `user` or `peer`").into()),
    };
    let reply = rooms.hub.command(&cid, Command::Explain { whom, right }).await?;
    let mut explanation = serde_json::to_value(reply).map_err(|_| ErrorBody::internal())?;
    if banned {
        explanation["allowed"] = json!(false);
        if let Some(because) = explanation["because"].as_array_mut() {
            because.push(json!({ "rule": "banned" }));
        }
    }
    Ok(Json(explanation))
}

/// One of the words there are.
fn word<T: DeserializeOwned>(field: &str, text: &str) -> Result<T, ErrorBody> {
    serde_json::from_value(Value::from(text))
        .map_err(|error| ErrorBody::bad_params(field, error.to_string()))
}

impl Rooms {
    /// The user as that room would know him, and whether he is kept out of all of them.
    fn user(&self, cid: &Cid, user: &UserId) -> (Explainee, bool) {
        let shared = self.hub.shared();
        let team = shared.calls.get(cid).and_then(|card| card.room.team.clone());
        let directory = shared.directory.now();
        let caller = directory.caller(user, None, None, team.as_ref());
        let banned = directory.standing(user, team.as_ref()).banned;
        (Explainee::User(Box::new(caller)), banned)
    }
}
