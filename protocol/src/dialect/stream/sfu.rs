//! What Stream's SDK says to the media server that it believes in, and hears from it. There is none:
//! this wire is only how somebody is a participant of a call, and so of the room. [`ask`] reads what a
//! client says, [`Ear`] writes what it hears, [`words`] has the shapes of both. It must not see
//! sockets.

pub mod ask;
mod ear;
pub mod words;

pub use ear::{Ear, Face, Faces};
