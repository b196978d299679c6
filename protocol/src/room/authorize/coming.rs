//! Coming near a room: creating it, joining it, looking at it (`PROTOCOL` 1.2). It must not know what
//! is done inside.

use super::Asker;
use crate::capability::Capability;
use crate::grant::Silent;
use crate::id::RoleName;
use crate::room::command::{Actor, Creation, Joining, MemberPatch};
use crate::room::member::call_member;
use crate::room::people::Newcomer;
use crate::room::refusal::Refusal;
use crate::room::rights::rights_of;
use crate::room::state::Room;
use crate::team::{Caller, Reach, TeamRefusal};

/// Whether a caller may know of the room, whatever else he may do there: it is there, he is not
/// blocked, and it is of his team or an `-any-team` grant lets him read it.
///
/// # Errors
/// The [`Refusal`].
pub(super) fn may_enter(room: &Room, caller: &Caller) -> Result<(), Refusal> {
    if room.created_at.is_none() {
        return Err(Refusal::UnknownRoom);
    }
    let foreign = !caller.reach.admits(room.team.as_ref());
    let blocked = room.blocked.contains(&caller.user_id);
    // Of another team's room he does not even learn that he is blocked there.
    if foreign && !room.absent(caller).holds(Capability::ReadCall) {
        return Err(Refusal::WrongTeam);
    }
    if blocked { Err(Refusal::Blocked) } else { Ok(()) }
}

/// Whether a caller may look at the room.
///
/// # Errors
/// The [`Refusal`].
pub fn may_read(room: &Room, caller: &Caller) -> Result<(), Refusal> {
    may_enter(room, caller)?;
    let reads = rights_of(room, caller).capabilities.contains(Capability::ReadCall);
    if reads { Ok(()) } else { Err(Refusal::NotAllowed(Capability::ReadCall)) }
}

impl Room {
    /// Who comes in, as this room knows him: with his standing, what his token changes, and what the
    /// room has said of what he may send.
    #[must_use]
    pub(in crate::room) fn newcomer(&self, joining: &Joining) -> Newcomer {
        let Joining { newcomer, standing, permissions, .. } = joining;
        let exists = self.created_at.is_some();
        let mut who = Newcomer {
            app_role: standing.app_role.clone(),
            foreign: exists && !standing.reach.admits(self.team.as_ref()),
            ..newcomer.clone()
        };
        if who.name.is_empty() {
            let stranger = who.user_id.as_str() == who.peer_id.as_str();
            let fallback = || if stranger { "".into() } else { who.user_id.as_str().into() };
            who.name = standing.name.clone().unwrap_or_else(fallback);
        }
        if let Some(patch) = permissions {
            let held = who.overrides.over(&self.held_by_default(&who)).capabilities;
            who.overrides = who.overrides.patched(patch, held);
        }
        if let Some(own) = self.user_overrides.get(&who.user_id) {
            who.overrides = who.overrides.sending(own.granted, own.revoked);
        }
        who
    }
}

impl Asker<'_> {
    /// Creating needs `create-call`, and beside it what the rest of it would need in the room once
    /// it is there. Of a room that is there already whoever creates it has to know.
    pub(super) fn may_create(self, creation: &Creation) -> Result<(), Refusal> {
        let Actor::User(caller) = self.actor else { return self.is_server() };
        if creation.admission.is_some() {
            return self.only_the_server();
        }
        if self.room.created_at.is_some() {
            return may_read(self.room, caller);
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
    /// one to join it is not his. Whether the room lets him in now, `decide` looks up.
    pub(in crate::room) fn may_join(self, joining: &Joining) -> Result<(), Refusal> {
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
            (vacant && !joining.opens, Capability::CreateCall),
            (true, Capability::JoinCall),
            (backstage && !vacant, Capability::JoinBackstage),
            (room.ended.is_some(), Capability::JoinEndedCall),
        ];
        let missing = needed.iter().find(|(asked, c)| *asked && !would_be.holds(*c));
        if let Some((_, capability)) = missing.filter(|_| !server) {
            return Err(Refusal::NotAllowed(*capability));
        }
        Ok(())
    }
}

/// Whether one more peer fits into that role when so many have left it.
pub(in crate::room) fn room_in_role(
    room: &Room,
    role: &RoleName,
    leave: usize,
) -> Result<(), Refusal> {
    let max = room.call_type.roles.get(role).and_then(|role| role.max_peer_count);
    match max {
        Some(max) if room.holders_of(role) - leave >= max as usize => {
            Err(Refusal::RoleFull(role.clone()))
        }
        _ => Ok(()),
    }
}
