//! The integration tests, one binary: scripted clients and the real program.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod admin;
mod admission;
mod calls;
mod cli;
mod client;
mod connection;
mod coordinator;
mod daily;
mod daily_rooms;
mod directory;
mod disk;
mod document;
mod falls;
mod faults;
mod hms;
mod hms_api;
mod house;
mod journal;
mod media;
mod play;
mod restart;
mod resume;
mod room_state;
mod server_side;
mod sfu;
mod stream;
mod teams;
mod trail;
mod user_news;
mod waiting;
mod walk;
