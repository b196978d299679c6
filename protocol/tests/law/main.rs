//! The law of rooms under test: plays (`plays/*.play`) and random walks, on the same checked house.
#![expect(clippy::unwrap_used, reason = "what cannot go on says so by falling")]

mod call;
mod hms;
mod house;
mod play;
mod rest;
mod sfu;
mod told;
mod view;
mod walk;
