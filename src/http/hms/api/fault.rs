//! What went wrong, as clients of 100ms's REST API read it: the status once more, a text, and the places
//! it is about. It must not know requests.

use std::borrow::Cow;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use rolecall_protocol::wire::code::ErrorBody;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    back_end::{self, Fault as _, Said},
    input::Unread,
};

/// The longest text of an error; what is longer quotes too much of a request.
const MESSAGE_CHARS_MAX: usize = 1000;

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Fault {
    status: StatusCode,
    message: Cow<'static, str>,
    field: Option<String>,
    retry_after_s: Option<u64>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HmsError)]
pub struct FaultBody {
    /// The status.
    #[schema(example = 404)]
    code: u16,
    /// For people.
    #[schema(value_type = String, example = "the room is not active")]
    message: Cow<'static, str>,
    /// The fields of the request that it is about.
    details: Vec<String>,
}

impl Fault {
    fn of(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let message: Cow<'static, str> = message.into();
        let message = match message.char_indices().nth(MESSAGE_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &message[..end]).into(),
            None => message,
        };
        Self { status, message, field: None, retry_after_s: None }
    }

    /// 400: a field of the request is not good.
    pub(super) fn field(field: &str, why: impl std::fmt::Display) -> Self {
        let fault = Self::of(StatusCode::BAD_REQUEST, format!("`{field}`: {why}"));
        Self { field: Some(field.to_owned()), ..fault }
    }

    /// 401: nobody knows who asks.
    pub(super) fn unauthorized(why: impl Into<Cow<'static, str>>) -> Self {
        Self::of(StatusCode::UNAUTHORIZED, why)
    }

    /// 404: there is no such room, or nobody is in it.
    pub(super) fn not_active() -> Self {
        Self::of(StatusCode::NOT_FOUND, "the room is not active")
    }

    /// 404: there is no such peer.
    pub(super) fn no_peer() -> Self {
        Self::of(StatusCode::NOT_FOUND, "no such peer")
    }

    /// 404: the path leads nowhere.
    pub(super) fn no_path() -> Self {
        Self::of(StatusCode::NOT_FOUND, "there is nothing at this path")
    }

    /// 405: the path knows other methods.
    pub(super) fn no_method() -> Self {
        Self::of(StatusCode::METHOD_NOT_ALLOWED, "this path does not know that method")
    }

    /// 408: it took too long.
    pub(super) fn late() -> Self {
        Self::of(StatusCode::REQUEST_TIMEOUT, "the request was not complete in time")
    }

    /// 413: a field of the request is too large.
    pub(super) fn too_large(field: &str, why: impl std::fmt::Display) -> Self {
        let fault = Self::of(StatusCode::PAYLOAD_TOO_LARGE, format!("`{field}` is {why}"));
        Self { field: Some(field.to_owned()), ..fault }
    }

    /// Whether there is no such thing.
    pub(super) fn is_unknown(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// What the law or the hub refused of a room.
    pub(super) fn refused(error: &ErrorBody) -> Self {
        let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        match (error.reason(), status) {
            ("unknown-room" | "unknown-call-type", _) => Self::not_active(),
            ("unknown-peer", _) => Self::no_peer(),
            (_, StatusCode::SERVICE_UNAVAILABLE) => {
                Self { retry_after_s: Some(1), ..Self::of(status, error.message.clone()) }
            }
            (_, status) if status.is_client_error() => Self::of(status, error.message.clone()),
            _ => Self::internal(),
        }
    }
}

impl back_end::Fault for Fault {
    fn too_many(limit: u32, retry_after_s: u64) -> Self {
        let message = format!("too many requests: at most {limit} a minute");
        let fault = Self::of(StatusCode::TOO_MANY_REQUESTS, message);
        Self { retry_after_s: Some(retry_after_s), ..fault }
    }

    fn internal() -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, "internal error")
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::no_path(),
            StatusCode::METHOD_NOT_ALLOWED => Self::no_method(),
            status if status.is_client_error() => {
                Self::of(status, status.canonical_reason().unwrap_or("bad request"))
            }
            status => Self { status, ..Self::internal() },
        }
    }
}

impl From<Unread> for Fault {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Bad { field: Some(field), text } if field != "." => Self::field(&field, text),
            Unread::Bad { text, .. } => Self::of(StatusCode::BAD_REQUEST, text),
            Unread::TooLarge => Self::of(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let details = self.field.into_iter().collect();
        let body = FaultBody { code: self.status.as_u16(), message: self.message, details };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Said);
        response
    }
}
