//! The calls there are, asleep or live, as an index that can be asked: a card of each, and who is
//! in it. It must not know who may see a call; that comes in with each question.
//!
//! The rooms' tasks publish into it what they committed, before they say it. A reader takes the
//! index as it is at that moment and waits for nobody.

mod card;
mod members;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use imbl::OrdSet;
use rolecall_protocol::{
    call_type::CallType,
    id::{CallTypeName, Cid, Timestamp, UserId},
    room::{Event, Room, apply},
    team::Reach,
};

use crate::query::{Filter, Index, Page, Paging, QueryError, Sort, scoped};

pub use self::{
    card::{CALL_FIELDS, Card, default_call_sort},
    members::{MEMBER_FIELDS, default_member_sort, members},
};

/// All calls that exist.
#[derive(Default)]
pub struct CallIndex(Mutex<Calls>);

#[derive(Clone, Default)]
struct Calls {
    cards: Index<Arc<Card>>,
    /// Who is in which call, by its name.
    present: OrdSet<(UserId, Arc<str>)>,
}

/// What is different about a call.
#[derive(Debug, Default)]
pub struct Change {
    /// Its card, where it is another one.
    pub card: Option<Room>,
    /// Who is in it now, or no longer.
    pub present: Vec<(UserId, bool)>,
}

impl CallIndex {
    /// Publishes a call as it is, with all who are in it. One that does not exist is forgotten.
    pub fn publish(&self, room: &Room) {
        self.place(room.card(), room.peers.values().map(|peer| peer.who.user_id.clone()));
    }

    fn place(&self, card: Room, present: impl IntoIterator<Item = UserId>) {
        let cid = card.cid.clone();
        let mut calls = self.lock();
        if card.created_at.is_none() {
            return calls.forget(&cid);
        }
        let present: OrdSet<UserId> = present.into_iter().collect();
        let known = calls.cards.get(cid.as_str()).map(|card| card.present.clone());
        for gone in known.iter().flatten().filter(|user| !present.contains(*user)) {
            calls.present.remove(&(gone.clone(), cid.as_str().into()));
        }
        let cid: Arc<str> = cid.as_str().into();
        calls.present.extend(present.iter().map(|user| (user.clone(), Arc::clone(&cid))));
        calls.put(Card { room: Arc::new(card), present });
    }

    /// Publishes what is different about a call; one that does not exist any more is forgotten.
    pub fn change(&self, cid: &Cid, change: Change) {
        let mut calls = self.lock();
        if change.card.as_ref().is_some_and(|card| card.created_at.is_none()) {
            return calls.forget(cid);
        }
        let known = calls.cards.get(cid.as_str()).cloned();
        let mut present = known.as_ref().map(|card| card.present.clone()).unwrap_or_default();
        for (user, here) in change.present {
            let pair = (user, cid.as_str().into());
            if here {
                present.insert(pair.0.clone());
                calls.present.insert(pair);
            } else {
                present.remove(&pair.0);
                calls.present.remove(&pair);
            }
        }
        match (change.card, known) {
            (Some(room), _) => calls.put(Card { room: Arc::new(room), present }),
            (None, Some(known)) => {
                let card = Card { room: Arc::clone(&known.room), present };
                // Who is in it can be asked for only as whether anybody is.
                if card.is_ongoing() == known.is_ongoing() {
                    calls.cards.renew(cid.as_str(), |_| Arc::new(card));
                } else {
                    calls.put(card);
                }
            }
            (None, None) => {}
        }
    }

    /// These calls follow their type as it is now, be they asleep: who may read them depends on it.
    /// What they are asked for by does not.
    pub fn follow(&self, cids: &[Cid], call_type: &Arc<CallType>) {
        let adopted = Event::CallTypeAdopted { call_type: Arc::clone(call_type) };
        let mut calls = self.lock();
        for cid in cids {
            calls.cards.renew(cid.as_str(), |card| {
                if Arc::ptr_eq(&card.room.call_type, call_type) {
                    return Arc::clone(card);
                }
                let mut room = Room::clone(&card.room);
                // It is not an event of the room's: when it wakes, it adopts the type itself.
                apply(&mut room, &adopted, Timestamp::default());
                Arc::new(Card { room: Arc::new(room), present: card.present.clone() })
            });
        }
    }

    /// Forgets a call.
    pub fn forget(&self, cid: &Cid) {
        self.lock().forget(cid);
    }

    /// The card of a call, where it exists.
    #[must_use]
    pub fn get(&self, cid: &Cid) -> Option<Arc<Card>> {
        self.lock().cards.get(cid.as_str()).cloned()
    }

    /// How many calls there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().cards.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The calls a user is in, seen or hidden.
    #[must_use]
    pub fn rooms_of_user(&self, user: &UserId) -> Vec<Cid> {
        let calls = self.read();
        let here = calls.present.range((user.clone(), Arc::from(""))..);
        here.take_while(|(present, _)| present == user)
            .filter_map(|(_, cid)| calls.cards.get(cid).map(|card| card.room.cid.clone()))
            .collect()
    }

    /// The calls of a type.
    #[must_use]
    pub fn rooms_of_type(&self, call_type: &CallTypeName) -> Vec<Cid> {
        self.cards_of_type(call_type.as_str()).iter().map(|card| card.room.cid.clone()).collect()
    }

    /// The calls that somebody is in, behind that one, in the order of their names; at most so many.
    #[must_use]
    pub fn ongoing_after(&self, after: Option<&Cid>, max: usize) -> Vec<Cid> {
        let calls = self.read();
        let behind = calls.cards.behind(after.map_or("", Cid::as_str));
        let ongoing = behind.filter(|card| card.is_ongoing()).take(max);
        ongoing.map(|card| card.room.cid.clone()).collect()
    }

    /// The cards of the calls of a type, in the order of their names.
    #[must_use]
    pub fn cards_of_type(&self, call_type: &str) -> Vec<Arc<Card>> {
        self.read().cards.beginning(&format!("{call_type}:")).cloned().collect()
    }

    /// One page of the calls that a filter admits, none beyond the asker's reach: where the filter
    /// does not speak of `team` only those of his teams, where it does also those of `beyond`. What
    /// `seen` does not let through is left out of the page, and others take its place.
    ///
    /// # Errors
    /// [`QueryError`] for a cursor that is none, or is another query's.
    pub fn query(
        &self,
        filter: Filter,
        sort: &Sort,
        paging: Paging<'_>,
        reach: &Reach,
        beyond: Option<Filter>,
        seen: impl Fn(&Card) -> bool,
    ) -> Result<Page<Arc<Card>>, QueryError> {
        let filter = scoped(filter, &CALL_FIELDS, "team", reach, beyond);
        self.read().cards.query_seen(&filter, sort, paging, |card| seen(card))
    }

    /// The index as it is now.
    fn read(&self) -> Calls {
        self.lock().clone()
    }

    /// Nothing in here can be half done in a way that matters: what a room's task has published it
    /// publishes again when it starts anew.
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn put(&mut self, card: Card) {
        let facets = card.facets();
        let cid = card.room.cid.clone();
        self.cards.put(cid.as_str(), Arc::new(card), facets);
    }

    fn forget(&mut self, cid: &Cid) {
        let Some(card) = self.cards.remove(cid.as_str()) else { return };
        for user in &card.present {
            self.present.remove(&(user.clone(), cid.as_str().into()));
        }
    }
}

#[cfg(test)]
mod tests;
