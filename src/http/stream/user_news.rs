//! A user is another now, and whoever sees him is told: his own connections, and those that watch a call
//! which he is in or a member of. It must not know what changed of him, but that it shows.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
};

use futures::future::{BoxFuture, join_all};
use rolecall_protocol::{
    call_type::USER,
    directory::User,
    id::{Cid, RoleName, Timestamp, UserId},
};

use super::{Stream, calls};
use crate::directory::{Change, Concerned};

/// Tells of users.
pub struct UserNews(pub Weak<Stream>);

impl Concerned for UserNews {
    fn changed(&self, change: Arc<Change>) -> BoxFuture<'static, ()> {
        let stream = Weak::clone(&self.0);
        Box::pin(async move {
            let Some(stream) = stream.upgrade() else { return };
            let users: BTreeSet<UserId> =
                change.users().filter(|id| looks_another(&change, id)).cloned().collect();
            if !users.is_empty() {
                tell(&stream, users).await;
            }
        })
    }
}

/// Whether others are shown something else of him. Who was not written down before was shown as a
/// stranger; who is erased is nobody any more.
fn looks_another(change: &Change, id: &UserId) -> bool {
    let Some(after) = change.after.users.get(id) else { return false };
    match change.before.users.get(id) {
        Some(before) => !after.looks_like(before),
        None => RoleName::parse(USER)
            .is_ok_and(|role| !after.looks_like(&User::new(id.clone(), role, after.created_at))),
    }
}

async fn tell(stream: &Stream, users: BTreeSet<UserId>) {
    let asked = concerned(stream, &users).into_iter();
    let asked = asked.map(|(cid, there)| async move { stream.hub.who_know(&cid, there).await });
    let mut knowing: BTreeMap<UserId, BTreeSet<Arc<str>>> =
        users.into_iter().map(|user| (user, BTreeSet::new())).collect();
    for (user, ids) in join_all(asked).await.into_iter().flatten() {
        knowing.entry(user).or_default().extend(ids);
    }
    let at = Timestamp(stream.clock.now_ms());
    for (user, ids) in knowing {
        stream.connections.tell_with(&user, ids, || calls::user_updated(stream, &user, at));
    }
}

/// Which of the calls that anybody watches are about which of these users.
fn concerned(stream: &Stream, users: &BTreeSet<UserId>) -> Vec<(Cid, Vec<UserId>)> {
    let (cards, whereabouts) = (&stream.hub.shared().calls, &stream.hub.shared().whereabouts);
    // Who watches himself is told there first what he may now.
    let own: BTreeSet<(Cid, &UserId)> = users
        .iter()
        .flat_map(|user| whereabouts.rooms_of(user).into_iter().map(move |cid| (cid, user)))
        .collect();
    let mut concerned = Vec::new();
    for cid in stream.connections.watched() {
        let Some(card) = cards.get(&cid) else { continue };
        let is_there = |user: &&UserId| {
            card.room.members.contains_key(*user)
                || card.present.contains(*user)
                || own.contains(&(cid.clone(), *user))
        };
        let there: Vec<UserId> = users.iter().filter(is_there).cloned().collect();
        if !there.is_empty() {
            concerned.push((cid, there));
        }
    }
    concerned
}
