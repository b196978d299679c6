//! The awaiting half of Rolecall: sockets, HTTP, settings and tokens around the law of
//! `rolecall-protocol`.

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod secret;
pub mod server;
