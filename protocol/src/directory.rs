//! The Directory, as a state machine like a room's: who there is (users, teams), what there is
//! (call types, roles, permissions), and how the app is set. It must not know rooms.
//!
//! A command's way: [`turn`] decides it on the Directory as it is, and says how it will be. Its
//! events are one record of the journal; [`replay`] does the same to a Directory read from there.
//! Every event touches exactly one [`Key`]: that is what a snapshot stores anew, and what tells the
//! rooms whom a change concerns.

pub mod app;
pub mod call_types;
pub mod key;
pub mod notifications;
pub mod permission;
pub mod role;
pub mod standing;
pub mod state;
pub mod user;

pub mod command;
pub mod event;
pub mod refusal;

pub mod apply;
pub mod decide;

pub use apply::replay;
pub use command::{Actor, Command};
pub use decide::{Decision, Reply, turn};
pub use event::Event;
pub use key::Key;
pub use refusal::Refusal;
pub use state::Directory;
pub use user::User;
