//! The contract with clients, proved: the page a stranger reads (`README.md`), the golden vectors, and
//! the schema, each against the code and against one another.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod errors;
mod golden;
mod hms;
mod page;
mod readme;
mod schema;
mod sfu;
mod stage;
mod vectors;
