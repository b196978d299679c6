//! What stands behind the roles changes while the room is live: members, users, the call type. It
//! must not know requests.

use super::{Decision, Effects, Turn, ended};
use crate::call_type::{CallType, Scope};
use crate::capability::Capability;
use crate::id::{RoleName, UserId};
use crate::media::TrackKinds;
use crate::permissions::Permissions;
use crate::room::command::MemberPatch;
use crate::room::event::{Event, LeftReason, Outcome};
use crate::room::member::{Member, call_member};
use crate::room::refusal::Refusal;
use crate::room::reply::Reply;
use crate::room::request::Wanted;
use crate::room::state::{MEMBERS_MAX, Room, USER_OVERRIDES_MAX};
use crate::team::Standing;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl<'a> Turn<'a> {
    pub(super) fn update_members(
        self,
        set: &BTreeMap<UserId, MemberPatch>,
        remove: &BTreeSet<UserId>,
    ) -> Result<Decision, Refusal> {
        let events = self.members_set(set, remove)?;
        if events.is_empty() {
            return Ok(Decision::nothing(Reply::Done {}));
        }
        let mut next = self.room.clone();
        events.iter().for_each(|event| crate::room::apply(&mut next, event, self.at));
        for peer in self.room.peers.values() {
            let newly = next.newly_administrative(peer, self.room, peer);
            self.asker.may_give(newly)?;
        }
        self.fits_into_roles(&next)?;
        let mut events = self.resolved_by(events, &next);
        // Members need not wait.
        events.extend(self.waiting_of(|waits| next.members.contains_key(waits), true));
        Ok(Decision::events(events))
    }

    /// Whether no role that somebody here gets by it has more holders then than it may have.
    fn fits_into_roles(self, next: &Room) -> Result<(), Refusal> {
        let roles = next.peers.values().map(|peer| (&peer.role, next.role_of(&peer.who).0));
        let roles: Vec<(&RoleName, RoleName)> = roles.collect();
        for (_, gained) in roles.iter().filter(|(was, is)| *was != is) {
            let max = next.call_type.roles.get(gained).and_then(|role| role.max_peer_count);
            let holders = roles.iter().filter(|(_, is)| is == gained).count();
            if max.is_some_and(|max| holders > max as usize) {
                return Err(Refusal::RoleFull(gained.clone()));
            }
        }
        Ok(())
    }

    /// The changes of members alone, as far as they are changes.
    pub(super) fn members_set(
        self,
        set: &BTreeMap<UserId, MemberPatch>,
        remove: &BTreeSet<UserId>,
    ) -> Result<Vec<Event>, Refusal> {
        let members = &self.room.members;
        let known = |role: &RoleName| {
            if *role == call_member() { Ok(()) } else { self.known_role(role) }
        };
        let roles = set.values().filter_map(|patch| patch.role.as_ref()?.as_ref());
        roles.into_iter().try_for_each(known)?;
        let mut events = Vec::new();
        let mut count = members.len();
        for (user_id, patch) in set.iter().filter(|(user_id, _)| !remove.contains(*user_id)) {
            let now = members.get(user_id);
            let role = patch.role.clone().unwrap_or_else(|| now.and_then(|m| m.role.clone()));
            let custom = patch.custom.clone().or_else(|| now.map(|m| m.custom.clone()));
            let custom = custom.unwrap_or_else(crate::json::Metadata::empty_object);
            if now.is_some_and(|now| now.role == role && now.custom == custom) {
                continue;
            }
            self.may_give_member_role(user_id, now, role.as_ref())?;
            count += usize::from(now.is_none());
            events.push(Event::MemberSet { user_id: user_id.clone(), role, custom, by: self.by() });
        }
        for user_id in remove.iter().filter(|user_id| members.contains_key(*user_id)) {
            count -= 1;
            events.push(Event::MemberRemoved { user_id: user_id.clone(), by: self.by() });
        }
        if count > MEMBERS_MAX && count > members.len() {
            return Err(Refusal::TooMany { what: "members", max: MEMBERS_MAX });
        }
        Ok(events)
    }

    /// "Nobody grants an administrative capability that he lacks himself", whether or not the user
    /// is here: what counts is what the role as such newly gives.
    fn may_give_member_role(
        self,
        user_id: &UserId,
        now: Option<&Member>,
        next: Option<&RoleName>,
    ) -> Result<(), Refusal> {
        let scope = Scope { creator: self.room.is_creator(user_id), foreign: false };
        let given = |role: Option<RoleName>| {
            let role = role.and_then(|role| self.room.call_type.roles.get(&role));
            role.map_or_else(Permissions::none, |role| role.permissions(scope))
        };
        let next = given(Some(next.cloned().unwrap_or_else(call_member)));
        self.asker.may_give(next.newly_administrative(&given(now.map(Member::role))))
    }

    /// Live peers get it as overrides at once, later ones when they come.
    pub(super) fn grant_user(
        self,
        user_id: UserId,
        grant: &BTreeSet<Wanted>,
        revoke: &BTreeSet<Wanted>,
    ) -> Result<Decision, Refusal> {
        let kinds = |wanted: &BTreeSet<Wanted>| {
            wanted.iter().fold(TrackKinds::NONE, |all, one| all.union(one.kinds()))
        };
        let (grant, revoke) = (kinds(grant), kinds(revoke));
        let said = &self.room.user_overrides;
        let now = said.get(&user_id).copied().unwrap_or_default();
        let overrides = now.changed(grant, revoke);
        let mut events = Vec::new();
        let mut effects = Effects::default();
        for peer in self.room.peers_of(&user_id) {
            let overrides = peer.who.overrides.clone().sending(grant, revoke);
            let next = self.room.with_overrides(peer, &overrides);
            if next != *peer {
                let peer_id = peer.id().clone();
                events.push(Event::PermissionsChanged { peer_id, overrides, by: self.by() });
                effects.changed.push(next);
            }
        }
        if overrides != now {
            if said.len() >= USER_OVERRIDES_MAX && !said.contains_key(&user_id) {
                let max = USER_OVERRIDES_MAX;
                return Err(Refusal::TooMany { what: "users with permissions of their own", max });
            }
            events.insert(0, Event::UserGranted { user_id, overrides, by: self.by() });
        }
        Ok(Decision::events(self.with_consequences(events, &effects)))
    }

    /// His peers get his app role; they are out where he is banned, or the room is another team's
    /// now and no `-any-team` grant lets him in.
    pub(super) fn refresh_user(self, user_id: &UserId, standing: &Standing) -> Decision {
        let foreign = !standing.reach.admits(self.room.team.as_ref());
        let mut events = Vec::new();
        let mut effects = Effects::default();
        for peer in self.room.peers_of(user_id) {
            let peer_id = peer.id().clone();
            let next = self.room.with_standing(peer, &standing.app_role, foreign);
            if standing.banned || (foreign && !next.holds(Capability::JoinCall)) {
                let (reason, by) = (LeftReason::Removed, self.by());
                effects.left.push(peer_id.clone());
                events.push(Event::PeerLeft { peer_id, reason, by, note: None });
            } else if next != *peer {
                if next.role != peer.role {
                    effects.role_changed.push(peer_id.clone());
                }
                let app_role = standing.app_role.clone();
                events.push(Event::StandingChanged { peer_id, app_role, foreign });
                effects.changed.push(next);
            }
        }
        Decision::events(self.with_consequences(events, &effects))
    }

    pub(super) fn adopt(self, call_type: Arc<CallType>) -> Decision {
        if *self.room.call_type == *call_type {
            return Decision::nothing(Reply::Done {});
        }
        let mut next = self.room.clone();
        let event = Event::CallTypeAdopted { call_type };
        crate::room::apply(&mut next, &event, self.at);
        let mut events = self.resolved_by(vec![event], &next);
        let roles = &next.call_type.roles;
        for request in self.room.role_requests.values().filter(|r| !roles.contains_key(&r.role)) {
            let id = &request.request_id;
            let over = events.iter().any(
                |e| matches!(e, Event::RoleRequestEnded { request_id, .. } if request_id == id),
            );
            if !over {
                events.push(ended(id, Outcome::Withdrawn, None));
            }
        }
        Decision::events(events)
    }

    /// The events, and each peer of the room that they lead to resolved.
    pub(super) fn resolved_by(self, mut events: Vec<Event>, next: &Room) -> Vec<Event> {
        let mut effects = Effects::default();
        for peer in next.peers.values() {
            let resolved = next.resolved(peer.clone());
            if resolved != *peer {
                events.push(Event::PeerResolved { peer_id: peer.id().clone(), by: self.by() });
                if resolved.role != peer.role {
                    effects.role_changed.push(peer.id().clone());
                }
                effects.changed.push(resolved);
            }
        }
        self.with_consequences(events, &effects)
    }
}
