//! Stream's words for what becomes of a room. [`ear`] says what is heard of an event, [`glimpse`]
//! takes out of the room what is shown of it. Users and the form of moments are added by whoever
//! writes it down: the room knows users by their ids. [`sfu`] is for who is in the call himself.

pub mod ear;
pub mod glimpse;
pub mod sfu;
