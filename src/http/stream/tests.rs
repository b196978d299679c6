//! Tests of the REST API over its routes, without sockets: what is sent, and what comes back.

mod call_types;
mod document;
mod door;
mod house;
mod settings;
mod user_search;
mod users;
