//! Dialects: text in, commands out; notices in, text out. A dialect never sees a socket, and
//! whoever carries its text never looks inside.

use crate::room::{Notice, Room, event::LeftReason, people::Doer};

pub mod hms;
pub mod native;
pub mod stream;

/// What one client hears who is not spoken to natively. Whoever holds it need not know which dialect
/// it is of.
#[derive(Clone, Debug)]
pub enum Ear {
    /// A client of 100ms's.
    Hms(hms::Ear),
}

impl Ear {
    /// What he is told as he comes in, or takes his seat again: all that he may see.
    pub fn arrive(&mut self, room: &Room, again: bool) -> Vec<String> {
        match self {
            Self::Hms(ear) => ear.arrive(room, again),
        }
    }

    /// What a notice says that is for him.
    pub fn hear(&mut self, room: &Room, notice: &Notice) -> Vec<String> {
        match self {
            Self::Hms(ear) => ear.hear(room, notice),
        }
    }

    /// What he is told as he has to go, beside the close of his socket.
    #[must_use]
    pub fn farewell(&self, reason: LeftReason, by: &Doer, note: Option<&str>) -> Option<String> {
        match self {
            Self::Hms(ear) => ear.farewell(reason, by, note),
        }
    }
}
