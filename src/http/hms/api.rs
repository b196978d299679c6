//! The door to 100ms's REST API of active rooms, under `/v2`, for back ends: it lets management tokens in,
//! counts, and gives every error its form. It must not know what the operations do.

#[expect(unused_qualifications, reason = "utoipa names the types of parameters by their paths")]
mod active_rooms;
mod fault;
#[expect(unused_qualifications, reason = "utoipa names the types of parameters by their paths")]
mod peers;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    middleware,
    response::{IntoResponse, Response},
};
use rolecall_protocol::{
    id::{CallTypeName, Cid},
    room::{Command, Reply, Room},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema, openapi::OpenApi};
use utoipa_axum::router::OpenApiRouter;

use self::fault::Fault;
pub use self::fault::FaultBody;
use crate::{
    auth::Verifier,
    clock::Clock,
    config::Config,
    http::{
        back_end::{self, BackEnd},
        rate::Rates,
        upgrade::bearer,
    },
    hub::{Hub, Seen},
};

/// The prefix of it all.
pub const PREFIX: &str = "/v2";

/// What the handlers share.
pub struct Api {
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
    /// The call type of bare room ids.
    pub default_call_type: CallTypeName,
}

/// A router of handlers that say what they are.
type Routes = OpenApiRouter<Arc<Api>>;
/// What a handler answers.
type Answer<T> = Result<axum::Json<T>, Fault>;

/// All routes, and the document of them as the handlers say it.
pub fn routes<S: Clone + Send + Sync + 'static>(api: Arc<Api>) -> (Router<S>, OpenApi) {
    let all: Routes = OpenApiRouter::default()
        .merge(active_rooms::routes())
        .merge(peers::routes())
        .fallback(async || Fault::no_path());
    let (router, document) = OpenApiRouter::default().nest(PREFIX, all).split_for_parts();
    let router = router
        .method_not_allowed_fallback(async || Fault::no_method())
        .layer(middleware::from_fn_with_state(Arc::clone(&api), back_end::attend))
        .with_state(api);
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

impl BackEnd for Api {
    type Fault = Fault;

    /// Lets the back end in, by a management token.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Fault> {
        let Some(token) = bearer(headers) else {
            return Err(Fault::unauthorized(
                "a management token is needed: `Authorization: Bearer …`",
            ));
        };
        self.verifier
            .verify_management(token.expose())
            .map_err(|error| Fault::unauthorized(format!("no management token: {error}")))
    }

    fn rates(&self) -> &Rates {
        &self.rates
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl Api {
    /// The room of that id.
    fn cid(&self, field: &str, room: &str) -> Result<Cid, Fault> {
        Cid::parse(room, &self.default_call_type).map_err(|why| Fault::field(field, why))
    }

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

    async fn asked<T: Send + 'static>(
        &self,
        cid: &Cid,
        command: Option<Command>,
        see: impl FnOnce(&Room) -> T + Send + 'static,
    ) -> Result<(Reply, T), Fault> {
        let told = |seen: Seen<'_>| seen.outcome.map(|reply| (reply, see(seen.room)));
        let told = self.hub.outside(cid, |_| Ok(None), command, told).await;
        told.and_then(|told| told).map_err(|error| Fault::refused(&error))
    }
}

/// Which room.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RoomPath {
    /// Its id: `type:id`, or an id of the default call type.
    #[param(pattern = "^([A-Za-z0-9_-]{1,64}:)?[A-Za-z0-9_-]{1,64}$", example = "stage:keynote")]
    room: String,
}

/// That it is done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsMessage)]
struct Message {
    /// In 100ms's words.
    #[schema(value_type = String)]
    message: &'static str,
}

impl Message {
    const fn new(message: &'static str) -> axum::Json<Self> {
        axum::Json(Self { message })
    }
}
