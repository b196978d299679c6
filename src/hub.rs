//! The rooms that live on this node, and the way out to the sockets of those who are in them.

pub mod fanout;
pub mod seat;
