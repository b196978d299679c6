//! What a participant of Stream's is shown is never more than is so. It must not ask for what he could
//! then do.

use rolecall_protocol::{
    dialect::{
        Ear,
        stream::sfu::{self, Face, Faces, words},
    },
    media::{TrackKind, TrackKinds},
    room::{Actor, Command, notice::commit},
};
use serde_json::Value;

use crate::house::{House, each_ann, name, peer_id};

/// Ann with Stream's SDK.
fn ann() -> Ear {
    let faces = Faces(std::sync::Arc::new(|_| Face::default()));
    Ear::Stream(sfu::Ear::new(peer_id("ann"), faces, 30))
}

/// What she is told of the call as she comes in.
fn call_state(house: &House) -> Value {
    let frames = ann().arrive(&house.room, false);
    let joined: Value = serde_json::from_str(&frames[0]).unwrap();
    joined["joinResponse"]["callState"].clone()
}

#[test]
fn tracks_to_a_participant_of_streams() {
    each_ann(|house, _| {
        let mut house = house.clone();
        house.seat("bo", "host", "{}");
        let all = Command::SetTracks { on: TrackKinds::ALL, off: TrackKinds::NONE };
        let _ = house.take(Actor::Peer(peer_id("bo")), all);
        let (ann, bo) = (house.peer("ann"), house.peer("bo"));
        let state = call_state(&house);
        let of_bo = state["participants"].as_array().unwrap().iter();
        let of_bo = of_bo.filter(|one| one["userId"] == "bo");
        let told: TrackKinds = of_bo
            .flat_map(|one| one["publishedTracks"].as_array().unwrap())
            .map(|word| words::kind(word).unwrap())
            .collect();
        assert!(ann.receivable(bo).contains_all(told), "{} is told of {told:?}", ann.role);
        assert!(bo.on.contains_all(told) && words::WORDED.contains_all(told));
    });
}

#[test]
fn what_a_participant_of_streams_may_publish() {
    each_ann(|house, _| {
        // Whatever it is that changes: what he is told afterwards is what is so.
        let mut room = house.room.clone();
        let mut ear = ann();
        ear.arrive(&room, false);
        let patch = Command::UpdatePermissions {
            peer_id: peer_id("ann"),
            patch: Box::new(crate::house::patch(
                r#"{"canSend":["screenVideo","customAudio","video"]}"#,
            )),
        };
        let turn = rolecall_protocol::room::turn(
            &room,
            Actor::Server,
            patch,
            house.room.created_at.unwrap(),
        );
        let mut frames = Vec::new();
        for event in &turn.unwrap().events {
            for notice in commit(&mut room, event, house.room.created_at.unwrap()) {
                let reached = notice.audience.reaches(&room.peers[&peer_id("ann")]);
                frames.extend(reached.then(|| ear.hear(&room, &notice)).into_iter().flatten());
            }
        }
        let sendable = room.peers[&peer_id("ann")].sendable();
        for frame in frames {
            let frame: Value = serde_json::from_str(&frame).unwrap();
            let Some(grants) = frame["callGrantsUpdated"]["currentGrants"].as_object() else {
                continue;
            };
            let kinds: [(&str, &[TrackKind]); 3] = [
                ("canPublishAudio", &[TrackKind::Audio]),
                ("canPublishVideo", &[TrackKind::Video]),
                // One of the two is not the word.
                ("canScreenshare", &[TrackKind::ScreenVideo, TrackKind::ScreenAudio]),
            ];
            for (word, kinds) in kinds {
                let may = sendable.contains_all(TrackKinds::of(kinds));
                assert!(may || grants[word] == false, "{word} of {sendable:?}");
            }
        }
    });
}

#[test]
fn hidden_people_to_a_participant_of_streams() {
    each_ann(|house, ann| {
        if ann.sees_hidden() {
            return;
        }
        let mut house = house.clone();
        house.seat("ghost", "host", r#"{"hasPresence":false}"#);
        let state = call_state(&house);
        assert!(!state.to_string().contains("ghost"), "{state}");
        assert_eq!(state["participantCount"]["total"], 1);
        let pin =
            Command::SetPin { user_id: name("ghost"), peer_id: peer_id("ghost"), pinned: true };
        assert!(house.take(Actor::Server, pin).is_err(), "pins are told to everybody alike");
    });
}
