//! What a connection is told of itself, as Stream's SDKs read it: that it stands, that it lives, why
//! it does not. It must not know calls.

use rolecall_protocol::{id::Timestamp, wire::code};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    body::user::FullUserResponse,
    fault::{Fault, FaultBody, code as fault_code},
};
use crate::hub::seat::{Close, Seat, frame};

/// The name under which a fault of a connection is told.
const OPERATION: &str = "Connect";
/// The close at which SDKs do not come back by themselves.
const FOR_GOOD: u16 = 1000;

/// `connection.ok`
#[derive(Serialize)]
pub(super) struct ConnectionOk<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    connection_id: &'a str,
    created_at: Timestamp,
    me: FullUserResponse,
}

impl<'a> ConnectionOk<'a> {
    pub(super) const fn new(id: &'a str, at: Timestamp, me: FullUserResponse) -> Self {
        Self { kind: "connection.ok", connection_id: id, created_at: at, me }
    }
}

/// `health.check`
#[derive(Serialize)]
pub(super) struct HealthCheck<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    connection_id: &'a str,
    created_at: Timestamp,
    custom: Map<String, Value>,
}

impl<'a> HealthCheck<'a> {
    pub(super) fn new(id: &'a str, at: Timestamp) -> Self {
        Self { kind: "health.check", connection_id: id, created_at: at, custom: Map::new() }
    }
}

#[derive(Serialize)]
struct ConnectionError {
    #[serde(rename = "type")]
    kind: &'static str,
    connection_id: &'static str,
    created_at: Timestamp,
    error: FaultBody,
}

/// As JSON text.
pub(super) fn text(said: &impl Serialize) -> String {
    serde_json::to_string(said).unwrap_or_default()
}

/// Tells why there is no connection, and closes the socket behind that; with what will pass so that
/// SDKs come back.
pub(super) fn refuse(seat: &Seat, fault: Fault, at: Timestamp) {
    let passes = fault.status().is_server_error();
    let code = if passes { code::Close::GoingAway.code() } else { FOR_GOOD };
    tell_and_close(seat, fault, at, code);
}

/// Tells why a connection that stood does no more. SDKs look at no error then: they come back, and
/// are told it anew, where they do; a fresh token they fetch by its code.
pub(super) fn farewell(seat: &Seat, fault: Fault, at: Timestamp) {
    let expired = fault.code() == fault_code::TOKEN_EXPIRED;
    let close = if expired { code::Close::TokenExpired } else { code::Close::BadToken };
    tell_and_close(seat, fault, at, close.code());
}

fn tell_and_close(seat: &Seat, fault: Fault, at: Timestamp, code: u16) {
    let close = Close::new(code, fault.text().to_owned());
    let error = fault.into_body(Some(OPERATION), Instant::now());
    let kind = "connection.error";
    let said = ConnectionError { kind, connection_id: "", created_at: at, error };
    let mut framed = Vec::new();
    frame::put_text(&mut framed, &[text(&said).as_bytes()]);
    seat.write(&framed);
    seat.close(close);
}
