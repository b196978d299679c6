//! One request as the handlers see it: who asks, in which speech, since when. It must not know what
//! is asked.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use rolecall_protocol::{directory::Actor, id::Timestamp};
use tokio::time::Instant;

use super::{
    Stream,
    caller::Caller,
    connections::Connection,
    fault::Fault,
    speech::{Moment, Speech, Spent},
};

/// What the door found out about a request before its handler runs.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) caller: Result<Caller, Fault>,
    pub(super) speech: Speech,
    pub(super) operation: Option<Arc<str>>,
    /// The connection by which the caller is to be told more.
    pub(super) connection_id: Option<String>,
    pub(super) begun: Instant,
}

/// A request of somebody known: the back end, a user, or somebody anonymous by his own word.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub caller: Caller,
    speech: Speech,
    operation: Arc<str>,
    connection_id: Option<String>,
    begun: Instant,
}

/// A request of the back end.
#[derive(Clone, Debug)]
pub struct ServerAsk(Ask);

/// A request of anybody, whatever his token.
#[derive(Clone, Debug)]
pub struct OpenAsk {
    /// Who asks, or why that is not known.
    pub caller: Result<Caller, Fault>,
    speech: Speech,
    begun: Instant,
}

impl Ask {
    /// `moment` as this caller reads it.
    pub const fn moment(&self, moment: Timestamp) -> Moment {
        self.speech.moment(moment)
    }

    /// How this caller reads moments.
    pub const fn speech(&self) -> Speech {
        self.speech
    }

    /// The time this request has taken, for its answer.
    pub const fn spent(&self) -> Spent {
        Spent::since(self.begun)
    }

    /// Stream's name of what is asked.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The connection that the request names, where it is the caller's own and stands.
    pub fn connection(&self, stream: &Stream) -> Option<Arc<Connection>> {
        stream.connections.of(self.caller.user_id()?, self.connection_id.as_deref()?)
    }

    /// Whether the request names a connection.
    pub const fn names_connection(&self) -> bool {
        self.connection_id.is_some()
    }

    /// Who asks the directory.
    ///
    /// # Errors
    /// 403 for somebody anonymous.
    pub fn actor(&self, stream: &Stream) -> Result<Actor, Fault> {
        match &self.caller {
            Caller::Server => Ok(Actor::Server),
            Caller::User(user) => Ok(Actor::User(user.id.clone())),
            Caller::Anonymous(_) => Err(self.refuse(stream)),
        }
    }

    /// 403: this caller may not ask this at all.
    pub fn refuse(&self, stream: &Stream) -> Fault {
        stream.subject(&self.caller).may_not(&self.operation, ".app")
    }
}

impl std::ops::Deref for ServerAsk {
    type Target = Ask;
    fn deref(&self) -> &Ask {
        &self.0
    }
}

impl OpenAsk {
    /// `moment` as this caller reads it.
    pub const fn moment(&self, moment: Timestamp) -> Moment {
        self.speech.moment(moment)
    }

    /// How this caller reads moments.
    pub const fn speech(&self) -> Speech {
        self.speech
    }

    /// The time this request has taken, for its answer.
    pub const fn spent(&self) -> Spent {
        Spent::since(self.begun)
    }
}

/// The door's finding. A route that is not behind the door is a mistake of the house.
fn arrival(parts: &Parts) -> Result<&Arrival, Fault> {
    parts.extensions.get::<Arrival>().ok_or_else(|| {
        tracing::error!("a route of the REST API is not behind its door");
        Fault::internal()
    })
}

impl<S: Sync> FromRequestParts<S> for Ask {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let arrival = arrival(parts)?.clone();
        Ok(Self {
            caller: arrival.caller?,
            speech: arrival.speech,
            operation: arrival.operation.unwrap_or_else(|| "Request".into()),
            connection_id: arrival.connection_id,
            begun: arrival.begun,
        })
    }
}

impl FromRequestParts<Arc<Stream>> for ServerAsk {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, stream: &Arc<Stream>) -> Result<Self, Fault> {
        let ask = Ask::from_request_parts(parts, stream).await?;
        if ask.caller.is_server() { Ok(Self(ask)) } else { Err(ask.refuse(stream)) }
    }
}

impl<S: Sync> FromRequestParts<S> for OpenAsk {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let Arrival { caller, speech, begun, .. } = arrival(parts)?.clone();
        Ok(Self { caller, speech, begun })
    }
}
