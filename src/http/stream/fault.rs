//! What went wrong, as Stream's SDKs read it: the complete error object, its code, its text. It must
//! not know requests.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use rolecall_protocol::{directory::Refusal, wire::code::ErrorBody};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{super::input::Unread, speech::Spent};
use crate::{auth::AuthError, directory::DirectoryError};

/// Where the codes are explained.
const MORE_INFO: &str = "https://github.com/rolecall/rolecall/blob/main/docs/STREAM.md#errors";
/// The longest text of an error; what is longer quotes too much of a request.
const TEXT_CHARS_MAX: usize = 1000;

/// The codes of errors, Stream's.
pub mod code {
    /// Something inside.
    pub const INTERNAL: i32 = -1;
    /// No such `api_key`.
    pub const API_KEY: i32 = 2;
    /// The request is not good.
    pub const INPUT: i32 = 4;
    /// No token, or one that is none.
    pub const AUTH: i32 = 5;
    /// Too many requests.
    pub const RATE: i32 = 9;
    /// There is no such thing.
    pub const UNKNOWN: i32 = 16;
    /// The caller may not.
    pub const NOT_ALLOWED: i32 = 17;
    /// The body is too large.
    pub const TOO_LARGE: i32 = 22;
    /// It took too long.
    pub const TIMEOUT: i32 = 23;
    /// The token has expired, or was revoked: get a fresh one.
    pub const TOKEN_EXPIRED: i32 = 40;
    /// The token is not valid yet.
    pub const TOKEN_EARLY: i32 = 41;
    /// The token was issued in the future.
    pub const TOKEN_ISSUED: i32 = 42;
    /// The token is not signed by us.
    pub const TOKEN_SIGNATURE: i32 = 43;
}

/// A request that was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    status: StatusCode,
    code: i32,
    text: String,
    fields: BTreeMap<String, String>,
    retry_after_s: Option<u64>,
    for_good: bool,
}

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = APIError)]
pub struct FaultBody {
    /// The kind of error, for programs.
    #[schema(example = 17)]
    pub code: i32,
    /// `OperationId failed with error: "…"`, for people.
    #[schema(
        example = "JoinCall failed with error: \"User 'u' with role 'user' is not allowed to perform action JoinBackstage in scope 'video:livestream'\""
    )]
    pub message: Cow<'static, str>,
    /// The HTTP status again.
    #[serde(rename = "StatusCode")]
    #[schema(example = 403)]
    pub status_code: u16,
    /// How long the server took.
    pub duration: Spent,
    /// A page on the codes.
    pub more_info: &'static str,
    /// Nothing; SDKs want it there.
    pub details: [i32; 0],
    /// What is wrong, by field.
    pub exception_fields: BTreeMap<String, String>,
    /// Whether trying again is of no use.
    pub unrecoverable: bool,
}

impl Fault {
    /// An error of status and code.
    pub fn new(status: StatusCode, code: i32, text: impl Into<String>) -> Self {
        let text: String = text.into();
        let text = match text.char_indices().nth(TEXT_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        Self { status, code, text, fields: BTreeMap::new(), retry_after_s: None, for_good: false }
    }

    /// 400: the request is not good.
    pub fn input(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code::INPUT, text)
    }

    /// 400 with the place of what is wrong.
    pub fn field(field: impl Into<String>, text: impl Into<String>) -> Self {
        let (field, text) = (field.into(), text.into());
        let mut fault = Self::input(match field.as_str() {
            "" | "." => text.clone(),
            field => format!("`{field}`: {text}"),
        });
        fault.fields.insert(field, text);
        fault
    }

    /// 401 with one of the codes of authentication.
    pub fn unauthorized(code: i32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, text)
    }

    /// 403: the caller may not.
    pub fn not_allowed(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code::NOT_ALLOWED, text)
    }

    /// 404: there is no such thing.
    pub fn unknown(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code::UNKNOWN, text)
    }

    /// 404: the path leads nowhere.
    pub fn no_path() -> Self {
        Self::unknown("there is nothing at this path")
    }

    /// 405: the path knows other methods.
    pub fn no_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            code::INPUT,
            "this path does not know that method",
        )
    }

    /// 408: it took too long.
    pub fn late() -> Self {
        let text = "the request was not complete in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, code::TIMEOUT, text)
    }

    /// 413: the body is too large.
    pub fn too_large(max: usize) -> Self {
        let text = format!("the body has more than {max} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, text)
    }

    /// 429: wait so many seconds.
    pub fn too_many(limit: u32, retry_after_s: u64) -> Self {
        let text = format!("too many requests: at most {limit} a minute");
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, code::RATE, text);
        Self { retry_after_s: Some(retry_after_s), ..fault }
    }

    /// 429: there are too many of something.
    pub fn too_many_of(text: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code::RATE, text)
    }

    /// 500: something inside.
    pub fn internal() -> Self {
        let text = "internal error";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL, text)
    }

    /// 503: not now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, code::INTERNAL, text);
        Self { retry_after_s: Some(1), ..fault }
    }

    /// The fault of an HTTP status that came without one.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::no_path(),
            StatusCode::METHOD_NOT_ALLOWED => Self::no_method(),
            StatusCode::REQUEST_TIMEOUT => Self::late(),
            status if status.is_client_error() => {
                let text = status.canonical_reason().unwrap_or("bad request").to_lowercase();
                Self::new(status, code::INPUT, text)
            }
            status => Self { status, ..Self::internal() },
        }
    }

    /// The same, and told so that SDKs which would try again do not: unless it is the token, the rate
    /// or the moment that is wrong.
    #[must_use]
    pub fn for_good(self) -> Self {
        let for_good = matches!(self.code, code::INPUT | code::UNKNOWN | code::NOT_ALLOWED);
        Self { for_good, ..self }
    }

    /// The status it is sent with.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether there is no such thing, or none for whoever asks.
    pub const fn is_for_the_asker(&self) -> bool {
        matches!(self.code, code::UNKNOWN | code::NOT_ALLOWED)
    }

    /// Stream's code.
    pub const fn code(&self) -> i32 {
        self.code
    }

    /// What is said of it, without the operation's name.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole answer: `operation` is Stream's name of what was asked, if it is known.
    pub fn answer(self, operation: Option<&str>, begun: Instant) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let mut response = (status, Json(self.into_body(operation, begun))).into_response();
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// What is said of it.
    pub fn into_body(self, operation: Option<&str>, begun: Instant) -> FaultBody {
        let message = match operation {
            Some(operation) => format!("{operation} failed with error: \"{}\"", self.text),
            None => self.text,
        };
        FaultBody {
            code: self.code,
            message: message.into(),
            status_code: self.status.as_u16(),
            duration: Spent::since(begun),
            more_info: MORE_INFO,
            details: [],
            exception_fields: self.fields,
            unrecoverable: self.for_good,
        }
    }
}

/// The empty answer carries the fault to the door, which knows the operation and the time spent.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AuthError> for Fault {
    fn from(error: AuthError) -> Self {
        let (code, text) = match error {
            AuthError::Expired => (code::TOKEN_EXPIRED, "token is expired (exp)".to_owned()),
            AuthError::NotYetValid => {
                (code::TOKEN_EARLY, "token is not valid yet (nbf)".to_owned())
            }
            AuthError::IssuedInFuture => {
                (code::TOKEN_ISSUED, "token used before issued at (iat)".to_owned())
            }
            AuthError::BadSignature => (code::TOKEN_SIGNATURE, "signature is not valid".to_owned()),
            other => (code::AUTH, other.to_string()),
        };
        Self::unauthorized(code, format!("JWTAuth error: {text}"))
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::Invalid { field, problem } => Self::field(field, problem),
            // Stream's code for users who are not there is that of a bad request.
            Refusal::UnknownUsers(_) => Self::input(text),
            refusal => match refusal.code() {
                403 => Self::not_allowed(text),
                404 => Self::unknown(text),
                _ => Self::input(text),
            },
        }
    }
}

impl From<DirectoryError> for Fault {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Refused(refusal) => refusal.into(),
            DirectoryError::Unavailable(why) => Self::unavailable(why),
        }
    }
}

impl From<Unread> for Fault {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Bad { field: Some(field), text } => Self::field(field, text),
            Unread::Bad { field: None, text } => Self::input(text),
            Unread::TooLarge => {
                let text = "the body is too large";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, code::TOO_LARGE, text)
            }
        }
    }
}

/// Who was refused, for the texts.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The user's id.
    pub user: String,
    /// The roles that counted.
    pub roles: Vec<String>,
    /// The user's teams, where teams count.
    pub teams: Vec<String>,
}

impl Subject {
    /// `User 'u' with role 'user'`, or `with roles ['a', 'b']`.
    fn said(&self) -> String {
        match self.roles.as_slice() {
            [role] => format!("User '{}' with role '{role}'", self.user),
            roles => format!("User '{}' with roles [{}]", self.user, quoted(roles)),
        }
    }

    /// 403: `action` is Stream's name of it, `scope` such as `video:default` or `.app`.
    pub fn may_not(&self, action: &str, scope: &str) -> Fault {
        let who = self.said();
        Fault::not_allowed(format!(
            "{who} is not allowed to perform action {action} in scope '{scope}'"
        ))
    }

    /// 403: the thing is another team's.
    pub fn is_of_another_team(&self, scope: &str) -> Fault {
        let (who, teams) = (self.said(), quoted(&self.teams));
        Fault::not_allowed(format!(
            "{who} from teams [{teams}] cannot access resource in scope '{scope}' because requested \
             resource does not belong to any team"
        ))
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// The law's or the hub's refusal in Stream's words. `subject` is who asked, `None` the server;
/// `cid` the call it was about.
pub fn refused(error: &ErrorBody, subject: Option<&Subject>, cid: &str) -> Fault {
    let scope = format!("video:{}", cid.split(':').next().unwrap_or_default());
    let said = |field: &str| error.data.get(field).and_then(Value::as_str);
    match (error.reason(), subject) {
        ("not-allowed", Some(subject)) if said("needs").is_some() => {
            return subject.may_not(&action(said("needs").unwrap_or_default()), &scope);
        }
        ("wrong-team" | "team-needed", Some(subject)) => return subject.is_of_another_team(&scope),
        // What was asked for is there; what was written of it cannot be.
        ("unknown-role", _) => return Fault::input(error.message.as_str()),
        ("unknown-room", _) => return Fault::unknown(format!("Can't find call with id {cid}")),
        _ => {}
    }
    let text = error.message.as_str();
    match error.http_status() {
        403 => Fault::not_allowed(text),
        404 | 410 => Fault::unknown(text),
        429 => Fault {
            retry_after_s: Some(1),
            ..Fault::new(StatusCode::TOO_MANY_REQUESTS, code::RATE, text)
        },
        503 => Fault::unavailable(text),
        400..=499 => match said("field") {
            Some(field) => Fault::field(field, text),
            None => Fault::input(text),
        },
        _ => Fault::internal(),
    }
}

/// Stream's name of the act behind a capability or a permission: `JoinBackstage`.
pub fn action(name: &str) -> String {
    let id = match name {
        "block-users" => "block-user",
        "create-reaction" => "create-call-reaction",
        "pin-for-everyone" => "pin-call-track",
        "send-closed-captions-call" => "send-closed-captions",
        _ => name,
    };
    let id = match id.strip_suffix("-call") {
        Some(rest) if rest.starts_with("start-") || rest.starts_with("stop-") => {
            rest.replace("record", "recording").replace("broadcast", "broadcasting")
        }
        _ => id.to_owned(),
    };
    id.split('-')
        .flat_map(|word| {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rolecall_protocol::{capability::Capability, room::Refusal as Law};

    use super::*;

    fn subject(roles: &[&str], teams: &[&str]) -> Subject {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Subject { user: "u".to_owned(), roles: owned(roles), teams: owned(teams) }
    }

    #[test]
    fn refusals_are_said_in_streams_words() {
        let backstage = ErrorBody::from(&Law::NotAllowed(Capability::JoinBackstage));
        let one = refused(&backstage, Some(&subject(&["user"], &[])), "livestream:a");
        assert_eq!(
            (one.status().as_u16(), one.code(), one.text()),
            (
                403,
                17,
                "User 'u' with role 'user' is not allowed to perform action JoinBackstage in scope \
                 'video:livestream'"
            )
        );
        let two = refused(&backstage, Some(&subject(&["student", "tutor"], &[])), "default:a");
        assert_eq!(
            two.text(),
            "User 'u' with roles ['student', 'tutor'] is not allowed to perform action JoinBackstage \
             in scope 'video:default'"
        );
        let team = ErrorBody::from(&Law::WrongTeam);
        let team = refused(&team, Some(&subject(&["user"], &["a", "b"])), "default:a");
        assert!(team.text().contains("from teams ['a', 'b'] cannot access resource in scope"));
        assert_eq!(team.code(), 17);
        let gone = refused(&ErrorBody::from(&Law::UnknownRoom), None, "default:x");
        assert_eq!(
            (gone.status().as_u16(), gone.code(), gone.text()),
            (404, 16, "Can't find call with id default:x")
        );
        let own = refused(&ErrorBody::from(&Law::OnSelf), None, "default:x");
        assert_eq!((own.status().as_u16(), own.code()), (400, 4));
    }

    #[test]
    fn actions_have_streams_names() {
        for (name, expected) in [
            ("join-backstage", "JoinBackstage"),
            ("block-users", "BlockUser"),
            ("pin-for-everyone", "PinCallTrack"),
            ("create-reaction", "CreateCallReaction"),
            ("create-call", "CreateCall"),
            ("start-record-call", "StartRecording"),
            ("stop-broadcast-call", "StopBroadcasting"),
            ("start-frame-record-call", "StartFrameRecording"),
            ("stop-closed-captions-call", "StopClosedCaptions"),
            ("start-transcription-call", "StartTranscription"),
            ("update-call-member-role", "UpdateCallMemberRole"),
            ("send-audio", "SendAudio"),
        ] {
            assert_eq!(action(name), expected);
        }
    }

    #[test]
    fn a_quoted_request_is_cut() {
        let fault = Fault::input("é".repeat(5000));
        assert_eq!(fault.text().chars().count(), TEXT_CHARS_MAX + 1);
    }
}
