//! The law of rooms under test: plays (`plays/*.play`) and random walks, on the same checked house.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod call;
mod house;
mod play;
mod told;
mod view;
mod walk;
