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
    watching: Arc<Watching>,
}

/// How many connections watch each call.
type Watching = DashMap<Cid, usize>;

/// One of them, from the moment it is known whose it is.
pub struct Connection {
    id: Arc<str>,
    user: User,
    seat: Arc<Seat>,
    say: Say,
    /// What it watches, and under how many requests' care.
    watched: Mutex<BTreeMap<Cid, usize>>,
    /// What all of them watch.
    watching: Arc<Watching>,
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
        let (all, of_users, watching) = Default::default();
        Self { clock, all, of_users, watching }
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
        let (own, watched, watching) =
            (Arc::clone(&id), Mutex::default(), Arc::clone(&self.watching));
        let connection = Arc::new(Connection { id: own, user, seat, say, watched, watching });
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
        write_to(users.into_iter().flat_map(|user| self.of_user(user)).collect(), what);
    }

    /// The same of all connections of one user and these others, each of them once.
    pub fn tell_with(
        &self,
        user: &UserId,
        others: BTreeSet<Arc<str>>,
        what: impl FnOnce() -> String,
    ) {
        let own = self.of_users.get(user).map(|ids| ids.clone()).unwrap_or_default();
        let ids = others.into_iter().chain(own).collect::<BTreeSet<_>>();
        write_to(ids.iter().filter_map(|id| self.of_id(id)).collect(), what);
    }

    /// Which calls anybody watches.
    pub fn watched(&self) -> Vec<Cid> {
        self.watching.iter().map(|call| call.key().clone()).collect()
    }

    fn of_id(&self, id: &str) -> Option<Arc<Connection>> {
        self.all.get(id).map(|found| Arc::clone(&found))
    }

    fn of_user(&self, user: &UserId) -> Vec<Arc<Connection>> {
        let ids = self.of_users.get(user).map(|ids| ids.clone()).unwrap_or_default();
        ids.iter().filter_map(|id| self.of_id(id)).collect()
    }
}

/// Written once if there is anybody.
fn write_to(told: Vec<Arc<Connection>>, what: impl FnOnce() -> String) {
    if told.is_empty() {
        return;
    }
    let mut framed = Vec::new();
    frame::put_text(&mut framed, &[what().as_bytes()]);
    for connection in told {
        connection.seat.write(&framed);
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
            let cares = watched.entry(cid.clone()).or_default();
            if *cares == 0 {
                *self.watching.entry(cid.clone()).or_default() += 1;
            }
            *cares += 1;
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

    fn watches_no_more(&self, cid: &Cid) {
        if let Entry::Occupied(mut many) = self.watching.entry(cid.clone()) {
            *many.get_mut() -= 1;
            if *many.get() == 0 {
                many.remove();
            }
        }
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
            _ => {
                watched.remove(&self.cid);
                self.connection.watches_no_more(&self.cid);
            }
        }
    }
}
