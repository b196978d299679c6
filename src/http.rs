//! The door to HTTP: what its routes share, and which path leads where.

mod address;
mod assets;
mod back_end;
pub mod daily;
mod demo;
mod health;
pub mod hms;
pub mod input;
pub mod origin;
mod problem;
pub mod rate;
pub mod rooms;
mod serve;
pub mod stream;
mod upgrade;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header::CONNECTION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::{FutureExt as _, future::BoxFuture};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::Instant;

pub use self::{
    health::Readiness,
    problem::Problem,
    serve::{BindError, Guard, Inbound, bind, serve},
    upgrade::{SUBPROTOCOL, Socket, Speech},
};
use crate::{auth::Verifier, clock::Clock, config::Config, metrics};

/// What the routes share.
pub struct Door {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// Who a token is.
    pub verifier: Arc<Verifier>,
    /// Whether `/readyz` says yes.
    pub readiness: Readiness,
    /// What `/metrics` shows.
    pub recorder: PrometheusHandle,
    /// Who takes the WebSockets that `/v1/connect` lets in.
    pub sockets: Arc<dyn Sockets>,
}

/// Takes sockets whose handshake is done.
pub trait Sockets: Send + Sync {
    /// Runs `socket` to its end. The future is its task's whole life.
    fn run(&self, socket: Socket) -> BoxFuture<'static, ()>;
}

/// The routes of the APIs, and the document and page that show them.
pub fn api(
    rooms: Arc<rooms::Rooms>,
    stream: Arc<stream::Stream>,
    daily: Arc<daily::Daily>,
    hms: Arc<hms::Hms>,
    sfu: Arc<stream::sfu::Sfu>,
    active: Arc<hms::api::Api>,
) -> Router<Arc<Door>> {
    let (rooms, of_rooms) = rooms::routes(rooms).split_for_parts();
    let (daily, of_daily) = daily::routes(daily);
    let (active, of_active) = hms::api::routes(active);
    let (routes, mut document) = stream::routes(stream);
    document.merge(of_rooms);
    document.merge(of_daily);
    document.merge(of_active);
    document.merge(health::routes().into_openapi());
    let document = stream::openapi::complete(document);
    let pages = stream::openapi::pages(document);
    let routes = routes.merge(stream::sfu::routes(sfu));
    rooms.merge(routes).merge(daily).merge(active).merge(hms::routes(hms)).merge(pages)
}

/// All routes: these, `api`, and the pages for every other path.
pub fn router(door: Arc<Door>, api: Router<Arc<Door>>) -> Router {
    let limits = &door.config.limits;
    let (body_bytes, request_timeout) = (limits.body_bytes, limits.request_timeout);
    Router::new()
        .route("/v1/connect", get(upgrade::connect))
        .merge(Router::from(health::routes()))
        .route("/metrics", get(render_metrics))
        .merge(api)
        .merge(if door.config.demo { demo::routes() } else { Router::new() })
        .fallback(assets::serve)
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(middleware::from_fn_with_state(request_timeout, answer))
        .with_state(door)
}

/// Answers within the request timeout, counts and logs. The query and the headers are not logged:
/// they may hold a token.
async fn answer(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let from = request.extensions().get::<Inbound>().map(Inbound::addr);
    let begun = Instant::now();
    let response = match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let late = stream::late(&path, begun)
                .or_else(|| daily::late(&path))
                .or_else(|| hms::api::late(&path));
            let mut response = late.unwrap_or_else(|| {
                let message = "the request was not complete in time";
                Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", message).into_response()
            });
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            response
        }
    };
    let status = response.status();
    metrics::http_request(status.as_u16());
    tracing::debug!(
        %method, %path, status = status.as_u16(), from = from.map(tracing::field::display),
        elapsed_us = begun.elapsed().as_micros(), "answered {method} {path} with {status}"
    );
    response
}

/// What a handler answers; nothing where it panicked.
async fn unpanicked(running: impl Future<Output = Response>) -> Option<Response> {
    let answered = AssertUnwindSafe(running).catch_unwind().await.ok();
    if answered.is_none() {
        tracing::error!("a handler of a REST API panicked");
    }
    answered
}

async fn render_metrics(State(door): State<Arc<Door>>) -> impl IntoResponse {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([("content-type", kind)], metrics::render(&door.recorder))
}

#[cfg(test)]
mod tests;
