//! What a client of 100ms's knows, built from its frames alone as its SDK builds it. It must not look
//! at the room in between.

use std::collections::BTreeMap;

use rolecall_protocol::{
    dialect::{Ear, hms},
    id::PeerId,
    room::{Notice, Room},
};
use serde_json::{Map, Value, json};

/// A client's mirror of the room, and what it is told by.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    ear: Ear,
    me: String,
    /// The others, without their tracks.
    peers: BTreeMap<String, Value>,
    tracks: BTreeMap<String, Map<String, Value>>,
    /// His own role, and what it says he may.
    role: (String, Value),
}

impl Mirror {
    /// Somebody who just came in: the policy, then the list.
    pub(crate) fn of(room: &Room, me: &PeerId) -> Self {
        let mut mirror = Self {
            ear: Ear::Hms(hms::Ear::new(me.clone())),
            me: me.to_string(),
            peers: BTreeMap::new(),
            tracks: BTreeMap::new(),
            role: Default::default(),
        };
        mirror.read(&hms::policy(room, &room.peers[me]));
        for frame in mirror.ear.arrive(room, false) {
            mirror.read(&frame);
        }
        mirror
    }

    /// A notice arrived that is for him.
    pub(crate) fn hear(&mut self, room: &Room, notice: &Notice) {
        for frame in self.ear.hear(room, notice) {
            self.read(&frame);
        }
    }

    /// He comes back on a new socket.
    pub(crate) fn returns(&mut self, room: &Room) {
        for frame in self.ear.arrive(room, true) {
            self.read(&frame);
        }
    }

    fn read(&mut self, frame: &str) {
        let frame: Value = serde_json::from_str(frame).unwrap();
        let params = &frame["params"];
        let id = |value: &Value| value["peer_id"].as_str().unwrap().to_owned();
        match frame["method"].as_str().unwrap() {
            "on-policy-change" => {
                let name = params["name"].as_str().unwrap().to_owned();
                let role = params["known_roles"][&name].clone();
                assert!(role.is_object(), "`{name}` is among the known roles");
                self.role = (name, role);
            }
            "peer-list" => {
                self.peers.clear();
                self.tracks.clear();
                for peer in params["peers"].as_object().unwrap().values() {
                    self.joined(peer);
                }
            }
            "on-peer-join" => self.joined(params),
            "on-peer-leave" => {
                assert_ne!(id(params), self.me, "of himself he is told otherwise");
                let known = self.peers.remove(&id(params));
                assert!(known.is_some(), "{} never saw {params}", self.me);
                self.tracks.remove(&id(params));
            }
            "on-peer-update" if id(params) == self.me => whole(params),
            "on-peer-update" => {
                whole(params);
                let known = self.peers.insert(id(params), params.clone());
                assert!(known.is_some(), "{} never saw {params}", self.me);
            }
            method @ ("on-track-add" | "on-track-update" | "on-track-remove") => {
                let own = self.tracks.get_mut(&id(&params["peer"])).expect("somebody known");
                for (track_id, track) in params["tracks"].as_object().unwrap() {
                    let known = match method {
                        "on-track-remove" => own.remove(track_id),
                        _ => own.insert(track_id.clone(), track.clone()),
                    };
                    assert_eq!(known.is_some(), method != "on-track-add", "{method} {params}");
                }
            }
            "on-broadcast" => assert!(params["info"]["type"].is_string(), "{params}"),
            "on-role-change-request"
            | "on-metadata-change"
            | "on-peer-leave-request"
            | "on-track-update-request"
            | "on-change-track-mute-state-request" => {}
            other => panic!("unknown to the SDK: {other}"),
        }
    }

    fn joined(&mut self, peer: &Value) {
        whole(peer);
        let mut peer = peer.clone();
        let tracks = peer.as_object_mut().unwrap().remove("tracks").unwrap();
        let id = peer["peer_id"].as_str().unwrap().to_owned();
        assert_ne!(id, self.me, "of himself he knows more");
        self.tracks.insert(id.clone(), tracks.as_object().unwrap().clone());
        let known = self.peers.insert(id.clone(), peer);
        assert!(known.is_none(), "{} saw {id} already", self.me);
    }

    /// Whether this mirror shows the room as it is.
    pub(crate) fn check(&self, room: &Room) {
        let fresh = Self::of(room, &PeerId::parse(&self.me).unwrap());
        let of = |mirror: &Self| json!([mirror.peers, mirror.tracks, mirror.role]);
        assert_eq!(of(self), of(&fresh), "what {} of the SDK knows (left)", self.me);
    }
}

/// Without these the SDK forgets a peer, or tells of what never happened.
fn whole(peer: &Value) {
    assert_eq!(peer["realtime"], true, "{peer}");
    assert!(peer["role"].is_string() && peer["groups"].is_array(), "{peer}");
}
