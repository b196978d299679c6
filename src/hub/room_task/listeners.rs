//! Those who hear of the room without being in it. Each hears what he may read, for as long as he
//! may; whoever's rights change is told of it himself. While anybody listens the room does not
//! sleep: what the Directory changes is felt by rooms that live.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    capability::{Capabilities, Capability},
    dialect::stream::ear::{self, Before, Concerned, Heard, What},
    id::{Timestamp, UserId},
    room::{Event, Relay, Room, may_read, rights_of},
    wire::code::{self, ErrorBody},
};

use super::{RoomTask, native_close};
use crate::{
    hub::{
        Knowing,
        listener::Listener,
        output::Output,
        seat::{Close, Seat, frame},
        whereabouts::Here,
    },
    metrics,
};

/// Most who listen to one room.
const LISTENERS_MAX: usize = 10_000;

/// Those who listen. Dropped with the room's task, as when it panics, they are told to come back.
#[derive(Default)]
pub(super) struct Listeners(BTreeMap<Arc<str>, Listening>);

/// One of them.
struct Listening {
    listener: Listener,
    /// What he may here.
    capabilities: Capabilities,
    /// A change of him finds him here.
    _here: Here,
}

impl Listening {
    fn sees_hidden(&self) -> bool {
        self.capabilities.contains(Capability::UpdateCallPermissions)
    }

    fn user(&self) -> &UserId {
        &self.listener.user_id
    }
}

impl Listeners {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The house closes.
    pub(super) fn close_all(&mut self) {
        self.close(&native_close(code::Close::GoingAway));
    }

    fn close(&mut self, close: &Close) {
        for listening in std::mem::take(&mut self.0).into_values() {
            listening.listener.seat.close(close.clone());
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.close(&Close::ROOM_RESTARTED);
    }
}

/// What he may in a room that he may read; nothing where he may not read it (any more).
fn reads(room: &Room, listener: &Listener) -> Option<Capabilities> {
    let caller = (listener.who)(room.team.as_ref()).ok()??;
    may_read(room, &caller).ok()?;
    Some(rights_of(room, &caller).all_capabilities())
}

impl RoomTask {
    /// Whether one more may listen.
    pub(super) fn has_room_for(&self, listener: &Listener) -> Result<(), ErrorBody> {
        let here = &self.listeners.0;
        if here.len() < LISTENERS_MAX || here.contains_key(&listener.id) {
            return Ok(());
        }
        Err(ErrorBody::unavailable(format!("{LISTENERS_MAX} connections watch the room already")))
    }

    /// He hears everything from now on.
    pub(super) fn listen(&mut self, listener: Listener) {
        // Who is gone has said that he listens no more, and will not say so again.
        if listener.seat.is_closed() {
            return;
        }
        // He can be found before anything known of him is read.
        let here = self.shared.whereabouts.enter(&listener.user_id, &self.cid);
        let Some(capabilities) = reads(&self.room, &listener) else { return };
        let id = Arc::clone(&listener.id);
        self.listeners.0.insert(id, Listening { listener, capabilities, _here: here });
    }

    pub(super) fn unlisten(&mut self, id: &str) {
        self.listeners.0.remove(id);
    }

    /// What is to be remembered of the room before an event, if anybody listens.
    pub(super) fn before_it_is_heard(&self, event: &Event) -> Option<Before> {
        (!self.listeners.is_empty()).then(|| Before::of(&self.room, event))
    }

    /// Tells those who listen of an event: first what happened, then each what he may now.
    pub(super) fn let_hear(&mut self, before: Option<Before>, event: &Event, at: Timestamp) {
        let Some(before) = before else { return };
        let heard = ear::heard(&before, &self.room, event, at);
        let changed = match before.concerned(&self.room, event) {
            Concerned::Nobody => Vec::new(),
            Concerned::User(user) => self.look_again(Some(&user)),
            Concerned::Everybody => self.look_again(None),
        };
        for heard in heard {
            self.tell_listeners(&heard);
        }
        if matches!(event, Event::RoomDeleted { .. }) {
            // There is nothing to hear of any more, and nobody's rights in it.
            self.listeners.0.clear();
            return;
        }
        self.tell_changed(changed, at);
    }

    /// The Directory changed: anybody may be another.
    pub(super) fn look_at_listeners(&mut self) {
        if !self.listeners.is_empty() {
            let at = self.now();
            let changed = self.look_again(None);
            self.tell_changed(changed, at);
        }
    }

    /// Who of those who listen sees which of these users here.
    pub(super) fn who_know(&self, users: Vec<UserId>) -> Knowing {
        let reading = || {
            let all = self.listeners.0.values();
            all.filter(|listening| listening.capabilities.contains(Capability::ReadCall))
        };
        let knowing = users.into_iter().filter_map(|user| {
            let to = ear::who_know(&self.room, &user)?;
            let reached = |one: &&Listening| {
                // Of himself one knows, hidden or not.
                to.reaches(one.user(), one.sees_hidden()) || *one.user() == user
            };
            let ids = reading().filter(reached).map(|one| Arc::clone(&one.listener.id)).collect();
            Some((user, ids))
        });
        knowing.collect()
    }

    /// Tells what is passed on without being committed.
    pub(super) fn let_hear_relayed(&mut self, relay: &Relay, at: Timestamp) {
        if self.listeners.is_empty() {
            return;
        }
        if let Some(heard) = ear::relayed(&self.room, relay, at) {
            self.tell_listeners(&heard);
        }
    }

    /// Looks what they may now, or that one user may: whose rights are others, and which.
    fn look_again(&mut self, user: Option<&UserId>) -> Vec<(Arc<str>, Option<Capabilities>)> {
        let room = &self.room;
        let concerned = |listening: &&mut Listening| user.is_none_or(|it| it == listening.user());
        let mut changed = Vec::new();
        for listening in self.listeners.0.values_mut().filter(concerned) {
            let now = reads(room, &listening.listener);
            if now != Some(listening.capabilities) {
                listening.capabilities = now.unwrap_or(Capabilities::NONE);
                changed.push((Arc::clone(&listening.listener.id), now));
            }
        }
        changed
    }

    /// Tells each what he may now. Who may not read any more is told so, and hears nothing more.
    fn tell_changed(&mut self, changed: Vec<(Arc<str>, Option<Capabilities>)>, at: Timestamp) {
        for (id, now) in changed {
            let Some(listening) = self.listeners.0.get(&id) else { continue };
            let capabilities = now.unwrap_or(Capabilities::NONE);
            let user = listening.user();
            let heard = ear::permissions_updated(&self.room, user, capabilities, at);
            let text = (listening.listener.say)(&heard);
            let seat = Arc::clone(&listening.listener.seat);
            if now.is_none() {
                self.listeners.0.remove(&id);
            }
            self.stage_heard(&text, vec![seat]);
        }
    }

    /// Tells something heard to whom it is for: written once.
    fn tell_listeners(&mut self, heard: &Heard) {
        let (mut seats, mut say) = (Vec::new(), None);
        for listening in self.listeners.0.values() {
            let (user, sees_hidden) = (listening.user(), listening.sees_hidden());
            let reached = heard.to.reaches(user, sees_hidden);
            if reached && hears(&self.room, &heard.what, listening) {
                say.get_or_insert(&listening.listener.say);
                seats.push(Arc::clone(&listening.listener.seat));
            }
        }
        let Some(text) = say.map(|say| say(heard)) else { return };
        self.stage_heard(&text, seats);
    }

    fn stage_heard(&mut self, text: &str, seats: Vec<Arc<Seat>>) {
        self.encodes += 1;
        self.staged_bytes += text.len();
        let mut framed = Vec::new();
        frame::put_text(&mut framed, &[text.as_bytes()]);
        self.outputs.push(Output::Then(Box::new(move || {
            metrics::deliveries(seats.len() as u64);
            for seat in seats {
                seat.write(&framed);
            }
        })));
    }
}

/// Whether that is for him. Who lost the right to read by it is told that he is blocked, and that the
/// call is no more. What is said in a private room is for those whom it lets in unasked.
fn hears(room: &Room, what: &What, listening: &Listening) -> bool {
    let user = listening.user();
    if !listening.capabilities.contains(Capability::ReadCall) {
        return match what {
            What::Deleted { .. } => true,
            What::Blocked { user: blocked, .. } => blocked == user,
            _ => false,
        };
    }
    match what {
        What::Custom { .. } | What::Reaction { .. } if room.admission.private => {
            room.members.contains_key(user)
                || room.is_creator(user)
                || room.peers_of(user).next().is_some()
        }
        _ => true,
    }
}
