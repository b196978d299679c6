//! Tests of the REST API over its routes, without sockets: what is sent, and what comes back.

mod call_types;
mod calls;
mod document;
mod door;
mod heard;
pub(in crate::http) mod house;
mod rooms;
mod settings;
mod user_search;
mod users;
