//! The pages in the binary: `web-demo/` at `/`, and the SDK's modules at `/sdk/`.

use std::{borrow::Cow, fmt::Write as _, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri,
        header::{
            ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{Door, Problem};

#[derive(RustEmbed)]
#[folder = "web-demo/"]
#[exclude = "*.md"]
#[exclude = "*node_modules/*"]
#[exclude = "test/*"]
#[exclude = "*.test.js"]
#[allow_missing = true]
struct Demo;

#[derive(RustEmbed)]
#[folder = "sdk/"]
#[include = "*.js"]
#[exclude = "*node_modules/*"]
#[exclude = "test/*"]
#[exclude = "*.test.js"]
#[allow_missing = true]
struct Sdk;

/// What the pages may do: run and style from here, and talk to here over WebSocket.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; base-uri 'none'; \
     frame-ancestors 'self'",
);

/// `/` of a server without the demo.
const PLAIN_PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <title>Rolecall</title>\n<h1>Rolecall</h1>\n\
    <p>This is a <a href=\"https://github.com/rolecall/rolecall\">Rolecall</a> server: who is in a \
    room, in which role, and what each may do.</p>\n\
    <p>Peers connect to <code>/v1/connect</code>; the JavaScript client is at \
    <a href=\"/sdk/rolecall.js\"><code>/sdk/rolecall.js</code></a>.</p>\n</html>\n";

/// Answers every path that no route knows.
pub(super) async fn serve(
    State(door): State<Arc<Door>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    let Some(page) = find(path, door.config.demo) else {
        return Problem::not_found().into_response();
    };
    if method != Method::GET && method != Method::HEAD {
        return Problem::method_not_allowed().into_response();
    }
    page.respond(&method, headers.get(IF_NONE_MATCH))
}

/// A file to serve.
struct Page {
    name: String,
    bytes: Cow<'static, [u8]>,
    tag: String,
    public: bool,
}

/// The file at `path`. The demo's pages are there only where the demo is on; the SDK always is.
fn find(path: &str, demo: bool) -> Option<Page> {
    if let Some(name) = path.strip_prefix("sdk/") {
        return Sdk::get(name).map(|file| Page::embedded(name, file, true));
    }
    let name = if path.is_empty() { "index.html" } else { path };
    if demo {
        return Demo::get(name).map(|file| Page::embedded(name, file, false)).or_else(|| {
            let missing = path.is_empty();
            missing.then(Page::plain)
        });
    }
    path.is_empty().then(Page::plain)
}

impl Page {
    fn embedded(name: &str, file: EmbeddedFile, public: bool) -> Self {
        let mut tag = String::from("\"");
        for byte in &file.metadata.sha256_hash()[..16] {
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Self { name: name.to_owned(), bytes: file.data, tag, public }
    }

    fn plain() -> Self {
        let bytes = Cow::Borrowed(PLAIN_PAGE.as_bytes());
        let tag = format!("\"plain-{}\"", env!("CARGO_PKG_VERSION"));
        Self { name: "index.html".to_owned(), bytes, tag, public: false }
    }

    fn respond(self, method: &Method, if_none_match: Option<&HeaderValue>) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(ETAG, tag);
        }
        if self.public {
            // A page of another origin may import the SDK from here.
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        if if_none_match.and_then(|tags| tags.to_str().ok()).is_some_and(|tags| self.is_in(tags)) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        if let Ok(kind) = HeaderValue::from_str(&content_type(&self.name)) {
            headers.insert(CONTENT_TYPE, kind);
        }
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.bytes.len()));
        let body = match (method, self.bytes) {
            (&Method::HEAD, _) => Body::empty(),
            (_, Cow::Borrowed(bytes)) => Body::from(bytes),
            (_, Cow::Owned(bytes)) => Body::from(bytes),
        };
        (StatusCode::OK, headers, body).into_response()
    }

    /// Whether an `If-None-Match` names this very file.
    fn is_in(&self, tags: &str) -> bool {
        tags.split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == self.tag || tag == "*")
    }
}

/// The content type by the name's ending; text is UTF-8.
fn content_type(name: &str) -> String {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    match (kind.type_(), kind.subtype().as_str()) {
        (mime_guess::mime::TEXT, _) | (_, "json" | "javascript") => {
            format!("{}; charset=utf-8", kind.essence_str())
        }
        _ => kind.essence_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_follow_the_name() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a/b.js", "text/javascript; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a.svg", "image/svg+xml"),
            ("a.png", "image/png"),
            ("a", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expected, "{name}");
        }
    }

    #[test]
    fn without_the_demo_there_is_one_plain_page() {
        let page = find("", false).unwrap();
        assert!(String::from_utf8_lossy(&page.bytes).contains("This is a"));
        for path in ["index.html", "owner.html", "participant.html", "style.css"] {
            assert!(find(path, false).is_none(), "{path}");
        }
    }

    #[test]
    fn nothing_outside_the_two_folders_is_served() {
        for path in
            ["../Cargo.toml", "sdk/../Cargo.toml", "sdk/package.json", "sdk/", "sdk", "/etc/passwd"]
        {
            assert!(find(path, true).is_none(), "{path}");
        }
        assert!(Sdk::iter().all(|name| name.ends_with(".js") && !name.contains("node_modules")));
        assert!(Demo::iter().all(|name| !name.contains("node_modules")));
    }

    #[test]
    fn a_page_the_browser_has_is_not_sent_again() {
        let answer = |tags: Option<&'static str>| {
            let page = find("", false).unwrap();
            let tags = tags.map(HeaderValue::from_static);
            page.respond(&Method::GET, tags.as_ref())
        };
        let first = answer(None);
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
        assert_eq!(first.headers()[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(
            first.headers()[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("default-src 'self'")
        );
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned().leak();
        assert_eq!(answer(Some(tag)).status(), StatusCode::NOT_MODIFIED);
        let weak = format!("\"other\", W/{tag}").leak();
        assert_eq!(answer(Some(weak)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(answer(Some("\"other\"")).status(), StatusCode::OK);
    }
}
