//! What a request says beside who sent it: its path, its query, its body. Whatever is wrong with
//! them is told by its place; each door says it in its own words. It must not know what they mean.

use std::ops::Deref;

use axum::{
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

/// A request that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// There is something wrong with it.
    Bad {
        /// Where, if that can be said.
        field: Option<String>,
        /// What.
        text: String,
    },
    /// Its body is larger than the server takes.
    TooLarge,
}

impl Unread {
    fn bad(text: impl Into<String>) -> Self {
        Self::Bad { field: None, text: text.into() }
    }
}

/// The empty answer carries what is wrong to the door.
impl IntoResponse for Unread {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Bad { .. } => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<BytesRejection> for Unread {
    fn from(rejection: BytesRejection) -> Self {
        match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                Self::TooLarge
            }
            _ => Self::bad("the body could not be read"),
        }
    }
}

/// The parts of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Unread;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unread> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(read)) => Ok(Self(read)),
            Err(error) => Err(Unread::bad(error.body_text().to_lowercase())),
        }
    }
}

/// The query; what is not asked for is not looked at.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Unread;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Unread> {
        match axum::extract::Query::<T>::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(read)) => Ok(Self(read)),
            Err(error) => {
                let text = error.body_text();
                let (_, text) = text.split_once(": ").unwrap_or(("", &text));
                Err(Unread::bad(format!("the query is not good: {text}")))
            }
        }
    }
}

/// The JSON object in the body, whatever the content type says; no body is `{}`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Unread;

    async fn from_request(request: Request, state: &S) -> Result<Self, Unread> {
        let bytes = Bytes::from_request(request, state).await?;
        let text: &[u8] = if bytes.trim_ascii().is_empty() { b"{}" } else { &bytes };
        read_json(text).map(Self)
    }
}

/// Reads a JSON object; an error names the place.
///
/// # Errors
/// [`Unread::Bad`].
pub fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unread> {
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unread::bad("the body is not a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => {
                Unread::Bad { field: Some(field), text: plain(&error) }
            }
            // A word was expected, and something else stands there.
            _ if plain(&error) == "expected value"
                && serde_json::from_slice::<IgnoredAny>(text).is_ok() =>
            {
                Unread::Bad { field: Some(field), text: "is of a wrong type".to_owned() }
            }
            _ => Unread::bad(format!("the body is not JSON: {error}")),
        }
    })?;
    json.end().map_err(|error| Unread::bad(format!("the body is not JSON: {error}")))?;
    Ok(read)
}

/// serde_json's message without the line and column, which say nothing of a body sent by a program.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// A JSON object as text within a query, as SDKs send `payload`.
#[derive(Clone, Debug, Default)]
pub struct Payload<T>(pub T);

impl<T> Deref for Payload<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Payload<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut json = serde_json::Deserializer::from_str(&text);
        serde_path_to_error::deserialize(&mut json).map(Self).map_err(|error| {
            let field = error.path().to_string();
            serde::de::Error::custom(format!("`{field}`: {}", plain(error.inner())))
        })
    }
}

/// A field that tells `null` from not being there: what is cleared from what stays.
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
