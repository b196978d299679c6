//! `/healthz`: the process lives; `/readyz`: it wants to be sent people.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{extract::State, http::StatusCode, response::IntoResponse};

use utoipa_axum::{router::OpenApiRouter, routes};

use super::Door;

/// Whether the server is ready: between the end of its start and the beginning of its stop.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says that the server is, or is no longer, ready.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::SeqCst);
    }

    /// Whether it is.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::default().routes(routes!(healthz)).routes(routes!(readyz))
}

/// Whether the process lives.
#[utoipa::path(
    get, path = "/healthz", operation_id = "Healthz", tag = "health", security(()),
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain")),
)]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether it wants to be sent people.
#[utoipa::path(
    get, path = "/readyz", operation_id = "Readyz", tag = "health", security(()),
    responses(
        (status = 200, description = "It does.", body = String, content_type = "text/plain"),
        (status = 503, description = "It does not.", body = String, content_type = "text/plain"),
    ),
)]
async fn readyz(State(door): State<Arc<Door>>) -> impl IntoResponse {
    if door.readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
