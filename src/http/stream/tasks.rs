//! What takes longer than a request: begun, remembered for a while, asked for. It must not know
//! what is done.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use axum::extract::State;
use rolecall_protocol::id::Timestamp;
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes, Stream,
    ask::ServerAsk,
    body::task::{ErrorResult, GetTaskResponse, TaskStatus},
    fault::Fault,
    input::Path,
};
use crate::mint;

/// Tasks that are remembered; of more, the oldest are forgotten.
const TASKS_MAX: usize = 1000;

/// The tasks of late.
#[derive(Debug, Default)]
pub struct Tasks(Arc<Mutex<VecDeque<Kept>>>);

#[derive(Debug)]
struct Kept {
    id: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    outcome: Option<Result<BTreeMap<String, Value>, String>>,
}

/// A task under way.
#[derive(Debug)]
pub struct Task {
    id: String,
    tasks: Arc<Mutex<VecDeque<Kept>>>,
}

impl Tasks {
    /// Begins a task.
    pub fn begin(&self, at: Timestamp) -> Task {
        let id = mint::task_id();
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() >= TASKS_MAX {
            tasks.pop_front();
        }
        tasks.push_back(Kept { id: id.clone(), created_at: at, updated_at: at, outcome: None });
        Task { id, tasks: Arc::clone(&self.0) }
    }

    fn with<T>(&self, id: &str, read: impl FnOnce(&Kept) -> T) -> Option<T> {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().rev().find(|task| task.id == id).map(read)
    }
}

impl Task {
    /// What it is asked for by.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// It is done.
    pub fn complete(self, at: Timestamp, result: BTreeMap<String, Value>) {
        self.end(at, Ok(result));
    }

    /// It is not done, and will not be.
    pub fn fail(self, at: Timestamp, why: impl Into<String>) {
        self.end(at, Err(why.into()));
    }

    fn end(self, at: Timestamp, outcome: Result<BTreeMap<String, Value>, String>) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = tasks.iter_mut().rev().find(|task| task.id == self.id) {
            task.updated_at = at;
            task.outcome = Some(outcome);
        }
    }
}

/// The routes.
pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(get_task))
}

/// How far a task is. Tasks are remembered for a while, and not over a restart.
#[utoipa::path(
    get, path = "/tasks/{id}", operation_id = "GetTask", tag = "tasks",
    params(("id" = String, Path, description = "Which.", max_length = 64)),
    responses((status = 200, description = "It.", body = GetTaskResponse)),
)]
async fn get_task(
    State(stream): State<Arc<Stream>>,
    ask: ServerAsk,
    Path(id): Path<String>,
) -> Answer<GetTaskResponse> {
    let shown = stream.tasks.with(&id, |task| {
        let (status, result, error) = match &task.outcome {
            None => (TaskStatus::Running, None, None),
            Some(Ok(result)) => (TaskStatus::Completed, Some(result.clone()), None),
            Some(Err(why)) => {
                let error = ErrorResult { kind: "failed".to_owned(), description: why.clone() };
                (TaskStatus::Failed, None, Some(error))
            }
        };
        GetTaskResponse {
            task_id: task.id.clone(),
            status,
            created_at: ask.moment(task.created_at),
            updated_at: ask.moment(task.updated_at),
            result,
            error,
            duration: ask.spent(),
        }
    });
    shown.map(axum::Json).ok_or_else(|| Fault::unknown(format!("task `{id}` does not exist")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_remembered_for_a_while() {
        let tasks = Tasks::default();
        let first = tasks.begin(Timestamp(1));
        let id = first.id().to_owned();
        assert_eq!(tasks.with(&id, |task| task.outcome.is_none()), Some(true));
        first.fail(Timestamp(2), "no");
        assert_eq!(
            tasks.with(&id, |task| (task.updated_at, task.outcome.clone())),
            Some((Timestamp(2), Some(Err("no".to_owned()))))
        );
        for _ in 0..TASKS_MAX {
            tasks.begin(Timestamp(3)).complete(Timestamp(4), BTreeMap::new());
        }
        assert_eq!(tasks.with(&id, |_| ()), None);
    }
}
