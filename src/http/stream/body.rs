//! The bodies of requests and answers, as Stream's SDKs write and read them. They must not know how
//! they are made.

pub mod app;
pub mod call;
pub mod call_type;
pub mod client;
pub mod member;
pub mod moderation;
pub mod role;
pub mod session;
pub mod task;
pub mod user;
