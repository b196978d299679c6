//! JSON-RPC 2.0, one object a frame: reading a call, writing a reply or a notice. It must not know
//! methods.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::code::ErrorBody;

/// Longest id of a call, in bytes of JSON.
pub const CALL_ID_MAX: usize = 128;

/// The id of a call: a number or a string, kept as it was sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(Box<str>);

impl CallId {
    /// No id: of what is not answered under one.
    #[must_use]
    pub fn none() -> Self {
        Self("0".into())
    }

    /// The id of that JSON text, where it is one.
    #[must_use]
    pub fn read(raw: &str) -> Option<Self> {
        call_id(raw)
    }

    /// The id as JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for CallId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        call_id(&raw).ok_or_else(|| serde::de::Error::custom("not the id of a call"))
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A call as it came, its params not looked into.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Echoed in the reply.
    pub id: CallId,
    /// What is called.
    pub method: Cow<'a, str>,
    /// With what, as JSON text; `{}` where nothing was given.
    pub params: &'a str,
}

/// A frame that is no call: the error to answer it with.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// The call's id where one could be read.
    pub id: Option<CallId>,
    /// What to answer.
    pub error: ErrorBody,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Reads one text frame as a call.
///
/// # Errors
/// [`Malformed`]: -32700 for what is not JSON, -32600 for what is no call (a batch, no id, no
/// method, another version).
pub fn read_call(text: &str) -> Result<Call<'_>, Malformed> {
    let wrong = |id: Option<CallId>, why: &str| Malformed { id, error: ErrorBody::not_a_call(why) };
    if text.trim_start().starts_with('[') && serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Err(wrong(None, "batches are not supported"));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => wrong(None, "not a JSON-RPC object"),
            Err(_) => Malformed { id: None, error: ErrorBody::not_json(&error.to_string()) },
        }
    })?;
    let id = envelope.id.map(RawValue::get).filter(|raw| *raw != "null");
    let id = id.map(|raw| {
        call_id(raw).ok_or_else(|| wrong(None, "`id` must be a short number or string"))
    });
    let id = id.transpose()?;
    if envelope.jsonrpc.map(RawValue::get) != Some("\"2.0\"") {
        return Err(wrong(id, "`jsonrpc` must be \"2.0\""));
    }
    let Some(id) = id else { return Err(wrong(None, "a call needs an `id`")) };
    let method =
        envelope.method.and_then(|raw| serde_json::from_str::<Cow<'_, str>>(raw.get()).ok());
    let Some(method) = method else { return Err(wrong(Some(id), "`method` must be a string")) };
    let params = envelope.params.map_or("{}", RawValue::get);
    Ok(Call { id, method, params })
}

fn call_id(raw: &str) -> Option<CallId> {
    let first = *raw.as_bytes().first()?;
    let fits =
        raw.len() <= CALL_ID_MAX && (first == b'"' || first == b'-' || first.is_ascii_digit());
    fits.then(|| CallId(raw.into()))
}

/// The reply to a call.
#[must_use]
pub fn reply(id: &CallId, result: &impl Serialize) -> String {
    let result = serde_json::to_string(result).unwrap_or_else(|_| "{}".to_owned());
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// The reply to a call that failed; without an id where none could be read.
#[must_use]
pub fn error(id: Option<&CallId>, error: &ErrorBody) -> String {
    let id = id.map_or("null", CallId::as_str);
    let error = serde_json::to_string(error).unwrap_or_else(|_| "{}".to_owned());
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

/// A notice.
#[must_use]
pub fn notice(method: &str, params: &impl Serialize) -> String {
    let params = serde_json::to_string(params).unwrap_or_else(|_| "{}".to_owned());
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::code::{INVALID_REQUEST, PARSE_ERROR};

    #[test]
    fn calls_are_read_and_ids_echoed_as_sent() {
        for (text, id, method, params) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "1", "ping", "{}"),
            (
                r#"{"jsonrpc":"2.0","id":"a\"b","method":"join","params":{"x":[1]}}"#,
                r#""a\"b""#,
                "join",
                r#"{"x":[1]}"#,
            ),
            (
                r#" {"method":"p\u0069ng","id":-1.5e3,"jsonrpc":"2.0","params":null} "#,
                "-1.5e3",
                "ping",
                "{}",
            ),
        ] {
            let call = read_call(text).unwrap();
            assert_eq!((call.id.as_str(), &*call.method, call.params), (id, method, params));
        }
    }

    #[test]
    fn what_is_no_call_is_told_apart() {
        let long =
            format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"x"}}"#, "i".repeat(CALL_ID_MAX));
        for (text, code, id) in [
            ("", PARSE_ERROR, None),
            ("{", PARSE_ERROR, None),
            ("[1,2", PARSE_ERROR, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x",}"#, PARSE_ERROR, None),
            (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, INVALID_REQUEST, Some("1")),
            ("7", INVALID_REQUEST, None),
            ("null", INVALID_REQUEST, None),
            ("[]", INVALID_REQUEST, None),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"x"}]"#, INVALID_REQUEST, None),
            (r#"{"jsonrpc":"2.0","method":"x"}"#, INVALID_REQUEST, None),
            (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, INVALID_REQUEST, None),
            (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, INVALID_REQUEST, None),
            (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, INVALID_REQUEST, Some("1")),
            (r#"{"id":1,"method":"x"}"#, INVALID_REQUEST, Some("1")),
            (r#"{"jsonrpc":"2.0","id":"a","method":7}"#, INVALID_REQUEST, Some("\"a\"")),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"x"}"#, INVALID_REQUEST, None),
            (&long, INVALID_REQUEST, None),
        ] {
            let malformed = read_call(text).unwrap_err();
            assert_eq!(
                (malformed.error.code, malformed.id.as_ref().map(CallId::as_str)),
                (code, id),
                "{text}"
            );
        }
    }
}
