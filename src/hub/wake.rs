//! The start: every room that the journal has is looked at once, and those that somebody was in
//! live again. It must not tell anybody anything.

use std::sync::Arc;

use rolecall_protocol::{
    id::{Cid, Timestamp},
    room::{Event, Room, apply},
};

use super::Hub;
use crate::journal::{Loaded, ReadError};

/// Rooms read from the journal at once.
const PAGE: usize = 500;

/// What a journal was found to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// So many rooms.
    pub rooms: usize,
    /// In so many of them somebody was.
    pub woken: usize,
}

impl Hub {
    /// Looks at every room of the journal as it was, and wakes those that somebody was in. A room
    /// that cannot be woken is said to be so, and goes on sleeping.
    ///
    /// # Errors
    /// [`ReadError`] where one of them cannot be read.
    pub async fn wake(&self, mut seen: impl FnMut(&Room)) -> Result<Found, ReadError> {
        let mut found = Found::default();
        let mut after: Option<Cid> = None;
        loop {
            let page = self.shared.journal.states(after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            after = Some(last.clone());
            for (cid, loaded) in page {
                let Some(mut room) = as_it_was(&cid, loaded) else { continue };
                self.follow_type(&mut room);
                found.rooms += 1;
                seen(&room);
                if room.peers.is_empty() {
                    continue;
                }
                match self.enter(&cid) {
                    Ok(_) => found.woken += 1,
                    Err(error) => tracing::error!(
                        room = %cid, reason = error.reason(),
                        "somebody was in room {cid}, but it cannot be woken: {}", error.message
                    ),
                }
            }
            // Others have something to do, too.
            tokio::task::yield_now().await;
        }
    }
}

impl Hub {
    /// What it sleeps through of its call type does not stand in its journal.
    fn follow_type(&self, room: &mut Room) {
        let directory = self.shared.directory.now();
        if let Some(entry) = directory.call_type(room.cid.call_type()) {
            let call_type = Arc::clone(&entry.call_type);
            apply(room, &Event::CallTypeAdopted { call_type }, Timestamp::default());
        }
    }
}

/// The room as the journal has it; nothing where it never began.
fn as_it_was(cid: &Cid, loaded: Loaded) -> Option<Room> {
    let call_type = match &loaded.snapshot {
        Some(snapshot) => Arc::clone(&snapshot.call_type),
        None => {
            let mut events = loaded.records.iter().flat_map(|record| &record.events);
            events.find_map(|event| match event {
                Event::RoomCreated { call_type, .. } => Some(Arc::clone(call_type)),
                _ => None,
            })?
        }
    };
    let (mut room, records) = loaded.begin(cid, &call_type);
    for record in records {
        record.events.iter().for_each(|event| apply(&mut room, event, record.at));
        room.seq = record.seq;
    }
    Some(room)
}
