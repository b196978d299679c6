//! May it be asked? Rights and whom they reach (`PROTOCOL` 3.4), looked at on the room as it is at
//! that moment. It must not know what follows.
//!
//! Refusals are looked for in this order: not-allowed, unknown-peer, owner; what remains
//! (unknown-role and the rest) is for [`super::decide()`].

use super::{
    command::{Actor, Command, Joining, Recipient, Whom},
    people::{Doer, Person},
    refusal::Refusal,
    state::{Peer, Room},
};
use crate::{
    capability::Capability,
    id::{PeerId, UserId},
    team,
};

/// A command that the law has let through; only [`authorize`] makes one.
#[derive(Clone, Debug)]
pub struct Authorized {
    actor: Actor,
    command: Command,
}

impl Authorized {
    /// Who asked.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The parts.
    #[must_use]
    pub fn into_parts(self) -> (Actor, Command) {
        (self.actor, self.command)
    }
}

/// Whether the actor may ask this of the room.
///
/// # Errors
/// The first [`Refusal`] in the order of the module's page.
pub fn authorize(room: &Room, actor: Actor, command: Command) -> Result<Authorized, Refusal> {
    Asker { room, actor: &actor }.check(&command)?;
    Ok(Authorized { actor, command })
}

/// Somebody asking something of a room.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) room: &'a Room,
    pub(super) actor: &'a Actor,
}

impl<'a> Asker<'a> {
    fn check(self, command: &Command) -> Result<(), Refusal> {
        let makes_it = matches!(command, Command::Create { .. } | Command::Join(_));
        if self.room.created_at.is_none() && !makes_it {
            return Err(Refusal::UnknownRoom);
        }
        match command {
            Command::Join(joining) => match self.actor {
                Actor::Newcomer | Actor::Server => self.may_join(joining),
                Actor::Peer(_) | Actor::Timer => Err(Refusal::NotAPeer),
            },
            Command::Create { .. } | Command::SetMember { .. } | Command::AdoptCallType { .. } => {
                self.is_server()
            }
            Command::Tick => match self.actor {
                Actor::Timer | Actor::Server => Ok(()),
                Actor::Peer(_) | Actor::Newcomer => Err(Refusal::NotAPeer),
            },
            Command::Leave
            | Command::Drop { .. }
            | Command::Return
            | Command::AcceptRole { .. }
            | Command::RejectRole { .. }
            | Command::RequestPermissions { .. }
            | Command::SetTracks { .. }
            | Command::SetName { .. }
            | Command::SetMetadata { .. }
            | Command::RaiseHand { .. } => self.peer().map(drop),
            Command::ChangeRole { peer_id, role, .. } => self.may_change(peer_id, |own| {
                let next = self.room.with_role(own, role);
                let known = self.room.call_type.roles.contains_key(role);
                known
                    && self.gives_up(own, &next)
                    && self.room.ungated(&next) != self.room.ungated(own)
            }),
            Command::UpdatePermissions { peer_id, patch } => self.may_change(peer_id, |own| {
                let overrides = own.who.overrides.patched(patch, own.permissions.capabilities);
                self.gives_up(own, &self.room.with_overrides(own, &overrides))
            }),
            Command::ChangeRoles { .. }
            | Command::UpdateManyPermissions { .. }
            | Command::AnswerPermissionRequest { .. } => {
                self.needs(Capability::UpdateCallPermissions)
            }
            // Whose request it is, `decide` looks up.
            Command::CancelRole { .. } => self.is_here(),
            Command::Mute { whom, .. } => {
                self.needs(Capability::MuteUsers)?;
                match whom {
                    Whom::Peer(peer_id) => self.sees(peer_id).map(drop),
                    Whom::Roles(_) | Whom::Everybody => Ok(()),
                }
            }
            Command::RemovePeer { peer_id, block, .. } => {
                self.needs_one(&[Capability::RemoveCallMember, Capability::KickUser])?;
                if *block {
                    self.needs(Capability::BlockUsers)?;
                }
                let target = self.sees(peer_id)?;
                if *block { self.touches_user(&target.who.user_id) } else { self.touches(target) }
            }
            Command::BlockUser { user_id } => {
                self.needs(Capability::BlockUsers)?;
                self.touches_user(user_id)
            }
            Command::UnblockUser { .. } => self.needs(Capability::BlockUsers),
            Command::EndRoom { .. } => self.needs(Capability::EndCall),
            Command::SetBackstage { .. } => self.needs(Capability::UpdateCall),
            Command::SendMessage { to, .. } => {
                self.is_here()?;
                match to {
                    Recipient::Peer(peer_id) => self.sees(peer_id).map(drop),
                    Recipient::Roles(_) | Recipient::Everybody => Ok(()),
                }
            }
            Command::Signal { to, .. } => {
                self.is_here()?;
                self.sees(to).map(drop)
            }
            Command::Explain { peer_id, .. } => match peer_id {
                Some(peer_id) => self.sees(peer_id).map(drop),
                None => self.peer().map(drop),
            },
        }
    }

    /// The asking peer.
    pub(super) fn peer(self) -> Result<&'a Peer, Refusal> {
        match self.actor {
            Actor::Peer(id) => self.room.peers.get(id).ok_or(Refusal::UnknownPeer),
            Actor::Server | Actor::Timer | Actor::Newcomer => Err(Refusal::NotAPeer),
        }
    }

    fn is_server(self) -> Result<(), Refusal> {
        if *self.actor == Actor::Server { Ok(()) } else { Err(Refusal::NotAPeer) }
    }

    fn is_here(self) -> Result<(), Refusal> {
        if *self.actor == Actor::Server { Ok(()) } else { self.peer().map(drop) }
    }

    /// As notices name the asker.
    pub(super) fn doer(self) -> Doer {
        match self.actor {
            Actor::Peer(id) => Doer::Peer(id.clone()),
            Actor::Server => Doer::Server,
            Actor::Timer | Actor::Newcomer => Doer::Nobody,
        }
    }

    /// The asker as a person.
    pub(super) fn person(self) -> Person {
        self.peer().map_or_else(|_| Person::server(), Peer::person)
    }

    fn is_self(self, peer_id: &PeerId) -> bool {
        matches!(self.actor, Actor::Peer(own) if own == peer_id)
    }

    /// Whether the asker holds the capability; the server side holds all.
    pub(super) fn holds(self, capability: Capability) -> bool {
        match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.peer().is_ok_and(|peer| peer.holds(capability)),
            Actor::Timer | Actor::Newcomer => false,
        }
    }

    fn needs(self, capability: Capability) -> Result<(), Refusal> {
        self.needs_one(&[capability])
    }

    fn needs_one(self, any: &[Capability]) -> Result<(), Refusal> {
        self.is_here()?;
        if any.iter().any(|capability| self.holds(*capability)) {
            return Ok(());
        }
        any.first().map_or(Ok(()), |first| Err(Refusal::NotAllowed(*first)))
    }

    /// That peer, if the asker may know of him. "A call naming a peer that is not there, or that
    /// the caller may not see unless he holds `update-call-permissions`: 404".
    pub(super) fn sees(self, peer_id: &PeerId) -> Result<&'a Peer, Refusal> {
        let target = self.room.peers.get(peer_id).ok_or(Refusal::UnknownPeer)?;
        let seen = match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.peer()?.sees(target),
            Actor::Timer | Actor::Newcomer => false,
        };
        if seen { Ok(target) } else { Err(Refusal::UnknownPeer) }
    }

    /// "An owner's role and permissions are changed, and an owner is removed or blocked, by nobody
    /// but himself and the server".
    pub(super) fn touches(self, target: &Peer) -> Result<(), Refusal> {
        let allowed =
            !target.who.owner || *self.actor == Actor::Server || self.is_self(target.id());
        if allowed { Ok(()) } else { Err(Refusal::Owner) }
    }

    fn touches_user(self, user_id: &UserId) -> Result<(), Refusal> {
        let mut peers = self.room.peers.values().filter(|peer| peer.who.user_id == *user_id);
        peers.try_for_each(|peer| self.touches(peer))
    }

    /// Changing roles or permissions "needs `update-call-permissions` (giving up a right of one's
    /// own needs nothing)".
    fn may_change(self, peer_id: &PeerId, gives_up: impl Fn(&Peer) -> bool) -> Result<(), Refusal> {
        self.is_here()?;
        if !self.holds(Capability::UpdateCallPermissions) {
            let own = self.peer()?;
            if !(self.is_self(peer_id) && gives_up(own)) {
                return Err(Refusal::NotAllowed(Capability::UpdateCallPermissions));
            }
        }
        self.touches(self.sees(peer_id)?)
    }

    fn gives_up(self, before: &Peer, after: &Peer) -> bool {
        self.room.ungated(after).within(&self.room.ungated(before))
    }

    /// "Nobody grants an administrative capability that he lacks himself …; what counts is what
    /// the target newly gets."
    pub(super) fn may_grant(self, before: &Peer, after: &Peer) -> Result<(), Refusal> {
        let newly = self.room.ungated(after).newly_administrative(&self.room.ungated(before));
        let held = match self.actor {
            Actor::Server => newly,
            Actor::Peer(_) => self.room.ungated(self.peer()?).capabilities,
            Actor::Timer | Actor::Newcomer => return Err(Refusal::Escalation(newly)),
        };
        let lacks = newly.difference(held);
        if lacks.is_empty() { Ok(()) } else { Err(Refusal::Escalation(lacks)) }
    }

    /// "Creating needs `create-call`, joining `join-call`; backstage rooms `join-backstage`; ended
    /// rooms `join-ended-call`".
    fn may_join(self, joining: &Joining) -> Result<(), Refusal> {
        let room = self.room;
        let server = *self.actor == Actor::Server;
        let vacant = room.created_at.is_none();
        if vacant && !joining.create {
            return Err(Refusal::UnknownRoom);
        }
        let newcomer = &joining.newcomer;
        if room.blocked.contains(&newcomer.user_id) {
            return Err(Refusal::Blocked);
        }
        let admitted = if vacant {
            team::of_new_room(&joining.teams).is_some()
        } else {
            team::admits(room.team.as_ref(), &joining.teams)
        };
        if !admitted && !server {
            return Err(Refusal::WrongTeam);
        }
        // Before the rights: a role that is not there gives none, and that would say too little.
        if let Some(role) =
            newcomer.assigned.as_ref().filter(|r| !room.call_type.roles.contains_key(*r))
        {
            return Err(Refusal::UnknownRole(role.clone()));
        }
        // Who creates a room is its creator, but the right to create cannot come from that.
        let would_be = room.seated(newcomer.clone(), room.created_at.unwrap_or_default());
        let backstage = if vacant { room.call_type.settings.backstage } else { room.backstage };
        let needed = [
            (vacant, Capability::CreateCall),
            (true, Capability::JoinCall),
            (backstage && !vacant, Capability::JoinBackstage),
            (room.ended.is_some(), Capability::JoinEndedCall),
        ];
        let missing = needed.iter().find(|(asked, c)| *asked && !would_be.holds(*c));
        if let Some((_, capability)) = missing.filter(|_| !server) {
            return Err(Refusal::NotAllowed(*capability));
        }
        if room.peers.len() >= joining.peers_max {
            return Err(Refusal::RoomFull);
        }
        room_in_role(room, &would_be.role)
    }
}

/// Whether one more peer fits into that role.
pub(super) fn room_in_role(room: &Room, role: &crate::id::RoleName) -> Result<(), Refusal> {
    let max = room.call_type.roles.get(role).and_then(|role| role.max_peer_count);
    match max {
        Some(max) if room.holders_of(role) >= max as usize => Err(Refusal::RoleFull(role.clone())),
        _ => Ok(()),
    }
}
