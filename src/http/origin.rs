//! Which web pages may open a socket: a browser says where a page came from, and this answers.

use std::net::IpAddr;

use crate::config::{AllowedOrigins, normalize};

/// Whether a request with this `Origin`, to this `Host`, may go on.
///
/// Programs send no `Origin` and may. The server's own pages and those of this machine always may;
/// others when they are configured, to the letter. `null` (a sandboxed page, a file) never may.
pub fn is_allowed(origin: Option<&str>, host: Option<&str>, allowed: &AllowedOrigins) -> bool {
    let Some(origin) = origin else { return true };
    let Some(origin) = normalize(origin) else { return false };
    allowed.any
        || is_loopback(&origin)
        || allowed.exact.contains(&origin)
        || host.is_some_and(|host| is_same(&origin, host))
}

/// Whether `origin` is the place that `host` names. A proxy may have taken TLS off, so the scheme
/// is the origin's own.
fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, _)) = origin.split_once("://") else { return false };
    normalize(&format!("{scheme}://{host}")).as_deref() == Some(origin)
}

/// Whether `origin` is a page of this machine: `localhost`, `127.0.0.0/8` or `[::1]`, on any port.
fn is_loopback(origin: &str) -> bool {
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    if let Some(v6) = authority.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
        return v6.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    }
    let host = authority.split(':').next().unwrap_or_default();
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_connect() {
        let none = AllowedOrigins::default();
        let some = AllowedOrigins { any: false, exact: vec!["https://app.example.com".to_owned()] };
        let any = AllowedOrigins { any: true, exact: Vec::new() };
        let host = Some("rooms.example.com:7400");
        for (origin, host, allowed, expected) in [
            // Programs, our own pages, pages of this machine.
            (None, host, &none, true),
            (None, None, &none, true),
            (Some("http://rooms.example.com:7400"), host, &none, true),
            (Some("https://rooms.example.com:7400"), host, &none, true),
            (Some("HTTP://Rooms.Example.Com:7400"), host, &none, true),
            (Some("https://rooms.example.com"), Some("rooms.example.com"), &none, true),
            (Some("https://rooms.example.com"), Some("rooms.example.com:443"), &none, true),
            (Some("http://rooms.example.com"), Some("rooms.example.com:80"), &none, true),
            (Some("http://localhost:3000"), host, &none, true),
            (Some("https://localhost"), host, &none, true),
            (Some("http://127.0.0.1:5173"), host, &none, true),
            (Some("http://127.8.8.8"), host, &none, true),
            (Some("http://[::1]:5173"), host, &none, true),
            // Others, and those who look alike.
            (Some("http://evil.example"), host, &none, false),
            (Some("http://rooms.example.com"), host, &none, false),
            (Some("http://rooms.example.com:7401"), host, &none, false),
            (Some("http://rooms.example.com:7400.evil.example"), host, &none, false),
            (Some("http://evil.example/rooms.example.com:7400"), host, &none, false),
            (Some("http://rooms.example.com:7400@evil.example"), host, &none, false),
            (Some("http://localhost.evil.example"), host, &none, false),
            (Some("http://127.0.0.1.evil.example"), host, &none, false),
            (Some("http://notlocalhost"), host, &none, false),
            (Some("http://0x7f000001.evil"), host, &none, false),
            (Some("http://rooms.example.com"), Some("rooms.example.com:443"), &none, false),
            (Some("http://evil.example"), None, &none, false),
            (Some("file://"), host, &none, false),
            (Some("chrome-extension://abc"), host, &none, false),
            (Some(""), host, &none, false),
            (Some("null"), host, &none, false),
            (Some("null"), Some("null"), &none, false),
            (Some("null"), host, &any, false),
            // The configured ones, to the letter.
            (Some("https://app.example.com"), host, &some, true),
            (Some("https://app.example.com:443"), host, &some, true),
            (Some("http://app.example.com"), host, &some, false),
            (Some("https://app.example.com:8443"), host, &some, false),
            (Some("https://app.example.com.evil.example"), host, &some, false),
            (Some("https://xapp.example.com"), host, &some, false),
            (Some("https://evil.example"), host, &any, true),
        ] {
            assert_eq!(is_allowed(origin, host, allowed), expected, "{origin:?} at {host:?}");
        }
    }
}
