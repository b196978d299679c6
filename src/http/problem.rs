//! An error over HTTP: the native error object, with its code as the status.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use rolecall_protocol::wire::code::ErrorBody;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    PartialSchema,
    openapi::{ObjectBuilder, OneOfBuilder, RefOr, Schema, schema::Type},
};

/// `{"code", "message", "data": {"reason", …}}`, as the native protocol has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Problem(ErrorBody);

impl Problem {
    /// An error with the HTTP status `status`; the reason is the word programs act on.
    pub fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        let code = i32::from(status.as_u16());
        Self(ErrorBody::new(code, reason, message))
    }

    /// Adds a field to `data`.
    #[must_use]
    pub fn with(self, field: &str, value: impl Into<Value>) -> Self {
        Self(self.0.with(field, value))
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
        StatusCode::from_u16(self.0.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// For the document; `/v1/rooms/{cid}/calls` has it under `error`.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let integer = || ObjectBuilder::new().schema_type(Type::Integer);
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let data = || {
            ObjectBuilder::new()
                .property("reason", text().description(Some("A word for programs.")))
                .required("reason")
        };
        let body = || {
            ObjectBuilder::new()
                .property("code", integer().description(Some("In the manner of HTTP.")))
                .property("message", text().description(Some("For people.")))
                .property("data", data())
                .required("code")
                .required("message")
                .required("data")
        };
        let nested = ObjectBuilder::new().property("error", body()).required("error");
        OneOfBuilder::new().item(body()).item(nested).into()
    }
}

impl From<ErrorBody> for Problem {
    fn from(error: ErrorBody) -> Self {
        Self(error)
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
    use serde_json::json;

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
        assert_eq!((problem.0.code, &problem.0.data["reason"]), (401, &json!("token-expired")));
    }
}
