//! What one asker sees of a room, taken out of it in the room's own task: little enough to be
//! copied, whole enough to be shown. It must not know the form in which it is shown.

use std::{cmp::Reverse, sync::Arc};

use rolecall_protocol::{
    call_type::{ANONYMOUS, CallType, settings::SettingsPatchDocument},
    capability::Capability,
    id::{Cid, PeerId, RoleName, TeamId, Timestamp, UserId},
    json::Metadata,
    room::{
        Peer, Room,
        member::{Member, SessionInfo},
        rights::rights_of,
    },
    team::Caller,
};
use serde_json::{Map, Value};

/// A room as one asker sees it.
#[derive(Clone, Debug)]
pub(super) struct Glimpse {
    pub(super) cid: Cid,
    pub(super) call_type: Arc<CallType>,
    pub(super) settings_override: Option<SettingsPatchDocument>,
    pub(super) team: Option<TeamId>,
    pub(super) created_by: Option<UserId>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) starts_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) live_since: Option<Timestamp>,
    pub(super) custom: Metadata,
    pub(super) blocked: Vec<UserId>,
    pub(super) backstage: bool,
    pub(super) session: Option<SessionInfo>,
    /// Whom the asker sees, the first to come first; without those who have no token.
    pub(super) present: Vec<Present>,
    /// How many without a token he sees.
    pub(super) anonymous: usize,
    /// The last added first.
    pub(super) members: Vec<(UserId, Member)>,
    /// The asker's own.
    pub(super) membership: Option<(UserId, Member)>,
    /// What the asker may do; nothing for the server.
    pub(super) capabilities: Vec<&'static str>,
}

/// Somebody who is in.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub(super) user_id: UserId,
    pub(super) peer_id: PeerId,
    pub(super) name: Arc<str>,
    pub(super) role: RoleName,
    pub(super) joined_at: Timestamp,
}

impl Glimpse {
    /// What `caller` (unset: the server) sees of a room, and so many of its members.
    pub(super) fn of(room: &Room, caller: Option<&Caller>, members: usize) -> Self {
        let rights = caller.map(|caller| rights_of(room, caller).all_capabilities());
        let sees_hidden =
            rights.is_none_or(|rights| rights.contains(Capability::UpdateCallPermissions));
        let sees = |peer: &Peer| {
            let own = caller.is_some_and(|caller| caller.user_id == peer.who.user_id);
            sees_hidden || own || peer.is_visible()
        };
        let seen = room.peers.values().filter(|peer| sees(peer));
        let (unnamed, named): (Vec<_>, Vec<_>) = seen.partition(|peer| is_anonymous(peer));
        let mut present: Vec<Present> = named.into_iter().map(Present::of).collect();
        present.sort_by(|a, b| (a.joined_at, &a.peer_id).cmp(&(b.joined_at, &b.peer_id)));
        let own = caller.and_then(|caller| room.members.get_key_value(&caller.user_id));
        let capabilities = rights.into_iter().flat_map(|rights| rights.iter());
        let mut capabilities: Vec<&'static str> = capabilities.map(Capability::as_str).collect();
        capabilities.sort_unstable();
        let created_at = room.created_at.unwrap_or_default();
        Self {
            cid: room.cid.clone(),
            call_type: Arc::clone(&room.call_type),
            settings_override: room.settings_override.clone(),
            team: room.team.clone(),
            created_by: room.created_by.clone(),
            created_at,
            updated_at: room.updated_at.unwrap_or(created_at),
            starts_at: room.starts_at,
            ended_at: room.ended.as_ref().map(|ended| ended.at),
            live_since: room.live_since,
            custom: room.custom.clone(),
            blocked: room.blocked.iter().cloned().collect(),
            backstage: room.backstage,
            session: room.session.clone(),
            present,
            anonymous: unnamed.len(),
            members: last_added(room, members),
            membership: own.map(|(user, member)| (user.clone(), member.clone())),
            capabilities,
        }
    }

    /// The settings in force.
    pub(super) fn settings(&self) -> Map<String, Value> {
        let document = &self.call_type.document;
        match &self.settings_override {
            Some(patch) => document.merged(patch).sections().clone(),
            None => document.sections().clone(),
        }
    }
}

impl Present {
    fn of(peer: &Peer) -> Self {
        Self {
            user_id: peer.who.user_id.clone(),
            peer_id: peer.id().clone(),
            name: Arc::clone(&peer.who.name),
            role: peer.role.clone(),
            joined_at: peer.joined_at,
        }
    }
}

/// Whether he came without a token: he is nobody's user.
fn is_anonymous(peer: &Peer) -> bool {
    peer.who.app_role.as_str() == ANONYMOUS
}

/// So many members, the last added first.
fn last_added(room: &Room, count: usize) -> Vec<(UserId, Member)> {
    let mut members: Vec<(&UserId, &Member)> = room.members.iter().collect();
    members.sort_by_key(|(_, member)| Reverse(member.created_at));
    members.into_iter().take(count).map(|(user, member)| (user.clone(), member.clone())).collect()
}
