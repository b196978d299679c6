//! The awaiting half of Rolecall: sockets, HTTP, settings and tokens around the law of
//! `rolecall-protocol`.

pub mod auth;
pub mod clock;
pub mod config;
pub mod secret;
