//! What takes longer, as it is read.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::stream::speech::{Moment, Spent};

/// Something that takes longer was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskResponse {
    /// Ask for it at `tasks/{id}`.
    pub task_id: String,
    /// How long the server took.
    pub duration: Spent,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// Under way.
    Running,
    /// Done.
    Completed,
    /// Not done; `error` says why.
    Failed,
}

/// Why it was not done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorResult {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub description: String,
}

/// A task.
#[derive(Debug, Serialize, ToSchema)]
pub struct GetTaskResponse {
    /// Which.
    pub task_id: String,
    /// How far it is.
    pub status: TaskStatus,
    /// When it was begun.
    pub created_at: Moment,
    /// When it came to that.
    pub updated_at: Moment,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = BTreeMap<String, Value>, required = false)]
    pub result: Option<BTreeMap<String, Value>>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorResult, required = false)]
    pub error: Option<ErrorResult>,
    /// How long the server took.
    pub duration: Spent,
}
