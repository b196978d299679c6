//! What a change of the Directory means to rooms: which of them it concerns, and waiting until they
//! have dealt with it. It must not know what they do about it.
//!
//! No room misses a change. A room is in the registry before it reads the Directory, and a user is
//! in [`super::whereabouts`] before a room reads what is known of him; the registry and the
//! whereabouts are read here after the change was published. So either the room reads what is new,
//! or it is found here and asked to read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
    time::Duration,
};

use futures::future::{BoxFuture, join_all};
use rolecall_protocol::{
    directory::User,
    id::{Cid, UserId},
};
use tokio::{sync::oneshot, time::Instant};

use super::{Ask, ENTER_TRIES_MAX, Envelope, Hub};
use crate::directory::{Change, Concerned};

/// How many calls of the index are changed before others have their turn.
const FOLLOW_AT_ONCE: usize = 256;

/// What of the Directory a room is to read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anew {
    /// Its call type.
    pub call_type: bool,
    /// Everybody who is there.
    pub everybody: bool,
    /// These users.
    pub users: BTreeSet<UserId>,
    /// Those of them who are erased: their tokens may let them in again, but now they are out.
    pub erased: BTreeSet<UserId>,
}

/// The rooms, told of changes.
pub struct Rooms(pub Weak<Hub>);

impl Concerned for Rooms {
    fn changed(&self, change: Arc<Change>) -> BoxFuture<'static, ()> {
        let hub = Weak::clone(&self.0);
        Box::pin(async move {
            if let Some(hub) = hub.upgrade() {
                let asked = hub.concerned(&change).into_iter();
                join_all(asked.map(|(cid, anew)| hub.refresh(cid, anew))).await;
                hub.follow(&change).await;
            }
        })
    }
}

impl Hub {
    /// Which rooms a change concerns, and in what.
    fn concerned(&self, change: &Change) -> BTreeMap<Cid, Anew> {
        let mut rooms: BTreeMap<Cid, Anew> = BTreeMap::new();
        let types: BTreeSet<&str> = change.call_types().map(|name| name.as_str()).collect();
        let everybody = change.is_multi_tenant_switched();
        if everybody || !types.is_empty() {
            for room in self.rooms.iter() {
                let call_type = types.contains(room.key().call_type());
                if everybody || call_type {
                    let anew = Anew { call_type, everybody, ..Anew::default() };
                    rooms.insert(room.key().clone(), anew);
                }
            }
        }
        for id in change.users() {
            let (before, after) = (change.before.users.get(id), change.after.users.get(id));
            if stands_alike(before, after) {
                continue;
            }
            for cid in self.shared.whereabouts.rooms_of(id) {
                let anew = rooms.entry(cid).or_default();
                anew.users.insert(id.clone());
                if after.is_none() {
                    anew.erased.insert(id.clone());
                }
            }
        }
        rooms
    }

    /// Rooms that sleep read the Directory when they wake; until then the index of calls says what
    /// their types are.
    async fn follow(&self, change: &Change) {
        for name in change.call_types() {
            // Another change may have come meanwhile: what is now, is what counts.
            let directory = self.shared.directory.now();
            let Some(entry) = directory.call_type(name.as_str()) else { continue };
            for cids in self.shared.calls.rooms_of_type(name).chunks(FOLLOW_AT_ONCE) {
                self.shared.calls.follow(cids, &entry.call_type);
                tokio::task::yield_now().await;
            }
        }
    }

    /// Has a room read the Directory again, and waits for it; one that sleeps reads it when it wakes.
    async fn refresh(&self, cid: Cid, anew: Anew) {
        for _ in 0..ENTER_TRIES_MAX {
            let Some(mailbox) = self.rooms.get(&cid).map(|room| room.clone()) else { return };
            let (answer, dealt_with) = oneshot::channel();
            let ask = Ask::Anew { anew: Box::new(anew.clone()), answer };
            if mailbox.send(Envelope { ask, since: Instant::now() }).await.is_ok() {
                // A room that fell meanwhile reads it when it starts again.
                let _ = dealt_with.await;
                return;
            }
            // It is falling asleep, and may be woken by somebody who came in at the last moment.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Whether nothing that rooms heed is different.
fn stands_alike(before: Option<&Arc<User>>, after: Option<&Arc<User>>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            before.role == after.role
                && before.teams == after.teams
                && before.teams_role == after.teams_role
                && before.is_welcome() == after.is_welcome()
        }
        (None, None) => true,
        _ => false,
    }
}
