//! What one observer knows: his join snapshot, then only notices that reached him and replies to
//! his own calls, as the JSON a client would get. It must not look at the room in between.

use std::collections::BTreeMap;

use rolecall_protocol::{
    id::{PeerId, Seq},
    room::{
        Command, Notice, Reply, Room,
        request::{PermissionRequest, RoleRequest},
        state::RoomView,
    },
};
use serde_json::{Value, json};

/// A client's mirror of the room.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    me: String,
    participants: BTreeMap<String, Value>,
    counts: Value,
    role_requests: BTreeMap<String, Value>,
    permission_requests: BTreeMap<String, Value>,
    waiting: BTreeMap<String, Value>,
    receiving: BTreeMap<String, Value>,
    sending: BTreeMap<String, Value>,
    room: Value,
    session_data: Value,
    seq: Seq,
}

const RIGHT: &str = "update-call-permissions";

impl View {
    /// What the join reply tells a peer: the state he may see (`PROTOCOL` 1.2).
    pub(crate) fn snapshot(room: &Room, me: &PeerId) -> Self {
        let own = &room.peers[me];
        let rules = own.permissions.all_capabilities().iter().any(|c| c.as_str() == RIGHT);
        let seen = room.peers.values().filter(|peer| {
            rules || peer.permissions.has_presence || peer.who.peer_id == own.who.peer_id
        });
        let of_role = |r: &&RoleRequest| r.peer_id == *me || r.by.peer_id.as_ref() == Some(me);
        let subscriptions = room.subscriptions.iter();
        let receiving = subscriptions.clone().filter(|(_, s)| s.receiver == *me).map(|(id, s)| {
            (id.to_string(), json!({"subscriptionId": id, "peerId": s.sender, "tracks": s.tracks}))
        });
        let sending = subscriptions
            .filter(|(_, s)| s.sender == *me)
            .map(|(id, s)| (id.to_string(), json!({"subscriptionId": id, "tracks": s.tracks})));
        let of_permission = |r: &&PermissionRequest| rules || r.from.peer_id.as_ref() == Some(me);
        Self {
            me: me.to_string(),
            participants: seen.map(|peer| (peer.id().to_string(), json!(peer))).collect(),
            counts: json!(room.counts()),
            role_requests: room
                .role_requests
                .values()
                .filter(of_role)
                .map(|r| (r.request_id.to_string(), json!(r)))
                .collect(),
            permission_requests: room
                .permission_requests
                .values()
                .filter(of_permission)
                .map(|r| (r.request_id.to_string(), json!(r)))
                .collect(),
            waiting: room
                .waiting
                .values()
                .filter(|waiting| rules && waiting.admitted_until.is_none())
                .map(|waiting| (waiting.waiting_id.to_string(), json!(waiting)))
                .collect(),
            receiving: receiving.collect(),
            sending: sending.collect(),
            room: json!(RoomView(room)),
            session_data: json!(room.session_data),
            seq: room.seq,
        }
    }

    /// Whether this mirror shows the room as it is; the position aside, which may skip.
    pub(crate) fn check(&self, room: &Room) {
        let me = PeerId::parse(&self.me).unwrap();
        let truth = Self { seq: self.seq, ..Self::snapshot(room, &me) };
        assert_eq!(*self, truth, "{}'s view (left) is not what he may see (right)", self.me);
        assert!(self.seq <= room.seq);
    }

    /// A notice arrived.
    pub(crate) fn hear(&mut self, notice: &Notice, params: &Value) {
        if let Some(seq) = notice.seq {
            assert!(self.seq < seq, "{}: {seq} does not follow {}", self.me, self.seq);
            self.seq = seq;
        }
        let text = |key: &str| params[key].as_str().unwrap_or_default().to_owned();
        match notice.body.method() {
            "participant-joined" => {
                let participant = &params["participant"];
                let id = participant["peerId"].as_str().unwrap().to_owned();
                let known = self.participants.insert(id.clone(), participant.clone());
                assert!(known.is_none(), "{} saw {id} already", self.me);
            }
            "participant-updated" => self.updated(&params["participant"], &params["changed"]),
            "participant-left" => {
                let id = text("peerId");
                let known = self.participants.remove(&id);
                assert!(known.is_some(), "{} never saw {id}", self.me);
                if params["reason"] != "hidden" {
                    self.permission_requests.retain(|_, request| request["from"]["peerId"] != *id);
                }
            }
            "ROLE_UPDATED" => {
                let now = &self.participants[&text("peerId")]["role"];
                assert_eq!(*now, params["to"], "ROLE_UPDATED follows participant-updated");
            }
            "role-change-request" => {
                let mut request = params["request"].clone();
                request["peerId"] = json!(self.me);
                let id = request["requestId"].as_str().unwrap().to_owned();
                self.role_requests.insert(id, request);
            }
            "role-change-answered" | "role-change-cancelled" => {
                let known = self.role_requests.remove(&text("requestId"));
                let own = params["peerId"] == *self.me;
                assert!(known.is_some() || own, "{} did not know of {params}", self.me);
            }
            "permission-request" => {
                self.permission_requests.insert(text("requestId"), params.clone());
            }
            "permission-request-answered" => {
                self.permission_requests.remove(&text("requestId"));
            }
            "waiting-updated" => {
                let waiting = &params["waiting"];
                let told = waiting.as_object().unwrap().keys();
                assert!(told.eq(["name", "since", "userId", "waitingId"]), "{waiting}");
                let id = waiting["waitingId"].as_str().unwrap().to_owned();
                let known = self.waiting.insert(id, waiting.clone());
                assert!(known.is_none(), "{} knew of {waiting}", self.me);
            }
            "waiting-left" => {
                let known = self.waiting.remove(&text("waitingId"));
                assert!(known.is_some(), "{} did not know of {params}", self.me);
            }
            "subscription-updated" => {
                let peer = params["peerId"].as_str().unwrap();
                assert_ne!(peer, self.me, "{} receives himself", self.me);
                keep(&mut self.receiving, params);
            }
            "subscriber-updated" => {
                let told = params.as_object().unwrap().keys();
                assert!(told.eq(["subscriptionId", "tracks"]), "who receives is told in {params}");
                keep(&mut self.sending, params);
            }
            "counts-updated" => self.counts = params.clone(),
            "room-updated" => self.room = params["room"].clone(),
            "subscription-signal" => {
                let id = text("subscriptionId");
                let known = self.receiving.contains_key(&id) || self.sending.contains_key(&id);
                assert!(known, "{} has no {id}", self.me);
            }
            "unmute-request" => {
                let tracks = &self.participants[&self.me]["tracks"];
                let asked = params["tracks"].as_array().unwrap();
                assert!(!asked.is_empty(), "{} is asked for nothing", self.me);
                for kind in asked.iter().map(|kind| kind.as_str().unwrap()) {
                    assert_eq!(tracks[kind], "off", "{} is asked for {kind}", self.me);
                }
            }
            "session-data-updated" => self.session_data = params["data"].clone(),
            "room-ended" | "app-message" | "signal" => {}
            other => panic!("unknown notice {other}"),
        }
    }

    fn updated(&mut self, participant: &Value, changed: &Value) {
        let id = participant["peerId"].as_str().unwrap().to_owned();
        let Some(known) = self.participants.insert(id.clone(), participant.clone()) else {
            panic!("{} never saw {id}", self.me);
        };
        let fields = known.as_object().unwrap().keys();
        let differ: Vec<_> = fields.filter(|key| known[*key] != participant[*key]).collect();
        let mut named: Vec<_> =
            changed.as_array().unwrap().iter().map(|field| field.as_str().unwrap()).collect();
        named.sort_unstable();
        assert_eq!(differ, named, "`changed` names the fields of {id} that differ");
        let rules = participant["capabilities"].as_array().unwrap().contains(&json!(RIGHT));
        if id == self.me && !rules {
            self.permission_requests.retain(|_, request| request["from"]["peerId"] == *id);
        }
    }

    /// The reply to a call of his own arrived.
    pub(crate) fn replied(&mut self, command: &Command, reply: &Reply) {
        let own = |view: &Self| {
            let me = &view.participants[&view.me];
            json!({"peerId": me["peerId"], "userId": me["userId"], "name": me["name"]})
        };
        match (command, reply) {
            (
                Command::ChangeRole { peer_id, role, .. },
                Reply::RoleRequested { request_id, expires_at },
            ) => {
                let by = own(self);
                let request = self.role_requests.entry(request_id.to_string()).or_insert_with(
                    || json!({"requestId": request_id, "peerId": peer_id, "by": by, "role": role}),
                );
                request["expiresAt"] = json!(expires_at);
            }
            (
                Command::AcceptRole { request_id } | Command::RejectRole { request_id, .. },
                Reply::Done {} | Reply::Ended { .. },
            ) => {
                self.role_requests.remove(request_id.as_str());
            }
            (
                Command::RequestPermissions { permissions },
                Reply::PermissionRequested { request_id },
            ) => {
                let from = own(self);
                let request =
                    json!({"requestId": request_id, "from": from, "permissions": permissions});
                self.permission_requests.entry(request_id.to_string()).or_insert(request);
            }
            _ => {}
        }
    }
}

/// Puts a subscription as it is now under its id; of nothing, it is over.
fn keep(of: &mut BTreeMap<String, Value>, params: &Value) {
    let id = params["subscriptionId"].as_str().unwrap().to_owned();
    let known = if params["tracks"] == json!([]) {
        assert!(of.contains_key(&id), "{id} ended, and was not known");
        of.remove(&id)
    } else {
        of.insert(id, params.clone())
    };
    assert_ne!(known.as_ref(), Some(params), "told twice");
}
