//! The whole room as JSON and back, for a journal's snapshots. What is derived is not stored but
//! derived anew; the call type lies elsewhere. It must not know what a client may see.
//!
//! Both ways take the room apart field by field: one that is forgotten here does not compile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    admission::Admission,
    member::{Member, Pin, SessionInfo, UserOverrides},
    people::{Newcomer, Person},
    request::{PermissionRequest, RoleRequest, Wanted},
    session_data::{SESSION_DATA_BYTES, SessionData},
    state::{Ended, Peer, Room},
    subscription::{MESH_MAX, Subscription},
    waiting::Waiting,
};
use crate::{
    call_type::{CallType, settings::SettingsPatchDocument},
    capability::Capabilities,
    id::{Cid, PeerId, RequestId, RoleName, Seq, TeamId, Timestamp, UserId},
    json::Metadata,
    media::TrackKinds,
};

/// A room as JSON text, without its call type.
///
/// # Errors
/// Never for a room that the law made.
pub fn write(room: &Room) -> serde_json::Result<String> {
    serde_json::to_string(&Stored::of(room))
}

/// The room of that text, of that call type.
///
/// # Errors
/// Where the text is none of [`write()`]'s.
pub fn read(text: &str, call_type: Arc<CallType>) -> serde_json::Result<Room> {
    serde_json::from_str::<Stored>(text).map(|stored| stored.into_room(call_type))
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored {
    cid: Cid,
    settings_override: Option<SettingsPatchDocument>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    created_by: Option<UserId>,
    kept: bool,
    epoch: Arc<str>,
    team: Option<TeamId>,
    custom: Metadata,
    starts_at: Option<Timestamp>,
    ended: Option<Ended>,
    /// Unset in what was written before there was any.
    #[serde(default)]
    admission: Admission,
    backstage: bool,
    live_since: Option<Timestamp>,
    peers: Vec<StoredPeer>,
    members: BTreeMap<UserId, Member>,
    user_overrides: BTreeMap<UserId, UserOverrides>,
    pins: BTreeSet<Pin>,
    #[serde(default)]
    session_data: SessionData,
    session: Option<SessionInfo>,
    sessions: u64,
    blocked: BTreeSet<UserId>,
    role_requests: Vec<StoredRoleRequest>,
    permission_requests: Vec<StoredPermissionRequest>,
    /// Unset in what was written before there were any.
    #[serde(default)]
    waiting: Vec<Waiting>,
    #[serde(default)]
    subscriptions: Vec<Subscription>,
    seq: Seq,
    requests_made: u64,
    #[serde(default)]
    subscriptions_made: u64,
    role_request_ttl_ms: u64,
    #[serde(default = "mesh_max")]
    mesh_max: usize,
    #[serde(default = "session_data_max")]
    session_data_max: usize,
}

const fn mesh_max() -> usize {
    MESH_MAX
}

const fn session_data_max() -> usize {
    SESSION_DATA_BYTES
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredPeer {
    who: Newcomer,
    joined_at: Timestamp,
    on: TrackKinds,
    hand_raised: bool,
    dropped_until: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredRoleRequest {
    request_id: RequestId,
    peer_id: PeerId,
    by: Person,
    role: RoleName,
    expires_at: Timestamp,
    held: Capabilities,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StoredPermissionRequest {
    request_id: RequestId,
    from: Person,
    permissions: BTreeSet<Wanted>,
    asked: BTreeSet<PeerId>,
}

impl Stored {
    fn of(room: &Room) -> Self {
        let Room {
            cid,
            call_type: _,
            settings_override,
            settings: _,
            created_at,
            updated_at,
            deleted_at,
            created_by,
            kept,
            epoch,
            team,
            custom,
            starts_at,
            ended,
            admission,
            backstage,
            live_since,
            peers,
            members,
            user_overrides,
            pins,
            session_data,
            session,
            sessions,
            blocked,
            role_requests,
            permission_requests,
            waiting,
            subscriptions,
            seq,
            requests_made,
            subscriptions_made,
            hidden: _,
            role_request_ttl_ms,
            mesh_max,
            session_data_max,
        } = room;
        Self {
            cid: cid.clone(),
            settings_override: settings_override.clone(),
            created_at: *created_at,
            updated_at: *updated_at,
            deleted_at: *deleted_at,
            created_by: created_by.clone(),
            kept: *kept,
            epoch: Arc::clone(epoch),
            team: team.clone(),
            custom: custom.clone(),
            starts_at: *starts_at,
            ended: ended.clone(),
            admission: admission.clone(),
            backstage: *backstage,
            live_since: *live_since,
            peers: peers.values().map(StoredPeer::of).collect(),
            members: members.clone(),
            user_overrides: user_overrides.clone(),
            pins: pins.clone(),
            session_data: session_data.clone(),
            session: session.clone(),
            sessions: *sessions,
            blocked: blocked.clone(),
            role_requests: role_requests.values().map(StoredRoleRequest::of).collect(),
            permission_requests: permission_requests
                .values()
                .map(StoredPermissionRequest::of)
                .collect(),
            waiting: waiting.values().cloned().collect(),
            subscriptions: subscriptions.values().cloned().collect(),
            seq: *seq,
            requests_made: *requests_made,
            subscriptions_made: *subscriptions_made,
            role_request_ttl_ms: *role_request_ttl_ms,
            mesh_max: *mesh_max,
            session_data_max: *session_data_max,
        }
    }

    fn into_room(self, call_type: Arc<CallType>) -> Room {
        let role_requests = self.role_requests.into_iter().map(StoredRoleRequest::into_request);
        let permission_requests =
            self.permission_requests.into_iter().map(StoredPermissionRequest::into_request);
        let waiting = self.waiting.into_iter();
        let subscriptions = self.subscriptions.into_iter();
        let mut room = Room {
            cid: self.cid,
            settings: call_type.settings_under(self.settings_override.as_ref()),
            settings_override: self.settings_override,
            call_type,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deleted_at: self.deleted_at,
            created_by: self.created_by,
            kept: self.kept,
            epoch: self.epoch,
            team: self.team,
            custom: self.custom,
            starts_at: self.starts_at,
            ended: self.ended,
            admission: self.admission,
            backstage: self.backstage,
            live_since: self.live_since,
            peers: BTreeMap::new(),
            members: self.members,
            user_overrides: self.user_overrides,
            pins: self.pins,
            session_data: self.session_data,
            session: self.session,
            sessions: self.sessions,
            blocked: self.blocked,
            role_requests: role_requests.map(|r| (r.request_id.clone(), r)).collect(),
            permission_requests: permission_requests.map(|r| (r.request_id.clone(), r)).collect(),
            waiting: waiting.map(|one| (one.waiting_id.clone(), one)).collect(),
            subscriptions: subscriptions.map(|s| (s.subscription_id.clone(), s)).collect(),
            seq: self.seq,
            requests_made: self.requests_made,
            subscriptions_made: self.subscriptions_made,
            hidden: 0,
            role_request_ttl_ms: self.role_request_ttl_ms,
            mesh_max: self.mesh_max,
            session_data_max: self.session_data_max,
        };
        // Last, as what a peer may do follows from all of the above.
        for stored in self.peers {
            let peer = stored.into_peer(&room);
            room.hidden += usize::from(!peer.is_visible());
            room.peers.insert(peer.id().clone(), peer);
        }
        room
    }
}

impl StoredPeer {
    fn of(peer: &Peer) -> Self {
        let Peer { who, joined_at, on, hand_raised, dropped_until, role: _, permissions: _ } = peer;
        Self {
            who: who.clone(),
            joined_at: *joined_at,
            on: *on,
            hand_raised: *hand_raised,
            dropped_until: *dropped_until,
        }
    }

    fn into_peer(self, room: &Room) -> Peer {
        let Self { who, joined_at, on, hand_raised, dropped_until } = self;
        let peer = room.seated(who, joined_at);
        room.resolved(Peer { on, hand_raised, dropped_until, ..peer })
    }
}

impl StoredRoleRequest {
    fn of(request: &RoleRequest) -> Self {
        let RoleRequest { request_id, peer_id, by, role, expires_at, held } = request.clone();
        Self { request_id, peer_id, by, role, expires_at, held }
    }

    fn into_request(self) -> RoleRequest {
        let Self { request_id, peer_id, by, role, expires_at, held } = self;
        RoleRequest { request_id, peer_id, by, role, expires_at, held }
    }
}

impl StoredPermissionRequest {
    fn of(request: &PermissionRequest) -> Self {
        let PermissionRequest { request_id, from, permissions, asked } = request.clone();
        Self { request_id, from, permissions, asked }
    }

    fn into_request(self) -> PermissionRequest {
        let Self { request_id, from, permissions, asked } = self;
        PermissionRequest { request_id, from, permissions, asked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_type::builtin;

    #[test]
    fn what_was_written_before_there_were_subscriptions_is_read() {
        let call_type = Arc::clone(&builtin::all()["stage"]);
        let room = Room::vacant(Cid::new(&call_type.name, "old").unwrap(), Arc::clone(&call_type));
        let mut old: serde_json::Value = serde_json::from_str(&write(&room).unwrap()).unwrap();
        for key in [
            "subscriptions",
            "subscriptionsMade",
            "meshMax",
            "waiting",
            "admission",
            "sessionData",
            "sessionDataMax",
        ] {
            assert!(old.as_object_mut().unwrap().remove(key).is_some(), "{key}");
        }
        assert_eq!(read(&old.to_string(), call_type).unwrap(), room);
    }
}
