//! Dialects: text in, commands out; notices in, text out. A dialect never sees a socket, and
//! whoever carries its text never looks inside.

use crate::{
    id::PeerId,
    room::{Notice, Room, event::LeftReason, people::Doer},
};

pub mod hms;
pub mod native;
pub mod sdp;
pub mod stream;

/// What one client hears who is not spoken to natively. Whoever holds it need not know which dialect
/// it is of.
#[derive(Clone, Debug)]
pub enum Ear {
    /// A client of 100ms's.
    Hms(hms::Ear),
    /// A participant of Stream's.
    Stream(stream::sfu::Ear),
}

impl Ear {
    /// Whether his client knows itself by that id, whichever his peer's is.
    #[must_use]
    pub fn is_called(&self, id: &PeerId) -> bool {
        match self {
            Self::Hms(ear) => ear.me() == id,
            Self::Stream(ear) => ear.is_called(id),
        }
    }

    /// He takes that peer's seat again, with what he remembers of what he was told there, if anything.
    #[must_use]
    pub fn back(self, peer: &PeerId, known: Option<Self>) -> Self {
        match (self, known) {
            (Self::Hms(_), Some(known @ Self::Hms(_))) => known,
            // All that there is is told him anew.
            (Self::Stream(mut ear), _) => {
                ear.sit(peer);
                Self::Stream(ear)
            }
            (fresh, _) => fresh,
        }
    }

    /// What he is told as he comes in, or takes his seat again: all that he may see.
    pub fn arrive(&mut self, room: &Room, again: bool) -> Vec<String> {
        match self {
            Self::Hms(ear) => ear.arrive(room, again),
            Self::Stream(ear) => ear.arrive(room, again),
        }
    }

    /// What a notice says that is for him.
    pub fn hear(&mut self, room: &Room, notice: &Notice) -> Vec<String> {
        match self {
            Self::Hms(ear) => ear.hear(room, notice),
            Self::Stream(ear) => ear.hear(room, notice),
        }
    }

    /// What he is told as he has to go, beside the close of his socket.
    #[must_use]
    pub fn farewell(&self, reason: LeftReason, by: &Doer, note: Option<&str>) -> Option<String> {
        match self {
            Self::Hms(ear) => ear.farewell(reason, by, note),
            Self::Stream(ear) => ear.farewell(reason),
        }
    }
}
