//! The door to Daily's REST API, under `/daily/v1`, for back ends: it lets API keys and server
//! tokens in, counts, and gives every error its form. It must not know what the operations do.

mod fault;
#[expect(unused_qualifications, reason = "utoipa names the types of parameters by their paths")]
mod presence;
mod properties;
mod room_properties;
#[expect(unused_qualifications, reason = "utoipa names the types of parameters by their paths")]
mod rooms;
mod session;
mod session_data;
#[expect(unused_qualifications, reason = "utoipa names the types of parameters by their paths")]
mod tokens;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    middleware,
    response::{IntoResponse, Response},
};
use rolecall_protocol::{
    id::Cid,
    room::{Command, Reply, Room},
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::OpenApi};
use utoipa_axum::router::OpenApiRouter;

use self::fault::Fault;
pub use self::{fault::FaultBody, rooms::Turns};
use super::{
    back_end::{self, BackEnd},
    rate::Rates,
    upgrade::bearer,
};
use crate::{
    auth::{Verifier, daily},
    clock::Clock,
    config::Config,
    hub::{Hub, Seen},
};

/// The prefix of it all.
pub const PREFIX: &str = "/daily/v1";

/// What the handlers share.
pub struct Daily {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// Who a token is.
    pub verifier: Arc<Verifier>,
    /// The rooms.
    pub hub: Arc<Hub>,
    /// How many requests a minute.
    pub rates: Arc<Rates>,
    /// Whose turn it is to change a room's properties.
    pub turns: Turns,
}

/// A router of handlers that say what they are.
type Routes = OpenApiRouter<Arc<Daily>>;
/// What a handler answers.
type Answer<T> = Result<axum::Json<T>, Fault>;

/// All routes, and the document of them as the handlers say it.
pub fn routes<S: Clone + Send + Sync + 'static>(daily: Arc<Daily>) -> (Router<S>, OpenApi) {
    let all: Routes = OpenApiRouter::default()
        .merge(tokens::routes())
        .merge(presence::routes())
        .merge(rooms::routes())
        .merge(session::routes())
        .merge(session_data::routes())
        .fallback(async || Fault::no_path());
    let (router, document) = OpenApiRouter::default().nest(PREFIX, all).split_for_parts();
    let router = router
        .method_not_allowed_fallback(async || Fault::no_method())
        .layer(middleware::from_fn_with_state(Arc::clone(&daily), back_end::attend))
        .with_state(daily);
    (router, document)
}

/// Whether `path` is one of these.
pub fn is_here(path: &str) -> bool {
    back_end::is_under(PREFIX, path)
}

/// The answer to a request that was not complete in time, where `path` is one of ours.
pub fn late(path: &str) -> Option<Response> {
    is_here(path).then(|| Fault::late().into_response())
}

impl BackEnd for Daily {
    type Fault = Fault;

    /// Lets the back end in: by the app's secret, which is its API key, or by a server token.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let Some(given) = bearer(headers) else {
            let info = "an API key is needed: `Authorization: Bearer …`";
            return Err(Fault::unauthorized(info));
        };
        if self.config.api_secret.as_ref().is_some_and(|secret| secret.is(given.expose())) {
            return Ok(());
        }
        let identity = self.verifier.verify(given.expose());
        let identity = identity.map_err(|error| {
            Fault::unauthorized(format!("neither an API key nor a server token: {error}"))
        })?;
        if identity.is_server() { Ok(()) } else { Err(Fault::not_a_server()) }
    }

    fn rates(&self) -> &Rates {
        &self.rates
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Daily {
    /// Looks at a room, and takes out of it what `see` does.
    async fn look<T: Send + 'static>(
        &self,
        cid: &Cid,
        see: impl FnOnce(&Room) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        self.asked(cid, None, see).await.map(|(_, seen)| seen)
    }

    /// Does something in a room as the server side.
    async fn act(&self, cid: &Cid, command: Command) -> Result<Reply, Fault> {
        self.asked(cid, Some(command), |_| ()).await.map(|(reply, ())| reply)
    }

    /// Asks a room's task as the server side, and takes out of the room what `see` does.
    async fn asked<T: Send + 'static>(
        &self,
        cid: &Cid,
        command: Option<Command>,
        see: impl FnOnce(&Room) -> T + Send + 'static,
    ) -> Result<(Reply, T), Fault> {
        let told = |seen: Seen<'_>| seen.outcome.map(|reply| (reply, see(seen.room)));
        let told = self.hub.outside(cid, |_| Ok(None), command, told).await;
        told.and_then(|told| told).map_err(|error| Fault::refused(&error, cid.id()))
    }
}

/// Which room.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RoomPath {
    /// Its name: `x` is the room `daily:x`.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "standup")]
    room: String,
}

impl RoomPath {
    fn cid(&self) -> Result<Cid, Fault> {
        daily::room(&self.room).map_err(|error| Fault::input(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
