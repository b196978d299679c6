//! A room, its journal, and everybody in it watching: every turn is checked as it is taken.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::{CallType, Settings},
    capability::Capabilities,
    id::{Cid, PeerId, Timestamp},
    room::{
        Actor, Command, Event, Notice, Peer, Refusal, Reply, Room, commit, notice::relayed, stored,
        turn,
    },
};

use crate::{hms, sfu, view::View};

/// The moment at which every house begins.
pub(crate) const MORNING: Timestamp = Timestamp(1_767_225_600_000);

/// A room under watch.
pub(crate) struct House {
    pub(crate) room: Room,
    pub(crate) at: Timestamp,
    vacant: Room,
    journal: Vec<(Timestamp, Event)>,
    views: BTreeMap<PeerId, View>,
    /// The same people, had they come with 100ms's SDK.
    mirrors: BTreeMap<PeerId, hms::Mirror>,
    /// And had they joined with Stream's.
    participants: BTreeMap<PeerId, sfu::Mirror>,
}

/// What came of one command.
pub(crate) struct Taken {
    pub(crate) reply: Reply,
    /// Each notice with those it reached.
    pub(crate) told: Vec<(Vec<PeerId>, Notice)>,
}

impl House {
    /// A name without a room behind it.
    pub(crate) fn vacant(call_type: Arc<CallType>) -> Self {
        let cid = Cid::new(&call_type.name, "house").unwrap();
        let room = Room::vacant(cid, call_type);
        let vacant = room.clone();
        Self {
            room,
            at: MORNING,
            vacant,
            journal: Vec::new(),
            views: BTreeMap::new(),
            mirrors: BTreeMap::new(),
            participants: BTreeMap::new(),
        }
    }

    /// The house lets media flow in rooms of so many.
    pub(crate) fn set_mesh(&mut self, max: usize) {
        self.room.mesh_max = max;
        self.vacant.mesh_max = max;
    }

    /// Takes one turn. Refused: nothing changed and nothing told, which `turn` makes sure of by
    /// its type. Accepted: committed, told, and everything that must hold is looked at.
    pub(crate) fn take(&mut self, actor: Actor, command: Command) -> Result<Taken, Refusal> {
        let first = turn(&self.room, actor.clone(), command.clone(), self.at);
        let again = turn(&self.room, actor.clone(), command.clone(), self.at);
        assert_eq!(first, again, "the same input gives the same output");
        let decision = first?;
        self.nothing_late(&command);
        let before = self.room.clone();
        let mut told = Vec::new();
        for event in &decision.events {
            self.commit(event, &mut told);
        }
        if let Some(relay) = &decision.relay {
            assert!(decision.events.is_empty(), "what is relayed is not journaled");
            for notice in relayed(&self.room, relay, self.at) {
                assert_eq!(notice.seq, None, "what is relayed has no place in the order");
                told.push(self.tell(&self.room.clone(), notice));
            }
        }
        if let Actor::Peer(id) = &actor
            && let Some(view) = self.views.get_mut(id)
        {
            view.replied(&command, &decision.reply);
        }
        self.check();
        only_himself_and_the_server_touch_an_owner(&before, &self.room, &actor);
        Ok(Taken { reply: decision.reply, told })
    }

    fn commit(&mut self, event: &Event, told: &mut Vec<(Vec<PeerId>, Notice)>) {
        let json = serde_json::to_string(event).unwrap();
        let read: Event = serde_json::from_str(&json).unwrap();
        assert_eq!(read, *event, "the journal gives back what it was given");
        self.journal.push((self.at, event.clone()));
        let was = self.room.clone();
        let notices = commit(&mut self.room, event, self.at);
        let unmoved = Room { seq: was.seq, ..self.room.clone() };
        let asked_anew = matches!(event, Event::RoleRequestRenewed { .. });
        assert!(asked_anew || unmoved != was, "{json} changed nothing");
        assert!(self.room.seq > was.seq);
        let ended = matches!(
            event,
            Event::RoomClosed { .. } | Event::RoomEnded { .. } | Event::RoomDeleted { .. }
        );
        let hearers = if ended { was.clone() } else { self.room.clone() };
        for notice in notices {
            told.push(self.tell(&hearers, notice));
        }
        match event {
            Event::PeerJoined { newcomer } => {
                let id = newcomer.peer_id.clone();
                let view = View::snapshot(&self.room, &id);
                self.mirrors.insert(id.clone(), hms::Mirror::of(&self.room, &id));
                self.participants.insert(id.clone(), sfu::Mirror::of(&self.room, &id));
                self.views.insert(id, view);
            }
            Event::PeerReturned { peer_id } => {
                if let Some(mirror) = self.mirrors.get_mut(peer_id) {
                    mirror.returns(&self.room);
                }
                if let Some(mirror) = self.participants.get_mut(peer_id) {
                    mirror.returns(&self.room);
                }
            }
            Event::PeerLeft { peer_id, .. } => {
                self.views.remove(peer_id);
                self.mirrors.remove(peer_id);
                self.participants.remove(peer_id);
            }
            Event::RoomClosed { .. } | Event::RoomEnded { .. } | Event::RoomDeleted { .. } => {
                self.views.clear();
                self.mirrors.clear();
                self.participants.clear();
            }
            _ => {}
        }
        muted_by_default(&was, &self.room);
        the_session_ends_with_the_last(&was, &self.room);
    }

    /// A request ends by "60 s passing", whether or not the timer has looked yet.
    fn nothing_late(&self, command: &Command) {
        if let Command::AcceptRole { request_id }
        | Command::RejectRole { request_id, .. }
        | Command::CancelRole { request_id } = command
        {
            let request = &self.room.role_requests[request_id];
            assert!(self.at < request.expires_at, "{request_id} was over");
        }
    }

    fn tell(&mut self, hearers: &Room, notice: Notice) -> (Vec<PeerId>, Notice) {
        let heard = hearers.peers.values().filter(|peer| notice.audience.reaches(peer));
        let heard: Vec<PeerId> = heard.map(|peer| peer.id().clone()).collect();
        let params = serde_json::to_value(&notice.body).unwrap();
        for id in &heard {
            if let Some(view) = self.views.get_mut(id) {
                view.hear(&notice, &params);
            }
            if let Some(mirror) = self.mirrors.get_mut(id) {
                mirror.hear(&self.room, &notice);
            }
            if let Some(mirror) = self.participants.get_mut(id) {
                mirror.hear(&self.room, &notice);
            }
        }
        (heard, notice)
    }

    fn check(&self) {
        assert_eq!(self.room.broken_invariants(), [""; 0]);
        let text = stored::write(&self.room).unwrap();
        let read = stored::read(&text, Arc::clone(&self.room.call_type)).unwrap();
        assert_eq!(read, self.room, "a snapshot gives back the room it was taken of");
        assert!(self.views.keys().eq(self.room.peers.keys()));
        for view in self.views.values() {
            view.check(&self.room);
        }
        for mirror in self.mirrors.values() {
            mirror.check(&self.room);
        }
        for mirror in self.participants.values() {
            mirror.check(&self.room);
        }
    }

    /// Replays the journal from nothing: the same room, at the same position.
    pub(crate) fn replay(&self) {
        let mut room = self.vacant.clone();
        for (at, event) in &self.journal {
            let json = serde_json::to_string(event).unwrap();
            commit(&mut room, &serde_json::from_str(&json).unwrap(), *at);
        }
        assert_eq!(room, self.room, "a replay gives the same room");
    }
}

/// What a peer may do, or may do as soon as the settings are switched on again.
pub(crate) fn latent(room: &Room, peer: &Peer) -> Capabilities {
    let room = Room { settings: Settings::default(), ..room.clone() };
    room.resolved(peer.clone()).permissions.capabilities
}

/// A session lasts from the first one's coming to the last one's leaving, and what was said for it
/// no longer.
fn the_session_ends_with_the_last(was: &Room, is: &Room) {
    match (&was.session, &is.session) {
        (Some(_), None) => {
            assert!(is.user_overrides.is_empty() && is.pins.is_empty());
            assert!(is.session_data.is_empty());
        }
        (None, Some(_)) => assert_eq!(is.sessions, was.sessions + 1),
        (before, after) => assert_eq!(before, after),
    }
}

/// "Permission gained: it turns `off`, never `on`"; what is on may be sent.
fn muted_by_default(was: &Room, is: &Room) {
    for peer in is.peers.values() {
        assert!(peer.sendable().contains_all(peer.on), "{} sends what it may not", peer.id());
        let before = was.peers.get(peer.id()).map_or_else(Default::default, Peer::sendable);
        let gained = peer.sendable().difference(before);
        assert!(gained.intersection(peer.on).is_empty(), "{} gained a track on", peer.id());
    }
}

/// "An owner's role and permissions are changed … by nobody but himself and the server."
fn only_himself_and_the_server_touch_an_owner(was: &Room, is: &Room, actor: &Actor) {
    if *actor == Actor::Server {
        return;
    }
    for before in was.peers.values().filter(|peer| peer.who.owner) {
        let own = match actor {
            Actor::Peer(id) => id == before.id(),
            Actor::User(caller) => caller.user_id == before.who.user_id,
            _ => false,
        };
        if own {
            continue;
        }
        if let Some(after) = is.peers.get(before.id()) {
            // What is switched off for the whole room is so for him, too.
            let own = |room: &Room, peer: &Peer| {
                (peer.role.clone(), room.ungated(peer), peer.who.overrides.clone())
            };
            assert_eq!(own(was, before), own(is, after), "{actor:?} changed an owner");
        }
    }
}
