//! The OpenAPI document of all routes, put together from what the handlers say of themselves, and
//! the page that shows it. It must not know what the operations do.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use axum::{
    Router,
    http::{HeaderValue, Method, header::CONTENT_SECURITY_POLICY},
    middleware::map_response,
    response::Response,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, Info, License, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, PathItem},
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
        tag::TagBuilder,
    },
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    super::{Problem, daily, hms},
    fault::FaultBody,
    speech::{BROWSER_PREFIX, Speech},
};

/// What stands before the name of an operation where a browser calls it: a document wants each
/// name once.
pub const BROWSER_MARK: &str = "Browser";

/// What the paths of the native API begin with.
const NATIVE_PREFIX: &str = "/v1/";
/// What stands before the name of an operation that is at a second path too.
const AGAIN_MARK: &str = "Video";

/// What may go wrong with any operation, and the words for it.
const FAILURES: [(&str, &str); 9] = [
    ("400", "The request is not good (code 4)."),
    ("401", "The key or the token is not good (codes 2, 5, 40, 41, 42, 43)."),
    ("403", "The caller may not (code 17)."),
    ("404", "There is no such thing (code 16)."),
    ("408", "The request was not complete in time (code 23)."),
    ("413", "The body is too large (code 22)."),
    ("429", "Too many requests (code 9); `Retry-After` says how many seconds to wait."),
    ("500", "Something inside (code -1)."),
    ("503", "Not now; `Retry-After` says how many seconds to wait."),
];

/// The tags in the order the page shows them.
const TAGS: [(&str, &str); 11] = [
    ("app", "Settings of the app: teams, guests, revoked tokens."),
    ("permissions", "What a grant may name."),
    ("roles", "Built-in and custom roles."),
    ("users", "The app's users, their roles and teams."),
    ("call types", "Roles' grants and settings of kinds of calls."),
    ("calls", "Calls, their members, permissions and moderation."),
    ("tasks", "What takes longer."),
    ("daily", "Daily's REST API: rooms, meeting tokens, presence, what is done to participants."),
    ("100ms", "100ms's REST API of active rooms: who is in, and what is done to them."),
    ("rooms", "The native API: live state, audit trail, calls of the native protocol."),
    ("health", "Whether the server lives."),
];

/// Stream's names of operations by path and method.
#[derive(Debug, Default)]
pub struct Operations(HashMap<String, BTreeMap<String, Arc<str>>>);

impl Operations {
    /// The names in `document`.
    pub fn of(document: &OpenApi) -> Self {
        let mut names: HashMap<String, BTreeMap<String, Arc<str>>> = HashMap::new();
        for (path, item) in &document.paths.paths {
            for (method, operation) in operations(item) {
                if let Some(name) = &operation.operation_id {
                    let named = names.entry(path.clone()).or_default();
                    named.insert(method.to_string(), name.as_str().into());
                }
            }
        }
        Self(names)
    }

    /// The name of what `method` does at the route `path`.
    pub fn find(&self, path: &str, method: &Method) -> Option<Arc<str>> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.0.get(path)?.get(method.as_str()).cloned()
    }
}

/// The operations of a path with their methods.
pub(super) fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch]
        .into_iter()
        .filter_map(Option::as_mut)
}

/// Adds to what the handlers say what holds for all of them.
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = Info::builder()
        .title("Rolecall")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Rooms, roles and permissions in real time. `/api/v2` is for servers and has moments as \
             whole nanoseconds since 1970; `/video` is for browsers and has them as RFC 3339 text. \
             Both are Stream's REST API, so Stream's SDKs work with it. `/daily/v1` is Daily's REST \
             API, for servers, and `/v2` 100ms's of active rooms. `/v1` is the native API.",
        ))
        .license(Some(License::new("MIT OR Apache-2.0")))
        .build();
    document.tags = Some(
        TAGS.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())
            .to_vec(),
    );
    let mut named = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        if Speech::at_path(path).is_none() {
            let default = match path {
                path if path.starts_with(NATIVE_PREFIX) => Some("Problem"),
                path if daily::is_here(path) => Some("DailyProblem"),
                path if hms::api::is_here(path) => Some("HmsProblem"),
                _ => None,
            };
            if let Some(default) = default {
                operations_mut(item).for_each(|operation| add_problem(operation, default));
            }
            continue;
        }
        let browser = path.starts_with(BROWSER_PREFIX);
        for operation in operations_mut(item) {
            if let Some(name) = &mut operation.operation_id {
                let mark = if browser { BROWSER_MARK } else { AGAIN_MARK };
                if browser || named.contains(name) {
                    name.insert_str(0, mark);
                }
                named.insert(name.clone());
            }
            for (status, _) in FAILURES {
                let failure = RefOr::Ref(Ref::from_response_name(failure_name(status)));
                operation.responses.responses.entry(status.to_owned()).or_insert(failure);
            }
            if operation.security.is_none() {
                let both: [&str; 0] = [];
                let key_and_token = SecurityRequirement::new("api_key", both).add("token", both);
                operation.security = Some(vec![key_and_token]);
            }
        }
    }
    let components = document.components.take().unwrap_or_default();
    let mut builder = ComponentsBuilder::from(components);
    let mut inner = Vec::new();
    FaultBody::schemas(&mut inner);
    builder = builder.schemas_from_iter(inner).schema("APIError", FaultBody::schema());
    for (status, about) in FAILURES {
        let content = ContentBuilder::new()
            .schema(Some(RefOr::Ref(Ref::from_schema_name("APIError"))))
            .build();
        let response =
            ResponseBuilder::new().description(about).content("application/json", content).build();
        builder = builder.response(failure_name(status), response);
    }
    let content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
    let response = ResponseBuilder::new()
        .description("What went wrong, as the native protocol says it.")
        .content("application/json", content)
        .build();
    builder = builder.schema("Problem", Problem::schema()).response("Problem", response);
    let content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("DailyError")))).build();
    let response = ResponseBuilder::new()
        .description("What went wrong, as Daily's API says it.")
        .content("application/json", content)
        .build();
    builder = builder.schema("DailyError", daily::FaultBody::schema());
    builder = builder.response("DailyProblem", response);
    let content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("HmsError")))).build();
    let response = ResponseBuilder::new()
        .description("What went wrong, as 100ms's API says it.")
        .content("application/json", content)
        .build();
    builder = builder.schema("HmsError", hms::api::FaultBody::schema());
    builder = builder.response("HmsProblem", response);
    for (name, scheme) in schemes() {
        builder = builder.security_scheme(name, scheme);
    }
    document.components = Some(builder.build());
    document
}

/// Whatever goes wrong with the native API, with Daily's and with 100ms's.
fn add_problem(operation: &mut Operation, name: &str) {
    let problem = RefOr::Ref(Ref::from_response_name(name));
    operation.responses.responses.insert("default".to_owned(), problem);
}

fn failure_name(status: &str) -> String {
    format!("Failure{status}")
}

fn schemes() -> [(&'static str, SecurityScheme); 4] {
    let described = |name: &str, about: &str| ApiKeyValue::with_description(name, about);
    [
        (
            "api_key",
            SecurityScheme::ApiKey(ApiKey::Query(described("api_key", "The app's public key."))),
        ),
        (
            "token",
            SecurityScheme::ApiKey(ApiKey::Header(described(
                "Authorization",
                "A JWT signed with the app's secret, without `Bearer`: the back end's has no \
                 `user_id`.",
            ))),
        ),
        (
            "server_token",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("JWT")
                    .description(Some("The back end's token, for the native API; for Daily's the app's secret, too."))
                    .build(),
            ),
        ),
        (
            "management_token",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .bearer_format("JWT")
                    .description(Some("100ms's management token, signed with the app's secret."))
                    .build(),
            ),
        ),
    ]
}

/// `/openapi.json`, and the page at `/docs` that reads it. Everything the page needs is in the
/// binary.
pub fn pages<S: Clone + Send + Sync + 'static>(document: OpenApi) -> Router<S> {
    let config = Config::default()
        .try_it_out_enabled(false)
        .validator_url("none")
        .persist_authorization(false);
    let page = SwaggerUi::new("/docs").config(config).url("/openapi.json", document);
    Router::from(page).layer(map_response(keep_inside))
}

/// The page may load nothing from elsewhere. Swagger UI styles its elements one by one.
async fn keep_inside(mut response: Response) -> Response {
    const POLICY: HeaderValue = HeaderValue::from_static(
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; frame-ancestors 'self'",
    );
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}
