//! The awaiting half of Rolecall: sockets, HTTP, settings, journals and tokens around the law of
//! `rolecall-protocol`. It awaits and never decides.

pub mod auth;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod directory;
pub mod http;
pub mod hub;
pub mod journal;
pub mod logging;
pub mod metrics;
pub mod mint;
pub mod query;
pub mod secret;
pub mod server;
pub mod session;
