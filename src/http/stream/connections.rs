//! The connections that browsers hold open to be told of calls: whose each is, and what it watches.
//! It must not know what is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dashmap::{DashMap, mapref::entry::Entry};
use futures::future::BoxFuture;
use rolecall_protocol::{
    directory::{Directory, app::App},
    id::{Cid, Timestamp, UserId},
};

use super::{
    caller::{self, User},
    fault::Fault,
    said,
};
use crate::{
    clock::Clock,
    directory::{Change, Concerned},
    hub::{
        listener::{Listener, Say, WhoNow},
        seat::{Seat, frame},
    },
    mint,
};

/// Most connections of one user.
const PER_USER_MAX: usize = 100;
/// Most calls that one connection watches: as many as one query names that watches them again.
const WATCHED_MAX: usize = 100;

/// All of them.
pub struct Connections {
    clock: Clock,
    all: DashMap<Arc<str>, Arc<Connection>>,
    of_users: DashMap<UserId, BTreeSet<Arc<str>>>,
}

/// One of them, from the moment it is known whose it is.
pub struct Connection {
    id: Arc<str>,
    user: User,
    seat: Arc<Seat>,
    say: Say,
    /// What it watches, and under how many requests' care.
    watched: Mutex<BTreeMap<Cid, usize>>,
}

/// A call is watched for as long as this lives.
struct Watched {
    connection: Arc<Connection>,
    cid: Cid,
}

impl Connections {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, all: DashMap::new(), of_users: DashMap::new() }
    }

    /// A connection is that user's from now on, and is told by way of `say`.
    ///
    /// # Errors
    /// 429 where he has too many.
    pub fn open(&self, user: User, seat: Arc<Seat>, say: Say) -> Result<Arc<Connection>, Fault> {
        let id = mint::connection_id();
        {
            let mut of_user = self.of_users.entry(user.id.clone()).or_default();
            if of_user.len() >= PER_USER_MAX {
                let text = format!("user '{}' has {PER_USER_MAX} connections already", user.id);
                return Err(Fault::too_many_of(text));
            }
            of_user.insert(Arc::clone(&id));
        }
        let watched = Mutex::default();
        let connection = Arc::new(Connection { id: Arc::clone(&id), user, seat, say, watched });
        self.all.insert(id, Arc::clone(&connection));
        Ok(connection)
    }

    /// It is no more, its seat closed; what it watched.
    pub fn close(&self, connection: &Connection) -> Vec<Cid> {
        self.all.remove(&connection.id);
        if let Entry::Occupied(mut found) = self.of_users.entry(connection.user.id.clone()) {
            found.get_mut().remove(&connection.id);
            if found.get().is_empty() {
                found.remove();
            }
        }
        connection.watched().keys().cloned().collect()
    }

    /// That user's connection of that id.
    pub fn of(&self, user: &UserId, id: &str) -> Option<Arc<Connection>> {
        let found = self.all.get(id)?;
        (found.user.id == *user && !found.seat.is_closed()).then(|| Arc::clone(&found))
    }

    /// Tells all connections of those users something, written once if there is any.
    pub fn tell<'u>(
        &self,
        users: impl IntoIterator<Item = &'u UserId>,
        what: impl FnOnce() -> String,
    ) {
        let told: Vec<_> = users.into_iter().flat_map(|user| self.of_user(user)).collect();
        if told.is_empty() {
            return;
        }
        let mut framed = Vec::new();
        frame::put_text(&mut framed, &[what().as_bytes()]);
        for connection in told {
            connection.seat.write(&framed);
        }
    }

    fn of_user(&self, user: &UserId) -> Vec<Arc<Connection>> {
        let ids = self.of_users.get(user).map(|ids| ids.clone()).unwrap_or_default();
        ids.iter().filter_map(|id| self.all.get(id).map(|found| Arc::clone(&found))).collect()
    }
}

/// Who may not connect any more is told why, and closed.
impl Concerned for Connections {
    fn changed(&self, change: Arc<Change>) -> BoxFuture<'static, ()> {
        let revoked = |app: &App| app.revoke_tokens_issued_before;
        let concerned: Vec<Arc<Connection>> =
            if revoked(&change.before.app) == revoked(&change.after.app) {
                change.users().flat_map(|user| self.of_user(user)).collect()
            } else {
                self.all.iter().map(|found| Arc::clone(found.value())).collect()
            };
        for connection in concerned {
            let user = &connection.user;
            let known = |directory: &Directory| directory.users.contains_key(&user.id);
            let erased = known(&change.before) && !known(&change.after);
            let welcome = caller::welcome(&change.after, user);
            let fault =
                welcome.err().or_else(|| erased.then(|| caller::unwelcome(user, "deleted")));
            if let Some(fault) = fault {
                let at = Timestamp(self.clock.now_ms());
                said::farewell(&connection.seat, fault, at);
            }
        }
        Box::pin(std::future::ready(()))
    }
}

impl Connection {
    /// By which requests name it.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Whoever hears of that call by way of this connection, as whom `who` says.
    ///
    /// # Errors
    /// 400 where it watches too many.
    pub fn listener(self: &Arc<Self>, cid: &Cid, who: WhoNow) -> Result<Listener, Fault> {
        {
            let mut watched = self.watched();
            if watched.len() >= WATCHED_MAX && !watched.contains_key(cid) {
                let text = format!("the connection watches {WATCHED_MAX} calls already");
                return Err(Fault::input(text));
            }
            *watched.entry(cid.clone()).or_default() += 1;
        }
        Ok(Listener {
            id: Arc::clone(&self.id),
            user_id: self.user.id.clone(),
            who,
            say: Arc::clone(&self.say),
            seat: Arc::clone(&self.seat),
            held: Box::new(Watched { connection: Arc::clone(self), cid: cid.clone() }),
        })
    }

    fn watched(&self) -> MutexGuard<'_, BTreeMap<Cid, usize>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut watched = self.connection.watched();
        match watched.get_mut(&self.cid) {
            Some(many) if *many > 1 => *many -= 1,
            _ => drop(watched.remove(&self.cid)),
        }
    }
}
