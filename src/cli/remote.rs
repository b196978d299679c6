//! The running server as the admin commands reach it: where it is, a token of the settings' own, one
//! request, and in words what went wrong. It must not know what is asked for.

use std::{fmt::Write as _, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use serde_json::Value;
use ureq::http::{Method, Request, StatusCode, Uri};

use super::CliError;
use crate::{
    auth::Claims,
    clock::Clock,
    config::{Config, Flags, Sources},
    secret::Secret,
    server::reachable,
};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a token of ours is good; each request gets its own.
const TOKEN_TERM_S: u64 = 120;
/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Characters shown of an answer that is not understood.
const EXCERPT_CHARS: usize = 200;

/// Which server, and how to speak to whoever asked.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which server, and how to answer")]
pub(super) struct RemoteArgs {
    /// The server [default: `listen` of the settings, http://127.0.0.1:7400]
    #[arg(long, value_name = "URL", env = "ROLECALL_URL", hide_env_values = true, global = true)]
    url: Option<String>,
    /// The settings file, which has the server's `api_secret` [default: ./rolecall.toml if it is there]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Why the server did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nobody is there.
    #[error(
        "no server answers at {base} ({why}); start it with `rolecall serve`, or say where it is \
         with --url or ROLECALL_URL"
    )]
    Unreachable {
        /// Where it was looked for.
        base: String,
        /// What the network says.
        why: String,
    },
    /// It said no.
    #[error("{message} (code {code}, HTTP {status}){hint}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's own code.
        code: i64,
        /// In the server's words.
        message: String,
        /// What to do about it, if we know.
        hint: &'static str,
    },
    /// What answers is something else.
    #[error("{base} answers with HTTP {status} and no JSON, so it may not be Rolecall: {excerpt}")]
    Foreign {
        /// Where.
        base: String,
        /// The HTTP status.
        status: u16,
        /// How its answer begins.
        excerpt: String,
    },
}

impl RemoteError {
    /// Whether the server says that there is no such thing.
    #[must_use]
    pub(super) const fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// A server, and the secret to speak to it with.
pub(super) struct Remote {
    base: String,
    api_key: String,
    secret: Secret,
    clock: Clock,
    agent: ureq::Agent,
}

impl Remote {
    /// Reads the settings; asks nothing yet.
    ///
    /// # Errors
    /// [`CliError`] where the settings or the address are wrong.
    pub(super) fn open(args: &RemoteArgs, clock: &Clock) -> Result<Self, CliError> {
        let config = Config::load(&Sources::of_process(args.config.clone(), Flags::default()))?;
        Self::of(&config, args.url.as_deref(), clock)
    }

    fn of(config: &Config, url: Option<&str>, clock: &Clock) -> Result<Self, CliError> {
        let (base, host) = match url.map(str::trim).filter(|url| !url.is_empty()) {
            Some(url) => named(url)?,
            None => listening(config.listen)?,
        };
        let Some(secret) = &config.api_secret else {
            let message = "there is no `api_secret` to sign with: only `keys` are configured";
            return Err(CliError::Usage(message.to_owned()));
        };
        let mut builder = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT));
        // What is on this machine is not behind a proxy, whatever the environment says.
        let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
        if local {
            builder = builder.proxy(None);
        }
        Ok(Self {
            base,
            api_key: config.api_key.clone(),
            secret: secret.clone(),
            clock: clock.clone(),
            agent: builder.build().into(),
        })
    }

    /// Reads what is at this path.
    ///
    /// # Errors
    /// [`CliError::Remote`].
    pub(super) fn get(&self, path: &Path) -> Result<Value, CliError> {
        self.ask(&Method::GET, path, None)
    }

    /// Sends something there.
    ///
    /// # Errors
    /// [`CliError::Remote`].
    pub(super) fn post(&self, path: &Path, body: &Value) -> Result<Value, CliError> {
        self.ask(&Method::POST, path, Some(body))
    }

    /// Puts something there.
    ///
    /// # Errors
    /// [`CliError::Remote`].
    pub(super) fn put(&self, path: &Path, body: &Value) -> Result<Value, CliError> {
        self.ask(&Method::PUT, path, Some(body))
    }

    /// Changes what is there.
    ///
    /// # Errors
    /// [`CliError::Remote`].
    pub(super) fn patch(&self, path: &Path, body: &Value) -> Result<Value, CliError> {
        self.ask(&Method::PATCH, path, Some(body))
    }

    /// Removes what is there.
    ///
    /// # Errors
    /// [`CliError::Remote`].
    pub(super) fn delete(&self, path: &Path) -> Result<Value, CliError> {
        self.ask(&Method::DELETE, path, None)
    }

    fn ask(&self, method: &Method, path: &Path, body: Option<&Value>) -> Result<Value, CliError> {
        let iat = self.clock.now_s();
        let claims = Claims { iat, exp: Some(iat + TOKEN_TERM_S), ..Claims::default() };
        let token = claims.sign(&self.secret)?;
        // `/v1` wants a bearer, `/api/v2` the bare token and the app's key, as Stream's SDKs send it.
        let (token, query) = match path.is_own() {
            true => (format!("Bearer {token}"), String::new()),
            false => (token, format!("api_key={}", encoded(&self.api_key))),
        };
        let uri = format!("{}{}", self.base, path.with(&query));
        let request = Request::builder()
            .method(method)
            .uri(&uri)
            .header("authorization", token)
            .header("stream-auth-type", "jwt")
            .header("content-type", "application/json");
        let broken = |error: &dyn std::fmt::Display| RemoteError::Unreachable {
            base: self.base.clone(),
            why: error.to_string(),
        };
        let answer = match body {
            Some(body) => request
                .body(body.to_string())
                .map_err(ureq::Error::from)
                .and_then(|request| self.agent.run(request)),
            None => request.body(()).map_err(ureq::Error::from).and_then(|it| self.agent.run(it)),
        };
        let mut answer = answer.map_err(|error| broken(&why(&error)))?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_string()
            .map_err(|error| broken(&why(&error)))?;
        Ok(read(&self.base, status, &text)?)
    }
}

/// What the network says, without the library's own words around it.
fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            _ => error.to_string(),
        },
        ureq::Error::HostNotFound => "no such host".to_owned(),
        ureq::Error::Timeout(_) => format!("no answer within {} seconds", TIMEOUT.as_secs()),
        other => other.to_string(),
    }
}

/// The answer's value, or what its error says: Stream's error object, or the native one, which
/// `calls` wraps in `error`.
fn read(base: &str, status: StatusCode, text: &str) -> Result<Value, RemoteError> {
    let foreign = || RemoteError::Foreign {
        base: base.to_owned(),
        status: status.as_u16(),
        excerpt: super::table::plain(text.trim()).chars().take(EXCERPT_CHARS).collect(),
    };
    let value: Value = serde_json::from_str(text).map_err(|_| foreign())?;
    if status.is_success() {
        return Ok(value);
    }
    let error = value.get("error").unwrap_or(&value);
    let Some(message) = error.get("message").and_then(Value::as_str) else {
        return Err(foreign());
    };
    let reason = error.pointer("/data/reason").and_then(Value::as_str);
    let code = error.get("code").and_then(Value::as_i64).unwrap_or(0);
    let unknown_token = status == StatusCode::UNAUTHORIZED
        && (reason == Some("bad-token") || matches!(code, 2 | 5 | 43));
    let hint = if unknown_token {
        "; the token was signed with the secret of these settings: set ROLECALL_API_SECRET, or \
         --config, to the server's own"
    } else {
        ""
    };
    Err(RemoteError::Refused {
        status: status.as_u16(),
        code,
        message: super::table::plain(message).into_owned(),
        hint,
    })
}

/// The address somebody gave, without a trailing slash, and its host.
fn named(url: &str) -> Result<(String, String), CliError> {
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let parsed: Option<Uri> = whole.parse().ok();
    let host = parsed
        .as_ref()
        .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none());
    match host.and_then(Uri::host).filter(|host| !host.is_empty()) {
        Some(host) => Ok((whole.trim_end_matches('/').to_owned(), host.to_owned())),
        None => Err(CliError::Usage(format!(
            "`{}` is not an address such as `https://rooms.example.com`",
            super::table::plain(url)
        ))),
    }
}

/// Where a server with these settings is reached from its own machine.
fn listening(listen: SocketAddr) -> Result<(String, String), CliError> {
    if listen.port() == 0 {
        let message = "`listen` has port 0, so the settings do not say where the server is: say \
                       --url or ROLECALL_URL";
        return Err(CliError::Usage(message.to_owned()));
    }
    let addr = reachable(listen);
    let host = if addr.is_ipv6() { format!("[{}]", addr.ip()) } else { addr.ip().to_string() };
    Ok((format!("http://{addr}"), host))
}

/// A path on the server, its parts encoded.
#[derive(Clone, Debug)]
pub(super) struct Path {
    text: String,
    asks: bool,
}

impl Path {
    /// The path of these parts.
    #[must_use]
    pub(super) fn of(parts: &[&str]) -> Self {
        let text = parts.iter().map(|part| format!("/{}", encoded(part))).collect();
        Self { text, asks: false }
    }

    /// With a parameter more.
    #[must_use]
    pub(super) fn and(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.asks { '&' } else { '?' });
        self.text.push_str(&format!("{name}={}", encoded(value)));
        self.asks = true;
        self
    }

    fn is_own(&self) -> bool {
        self.text.starts_with("/v1/")
    }

    fn with(&self, query: &str) -> String {
        match query {
            "" => self.text.clone(),
            query => format!("{}{}{query}", self.text, if self.asks { '&' } else { '?' }),
        }
    }
}

/// `text` as a part of a path or a query: all but letters, digits and `-._~:` in hexadecimal.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(listen: &str, url: Option<&str>) -> Result<String, String> {
        let config = Config { listen: listen.parse().unwrap(), ..Config::default() };
        let remote = Remote::of(&config, url, &Clock::manual(0));
        remote.map(|remote| remote.base).map_err(|error| error.to_string())
    }

    #[test]
    fn the_settings_say_where_the_server_is_unless_somebody_does() {
        for (listen, url, expected) in [
            ("127.0.0.1:7400", None, "http://127.0.0.1:7400"),
            ("0.0.0.0:80", None, "http://127.0.0.1:80"),
            ("[::1]:7400", Some(" "), "http://[::1]:7400"),
            ("127.0.0.1:0", Some("rooms.example.com:7400/"), "http://rooms.example.com:7400"),
            ("127.0.0.1:0", Some("https://a.b/rolecall/"), "https://a.b/rolecall"),
        ] {
            assert_eq!(base(listen, url).as_deref(), Ok(expected));
        }
        for (listen, url, part) in [
            ("127.0.0.1:0", None, "port 0"),
            ("127.0.0.1:1", Some("ftp://a.b"), "`ftp://a.b` is not an address"),
            ("127.0.0.1:1", Some("http://"), "is not an address"),
            ("127.0.0.1:1", Some("http://a.b/?c=d"), "is not an address"),
        ] {
            let error = base(listen, url).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn parts_of_a_path_stay_parts() {
        let path = Path::of(&["v1", "rooms", "a:b/../c?d"]).and("after", "x&y=z").and("limit", "3");
        assert_eq!(path.with(""), "/v1/rooms/a:b%2F..%2Fc%3Fd?after=x%26y%3Dz&limit=3");
        assert!(path.is_own());
        let path = Path::of(&["api", "v2", "app"]);
        assert_eq!(
            (path.with("api_key=k"), path.is_own()),
            ("/api/v2/app?api_key=k".into(), false)
        );
    }

    #[test]
    fn an_error_says_what_and_which_code_in_either_shape() {
        let said = |status: u16, text: &str| {
            let error = read("http://x", StatusCode::from_u16(status).unwrap(), text);
            error.unwrap_err().to_string()
        };
        assert_eq!(
            said(
                404,
                r#"{"code":16,"message":"GetCallType failed with error: \"x\"","StatusCode":404}"#
            ),
            "GetCallType failed with error: \"x\" (code 16, HTTP 404)"
        );
        assert_eq!(
            said(403, r#"{"error":{"code":403,"message":"no\u001b","data":{"reason":"owner"}}}"#),
            "no\\u{1b} (code 403, HTTP 403)"
        );
        let unknown = said(401, r#"{"code":401,"message":"m","data":{"reason":"bad-token"}}"#);
        assert!(unknown.contains("ROLECALL_API_SECRET"), "{unknown}");
        let expired = said(401, r#"{"code":40,"message":"m"}"#);
        assert!(!expired.contains("ROLECALL_API_SECRET"), "{expired}");
        for text in ["<html>", "{}", "", "[1]"] {
            assert!(said(502, text).contains("may not be Rolecall"), "{text}");
        }
        assert!(read("x", StatusCode::OK, "{}").is_ok());
    }
}
