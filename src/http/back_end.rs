//! What the doors of REST APIs for back ends have in common: they let the back end in, count, and give
//! every error its form. It must not know in whose words.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::ALLOW},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    input::Unread,
    rate::{Key, Rates},
    unpanicked,
};
use crate::clock::Clock;

/// A REST API for back ends.
pub(super) trait BackEnd: Send + Sync + 'static {
    /// What goes wrong, in its words.
    type Fault: Fault;

    /// Lets the back end in.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Self::Fault>;
    /// How many requests a minute.
    fn rates(&self) -> &Rates;
    /// The time.
    fn clock(&self) -> &Clock;
}

/// What goes wrong whatever is asked. Its answer is marked with [`Said`].
pub(super) trait Fault: IntoResponse + From<Unread> + Send {
    /// 429: wait so many seconds.
    fn too_many(limit: u32, retry_after_s: u64) -> Self;
    /// 500: something inside.
    fn internal() -> Self;
    /// The fault of an HTTP status that came without one.
    fn of_status(status: StatusCode) -> Self;
}

/// Marks an answer that has its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said;

/// Whether `path` is one of those under `prefix`.
pub(super) fn is_under(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Finds out whether it is the back end that asks, counts the request, and gives every error its
/// body.
pub(super) async fn attend<A: BackEnd>(
    State(api): State<Arc<A>>,
    request: Request,
    next: Next,
) -> Response {
    let admitted = api.admit(request.headers());
    let key = if admitted.is_ok() { Key::Server } else { Key::of_address(&request) };
    let allowance = api.rates().take(key, api.clock().now_s());
    let mut response = match (allowance.wait_s, admitted) {
        (Some(wait_s), _) => A::Fault::too_many(allowance.limit, wait_s).into_response(),
        (None, Err(fault)) => fault.into_response(),
        (None, Ok(())) => unpanicked(next.run(request))
            .await
            .unwrap_or_else(|| A::Fault::internal().into_response()),
    };
    if let Some(unread) = response.extensions_mut().remove::<Unread>() {
        response = A::Fault::from(unread).into_response();
    } else if response.extensions().get::<Said>().is_none()
        && (response.status().is_client_error() || response.status().is_server_error())
    {
        let allow = response.headers_mut().remove(ALLOW);
        response = A::Fault::of_status(response.status()).into_response();
        response.headers_mut().extend(allow.map(|allow| (ALLOW, allow)));
    }
    allowance.tell(response.headers_mut());
    response
}
