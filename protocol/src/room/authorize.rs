//! May it be asked? Rights and whom they reach (`PROTOCOL` 3.4), looked at on the room as it is at
//! that moment. It must not know what follows.
//!
//! Refusals are looked for in this order: not-allowed, unknown-peer, owner; what remains
//! (unknown-role and the rest) is for [`super::decide()`].

mod asker;
mod coming;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    command::{Actor, Command, Explainee, MemberPatch, Recipient, Whom},
    member::{Member, Pin, call_member},
    refusal::Refusal,
    state::Room,
};
use crate::{capability::Capability, grant::Silent, id::UserId};

pub(super) use asker::Asker;
pub use coming::may_read;
pub(super) use coming::room_in_role;

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

impl<'a> Asker<'a> {
    fn check(self, command: &Command) -> Result<(), Refusal> {
        let makes_it =
            matches!(command, Command::Create(_) | Command::Join(_) | Command::Access { .. });
        if self.room.created_at.is_none() && !makes_it {
            return Err(Refusal::UnknownRoom);
        }
        if let (Actor::User(caller), false) = (self.actor, makes_it) {
            coming::may_enter(self.room, caller)?;
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
            Command::Knock { joining, .. } => match self.actor {
                Actor::Newcomer => self.may_join(joining),
                _ => Err(Refusal::NotAPeer),
            },
            // Whether he may join is the answer.
            Command::Access { .. } => match self.actor {
                Actor::Newcomer => Ok(()),
                _ => Err(Refusal::NotAPeer),
            },
            Command::AnswerWaiting { .. } => self.needs(Capability::UpdateCallPermissions),
            Command::StopWaiting { .. } | Command::ForgetWaiting => self.is_server(),
            Command::SetAdmission { .. } => self.only_the_server(),
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
            | Command::TellTracks { .. }
            | Command::SetName { .. }
            | Command::SetMetadata { .. }
            | Command::RaiseHand { .. }
            // Whose subscription it is, `decide` looks up.
            | Command::Unsubscribe { .. }
            | Command::SignalSubscription { .. } => self.seat().map(drop),
            Command::Subscribe { peer_id, .. } => {
                self.seat()?;
                self.sees(peer_id).map(drop)
            }
            // Asked over REST, it is his peer here who asks.
            Command::RequestPermissions { .. } => self.peer().map(drop),
            Command::ChangeRole { peer_id, role, .. } => self.may_change(peer_id, |own| {
                let next = self.room.with_role(own, role);
                let known = self.room.call_type.roles.contains_key(role);
                known && self.gives_up(own, &next) && !self.gives_up(&next, own)
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
            Command::RaiseHandOf { peer_id, .. } => {
                let own = self.peer().is_ok_and(|own| own.id() == peer_id);
                if !own {
                    self.needs(Capability::UpdateCallPermissions)?;
                }
                self.touches(self.sees(peer_id)?)
            }
            // His own, or anybody's where the server asks.
            Command::SetNameOf { peer_id, .. } | Command::SetMetadataOf { peer_id, .. } => {
                let own = self.peer().is_ok_and(|own| own.id() == peer_id);
                if !own {
                    self.only_the_server()?;
                }
                self.sees(peer_id).map(drop)
            }
            // Whose request it is, `decide` looks up.
            Command::CancelRole { .. } => self.is_somebody(),
            Command::Mute { whom, .. } | Command::RequestUnmute { whom, .. } => {
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
            Command::SendMessage { to, speaker, .. } => {
                self.is_somebody()?;
                if speaker.is_some() {
                    self.is_server()?;
                }
                if let Actor::User(_) = self.actor {
                    self.needs_permission(Silent::SendEvent)?;
                }
                match to {
                    Recipient::Peer(peer_id) => self.sees(peer_id).map(drop),
                    Recipient::Roles(_) | Recipient::Everybody => Ok(()),
                }
            }
            // "Anybody seen in the room, or a holder of `update-call-permissions`."
            Command::SetSessionData { .. } => match self.peer() {
                Ok(own) if own.is_visible() => Ok(()),
                _ => self.needs(Capability::UpdateCallPermissions),
            },
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
}
