//! May it be asked? Rights and whom they reach (`PROTOCOL` 3.4), looked at on the room as it is at
//! that moment. It must not know what follows.
//!
//! Refusals are looked for in this order: not-allowed, unknown-peer, owner; what remains
//! (unknown-role and the rest) is for [`super::decide()`].

use std::collections::{BTreeMap, BTreeSet};

use super::{
    command::{Actor, Command, Creation, Explainee, Joining, MemberPatch, Recipient, Whom},
    member::{Member, Pin, call_member},
    people::{Doer, Person},
    refusal::Refusal,
    rights::{self, rights_of, ungated_rights_of},
    state::{Peer, Room},
};
use crate::{
    capability::{Capabilities, Capability},
    grant::Silent,
    id::{PeerId, UserId},
    team::{Caller, Reach, TeamRefusal},
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
        let makes_it = matches!(command, Command::Create(_) | Command::Join(_));
        if self.room.created_at.is_none() && !makes_it {
            return Err(Refusal::UnknownRoom);
        }
        if let (Actor::User(caller), false) = (self.actor, makes_it) {
            rights::may_enter(self.room, caller)?;
        }
        match command {
            Command::Join(joining) => match self.actor {
                Actor::Newcomer | Actor::Server => self.may_join(joining),
                Actor::Peer(_) | Actor::Timer | Actor::User(_) => Err(Refusal::NotAPeer),
            },
            Command::Create(creation) => self.may_create(creation),
            Command::Delete | Command::RefreshUser { .. } | Command::AdoptCallType { .. } => {
                self.is_server()
            }
            Command::Tick => match self.actor {
                Actor::Timer | Actor::Server => Ok(()),
                Actor::Peer(_) | Actor::Newcomer | Actor::User(_) => Err(Refusal::NotAPeer),
            },
            Command::Leave
            | Command::Drop { .. }
            | Command::Return
            | Command::Renew { .. }
            | Command::AcceptRole { .. }
            | Command::RejectRole { .. }
            | Command::SetTracks { .. }
            | Command::SetName { .. }
            | Command::SetMetadata { .. }
            | Command::RaiseHand { .. } => self.seat().map(drop),
            Command::RequestPermissions { .. } => self.peer().map(drop),
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
            Command::CancelRole { .. } => self.is_somebody(),
            Command::Mute { whom, .. } => {
                self.needs(Capability::MuteUsers)?;
                match whom {
                    Whom::Peer(peer_id) => self.sees(peer_id).map(drop),
                    Whom::Roles(_) | Whom::Users(_) | Whom::Everybody => Ok(()),
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
            Command::KickUser { user_id, block, .. } => {
                self.needs(Capability::KickUser)?;
                if *block {
                    self.needs(Capability::BlockUsers)?;
                }
                self.touches_user(user_id)
            }
            Command::BlockUser { user_id } => {
                self.needs(Capability::BlockUsers)?;
                self.touches_user(user_id)
            }
            Command::UnblockUser { .. } => self.needs(Capability::BlockUsers),
            Command::GrantUser { user_id, .. } => {
                self.needs(Capability::UpdateCallPermissions)?;
                self.touches_user(user_id)
            }
            Command::UpdateMembers { set, remove } => self.may_update_members(set, remove),
            Command::EndRoom { .. } => self.needs(Capability::EndCall),
            Command::SetBackstage { .. } => self.needs(Capability::UpdateCall),
            Command::UpdateRoom { custom, settings, starts_at } => {
                if settings.is_none() || custom.is_some() || starts_at.is_some() {
                    self.needs(Capability::UpdateCall)?;
                }
                if settings.is_some() {
                    self.needs(Capability::UpdateCallSettings)?;
                }
                Ok(())
            }
            Command::SetPin { peer_id, user_id, pinned } => {
                self.needs(Capability::PinForEveryone)?;
                let pin = Pin { user_id: user_id.clone(), peer_id: peer_id.clone() };
                if !pinned && self.room.pins.contains(&pin) {
                    return Ok(());
                }
                let its = self.sees(peer_id)?.who.user_id == *user_id;
                if its { Ok(()) } else { Err(Refusal::UnknownPeer) }
            }
            Command::SendMessage { to, .. } => {
                self.is_somebody()?;
                if let Actor::User(_) = self.actor {
                    self.needs_permission(Silent::SendEvent)?;
                }
                match to {
                    Recipient::Peer(peer_id) => self.sees(peer_id).map(drop),
                    Recipient::Roles(_) | Recipient::Everybody => Ok(()),
                }
            }
            Command::SendReaction { .. } => self.needs(Capability::CreateReaction),
            Command::Signal { to, .. } => {
                if *self.actor != Actor::Server {
                    self.seat()?;
                }
                self.sees(to).map(drop)
            }
            Command::Explain { whom, .. } => match whom {
                Explainee::Peer(peer_id) => self.sees(peer_id).map(drop),
                Explainee::User(caller) if self.is_user(&caller.user_id) => Ok(()),
                Explainee::User(_) => self.needs(Capability::UpdateCallPermissions),
                Explainee::Own => match self.actor {
                    Actor::User(_) => Ok(()),
                    _ => self.peer().map(drop),
                },
            },
        }
    }

    /// The asking peer, where a peer's own socket asks.
    fn seat(self) -> Result<&'a Peer, Refusal> {
        match self.actor {
            Actor::Peer(id) => self.room.peers.get(id).ok_or(Refusal::UnknownPeer),
            _ => Err(Refusal::NotAPeer),
        }
    }

    /// The asking peer; of a user who asks over REST, the first of his here.
    pub(super) fn peer(self) -> Result<&'a Peer, Refusal> {
        match self.actor {
            Actor::User(caller) => {
                self.room.peers_of(&caller.user_id).next().ok_or(Refusal::NotAPeer)
            }
            _ => self.seat(),
        }
    }

    fn is_server(self) -> Result<(), Refusal> {
        if *self.actor == Actor::Server { Ok(()) } else { Err(Refusal::NotAPeer) }
    }

    /// Whether anybody asks who may have rights: a peer who is here, a user, the server.
    fn is_somebody(self) -> Result<(), Refusal> {
        match self.actor {
            Actor::Server | Actor::User(_) => Ok(()),
            _ => self.peer().map(drop),
        }
    }

    /// As notices name the asker.
    pub(super) fn doer(self) -> Doer {
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
    pub(super) fn person(self) -> Person {
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
    pub(super) fn is_self(self, target: &Peer) -> bool {
        match self.actor {
            Actor::Peer(own) => own == target.id(),
            Actor::User(caller) => caller.user_id == target.who.user_id,
            Actor::Server | Actor::Timer | Actor::Newcomer => false,
        }
    }

    /// Whether the asker is that user.
    pub(super) fn is_user(self, user_id: &UserId) -> bool {
        match self.actor {
            Actor::Peer(_) => self.peer().is_ok_and(|own| own.who.user_id == *user_id),
            Actor::User(caller) => caller.user_id == *user_id,
            Actor::Server | Actor::Timer | Actor::Newcomer => false,
        }
    }

    /// Whether the asker holds the capability; the server side holds all.
    pub(super) fn holds(self, capability: Capability) -> bool {
        match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.peer().is_ok_and(|peer| peer.holds(capability)),
            Actor::User(caller) => rights_of(self.room, caller).capabilities.contains(capability),
            Actor::Timer | Actor::Newcomer => false,
        }
    }

    /// What the asker holds, whatever the settings switch off; the server side all.
    pub(super) fn ungated(self) -> Capabilities {
        match self.actor {
            Actor::Server => Capabilities::ALL,
            Actor::Peer(_) => {
                self.peer().map_or(Capabilities::NONE, |peer| self.room.ungated(peer).capabilities)
            }
            Actor::User(caller) => ungated_rights_of(self.room, caller).capabilities,
            Actor::Timer | Actor::Newcomer => Capabilities::NONE,
        }
    }

    fn needs(self, capability: Capability) -> Result<(), Refusal> {
        self.needs_one(&[capability])
    }

    fn needs_one(self, any: &[Capability]) -> Result<(), Refusal> {
        self.is_somebody()?;
        if any.iter().any(|capability| self.holds(*capability)) {
            return Ok(());
        }
        any.first().map_or(Ok(()), |first| Err(Refusal::NotAllowed(*first)))
    }

    /// A permission without a capability, which is looked for among the grants of the asker's roles.
    pub(super) fn needs_permission(self, silent: Silent) -> Result<(), Refusal> {
        self.is_somebody()?;
        let permitted = match self.actor {
            Actor::Server => true,
            Actor::Peer(_) => self.room.permits(&self.peer()?.who, silent),
            Actor::User(caller) => rights::permits(self.room, caller, silent),
            Actor::Timer | Actor::Newcomer => false,
        };
        if permitted { Ok(()) } else { Err(Refusal::NotPermitted(silent)) }
    }

    /// That peer, if the asker may know of him. "A call naming a peer that is not there, or that
    /// the caller may not see unless he holds `update-call-permissions`: 404".
    pub(super) fn sees(self, peer_id: &PeerId) -> Result<&'a Peer, Refusal> {
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
    pub(super) fn touches(self, target: &Peer) -> Result<(), Refusal> {
        let allowed = !target.who.owner || *self.actor == Actor::Server || self.is_self(target);
        if allowed { Ok(()) } else { Err(Refusal::Owner) }
    }

    pub(super) fn touches_user(self, user_id: &UserId) -> Result<(), Refusal> {
        self.room.peers_of(user_id).try_for_each(|peer| self.touches(peer))
    }

    /// Changing roles or permissions "needs `update-call-permissions` (giving up a right of one's
    /// own needs nothing)".
    fn may_change(self, peer_id: &PeerId, gives_up: impl Fn(&Peer) -> bool) -> Result<(), Refusal> {
        self.is_somebody()?;
        if !self.holds(Capability::UpdateCallPermissions) {
            let own = self.room.peers.get(peer_id).filter(|target| self.is_self(target));
            if !own.is_some_and(gives_up) {
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
        self.may_give(newly)
    }

    /// The same, of capabilities that somebody newly gets.
    pub(super) fn may_give(self, newly: Capabilities) -> Result<(), Refusal> {
        let lacks = newly.intersection(Capabilities::ADMINISTRATIVE).difference(self.ungated());
        if lacks.is_empty() { Ok(()) } else { Err(Refusal::Escalation(lacks)) }
    }

    /// Making members and changing them needs `update-call-member`, another role than the present
    /// one `update-call-member-role` besides, removing them `remove-call-member`.
    fn may_update_members(
        self,
        set: &BTreeMap<UserId, MemberPatch>,
        remove: &BTreeSet<UserId>,
    ) -> Result<(), Refusal> {
        if !set.is_empty() || remove.is_empty() {
            self.needs(Capability::UpdateCallMember)?;
        }
        if !remove.is_empty() {
            self.needs(Capability::RemoveCallMember)?;
        }
        let mut roles = set.iter().filter(|(user_id, patch)| {
            let now = self.room.members.get(*user_id).map_or_else(call_member, Member::role);
            let next = patch.role.clone();
            next.is_some_and(|role| role.unwrap_or_else(call_member) != now)
        });
        if roles.clone().next().is_some() {
            self.needs_permission(Silent::UpdateCallMemberRole)?;
        }
        let leaving = remove.iter().filter(|user_id| self.room.members.contains_key(*user_id));
        roles.try_for_each(|(user_id, _)| self.touches_user(user_id))?;
        leaving.into_iter().try_for_each(|user_id| self.touches_user(user_id))
    }

    /// Creating needs `create-call`, and beside it what the rest of it would need in the room once
    /// it is there. Of a room that is there already whoever creates it has to know.
    fn may_create(self, creation: &Creation) -> Result<(), Refusal> {
        let Actor::User(caller) = self.actor else { return self.is_server() };
        if self.room.created_at.is_some() {
            return rights::may_read(self.room, caller);
        }
        let team = caller.reach.of_new_room(creation.team.as_ref());
        if let Err(refusal) = team {
            return Err(match refusal {
                TeamRefusal::WhichOne => Refusal::TeamNeeded,
                TeamRefusal::NotHis(_) => Refusal::WrongTeam,
            });
        }
        // Who creates a room is its creator, but the right to create cannot come from that. Nor has
        // the room a team yet that could be foreign.
        let here = Caller { reach: Reach::Everywhere, ..Caller::clone(caller) };
        if !rights_of(self.room, &here).capabilities.contains(Capability::CreateCall) {
            return Err(Refusal::NotAllowed(Capability::CreateCall));
        }
        let room = Room { created_by: Some(caller.user_id.clone()), ..self.room.clone() };
        let actor = Actor::User(Box::new(here));
        let creator = Asker { room: &room, actor: &actor };
        if creation.settings.is_some() {
            creator.needs(Capability::UpdateCallSettings)?;
        }
        let has_role = |patch: &MemberPatch| {
            patch.role.clone().flatten().is_some_and(|role| role != call_member())
        };
        if creation.members.values().any(has_role) {
            creator.needs_permission(Silent::UpdateCallMemberRole)?;
        }
        Ok(())
    }

    /// "Creating needs `create-call`, joining `join-call`; backstage rooms `join-backstage`; ended
    /// rooms `join-ended-call`". In another team's room only `-any-team` grants count, and without
    /// one to join it is not his.
    fn may_join(self, joining: &Joining) -> Result<(), Refusal> {
        let room = self.room;
        let server = *self.actor == Actor::Server;
        let vacant = room.created_at.is_none();
        if vacant && !joining.create {
            return Err(Refusal::UnknownRoom);
        }
        if joining.standing.banned && !server {
            return Err(Refusal::Banned);
        }
        let newcomer = room.newcomer(joining);
        if vacant && joining.standing.reach.of_new_room(None).is_err() && !server {
            return Err(Refusal::WrongTeam);
        }
        // Who creates a room is its creator, but the right to create cannot come from that.
        let would_be = room.seated(newcomer, room.created_at.unwrap_or_default());
        if would_be.who.foreign && !server && !would_be.holds(Capability::JoinCall) {
            return Err(Refusal::WrongTeam);
        }
        if room.blocked.contains(&would_be.who.user_id) {
            return Err(Refusal::Blocked);
        }
        // Before the rights: a role that is not there gives none, and that would say too little.
        let assigned = would_be.who.assigned.as_ref();
        if let Some(role) = assigned.filter(|role| !room.call_type.roles.contains_key(*role)) {
            return Err(Refusal::UnknownRole(role.clone()));
        }
        let backstage = if vacant { room.settings.backstage } else { room.backstage };
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
