//! Filling the index when the server starts, from what the journal remembers. It must not bring
//! rooms to life.

use std::sync::Arc;

use rolecall_protocol::{
    id::Cid,
    room::{self, Event, Room},
};

use super::CallIndex;
use crate::journal::{Journal, Loaded, ReadError};

/// Rooms read at once.
const ROOMS_AT_ONCE: usize = 500;

impl CallIndex {
    /// Publishes every call that the journal remembers. Gives back those in which somebody was:
    /// their rooms want to be started, so that whoever does not come back is let go.
    ///
    /// # Errors
    /// [`ReadError`] of the journal.
    pub async fn fill(&self, journal: &dyn Journal) -> Result<Vec<Cid>, ReadError> {
        let mut inhabited = Vec::new();
        let mut after: Option<Cid> = None;
        loop {
            let states = journal.states(after.as_ref(), ROOMS_AT_ONCE).await?;
            let Some((last, _)) = states.last() else { return Ok(inhabited) };
            after = Some(last.clone());
            for (cid, loaded) in states {
                let Some(room) = replayed(&cid, loaded) else { continue };
                if !room.peers.is_empty() {
                    inhabited.push(cid);
                }
                let present = room.peers.values().map(|peer| peer.who.user_id.clone());
                self.publish(room.card(), present);
            }
        }
    }
}

/// A room as its journal left it; nothing where none ever began.
fn replayed(cid: &Cid, loaded: Loaded) -> Option<Room> {
    let Loaded { snapshot, records } = loaded;
    let mut room = match snapshot {
        Some(room) => Arc::unwrap_or_clone(room),
        None => {
            let mut events = records.iter().flat_map(|record| &record.events);
            let call_type = events.find_map(|event| match event {
                Event::RoomCreated { call_type, .. } => Some(Arc::clone(call_type)),
                _ => None,
            })?;
            Room::vacant(cid.clone(), call_type)
        }
    };
    for record in &records {
        for event in &record.events {
            room::commit(&mut room, event, record.at);
        }
    }
    Some(room)
}
