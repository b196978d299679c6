//! The registry of error codes and close codes (`PROTOCOL` 5). Ranges carry meaning. It must not
//! know who sends them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::room::Refusal;

/// The error object of a reply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ErrorBody {
    /// JSON-RPC's own (negative), or in the manner of HTTP.
    pub code: i32,
    /// For people: lower case, no full stop.
    pub message: String,
    /// For programs; always holds `reason`.
    pub data: Value,
}

impl ErrorBody {
    /// An error with nothing but a reason in its data.
    pub fn new(code: i32, reason: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: json!({ "reason": reason }) }
    }

    /// The same with one more entry in its data.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(data) = &mut self.data {
            data.insert(key.to_owned(), value.into());
        }
        self
    }

    /// The reason, a word for programs.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.data.get("reason").and_then(Value::as_str).unwrap_or_default()
    }

    /// The HTTP status that fits: the code itself, 404 for an unknown method, 400 for JSON-RPC's
    /// other codes.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self.code {
            METHOD_NOT_FOUND => 404,
            code => u16::try_from(code).unwrap_or(400),
        }
    }

    /// The text was not JSON.
    #[must_use]
    pub fn not_json(why: &str) -> Self {
        Self::new(PARSE_ERROR, "not-json", format!("not JSON: {why}"))
    }

    /// The JSON was no call.
    pub fn not_a_call(why: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, "not-a-call", why)
    }

    /// There is no such method.
    #[must_use]
    pub fn unknown_method(method: &str) -> Self {
        let shown: String = method.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(METHOD_NOT_FOUND, "unknown-method", format!("unknown method `{shown}`"))
    }

    /// Wrong or unknown params; `field` names the place.
    pub fn bad_params(field: &str, why: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, "bad-params", why).with("field", field)
    }

    /// A call before `join` or `resume`.
    #[must_use]
    pub fn not_joined() -> Self {
        Self::new(401, "not-joined", "join or resume first")
    }

    /// A second `join` on a seated socket.
    #[must_use]
    pub fn already_joined() -> Self {
        Self::new(409, "already-joined", "this socket is in a room already")
    }

    /// A second `knock` on a waiting socket.
    #[must_use]
    pub fn already_waiting() -> Self {
        Self::new(409, "already-waiting", "this socket waits before a room already")
    }

    /// A token that does not hold.
    pub fn bad_token(why: impl Into<String>) -> Self {
        Self::new(401, "bad-token", why)
    }

    /// A good token whose time has passed.
    #[must_use]
    pub fn token_expired() -> Self {
        Self::new(401, "token-expired", "the token has expired")
    }

    /// A good token for another room.
    #[must_use]
    pub fn wrong_room() -> Self {
        Self::new(403, "wrong-room", "the token is for another room")
    }

    /// No such session, or its grace has passed.
    #[must_use]
    pub fn session_gone() -> Self {
        Self::new(410, "session-gone", "the session is gone; join again")
    }

    /// Too many calls.
    #[must_use]
    pub fn too_many(retry_after: f64) -> Self {
        Self::new(429, "rate-limited", "too many calls").with("retryAfter", retry_after)
    }

    /// The house could not do it now.
    pub fn unavailable(why: impl Into<String>) -> Self {
        Self::new(503, "unavailable", why)
    }

    /// Something broke that should not.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal", "something broke on the server's side")
    }
}

impl From<&Refusal> for ErrorBody {
    fn from(refusal: &Refusal) -> Self {
        Self { code: refusal.code().into(), message: refusal.to_string(), data: refusal.data() }
    }
}

/// JSON-RPC: not JSON.
pub const PARSE_ERROR: i32 = -32700;
/// JSON-RPC: not a call.
pub const INVALID_REQUEST: i32 = -32600;
/// JSON-RPC: unknown method.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// JSON-RPC: wrong params.
pub const INVALID_PARAMS: i32 = -32602;

macro_rules! closes {
    ($($(#[$doc:meta])* $name:ident $code:literal $reason:literal,)*) => {
        /// Why a socket was closed. 4000–4499: come back; 4500–4999: stay away.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Close { $($(#[$doc])* $name = $code,)* }

        impl Close {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u16 {
                self as u16
            }

            /// A word for people, sent along.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason,)* }
            }

            /// Whether the client should come back.
            #[must_use]
            pub const fn comes_back(self) -> bool {
                matches!(self.code(), 4000..=4499)
            }
        }
    };
}

closes! {
    /// The caller left.
    Left 1000 "left",
    /// A binary frame.
    Binary 1003 "binary frames are not supported",
    /// Text that is not UTF-8.
    NotUtf8 1007 "not UTF-8",
    /// A frame over the bound.
    TooBig 1009 "frame too big",
    /// The server is going away.
    GoingAway 4000 "server going away",
    /// The backlog ran over.
    TooSlow 4001 "too slow",
    /// Nothing was heard.
    Silent 4002 "silent",
    /// The room's task fell and was started again.
    RoomRestarted 4003 "room restarted",
    /// The token does not hold.
    BadToken 4500 "bad token",
    /// The token expired.
    TokenExpired 4501 "token expired",
    /// Removed or blocked.
    Removed 4502 "removed",
    /// The room ended.
    Ended 4503 "ended",
    /// A newer socket has the seat.
    SeatTaken 4504 "seat taken by a newer socket",
    /// Too much that was no call.
    Malformed 4505 "malformed",
    /// No join in time.
    NoJoin 4506 "no join",
    /// Far beyond every limit.
    Abuse 4507 "abuse",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_unique_and_their_range_says_whether_to_come_back() {
        let mut codes: Vec<_> = Close::ALL.iter().map(|close| close.code()).collect();
        assert!(codes.is_sorted());
        codes.dedup();
        assert_eq!(codes.len(), Close::ALL.len());
        let back: Vec<_> = Close::ALL.iter().filter(|c| c.comes_back()).map(|c| c.code()).collect();
        assert_eq!(back, [4000, 4001, 4002, 4003]);
    }

    #[test]
    fn http_gets_the_status_of_the_code() {
        assert_eq!(ErrorBody::unknown_method("x").http_status(), 404);
        assert_eq!(ErrorBody::bad_params("a", "b").http_status(), 400);
        assert_eq!(ErrorBody::from(&Refusal::Owner).http_status(), 403);
    }
}
