//! An error over HTTP: the native error object, with its code as the status.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// `{"code", "message", "data": {"reason", …}}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    code: u16,
    message: String,
    data: Map<String, Value>,
}

impl Problem {
    /// An error with the HTTP status `status`; the reason is the word programs act on.
    pub fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        let data = Map::from_iter([("reason".to_owned(), json!(reason))]);
        Self { code: status.as_u16(), message: message.into(), data }
    }

    /// Adds a field to `data`.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.data.insert(field.to_owned(), value.into());
        self
    }

    /// A request that cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    /// A path that leads nowhere.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
    }

    /// A path that knows other methods than the one asked for.
    pub fn method_not_allowed() -> Self {
        let message = "this path does not know that method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message)
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<crate::auth::AuthError> for Problem {
    fn from(error: crate::auth::AuthError) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, error.reason(), error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status(), Json(self)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_the_native_error_object() {
        let problem = Problem::new(StatusCode::FORBIDDEN, "not-allowed", "no").with("needs", "x");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            json!({ "code": 403, "message": "no", "data": { "reason": "not-allowed", "needs": "x" } })
        );
        assert_eq!(problem.into_response().status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_bad_token_is_401_with_its_reason() {
        let problem = Problem::from(crate::auth::AuthError::Expired);
        assert_eq!((problem.code, &problem.data["reason"]), (401, &json!("token-expired")));
    }
}
