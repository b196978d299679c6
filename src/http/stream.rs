//! The door to Stream's REST API: `/api/v2` for servers, `/video` for browsers, the same handlers
//! behind both. It authenticates, counts, measures, and gives every error its whole form. It must
//! not know what the operations do.

pub mod ask;
pub mod body;
pub mod caller;
pub mod connections;
pub mod fault;
pub mod openapi;
pub mod speech;

mod app;
mod call_types;
mod calls;
mod clients;
mod connect;
mod permissions;
mod roles;
mod said;
pub mod sfu;
pub mod tasks;
pub mod user_news;
mod user_search;
mod user_states;
mod users;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{
        HeaderName, HeaderValue, Method, StatusCode,
        header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER},
        request::Parts,
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use rolecall_protocol::{
    directory::User,
    id::{CallTypeName, TeamId, Timestamp, UserId},
    team::Reach,
};
use tokio::{sync::watch, time::Instant};
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use self::{
    ask::Arrival,
    body::user::UserResponse,
    caller::Caller,
    connections::Connections,
    fault::{Fault, Subject},
    openapi::Operations,
    speech::{BROWSER_PREFIX, SERVER_PREFIX, Speech},
    tasks::Tasks,
};
use super::{
    input::{self, Unread},
    origin,
    rate::{self, Key, Rates},
    unpanicked,
};
use crate::{auth::Verifier, clock::Clock, config::Config, directory::DirectoryHandle, hub::Hub};

/// How long a browser may remember what it may send from another origin.
const PREFLIGHT_TERM: Duration = Duration::from_secs(2 * 60 * 60);

/// Where browsers connect: [`BROWSER_PREFIX`], and what their SDK appends.
const CONNECT_PATH: &str = "/video/connect";

/// What the handlers share.
pub struct Stream {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// Who a token is.
    pub verifier: Arc<Verifier>,
    /// The rooms.
    pub hub: Arc<Hub>,
    /// The call type of bare room ids.
    pub default_call_type: CallTypeName,
    /// Users, roles, call types, the app's settings.
    pub directory: DirectoryHandle,
    /// How many requests a minute.
    pub rates: Arc<Rates>,
    /// What takes longer.
    pub tasks: Tasks,
    /// Who is told of calls.
    pub connections: Arc<Connections>,
    /// Says true when the house closes.
    pub closing: watch::Receiver<bool>,
}

impl Stream {
    /// `user` as others see him.
    pub fn shown(&self, user: &User, speech: Speech) -> UserResponse {
        let online = !self.hub.shared().calls.rooms_of_user(&user.id).is_empty();
        UserResponse::of(user, online, speech)
    }

    /// How far the caller sees: a token's own teams count where the server trusts them.
    pub fn reach(&self, caller: &Caller) -> Reach {
        let directory = self.directory.now();
        match caller {
            Caller::Server => Reach::Everywhere,
            Caller::User(user) if !user.identity.teams.is_empty() => {
                let teams = user.identity.teams.iter();
                Reach::Within(teams.filter_map(|team| TeamId::parse(team).ok()).collect())
            }
            Caller::User(user) => directory.standing(&user.id, None).reach,
            Caller::Anonymous(_) => directory.stranger().reach,
        }
    }

    /// The caller as texts of refusals name him, outside of calls.
    pub fn subject(&self, caller: &Caller) -> Subject {
        let directory = self.directory.now();
        let known = caller.user_id().and_then(|id| directory.user(id));
        let (role, teams) = match (caller, known) {
            (Caller::Anonymous(_), _) => ("anonymous", Vec::new()),
            (_, None) => ("user", Vec::new()),
            (_, Some(user)) => {
                (user.role.as_str(), user.teams.iter().map(ToString::to_string).collect())
            }
        };
        let user = caller.user_id().map_or(caller::ANONYMOUS_ID, UserId::as_str);
        Subject { user: user.to_owned(), roles: vec![role.to_owned()], teams }
    }
}

/// A router of handlers that say what they are.
pub type Routes = OpenApiRouter<Arc<Stream>>;
/// What a handler answers: a body, sent with 201 to POST and PUT and with 200 else.
pub type Answer<T> = Result<axum::Json<T>, Fault>;

/// The routes that are the app's, under `/api/v2`.
fn common() -> Routes {
    OpenApiRouter::default()
        .merge(app::routes())
        .merge(permissions::routes())
        .merge(roles::routes())
        .merge(users::routes())
        .merge(user_search::routes())
        .merge(user_states::routes())
        .merge(tasks::routes())
}

/// The routes that are of video, under `/api/v2/video` and under `/video`.
fn video() -> Routes {
    OpenApiRouter::default().merge(calls::routes()).merge(clients::routes())
}

/// The routes of video that only servers know, under `/api/v2/video`.
fn server_video() -> Routes {
    OpenApiRouter::default().merge(call_types::routes()).merge(permissions::routes())
}

/// The app's routes that browsers know too, under `/video`.
fn browser() -> Routes {
    users::guests().merge(user_search::routes()).merge(calls::browser_routes())
}

/// All routes, and the document of them as the handlers say it.
pub fn routes<S: Clone + Send + Sync + 'static>(stream: Arc<Stream>) -> (Router<S>, OpenApi) {
    let lost = async || Fault::no_path();
    let server = common().nest("/video", video().merge(server_video())).fallback(lost);
    let browser = video().merge(browser()).fallback(lost);
    let (router, document) = OpenApiRouter::default()
        .nest(SERVER_PREFIX, server)
        .nest(BROWSER_PREFIX, browser)
        .split_for_parts();
    let door = Door { stream: Arc::clone(&stream), operations: Operations::of(&document).into() };
    let router = router
        .method_not_allowed_fallback(async || Fault::no_method())
        .layer(middleware::from_fn_with_state(door, attend))
        .layer(cors(&stream.config))
        // Nobody is known before the first frame, and after a restart everybody comes at once.
        .route(CONNECT_PATH, get(connect::connect))
        .with_state(stream);
    (router, document)
}

/// The answer to a request that was not complete in time, where `path` is one of ours.
pub fn late(path: &str, begun: Instant) -> Option<Response> {
    Speech::at_path(path).map(|_| Fault::late().answer(None, begun))
}

#[derive(Clone)]
struct Door {
    stream: Arc<Stream>,
    operations: Arc<Operations>,
}

/// Finds out who asks, counts the request, and makes the answer whole.
async fn attend(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let Door { stream, operations } = door;
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let operation = path.and_then(|path| operations.find(path.as_str(), &method));
    let speech =
        Speech::at_path(request.uri().path()).unwrap_or(Speech { times: speech::Times::Rfc3339 });
    let caller = caller::authenticate(&stream, request.uri(), request.headers());
    let connection_id = caller::connection_id(request.uri());
    if let Ok(Caller::User(user)) = &caller {
        stream.directory.touch(&user.id, Timestamp(stream.clock.now_ms()));
    }
    let allowance = stream.rates.take(key(&caller, &request), stream.clock.now_s());
    let mut response = match allowance.wait_s {
        Some(wait_s) => Fault::too_many(allowance.limit, wait_s).into_response(),
        None => {
            let operation = operation.clone();
            let arrival = Arrival { caller, speech, operation, connection_id, begun };
            request.extensions_mut().insert(arrival);
            unpanicked(next.run(request)).await.unwrap_or_else(|| Fault::internal().into_response())
        }
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        response = whole(response, operation.as_deref(), begun);
    } else if response.status() == StatusCode::OK
        && (method == Method::POST || method == Method::PUT)
    {
        *response.status_mut() = StatusCode::CREATED;
    }
    allowance.tell(response.headers_mut());
    response
}

/// Gives an error its body, wherever it comes from.
fn whole(mut response: Response, operation: Option<&str>, begun: Instant) -> Response {
    let extensions = response.extensions_mut();
    let fault = extensions.remove::<Fault>();
    let fault = fault.or_else(|| extensions.remove::<Unread>().map(Fault::from));
    let fault = fault.unwrap_or_else(|| Fault::of_status(response.status()));
    let mut answer = fault.answer(operation, begun);
    if let Some(allow) = response.headers_mut().remove(ALLOW) {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

/// Whose bucket a request is taken from.
fn key(caller: &Result<Caller, Fault>, request: &Request) -> Key {
    match caller {
        Ok(Caller::Server) => Key::Server,
        Ok(Caller::User(user)) => Key::User(user.id.clone()),
        Ok(Caller::Anonymous(_)) | Err(_) => Key::of_address(request),
    }
}

/// Which pages of other origins may call, and what they may send and read: the same that may open
/// a socket, without cookies.
fn cors(config: &Arc<Config>) -> CorsLayer {
    let policy = Arc::clone(config);
    let allowed = move |origin: &HeaderValue, parts: &Parts| {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        origin::is_allowed(Some(origin.to_str().unwrap_or("null")), host, &policy.allowed_origins)
    };
    let headers = [
        AUTHORIZATION,
        CONTENT_TYPE,
        HeaderName::from_static(caller::AUTH_TYPE),
        HeaderName::from_static("x-stream-client"),
        HeaderName::from_static("x-client-request-id"),
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(headers)
        .expose_headers(rate::HEADERS.into_iter().chain([RETRY_AFTER]).collect::<Vec<_>>())
        .max_age(PREFLIGHT_TERM)
}

#[cfg(test)]
pub(in crate::http) mod tests;
