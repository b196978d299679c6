//! What went wrong, as clients of Daily's API read it: a kind for programs, a text for people. It
//! must not know requests.

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
const INFO_CHARS_MAX: usize = 1000;

const INPUT: &str = "invalid-request-error";
const AUTH: &str = "authentication-error";
const UNKNOWN: &str = "not-found";
const SERVER: &str = "server-error";
const RATE: &str = "rate-limit-error";

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Fault {
    status: StatusCode,
    error: &'static str,
    pub(super) info: Cow<'static, str>,
    retry_after_s: Option<u64>,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DailyError)]
pub struct FaultBody {
    /// The kind of error, for programs.
    #[schema(value_type = String, example = "invalid-request-error")]
    error: &'static str,
    /// For people.
    #[schema(value_type = String, example = "a room named `standup` already exists")]
    info: Cow<'static, str>,
}

impl Fault {
    fn new(status: StatusCode, error: &'static str, info: impl Into<Cow<'static, str>>) -> Self {
        let info: Cow<'static, str> = info.into();
        let info = match info.char_indices().nth(INFO_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &info[..end]).into(),
            None => info,
        };
        Self { status, error, info, retry_after_s: None }
    }

    /// 400: the request is not good.
    pub(super) fn input(info: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INPUT, info)
    }

    /// 401: nobody knows who asks.
    pub(super) fn unauthorized(info: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, AUTH, info)
    }

    /// 403: it is not the back end that asks.
    pub(super) fn not_a_server() -> Self {
        let info = "this token is not the back end's";
        Self::new(StatusCode::FORBIDDEN, AUTH, info)
    }

    /// 404: there is no such thing.
    pub(super) fn unknown(info: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, UNKNOWN, info)
    }

    /// 404: the path leads nowhere.
    pub(super) fn no_path() -> Self {
        Self::unknown("there is nothing at this path")
    }

    /// 405: the path knows other methods.
    pub(super) fn no_method() -> Self {
        let info = "this path does not know that method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INPUT, info)
    }

    /// 408: it took too long.
    pub(super) fn late() -> Self {
        let info = "the request was not complete in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, INPUT, info)
    }

    /// 413: something is too large.
    pub(super) fn too_large(info: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INPUT, info)
    }

    /// Whether there is no such thing.
    pub(super) fn is_unknown(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// What the law or the hub refused of a room.
    pub(super) fn refused(error: &ErrorBody, room: &str) -> Self {
        if error.reason() == "unknown-room" {
            return Self::unknown(format!("room `{room}` does not exist"));
        }
        let text = error.message.clone();
        match error.http_status() {
            404 => Self::unknown(text),
            413 => Self::too_large(text),
            503 => Self {
                retry_after_s: Some(1),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, text)
            },
            400..=499 => Self::input(text),
            _ => Self::internal(),
        }
    }
}

impl back_end::Fault for Fault {
    fn too_many(limit: u32, retry_after_s: u64) -> Self {
        let info = format!("too many requests: at most {limit} a minute");
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, RATE, info);
        Self { retry_after_s: Some(retry_after_s), ..fault }
    }

    fn internal() -> Self {
        let info = "internal error";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, SERVER, info)
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::no_path(),
            StatusCode::METHOD_NOT_ALLOWED => Self::no_method(),
            status if status.is_client_error() => {
                Self::new(status, INPUT, status.canonical_reason().unwrap_or("bad request"))
            }
            status => Self { status, ..Self::internal() },
        }
    }
}

impl From<Unread> for Fault {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Bad { field: Some(field), text } if field != "." => {
                Self::input(format!("`{field}`: {text}"))
            }
            Unread::Bad { text, .. } => Self::input(text),
            Unread::TooLarge => Self::too_large("the body is too large"),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = FaultBody { error: self.error, info: self.info };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Said);
        response
    }
}
