//! The REST API of a test's own, and requests to it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header::AUTHORIZATION},
};
use http_body_util::BodyExt as _;
use jsonwebtoken::{EncodingKey, Header};
use rolecall_protocol::id::{CallTypeName, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;
use utoipa::openapi::OpenApi;

use crate::{
    auth::Verifier,
    calls::CallIndex,
    clock::Clock,
    config::{Config, DEVELOPMENT_KEY, DEVELOPMENT_SECRET},
    directory::DirectoryHandle,
    http::{
        daily::{self, Daily, Turns},
        rate::Rates,
        stream::{self, Stream, connections::Connections, openapi, tasks::Tasks},
    },
    hub::{Hub, Shared, changes, whereabouts::Whereabouts},
    journal::{Journal, memory::MemoryJournal},
};

/// When the clock of these tests stands: 2026-01-01T00:00:00Z.
pub(in crate::http) const NOW_MS: u64 = 1_767_225_600_000;

/// All routes of the REST APIs.
pub(in crate::http) struct House {
    pub(in crate::http) router: Router,
    pub(in crate::http) document: OpenApi,
    pub(in crate::http) daily: Router,
    pub(in crate::http) of_daily: OpenApi,
    pub(in crate::http) journal: Arc<dyn Journal>,
    pub(in crate::http) clock: Clock,
    pub(in crate::http) stream: Arc<Stream>,
    /// Dropped, it would say that the house closes.
    _closes: watch::Sender<bool>,
}

/// An answer.
#[derive(Debug)]
pub(in crate::http) struct Told {
    pub(in crate::http) status: u16,
    pub(in crate::http) headers: HeaderMap,
    pub(in crate::http) body: Value,
}

impl House {
    pub(in crate::http) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(in crate::http) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let config = Arc::new(config);
        let clock = Clock::manual(NOW_MS);
        let limits = config.limits.clone();
        let journal = MemoryJournal::new(limits.journal_records_kept, limits.rooms_remembered);
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let configured = config.configured_call_types();
        let directory =
            DirectoryHandle::open(Arc::clone(&journal), clock.clone(), &limits, &configured);
        let directory = directory.await.unwrap();
        let hub = Arc::new(Hub::new(Shared {
            journal: Arc::clone(&journal),
            clock: clock.clone(),
            limits,
            mesh_max: config.media.mesh_max,
            grace: config.grace,
            calls: Arc::new(CallIndex::default()),
            started: Timestamp(NOW_MS),
            directory: directory.clone(),
            whereabouts: Whereabouts::default(),
            trust_token_teams: config.trust_token_teams,
        }));
        directory.concern(Arc::new(changes::Rooms(Arc::downgrade(&hub))));
        let verifier = Arc::new(Verifier::new(&config, clock.clone()).unwrap());
        let rates = Arc::new(Rates::new(&config.limits));
        let daily = Daily {
            config: Arc::clone(&config),
            clock: clock.clone(),
            verifier: Arc::clone(&verifier),
            hub: Arc::clone(&hub),
            rates: Arc::clone(&rates),
            turns: Turns::default(),
        };
        let (closes, closing) = watch::channel(false);
        let stream = Stream {
            connections: Arc::new(Connections::new(clock.clone())),
            closing,
            clock: clock.clone(),
            verifier,
            hub,
            default_call_type: CallTypeName::parse("default").unwrap(),
            directory,
            rates,
            tasks: Tasks::default(),
            config,
        };
        let stream = Arc::new(stream);
        let (router, document) = stream::routes(Arc::clone(&stream));
        let (daily, of_daily) = daily::routes(Arc::new(daily));
        let document = openapi::complete(document);
        Self { router, document, daily, of_daily, journal, clock, stream, _closes: closes }
    }

    /// Sends a request as it is.
    pub(in crate::http) async fn send(&self, request: Request<Body>) -> Told {
        let router = if daily::is_here(request.uri().path()) { &self.daily } else { &self.router };
        let response = router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                panic!("{status}, not JSON: {}", String::from_utf8_lossy(&bytes))
            }),
        };
        Told { status, headers, body }
    }

    /// Asks as whoever the token in `as_whom` is; `body` null: none.
    pub(in crate::http) async fn ask(&self, as_whom: &str, line: &str, body: Value) -> Told {
        let (method, path) = line.split_once(' ').unwrap();
        let mark = if path.contains('?') { '&' } else { '?' };
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}{mark}api_key={DEVELOPMENT_KEY}"))
            .header(AUTHORIZATION, as_whom)
            .header("stream-auth-type", "jwt")
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    /// Asks as the back end.
    pub(in crate::http) async fn server(&self, line: &str, body: Value) -> Told {
        self.ask(&token(&json!({})), line, body).await
    }

    /// Asks as a user.
    pub(in crate::http) async fn user(&self, id: &str, line: &str, body: Value) -> Told {
        self.ask(&token(&json!({ "user_id": id })), line, body).await
    }
}

impl Told {
    /// The body of an answer with this status.
    #[track_caller]
    pub(in crate::http) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.body["duration"].as_str().is_some_and(|it| it.ends_with("ms")), "{self:?}");
        self.body
    }

    /// Asserts that it is a whole error of this status and code, and gives its message.
    #[track_caller]
    pub(in crate::http) fn fault(self, status: u16, code: i32) -> String {
        assert_eq!((self.status, &self.body["code"]), (status, &json!(code)), "{}", self.body);
        assert_eq!(self.body["StatusCode"], json!(status));
        for (field, expected) in [("details", json!([])), ("unrecoverable", json!(false))] {
            assert_eq!(self.body[field], expected, "{}", self.body);
        }
        assert!(self.body["duration"].as_str().is_some_and(|it| it.ends_with("ms")));
        assert!(self.body["more_info"].as_str().is_some_and(|it| it.starts_with("https://")));
        assert!(self.body["exception_fields"].is_object());
        self.body["message"].as_str().unwrap().to_owned()
    }
}

/// A token with these claims.
pub(in crate::http) fn token(claims: &Value) -> String {
    let key = EncodingKey::from_secret(DEVELOPMENT_SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).unwrap()
}
