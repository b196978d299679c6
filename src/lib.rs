//! The awaiting half of Rolecall: sockets, rooms as tasks, journals, HTTP.

pub mod hub;
