//! What SDKs ask and tell of their own accord: where media is served, and telemetry. It must not
//! know calls.

use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    ask::{Ask, OpenAsk},
    body::client::{CallClientEventRequest, DoneResponse, GetEdgesResponse},
    input::Json,
};

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(get_edges)).routes(routes!(call_client_event))
}

/// Where media is served: nowhere, as this server carries none.
#[utoipa::path(
    get, path = "/edges", operation_id = "GetEdges", tag = "calls",
    responses((status = 200, description = "No edge.", body = GetEdgesResponse)),
)]
async fn get_edges(ask: Ask) -> Answer<GetEdgesResponse> {
    Ok(axum::Json(GetEdgesResponse { edges: Vec::new(), duration: ask.spent() }))
}

/// Takes telemetry and forgets it, so that clients do not send it again.
#[utoipa::path(
    post, path = "/call_client_event", operation_id = "CallClientEvent", tag = "calls",
    security(()),
    request_body = CallClientEventRequest,
    responses((status = 201, description = "Taken.", body = DoneResponse)),
)]
async fn call_client_event(
    ask: OpenAsk,
    Json(told): Json<CallClientEventRequest>,
) -> Answer<DoneResponse> {
    tracing::trace!(events = told.events.len(), "a client told what happened there");
    Ok(axum::Json(DoneResponse { duration: ask.spent() }))
}
