//! Dialects: text in, commands out; notices in, text out. A dialect never sees a socket, and
//! whoever carries its text never looks inside.

pub mod native;
