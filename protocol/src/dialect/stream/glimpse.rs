//! What one asker sees of a room, taken out of it in the room's own task: little enough to be
//! copied, whole enough to be shown. It must not know the form in which it is shown.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    call_type::{ANONYMOUS, CallType, settings::SettingsPatchDocument},
    capability::{Capabilities, Capability},
    id::{Cid, PeerId, RoleName, TeamId, Timestamp, UserId},
    json::Metadata,
    room::{
        Peer, Room,
        member::{Member, SessionInfo},
        rights::rights_of,
    },
    team::Caller,
};

/// A room as one asker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub struct Glimpse {
    pub cid: Cid,
    pub call_type: Arc<CallType>,
    pub settings_override: Option<SettingsPatchDocument>,
    pub team: Option<TeamId>,
    pub created_by: Option<UserId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub starts_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub live_since: Option<Timestamp>,
    pub custom: Metadata,
    pub blocked: Vec<UserId>,
    pub backstage: bool,
    pub session: Option<SessionInfo>,
    /// Whom the asker sees, the first to come first; without those who have no token.
    pub present: Vec<Present>,
    /// How many of them there are in each role; of all of them, however many are shown.
    pub by_role: BTreeMap<RoleName, usize>,
    /// How many without a token he sees.
    pub anonymous: usize,
    /// The last added first.
    pub members: Vec<(UserId, Member)>,
    /// The asker's own.
    pub membership: Option<(UserId, Member)>,
    /// What the asker may do; nothing for the server.
    pub capabilities: Vec<&'static str>,
}

/// Somebody who is in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub struct Present {
    pub user_id: UserId,
    pub peer_id: PeerId,
    pub name: Arc<str>,
    pub role: RoleName,
    pub joined_at: Timestamp,
}

impl Glimpse {
    /// What `caller` (unset: the server) sees of a room, and so many of its members.
    #[must_use]
    pub fn of(room: &Room, caller: Option<&Caller>, members: usize) -> Self {
        let rights = caller.map(|caller| rights_of(room, caller).all_capabilities());
        let sees_hidden =
            rights.is_none_or(|rights| rights.contains(Capability::UpdateCallPermissions));
        let own = caller.and_then(|caller| room.members.get_key_value(&caller.user_id));
        let sees = |peer: &Peer| {
            let own = caller.is_some_and(|caller| caller.user_id == peer.who.user_id);
            sees_hidden || own || peer.is_visible()
        };
        Self {
            members: last_added(room, members),
            membership: own.map(|(user, member)| (user.clone(), member.clone())),
            capabilities: rights.map(words).unwrap_or_default(),
            ..Self::seen(room, sees)
        }
    }

    /// What many are told of a room at once: those who see hidden peers, or the rest. Nobody's own
    /// things are in it, and of those who are in at most so many.
    #[must_use]
    pub fn for_many(room: &Room, sees_hidden: bool, present: usize) -> Self {
        let mut glimpse = Self::seen(room, |peer| sees_hidden || peer.is_visible());
        glimpse.present.truncate(present);
        glimpse
    }

    fn seen(room: &Room, sees: impl Fn(&Peer) -> bool) -> Self {
        let seen = room.peers.values().filter(|peer| sees(peer));
        let (unnamed, named): (Vec<_>, Vec<_>) = seen.partition(|peer| is_anonymous(peer));
        let mut present: Vec<Present> = named.into_iter().map(Present::of).collect();
        present.sort_by(|a, b| (a.joined_at, &a.peer_id).cmp(&(b.joined_at, &b.peer_id)));
        let mut by_role: BTreeMap<RoleName, usize> = BTreeMap::new();
        for one in &present {
            *by_role.entry(one.role.clone()).or_default() += 1;
        }
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
            by_role,
            anonymous: unnamed.len(),
            members: Vec::new(),
            membership: None,
            capabilities: Vec::new(),
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Map<String, Value> {
        let document = &self.call_type.document;
        match &self.settings_override {
            Some(patch) => document.merged(patch).sections().clone(),
            None => document.sections().clone(),
        }
    }
}

impl Present {
    /// A peer as one who is in.
    #[must_use]
    pub fn of(peer: &Peer) -> Self {
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
#[must_use]
pub fn is_anonymous(peer: &Peer) -> bool {
    peer.who.app_role.as_str() == ANONYMOUS
}

/// Capabilities as they are written, sorted.
#[must_use]
pub fn words(capabilities: Capabilities) -> Vec<&'static str> {
    let mut words: Vec<&'static str> = capabilities.iter().map(Capability::as_str).collect();
    words.sort_unstable();
    words
}

/// So many members, the last added first.
fn last_added(room: &Room, count: usize) -> Vec<(UserId, Member)> {
    let mut members: Vec<(&UserId, &Member)> = room.members.iter().collect();
    members.sort_by_key(|(_, member)| Reverse(member.created_at));
    members.into_iter().take(count).map(|(user, member)| (user.clone(), member.clone())).collect()
}
