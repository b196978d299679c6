//! The envelopes every dialect of ours travels in: frames ([`frame`]) and the registry of codes
//! ([`code`]).

pub mod code;
pub mod frame;
