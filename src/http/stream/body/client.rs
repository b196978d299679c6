//! What SDKs ask and tell of their own accord.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::stream::speech::Spent;

/// Where media would be served.
#[derive(Debug, Serialize, ToSchema)]
pub struct GetEdgesResponse {
    /// Always empty: media does not go through this server.
    pub edges: Vec<Edge>,
    /// How long the server took.
    pub duration: Spent,
}

/// One place that serves media.
#[derive(Debug, Serialize, ToSchema)]
pub struct Edge {
    /// Its name.
    pub id: String,
}

/// Telemetry of a client.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct CallClientEventRequest {
    /// What happened there; not kept.
    #[schema(max_items = 1000)]
    pub events: Vec<serde_json::Value>,
}

/// Nothing but the time it took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Response)]
pub struct DoneResponse {
    /// How long the server took.
    pub duration: Spent,
}
