//! What a participant of Stream's knows, built from its frames alone as its SDK builds it. It must not
//! look at the room in between.

use std::collections::BTreeMap;

use rolecall_protocol::{
    dialect::{
        Ear,
        stream::sfu::{self, Face, Faces},
    },
    id::PeerId,
    room::{Notice, Room},
};
use serde_json::{Value, json};

/// A client's mirror of the room, and what it is told by.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    ear: Ear,
    me: PeerId,
    participants: BTreeMap<String, Value>,
    count: Value,
    pins: Value,
}

/// The id that his SDK has for itself is another than his peer's, as after long.
fn called(me: &PeerId) -> PeerId {
    PeerId::parse(&format!("sdk-{me}")).unwrap()
}

impl Mirror {
    /// Somebody who just came in.
    pub(crate) fn of(room: &Room, me: &PeerId) -> Self {
        let faces = Faces(std::sync::Arc::new(|_| Face::default()));
        let ear = Ear::Stream(sfu::Ear::new(called(me), faces, 30)).back(me, None);
        let mut mirror = Self {
            ear,
            me: me.clone(),
            participants: BTreeMap::new(),
            count: Value::Null,
            pins: Value::Null,
        };
        mirror.returns(room);
        mirror
    }

    /// A notice arrived that is for him.
    pub(crate) fn hear(&mut self, room: &Room, notice: &Notice) {
        for frame in self.ear.hear(room, notice) {
            self.read(&frame);
        }
    }

    /// He comes in, or back on a new socket.
    pub(crate) fn returns(&mut self, room: &Room) {
        for frame in self.ear.arrive(room, true) {
            self.read(&frame);
        }
    }

    fn read(&mut self, frame: &str) {
        let frame: Value = serde_json::from_str(frame).unwrap();
        let (name, event) = frame.as_object().unwrap().iter().next().unwrap();
        let id = |value: &Value| value["sessionId"].as_str().unwrap().to_owned();
        match name.as_str() {
            "joinResponse" => {
                let state = &event["callState"];
                let all = state["participants"].as_array().unwrap();
                self.participants = all.iter().map(|one| (id(one), one.clone())).collect();
                let own = self.participants.get(called(&self.me).as_str());
                assert!(own.is_some(), "he knows himself by the id of his own choice");
                assert!(!self.participants.contains_key(self.me.as_str()), "and by no other");
                (self.count, self.pins) =
                    (state["participantCount"].clone(), state["pins"].clone());
            }
            "participantJoined" => {
                let one = &event["participant"];
                let known = self.participants.insert(id(one), one.clone());
                assert!(known.is_none(), "{} saw {one} already", self.me);
            }
            "participantUpdated" => {
                let one = &event["participant"];
                let known = self.participants.insert(id(one), one.clone());
                assert!(known.is_some(), "{} never saw {one}", self.me);
            }
            "participantLeft" => {
                let known = self.participants.remove(&id(&event["participant"]));
                assert!(known.is_some(), "{} never saw {event}", self.me);
            }
            "trackPublished" | "trackUnpublished" => {
                let one = self.participants.get_mut(&id(event)).expect("somebody known");
                let tracks = one["publishedTracks"].as_array_mut().unwrap();
                let kind = event["type"].clone();
                assert!(kind.is_string(), "{event}");
                tracks.retain(|known| *known != kind);
                if name == "trackPublished" {
                    tracks.push(kind);
                } else {
                    assert!(event["cause"].is_string(), "{event}");
                }
            }
            "healthCheckResponse" => self.count = event["participantCount"].clone(),
            "pinsUpdated" => self.pins = event["pins"].clone(),
            "callGrantsUpdated" | "callEnded" => {}
            other => panic!("unknown to the SDK: {other}"),
        }
    }

    /// What it comes to, whatever the order of what was told.
    fn sum(&self) -> Value {
        let mut participants = self.participants.clone();
        for one in participants.values_mut() {
            let tracks = one["publishedTracks"].as_array_mut().unwrap();
            tracks.sort_by_key(ToString::to_string);
        }
        json!([participants, self.count, self.pins])
    }

    /// Whether this mirror shows the room as it is.
    pub(crate) fn check(&self, room: &Room) {
        let fresh = Self::of(room, &self.me);
        assert_eq!(self.sum(), fresh.sum(), "what {} of Stream's SDK knows (left)", self.me);
    }
}
