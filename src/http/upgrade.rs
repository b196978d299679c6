//! `GET /v1/connect`: the WebSocket handshake, up to the bare socket.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Version,
        header::{
            AUTHORIZATION, CONNECTION, HOST, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
            SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
        },
    },
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Door, Guard, Inbound, Problem, hms, origin, stream};
use crate::{config::AllowedOrigins, metrics, secret::Secret};

/// The subprotocol of the native protocol.
pub use rolecall_protocol::dialect::native::SUBPROTOCOL;

/// A socket whose handshake is done: from here on it carries WebSocket frames.
#[derive(Debug)]
pub struct Socket {
    /// The connection itself.
    pub stream: TcpStream,
    /// What the other end sent right behind its handshake: read this before the stream.
    pub read_ahead: Bytes,
    /// The token of `Authorization: Bearer`, unread.
    pub bearer: Option<Secret>,
    /// How it is spoken to.
    pub speech: Speech,
    /// The other end's address.
    pub from: SocketAddr,
    /// The connection's place among the bounded number of them: hold it as long as the stream.
    pub guard: Guard,
}

/// In which dialect a socket is spoken to, and what its address said.
#[derive(Debug)]
pub enum Speech {
    /// Natively.
    Native,
    /// 100ms's.
    Hms(Box<hms::Query>),
    /// Stream's, to its media server.
    Stream(Box<stream::sfu::Query>),
}

/// Why there is no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    NotAnUpgrade,
    Origin,
    Version,
    Key,
    Subprotocol,
}

/// What the answer to a good handshake needs.
#[derive(Debug)]
struct Handshake {
    accept: String,
    names_subprotocol: bool,
    bearer: Option<Secret>,
}

pub(super) async fn connect(State(door): State<Arc<Door>>, request: Request) -> Response {
    connect_in(door, request, Speech::Native)
}

/// The same for a socket that is spoken to so.
pub(super) fn connect_in(door: Arc<Door>, request: Request, speech: Speech) -> Response {
    let allowed = &door.config.allowed_origins;
    shake_hands(request, allowed, {
        let door = Arc::clone(&door);
        move |socket| {
            let run = door.sockets.run(Socket { speech, ..socket });
            drop(door);
            run
        }
    })
}

/// Answers a handshake, and has `run` be the whole life of the socket that comes of it.
pub(super) fn shake_hands<F: Future<Output = ()> + Send + 'static>(
    mut request: Request,
    allowed: &AllowedOrigins,
    run: impl FnOnce(Socket) -> F + Send + 'static,
) -> Response {
    let handshake = match check(request.version(), request.headers(), allowed) {
        Ok(handshake) => handshake,
        Err(refused) => {
            metrics::handshake_refused(refused.reason());
            return refused.into_response();
        }
    };
    let Some(inbound) = request.extensions().get::<Inbound>().cloned() else {
        let message = "this connection cannot be upgraded";
        return Problem::new(StatusCode::NOT_IMPLEMENTED, "no-upgrade", message).into_response();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(hand_over(upgrade, inbound, handshake.bearer, run));

    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&handshake.accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if handshake.names_subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

/// Waits for the answer to be written, then lets the socket's own task be this one.
async fn hand_over<F: Future<Output = ()>>(
    upgrade: OnUpgrade,
    inbound: Inbound,
    bearer: Option<Secret>,
    run: impl FnOnce(Socket) -> F,
) {
    let from = inbound.addr();
    let upgraded: Upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%from, %error, "a connection went during its handshake");
            return;
        }
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::error!(%from, "an upgraded connection is not a TCP stream");
        return;
    };
    let stream = parts.io.into_inner();
    let guard = inbound.guard();
    let socket =
        Socket { stream, read_ahead: parts.read_buf, bearer, speech: Speech::Native, from, guard };
    run(socket).await;
}

/// Judges a handshake by its headers alone.
fn check(
    version: Version,
    headers: &HeaderMap,
    allowed: &AllowedOrigins,
) -> Result<Handshake, Refused> {
    if version < Version::HTTP_11
        || !has_token(headers, &CONNECTION, "upgrade")
        || !has_token(headers, &UPGRADE, "websocket")
    {
        return Err(Refused::NotAnUpgrade);
    }
    if !is_from_allowed_origin(headers, allowed) {
        return Err(Refused::Origin);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refused::Version);
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next().filter(|key| is_key(key.as_bytes())), keys.next()) else {
        return Err(Refused::Key);
    };
    let offers_any = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    let names_subprotocol = has_token(headers, &SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL);
    if offers_any && !names_subprotocol {
        return Err(Refused::Subprotocol);
    }
    let accept = derive_accept_key(key.as_bytes());
    Ok(Handshake { accept, names_subprotocol, bearer: bearer(headers) })
}

/// Whether a list header holds `token`, whatever its case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn is_from_allowed_origin(headers: &HeaderMap, allowed: &AllowedOrigins) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => None,
        // Bytes that are no text are no origin.
        (Some(origin), None) => Some(origin.to_str().unwrap_or("null")),
        (Some(_), Some(_)) => return false,
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    origin::is_allowed(origin, host, allowed)
}

/// Whether `key` is base64 of 16 bytes.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// The token of `Authorization: Bearer`. Other schemes belong to whoever is in between.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

impl Refused {
    const fn reason(self) -> &'static str {
        match self {
            Self::NotAnUpgrade => "upgrade-required",
            Self::Origin => "origin",
            Self::Version => "version",
            Self::Key => "key",
            Self::Subprotocol => "subprotocol",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::NotAnUpgrade => (
                StatusCode::UPGRADE_REQUIRED,
                "this is the WebSocket endpoint: connect with a WebSocket client, subprotocol \
                 `rolecall.v1`",
            ),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "pages of this origin may not connect; the server's `allowed_origins` says which may",
            ),
            Self::Version => {
                (StatusCode::UPGRADE_REQUIRED, "only version 13 of WebSocket is spoken here")
            }
            Self::Key => (StatusCode::BAD_REQUEST, "`Sec-WebSocket-Key` is not base64 of 16 bytes"),
            Self::Subprotocol => {
                (StatusCode::BAD_REQUEST, "none of the subprotocols is `rolecall.v1`")
            }
        };
        let mut response = Problem::new(status, self.reason(), message).into_response();
        if status == StatusCode::UPGRADE_REQUIRED {
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    /// A good handshake with some headers set otherwise; an empty value takes one away.
    fn checked(changes: &[(&'static str, &'static str)]) -> Result<Handshake, Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("host", "rooms.example.com"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in changes {
            headers.remove(*name);
            for value in value.split('|').filter(|value| !value.is_empty()) {
                headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        check(Version::HTTP_11, &headers, &AllowedOrigins::default())
    }

    #[test]
    fn the_answer_is_the_one_of_the_standard() {
        let handshake = checked(&[]).unwrap();
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!handshake.names_subprotocol && handshake.bearer.is_none());
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        for (name, value, expected) in [
            ("connection", "", Refused::NotAnUpgrade),
            ("connection", "close", Refused::NotAnUpgrade),
            ("upgrade", "", Refused::NotAnUpgrade),
            ("upgrade", "h2c", Refused::NotAnUpgrade),
            ("origin", "http://evil.example", Refused::Origin),
            ("origin", "null", Refused::Origin),
            ("origin", "http://h\u{e9}", Refused::Origin),
            ("origin", "http://localhost|http://localhost", Refused::Origin),
            ("sec-websocket-version", "", Refused::Version),
            ("sec-websocket-version", "8", Refused::Version),
            ("sec-websocket-key", "", Refused::Key),
            ("sec-websocket-key", "c2hvcnQ=", Refused::Key),
            ("sec-websocket-key", "????????????????????????", Refused::Key),
            (
                "sec-websocket-key",
                "dGhlIHNhbXBsZSBub25jZQ==|dGhlIHNhbXBsZSBub25jZQ==",
                Refused::Key,
            ),
            ("sec-websocket-protocol", "chat", Refused::Subprotocol),
            ("sec-websocket-protocol", "rolecall.v2, chat", Refused::Subprotocol),
            ("sec-websocket-protocol", "\u{e9}", Refused::Subprotocol),
        ] {
            assert_eq!(checked(&[(name, value)]).unwrap_err(), expected, "{name}: {value}");
        }
        let headers = HeaderMap::new();
        let refused = check(Version::HTTP_10, &headers, &AllowedOrigins::default()).unwrap_err();
        assert_eq!(refused, Refused::NotAnUpgrade);
    }

    #[test]
    fn our_subprotocol_is_found_among_others() {
        for offered in ["rolecall.v1", "chat, rolecall.v1", "chat|rolecall.v1"] {
            assert!(checked(&[("sec-websocket-protocol", offered)]).unwrap().names_subprotocol);
        }
    }

    #[test]
    fn a_bearer_token_is_taken_and_hidden() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("abc", None),
        ] {
            let handshake = checked(&[("authorization", value)]).unwrap();
            assert!(!format!("{handshake:?}").contains("abc"));
            assert_eq!(handshake.bearer.as_ref().map(Secret::expose), expected, "{value}");
        }
    }
}
