//! Somebody asking something of a room: who he is there, what he holds, whom he sees and touches
//! (`PROTOCOL` 3.4). It must not know what is asked.

use crate::capability::{Capabilities, Capability};
use crate::grant::Silent;
use crate::id::{PeerId, UserId};
use crate::room::command::Actor;
use crate::room::people::{Doer, Person};
use crate::room::refusal::Refusal;
use crate::room::rights::{permits, rights_of, ungated_rights_of};
use crate::room::state::{Peer, Room};

/// Somebody asking something of a room.
#[derive(Clone, Copy)]
pub(in crate::room) struct Asker<'a> {
    pub(in crate::room) room: &'a Room,
    pub(in crate::room) actor: &'a Actor,
}

impl<'a> Asker<'a> {
    /// The asking peer, where a peer's own socket asks.
    pub(super) fn seat(self) -> Result<&'a Peer, Refusal> {
        match self.actor {
            Actor::Peer(id) => self.room.peers.get(id).ok_or(Refusal::UnknownPeer),
            _ => Err(Refusal::NotAPeer),
        }
    }

    /// The asking peer; of a user who asks over REST, the first of his here, rather one who is seen.
    pub(in crate::room) fn peer(self) -> Result<&'a Peer, Refusal> {
        match self.actor {
            Actor::User(caller) => {
                self.room.named_peer_of(&caller.user_id).ok_or(Refusal::NotAPeer)
            }
            _ => self.seat(),
        }
    }

    pub(super) fn is_server(self) -> Result<(), Refusal> {
        if *self.actor == Actor::Server { Ok(()) } else { Err(Refusal::NotAPeer) }
    }

    /// What a peer or a user can ask for, and is never allowed.
    pub(super) fn only_the_server(self) -> Result<(), Refusal> {
        if *self.actor == Actor::Server { Ok(()) } else { Err(Refusal::NotTheServer) }
    }

    /// Whether anybody asks who may have rights: a peer who is here, a user, the server.
    pub(super) fn is_somebody(self) -> Result<(), Refusal> {
        match self.actor {
            Actor::Server | Actor::User(_) => Ok(()),
            _ => self.peer().map(drop),
        }
    }

    /// As notices name the asker.
    pub(in crate::room) fn doer(self) -> Doer {
        match self.actor {
            Actor::Peer(id) => Doer::Peer(id.clone()),
            Actor::User(caller) => self.peer().map_or_else(
                |_| Doer::User(caller.user_id.clone()),
                |own| Doer::Peer(own.id().clone()),
            ),
            Actor::Server => Doer::Server,
            Actor::Timer | Actor::Newcomer => Doer::Nobody,
        }
    }

    /// The asker as a person.
    pub(in crate::room) fn person(self) -> Person {
        match (self.peer(), self.actor) {
            (Ok(peer), _) => peer.person(),
            (Err(_), Actor::User(caller)) => Person {
                peer_id: None,
                user_id: Some(caller.user_id.clone()),
                name: caller.name.clone(),
            },
            (Err(_), _) => Person::server(),
        }
    }

    /// Whether that peer is the asker himself: his own socket, or any of his where he asks as a user.
    pub(in crate::room) fn is_self(self, target: &Peer) -> bool {
        match self.actor {
            Actor::Peer(own) => own == target.id(),
            Actor::User(caller) => caller.user_id == target.who.user_id,
            Actor::Server | Actor::Timer | Actor::Newcomer => false,
        }
    }

    /// Whether the asker is that user.
    pub(in crate::room) fn is_user(self, user_id: &UserId) -> bool {
        match self.actor {
            Actor::Peer(_) => self.peer().is_ok_and(|own| own.who.user_id == *user_id),
            Actor::User(caller) => caller.user_id == *user_id,
            Actor::Server | Actor::Timer | Actor::Newcomer => false,
        }
    }

    /// Whether the asker holds the capability; the server side holds all.
    pub(in crate::room) fn holds(self, capability: Capability) -> bool {
        match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.peer().is_ok_and(|peer| peer.holds(capability)),
            Actor::User(caller) => rights_of(self.room, caller).capabilities.contains(capability),
            Actor::Timer | Actor::Newcomer => false,
        }
    }

    /// What the asker holds, whatever the settings switch off; the server side all.
    pub(in crate::room) fn ungated(self) -> Capabilities {
        match self.actor {
            Actor::Server => Capabilities::ALL,
            Actor::Peer(_) => {
                self.peer().map_or(Capabilities::NONE, |peer| self.room.ungated(peer).capabilities)
            }
            Actor::User(caller) => ungated_rights_of(self.room, caller).capabilities,
            Actor::Timer | Actor::Newcomer => Capabilities::NONE,
        }
    }

    pub(super) fn needs(self, capability: Capability) -> Result<(), Refusal> {
        self.needs_one(&[capability])
    }

    pub(super) fn needs_one(self, any: &[Capability]) -> Result<(), Refusal> {
        self.is_somebody()?;
        if any.iter().any(|capability| self.holds(*capability)) {
            return Ok(());
        }
        any.first().map_or(Ok(()), |first| Err(Refusal::NotAllowed(*first)))
    }

    /// A permission without a capability, which is looked for among the grants of the asker's roles.
    pub(in crate::room) fn needs_permission(self, silent: Silent) -> Result<(), Refusal> {
        self.is_somebody()?;
        let permitted = match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.room.permits(&self.peer()?.who, silent),
            Actor::User(caller) => permits(self.room, caller, silent),
            Actor::Timer | Actor::Newcomer => false,
        };
        if permitted { Ok(()) } else { Err(Refusal::NotPermitted(silent)) }
    }

    /// That peer, if the asker may know of him. "A call naming a peer that is not there, or that
    /// the caller may not see unless he holds `update-call-permissions`: 404".
    pub(in crate::room) fn sees(self, peer_id: &PeerId) -> Result<&'a Peer, Refusal> {
        let target = self.room.peers.get(peer_id).ok_or(Refusal::UnknownPeer)?;
        let seen = match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.peer()?.sees(target),
            Actor::User(_) => {
                target.is_visible()
                    || self.is_self(target)
                    || self.holds(Capability::UpdateCallPermissions)
            }
            Actor::Timer | Actor::Newcomer => false,
        };
        if seen { Ok(target) } else { Err(Refusal::UnknownPeer) }
    }

    /// "An owner's role and permissions are changed, and an owner is removed or blocked, by nobody
    /// but himself and the server".
    pub(in crate::room) fn touches(self, target: &Peer) -> Result<(), Refusal> {
        let allowed = !target.who.owner || *self.actor == Actor::Server || self.is_self(target);
        if allowed { Ok(()) } else { Err(Refusal::Owner) }
    }

    pub(in crate::room) fn touches_user(self, user_id: &UserId) -> Result<(), Refusal> {
        self.room.peers_of(user_id).try_for_each(|peer| self.touches(peer))
    }

    /// Changing roles or permissions "needs `update-call-permissions` (giving up a right of one's
    /// own needs nothing)".
    pub(super) fn may_change(
        self,
        peer_id: &PeerId,
        gives_up: impl Fn(&Peer) -> bool,
    ) -> Result<(), Refusal> {
        self.is_somebody()?;
        if !self.holds(Capability::UpdateCallPermissions) {
            let own = self.room.peers.get(peer_id).filter(|target| self.is_self(target));
            if !own.is_some_and(gives_up) {
                return Err(Refusal::NotAllowed(Capability::UpdateCallPermissions));
            }
        }
        self.touches(self.sees(peer_id)?)
    }

    pub(super) fn gives_up(self, before: &Peer, after: &Peer) -> bool {
        let room = self.room;
        room.ungated(after).within(&room.ungated(before))
            && room.undefaulted(after).within(&room.undefaulted(before))
    }

    /// "Nobody grants an administrative capability that he lacks himself …; what counts is what
    /// the target newly gets."
    pub(in crate::room) fn may_grant(self, before: &Peer, after: &Peer) -> Result<(), Refusal> {
        self.may_give(self.room.newly_administrative(after, self.room, before))
    }

    /// The same, of capabilities that somebody newly gets.
    pub(in crate::room) fn may_give(self, newly: Capabilities) -> Result<(), Refusal> {
        let lacks = newly.intersection(Capabilities::ADMINISTRATIVE).difference(self.ungated());
        if lacks.is_empty() { Ok(()) } else { Err(Refusal::Escalation(lacks)) }
    }
}
