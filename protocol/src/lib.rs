//! The pure half of Rolecall: it decides and never awaits.
//!
//! No clock, no randomness, no hash map, no async: time and fresh ids come in as arguments, and
//! the same input gives the same output, always. Read the modules in this order.
#![warn(missing_docs)]

pub mod id;

pub mod capability;
pub mod json;
pub mod media;
pub mod permissions;
pub mod team;

pub mod grant;

pub mod call_type;

pub mod directory;
pub mod room;

pub mod wire;

pub mod dialect;
mod unique;
