//! `allowed_origins`: which web pages besides our own may open a socket.

/// The configured origins, each as a browser writes it in `Origin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedOrigins {
    /// `*` was given: every origin but `null`.
    pub any: bool,
    /// Exact origins: scheme, host and, where it is not the scheme's own, port; in lower case.
    pub exact: Vec<String>,
}

impl AllowedOrigins {
    /// Reads the list of a setting; the error names the entry that is not an origin.
    pub(super) fn parse(list: &[String]) -> Result<Self, String> {
        let mut origins = Self::default();
        for entry in list {
            if entry == "*" {
                origins.any = true;
            } else {
                let origin = normalize(entry).ok_or_else(|| {
                    format!("`{entry}` is not an origin such as `https://app.example.com`, nor `*`")
                })?;
                origins.exact.push(origin);
            }
        }
        Ok(origins)
    }
}

/// An `http` or `https` origin in the form browsers send: lower case, without the default port.
/// Anything else, and anything behind the host, is `None`.
pub(crate) fn normalize(origin: &str) -> Option<String> {
    let origin = origin.to_ascii_lowercase();
    let (scheme, authority) = origin.split_once("://")?;
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    is_authority(authority).then(|| format!("{scheme}://{authority}"))
}

/// `host` or `host:port`, the host a name, an IPv4 address or an IPv6 address in brackets.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rfind(']') {
        Some(end) => {
            let (host, rest) = authority.split_at(end + 1);
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').unwrap_or("?")) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let host_is_good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
    };
    host_is_good
        && port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_perhaps_a_port() {
        for (given, normal) in [
            ("https://app.example.com", Some("https://app.example.com")),
            ("HTTPS://App.Example.com:443", Some("https://app.example.com")),
            ("http://a.b:80", Some("http://a.b")),
            ("http://a.b:443", Some("http://a.b:443")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("null", None),
            ("", None),
            ("app.example.com", None),
            ("ftp://a.b", None),
            ("https://", None),
            ("https://a.b/", None),
            ("https://a.b/path", None),
            ("https://user@a.b", None),
            ("https://a.b:port", None),
            ("https://a.b:99999", None),
            ("https://a.b:", None),
            ("https://*.b", None),
            ("https://[::1", None),
            ("https://[::1]x", None),
        ] {
            assert_eq!(normalize(given).as_deref(), normal, "{given}");
        }
    }

    #[test]
    fn a_list_may_hold_a_star_and_names_what_it_refuses() {
        let list = |entries: &[&str]| {
            AllowedOrigins::parse(&entries.iter().map(|&e| e.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(
            list(&["*", "https://A.b"]),
            Ok(AllowedOrigins { any: true, exact: vec!["https://a.b".to_owned()] })
        );
        assert!(list(&["https://a.b", "a.b"]).unwrap_err().contains("`a.b`"));
    }
}
