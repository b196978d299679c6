//! Tests of the REST API over its routes, without sockets: what is sent, and what comes back.

mod door;
mod house;
