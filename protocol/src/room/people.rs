//! Somebody: who did a thing, who is told of, who comes in. It must not know rooms.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize, de};

use crate::{
    call_type::ANONYMOUS,
    id::{PeerId, RoleName, UserId},
    json::Metadata,
    permissions::Overrides,
};

/// Who did something: on the wire a peer id, `"user:"` and a user id, `"server"` or null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doer {
    /// A peer.
    Peer(PeerId),
    /// A user who is no peer here.
    User(UserId),
    /// The server side.
    Server,
    /// Nobody: time passed, or a socket was lost.
    Nobody,
}

impl Doer {
    pub(super) const fn nobody() -> Self {
        Self::Nobody
    }
}

impl Serialize for Doer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Peer(id) => id.serialize(serializer),
            Self::User(id) => serializer.collect_str(&format_args!("{USER}{id}")),
            Self::Server => serializer.serialize_str("server"),
            Self::Nobody => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Doer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<Cow<'de, str>>::deserialize(deserializer)? else {
            return Ok(Self::Nobody);
        };
        if text == "server" {
            return Ok(Self::Server);
        }
        match text.strip_prefix(USER) {
            Some(user) => UserId::parse(user).map(Self::User),
            None => PeerId::parse(&text).map(Self::Peer),
        }
        .map_err(de::Error::custom)
    }
}

/// How a user who is no peer is named; a peer id has no colon.
const USER: &str = "user:";

/// Somebody, as others are told of him: a peer, a user who is none (`peerId` null), or the server
/// (`userId` null, too).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// His peer id, if he is here.
    pub peer_id: Option<PeerId>,
    /// His user id, unless he is the server.
    pub user_id: Option<UserId>,
    /// His display name, or `server`.
    pub name: Arc<str>,
}

impl Person {
    /// The server side.
    #[must_use]
    pub fn server() -> Self {
        Self { peer_id: None, user_id: None, name: "server".into() }
    }

    /// This person as the doer of something.
    #[must_use]
    pub fn doer(&self) -> Doer {
        match (&self.peer_id, &self.user_id) {
            (Some(peer_id), _) => Doer::Peer(peer_id.clone()),
            (None, Some(user_id)) => Doer::User(user_id.clone()),
            (None, None) => Doer::Server,
        }
    }
}

/// Who comes in: what a token and the join call say of him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Newcomer {
    /// The fresh id of his presence.
    pub peer_id: PeerId,
    /// Who he is; for the anonymous the peer id.
    pub user_id: UserId,
    /// His display name.
    pub name: Arc<str>,
    /// His own data.
    pub metadata: Metadata,
    /// Whether he is an owner.
    pub owner: bool,
    /// His app role (`user` unless set, `anonymous` without a token).
    pub app_role: RoleName,
    /// A role his token adds to the standing ones.
    pub token_role: Option<RoleName>,
    /// A role his token gives him for this room in place of the standing ones.
    pub assigned: Option<RoleName>,
    /// Overrides his token brings.
    pub overrides: Overrides,
    /// The hash of his session's secret.
    pub session: Arc<str>,
    /// When his token ends, in seconds since the epoch; unset: never.
    pub exp: Option<u64>,
    /// Whether the room is of a team that he is not in.
    pub foreign: bool,
}

/// The app role of somebody without a token.
#[must_use]
pub fn anonymous_role() -> RoleName {
    #[expect(clippy::expect_used, reason = "a literal")]
    RoleName::parse(ANONYMOUS).expect("well formed")
}
