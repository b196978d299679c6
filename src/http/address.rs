//! Where the server is, as who asks has reached it.

use axum::http::{HeaderMap, header::HOST};

use crate::config::{Config, normalize};

/// Scheme, host and port by which a request with these headers came; where they do not say, the
/// address that is listened on.
pub(super) fn of(headers: &HeaderMap, config: &Config) -> String {
    reached(headers).unwrap_or_else(|| format!("http://{}", config.listen))
}

/// The address in the headers. A proxy may have taken TLS off; it says so.
fn reached(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let scheme = headers.get("x-forwarded-proto").and_then(|scheme| scheme.to_str().ok());
    let first = scheme.and_then(|schemes| schemes.split(',').next()).unwrap_or_default();
    let tls = first.trim().eq_ignore_ascii_case("https");
    normalize(&format!("{}://{host}", if tls { "https" } else { "http" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_where_the_house_was_reached() {
        for (host, forwarded, expected) in [
            (Some("rooms.example.com"), None, Some("http://rooms.example.com")),
            (Some("Rooms.Example.com:7400"), None, Some("http://rooms.example.com:7400")),
            (Some("rooms.example.com"), Some("https"), Some("https://rooms.example.com")),
            (Some("rooms.example.com:443"), Some("https, http"), Some("https://rooms.example.com")),
            (Some("rooms.example.com"), Some("http, https"), Some("http://rooms.example.com")),
            (Some("rooms.example.com"), Some("gopher"), Some("http://rooms.example.com")),
            (Some("a b"), None, None),
            (Some("a/b?c"), None, None),
            (Some(""), None, None),
            (None, Some("https"), None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("host", host), ("x-forwarded-proto", forwarded)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(reached(&headers).as_deref(), expected, "{host:?} {forwarded:?}");
        }
    }
}
