//! 100ms's wire over real sockets, as its SDK speaks it: `tests/compat/hms` meets the SDK itself.

use std::collections::VecDeque;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{
    client::{Client, Ws},
    house::{House, PATIENCE, http_with, sign},
};

const ROOM: &str = "stage:hms";

/// A token of 100ms's form for the user of the peer of that id.
fn token(peer: &str, role: &str) -> String {
    sign(&json!({ "access_key": "devkey", "type": "app", "version": 2, "room_id": ROOM,
        "user_id": format!("u-{peer}"), "role": role, "jti": "1" }))
}

/// A client of 100ms's.
struct Hms {
    ws: Ws,
    peer: String,
    next_id: u64,
    heard: VecDeque<Value>,
}

impl Hms {
    async fn open(house: &House, peer: &str, token: &str) -> Self {
        let url =
            format!("ws://{}/hms/ws?peer={peer}&token={token}&protocol_version=2.5", house.addr);
        let (ws, _) = timeout(PATIENCE, connect_async(url)).await.unwrap().unwrap();
        Self { ws, peer: peer.to_owned(), next_id: 0, heard: VecDeque::new() }
    }

    /// Opens, hears the policy, joins.
    async fn join(house: &House, peer: &str, role: &str) -> Self {
        let mut client = Self::open(house, peer, &token(peer, role)).await;
        let policy = client.notice("on-policy-change").await;
        assert_eq!(policy["name"], role);
        let joined = client.call("join", json!({ "name": peer, "data": "" })).await;
        assert_eq!(joined, Ok(json!({})));
        client
    }

    async fn frame(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.ws.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn say(&mut self, frame: &Value) {
        self.ws.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Calls; the result, or the error.
    async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.next_id += 1;
        let id = format!("call-{}", self.next_id);
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        loop {
            let frame = self.frame().await.expect("an answer");
            if frame["id"] == json!(id) {
                return match frame.get("result") {
                    Some(result) => Ok(result.clone()),
                    None => Err(frame["error"].clone()),
                };
            }
            self.heard.push_back(frame);
        }
    }

    async fn done(&mut self, method: &str, params: Value) -> Value {
        self.call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn refused(&mut self, method: &str, params: Value) -> u64 {
        self.call(method, params).await.unwrap_err()["code"].as_u64().unwrap()
    }

    /// The next frame that asks for no answer, which must be of that kind.
    async fn notice(&mut self, expected: &str) -> Value {
        let frame = match self.heard.pop_front() {
            Some(frame) => frame,
            None => self.frame().await.expect("a notice"),
        };
        assert_eq!(frame["method"], expected, "{frame}");
        frame["params"].clone()
    }

    /// The same; others before it are passed over.
    async fn until(&mut self, expected: &str) -> Value {
        loop {
            let frame = match self.heard.pop_front() {
                Some(frame) => frame,
                None => self.frame().await.expect("a notice"),
            };
            if frame["method"] == expected {
                return frame["params"].clone();
            }
        }
    }
}

#[tokio::test]
async fn init_says_where_the_socket_is_and_never_404() {
    let house = House::open();
    let answer = async |token: Option<&str>, origin: &str| {
        http_with(house.addr, "GET", "/init?peer_id=x", token, &[("Origin", origin)], "").await
    };
    let good = answer(Some(&token("ann", "host")), "http://localhost:3000").await;
    assert_eq!(good.status, 200);
    assert_eq!(good.json()["endpoint"], format!("ws://{}/hms/ws", house.addr));
    assert!(good.json()["config"]["enabledFlags"].is_array());
    assert!(
        good.head.to_lowercase().contains("access-control-allow-origin: http://localhost:3000")
    );
    let elsewhere = sign(
        &json!({ "access_key": "devkey", "room_id": "nothing:x", "user_id": "ann", "role": "host" }),
    );
    let management = sign(
        &json!({ "access_key": "devkey", "room_id": ROOM, "user_id": "ann", "role": "host", "type": "management" }),
    );
    let unnamed = sign(&json!({ "access_key": "devkey", "room_id": ROOM, "role": "host" }));
    for (bad, origin, status) in [
        (None, "http://localhost", 401),
        (Some(unnamed), "http://localhost", 401),
        (Some("no.token.atall".to_owned()), "http://localhost", 401),
        (Some(management), "http://localhost", 401),
        (Some(token("ann", "juggler")), "http://localhost", 400),
        (Some(elsewhere), "http://localhost", 400),
        (Some(token("ann", "host")), "http://evil.example", 403),
    ] {
        let answer = answer(bad.as_deref(), origin).await;
        assert_eq!(answer.status, status, "{bad:?}");
        assert_eq!(answer.json()["code"], status);
        assert!(answer.json()["message"].is_string());
        let allowed = format!("access-control-allow-origin: {origin}");
        assert!(answer.head.to_lowercase().contains(&allowed), "{}", answer.head);
    }
    let preflight =
        http_with(house.addr, "OPTIONS", "/init", None, &[("Origin", "http://localhost")], "")
            .await;
    assert_eq!(preflight.status, 204);
    assert!(preflight.head.to_lowercase().contains("access-control-allow-headers: authorization"));
}

#[tokio::test]
async fn who_may_not_come_in_is_told_so_as_he_joins() {
    let house = House::open();
    // Nobody takes his user's id for his peer's, by which he would be a stranger.
    let claims =
        json!({ "access_key": "devkey", "room_id": ROOM, "user_id": "bo", "role": "host" });
    let mut bo = Hms::open(&house, "bo", &sign(&claims)).await;
    bo.notice("on-policy-change").await;
    assert_eq!(bo.refused("join", json!({ "name": "Bo" })).await, 400);
    let mut nobody = Hms::open(&house, "p1", "no-token").await;
    nobody.notice("on-policy-change").await;
    assert_eq!(nobody.refused("join", json!({ "name": "x" })).await, 401);
    assert_eq!(nobody.refused("broadcast", json!({ "info": { "message": "hi" } })).await, 401);
    assert!(nobody.done("ping", json!({ "timestamp": 7 })).await["timestamp"] == 7);
}

#[tokio::test]
async fn two_tongues_in_one_room() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let mut bo = Hms::join(&house, "bo", "listener").await;
    let list = bo.notice("peer-list").await;
    assert_eq!(list["peers"].as_object().unwrap().keys().collect::<Vec<_>>(), [&ann.peer]);
    assert_eq!(list["peers"][&ann.peer]["realtime"], true);
    let joined = ann.until("participant-joined").await["participant"].clone();
    assert_eq!((&joined["peerId"], &joined["role"]), (&json!("bo"), &json!("listener")));
    // A polite change, accepted: the policy comes before the peer.
    ann.done("changeRoleOfPeer", json!({ "peerId": "bo", "role": "speaker" })).await;
    let request = bo.notice("on-role-change-request").await;
    assert_eq!((&request["requested_by"], &request["role"]), (&json!(ann.peer), &json!("speaker")));
    let token = request["token"].clone();
    bo.done("role-change", json!({ "role": "speaker", "token": token })).await;
    let policy = bo.notice("on-policy-change").await;
    assert_eq!(policy["name"], "speaker");
    assert_eq!(policy["known_roles"]["speaker"]["publishParams"]["allowed"], json!(["audio"]));
    assert_eq!(bo.notice("on-peer-update").await["role"], "speaker");
    assert_eq!(ann.until("ROLE_UPDATED").await["to"], "speaker");
    assert_eq!(ann.until("role-change-answered").await["outcome"], "accepted");
    // Accepted twice is a clear refusal below 500.
    let stale = bo.refused("role-change", json!({ "role": "speaker", "token": token })).await;
    assert!((400..500).contains(&stale), "{stale}");
    assert_eq!(
        bo.refused(
            "role-change-request",
            json!({ "requested_for": ann.peer, "role": "listener", "force": true })
        )
        .await,
        403
    );
    // His own overrides show in his own role alone.
    let silence = json!({ "peerId": "bo", "updatePermissions": { "canSend": false } });
    ann.done("updateParticipant", silence).await;
    let policy = bo.notice("on-policy-change").await;
    assert_eq!(policy["known_roles"]["speaker"]["publishParams"]["allowed"], json!([]));
    bo.notice("peer-list").await;
    // Names, hands and words, both ways.
    ann.catch_up().await;
    bo.done("peer-update", json!({ "name": "Bob" })).await;
    assert_eq!(ann.until("participant-updated").await["participant"]["name"], "Bob");
    bo.notice("on-peer-update").await;
    bo.done("peer-update", json!({ "data": "{\"seat\":7}" })).await;
    assert_eq!(
        ann.until("participant-updated").await["participant"]["metadata"],
        json!({ "seat": 7 })
    );
    assert_eq!(bo.notice("on-peer-update").await["info"]["data"], "{\"seat\":7}");
    assert_eq!(
        bo.done("group-join", json!({ "name": "_handraise" })).await["groups"],
        json!(["_handraise"])
    );
    assert_eq!(bo.notice("on-peer-update").await["groups"], json!(["_handraise"]));
    ann.done("raiseHand", json!({ "raised": false, "peerId": "bo" })).await;
    assert_eq!(bo.notice("on-peer-update").await["groups"], json!([]));
    let said = bo.done("broadcast", json!({ "info": { "message": "hi", "type": "chat" } })).await;
    assert!(said["message_id"].is_string() && said["timestamp"].is_u64());
    assert_eq!(ann.until("app-message").await["data"], json!({ "type": "chat", "message": "hi" }));
    ann.done("sendMessage", json!({ "data": "hello", "to": "bo" })).await;
    let heard = bo.notice("on-broadcast").await;
    assert_eq!(heard["info"], json!({ "type": "chat", "message": "hello" }));
    assert_eq!((&heard["private"], &heard["peer"]["peer_id"]), (&json!(true), &json!(ann.peer)));
    ann.check_view().await;
}

#[tokio::test]
async fn a_second_request_waits_its_turn_and_the_asker_hears_how_the_first_ended() {
    let house = House::open();
    // Whoever is first begins the room, and is nobody's creator.
    let mut bo = Hms::join(&house, "bo", "listener").await;
    assert_eq!(house.room(ROOM).await["room"]["createdBy"], Value::Null);
    let mut cy = Hms::join(&house, "cy", "moderator").await;
    let mut di = Hms::join(&house, "di", "moderator").await;
    let ask = |role: &str| json!({ "requested_for": "bo", "role": role, "force": false });
    assert_eq!(cy.done("role-change-request", ask("speaker")).await, json!({}));
    assert_eq!(di.done("role-change-request", ask("moderator")).await, json!({}));
    let first = bo.until("on-role-change-request").await;
    assert_eq!((&first["requested_by"], &first["role"]), (&json!("cy"), &json!("speaker")));
    // A native client's rejection reaches the asker as a message; the SDK's own says nothing.
    let token = first["token"].clone();
    bo.say(&json!({ "id": "a", "method": "role-change", "params": { "role": "speaker", "token": token } })).await;
    // The reply comes before what it led to.
    assert_eq!(bo.frame().await.unwrap(), json!({ "jsonrpc": "2.0", "id": "a", "result": {} }));
    assert_eq!(bo.until("on-policy-change").await["name"], "speaker");
    let second = bo.until("on-role-change-request").await;
    assert_eq!((&second["requested_by"], &second["role"]), (&json!("di"), &json!("moderator")));
    let mut eve = house.join(ROOM, "eve", json!({})).await;
    let ask = json!({ "requested_for": eve.peer, "role": "speaker", "force": false });
    cy.done("role-change-request", ask).await;
    let request = eve.until("role-change-request").await["request"]["requestId"].clone();
    eve.done("rejectChangeRole", json!({ "requestId": request, "reason": "shy" })).await;
    let told = cy.until("on-broadcast").await;
    assert_eq!(told["info"]["type"], "role-request-rejected");
    assert_eq!(
        (&told["info"]["message"]["peerId"], &told["info"]["message"]["reason"]),
        (&json!(eve.peer), &json!("shy"))
    );
}

#[tokio::test]
async fn a_lost_socket_takes_its_seat_again_with_the_same_id() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let bo = Hms::join(&house, "bo", "listener").await;
    ann.until("participant-joined").await;
    drop(bo);
    assert_eq!(ann.until("participant-updated").await["participant"]["connected"], false);
    let change = json!({ "peerId": "bo", "role": "speaker", "force": true });
    ann.done("changeRoleOfPeer", change).await;
    let mut back = Hms::open(&house, "bo", &token("bo", "listener")).await;
    assert_eq!(back.notice("on-policy-change").await["name"], "speaker");
    assert!(back.notice("peer-list").await["peers"][&ann.peer].is_object());
    assert_eq!(back.notice("on-peer-update").await["role"], "speaker");
    back.done("peer-update", json!({ "name": "Bob" })).await;
    // Somebody else with the same id and another token does not get the seat.
    let mut thief = Hms::open(&house, "bo", &token("mallory", "host")).await;
    assert_eq!(thief.notice("on-policy-change").await["name"], "host");
    assert_eq!(house.room(ROOM).await["counts"]["present"], 2);
    let taken = thief.refused("join", json!({ "name": "x" })).await;
    assert!((400..500).contains(&taken), "{taken}");
    assert_eq!(
        back.done("get-peer", json!({ "peer_id": ann.peer })).await["info"]["user_id"],
        "ann"
    );
    ann.check_view().await;
}

#[tokio::test]
async fn the_session_store_is_the_sessions_data() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let mut bo = Hms::join(&house, "bo", "listener").await;
    ann.done("setSessionData", json!({ "data": { "poll": 1, "other": 2 } })).await;
    bo.done("listen-metadata-change", json!({ "keys": ["poll", "late"] })).await;
    assert_eq!(
        bo.until("on-metadata-change").await["values"],
        json!([{ "key": "poll", "data": 1 }])
    );
    bo.done("set-metadata", json!({ "key": "late", "data": [1] })).await;
    assert_eq!(
        bo.until("on-metadata-change").await["values"],
        json!([{ "key": "late", "data": [1] }])
    );
    let told = ann.until("session-data-updated").await;
    assert_eq!(told["data"]["other"], 2);
    assert_eq!(ann.until("session-data-updated").await["data"]["late"], json!([1]));
    // What he does not observe he is not told of.
    ann.done("setSessionData", json!({ "data": { "other": 3 }, "merge": true })).await;
    bo.done("set-metadata", json!({ "key": "poll" })).await;
    assert_eq!(
        bo.until("on-metadata-change").await["values"],
        json!([{ "key": "poll", "data": null }])
    );
    assert_eq!(bo.done("get-metadata", json!({ "key": "other" })).await["data"], 3);
}

#[tokio::test]
async fn removing_ending_and_leaving() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let mut bo = Hms::join(&house, "bo", "listener").await;
    let mut cy = Hms::join(&house, "cy", "moderator").await;
    assert_eq!(bo.until("on-peer-join").await["peer_id"], "cy");
    cy.done("peer-leave-request", json!({ "requested_for": "bo", "reason": "noise" })).await;
    let asked = bo.until("on-peer-leave-request").await;
    assert_eq!(asked, json!({ "requested_by": "cy", "reason": "noise", "room_end": false }));
    assert_eq!(bo.frame().await, None, "and his socket is closed");
    assert_eq!(cy.until("on-peer-leave").await["peer_id"], "bo");
    let mut di = Hms::join(&house, "di", "listener").await;
    di.say(&json!({ "method": "leave", "params": { "client_reason": "user request" } })).await;
    assert_eq!(cy.until("on-peer-leave").await["peer_id"], "di");
    assert_eq!(ann.until("participant-left").await["reason"], "removed");
    assert_eq!(ann.until("participant-left").await["reason"], "left");
    ann.done("endRoom", json!({ "reason": "late" })).await;
    let ended = cy.until("on-peer-leave-request").await;
    assert_eq!(ended, json!({ "requested_by": ann.peer, "reason": "late", "room_end": true }));
}

#[tokio::test]
async fn tracks_and_mutes() {
    let house = House::open();
    let mut ann = house.owner(ROOM, "ann").await;
    let mut bo = Hms::open(&house, "bo", &token("bo", "speaker")).await;
    bo.notice("on-policy-change").await;
    let offer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n";
    let joined =
        bo.done("join", json!({ "name": "Bo", "offer": { "type": "offer", "sdp": offer } })).await;
    assert_eq!(joined["type"], "answer");
    assert!(joined["sdp"].as_str().unwrap().contains("a=recvonly"));
    let bad = json!({ "desc": { "type": "offer", "sdp": "hello" } });
    assert_eq!(bo.refused("offer", bad).await, 400);
    let track = json!({ "track_id": "own-1", "stream_id": "s-1", "type": "audio", "source": "regular", "mute": false });
    let publish =
        json!({ "desc": { "type": "offer", "sdp": offer }, "tracks": { "own-1": track } });
    assert_eq!(bo.done("offer", publish).await["type"], "answer");
    assert_eq!(ann.until("participant-updated").await["participant"]["tracks"]["audio"], "on");
    let mut cy = Hms::join(&house, "cy", "moderator").await;
    let seen = cy.until("peer-list").await["peers"]["bo"]["tracks"].clone();
    let id = seen.as_object().unwrap().keys().find(|id| id.ends_with("audio")).unwrap().clone();
    assert_eq!(seen[&id]["mute"], false);
    let mute = json!({ "requested_for": "bo", "track_id": id, "stream_id": "x", "mute": true });
    cy.done("track-update-request", mute).await;
    let asked = bo.until("on-track-update-request").await;
    assert_eq!(
        asked,
        json!({ "requested_by": "cy", "track_id": "own-1", "stream_id": "s-1", "mute": true })
    );
    assert_eq!(cy.until("on-track-update").await["tracks"][&id]["mute"], true);
    assert_eq!(ann.until("participant-updated").await["participant"]["tracks"]["audio"], "off");
    // To turn it on he is asked, by those who may mute him.
    let unmute = json!({ "requested_for": "bo", "track_id": id, "stream_id": "x", "mute": false });
    assert_eq!(cy.done("track-update-request", unmute).await, json!({}));
    let asked = bo.until("on-track-update-request").await;
    assert_eq!(
        asked,
        json!({ "requested_by": "cy", "track_id": "own-1", "stream_id": "s-1", "mute": false })
    );
    let all = json!({ "value": false, "roles": ["speaker"], "type": "audio" });
    cy.done("change-track-mute-state-request", all.clone()).await;
    let asked = bo.until("on-change-track-mute-state-request").await;
    assert_eq!(asked, json!({ "requested_by": "cy", "value": false }));
    let mut di = Hms::join(&house, "di", "listener").await;
    assert_eq!(di.refused("change-track-mute-state-request", all).await, 403);
    // A role that he has no more is told as it is published: he is answered, and what he may counts.
    ann.done("changeRoleOfPeer", json!({ "peerId": "bo", "role": "listener", "force": true }))
        .await;
    let publish =
        json!({ "desc": { "type": "offer", "sdp": offer }, "tracks": { "own-1": track } });
    assert_eq!(bo.done("offer", publish).await["type"], "answer");
    assert_eq!(cy.until("on-track-remove").await["peer"]["peer_id"], "bo");
    ann.done("changeRoleOfPeer", json!({ "peerId": "bo", "role": "speaker", "force": true })).await;
    assert_eq!(cy.until("on-track-add").await["tracks"][&id]["mute"], true);
    // He turns it on himself.
    let on = json!({ "method": "track-update", "params": { "tracks": { "own-1": track } } });
    bo.say(&on).await;
    assert_eq!(cy.until("on-track-update").await["tracks"][&id]["mute"], false);
}

#[tokio::test]
async fn what_is_no_frame_is_no_end_at_first() {
    let house = House::open();
    let _ann = house.owner(ROOM, "ann").await;
    let mut bo = Hms::join(&house, "bo", "listener").await;
    bo.ws.send(Message::text("{")).await.unwrap();
    bo.say(&json!({ "params": {} })).await;
    bo.say(&json!({ "method": "trickle", "params": { "candidate": {} } })).await;
    bo.say(&json!({ "method": "analytics" })).await;
    assert_eq!(bo.refused("poll-start", json!({})).await, 404);
    assert_eq!(bo.refused("join", json!({ "name": "again" })).await, 409);
    assert_eq!(bo.refused("broadcast", json!({})).await, 400);
    assert_eq!(bo.done("ping", json!({ "timestamp": 1 })).await["timestamp"], 1);
    let _ = Client::connect(house.addr).await;
    assert_eq!(bo.peer, "bo");
}

#[tokio::test]
async fn peers_page_by_page_and_by_name() {
    let house = House::open();
    let mut ann = Hms::join(&house, "p01", "moderator").await;
    for at in 2..=12 {
        let peer = format!("p{at:02}");
        let role = if at % 2 == 0 { "listener" } else { "speaker" };
        drop(Hms::join(&house, &peer, role).await);
    }
    let first = ann.done("find-peer", json!({})).await;
    assert_eq!((first["peers"].as_array().unwrap().len(), &first["total"]), (10, &json!(12)));
    assert_eq!(first["eof"], false);
    let next = json!({ "iterator": first["iterator"], "limit": 10 });
    let second = ann.done("peer-iter-next", next).await;
    assert_eq!((second["peers"].as_array().unwrap().len(), &second["eof"]), (2, &json!(true)));
    assert_eq!(second["peers"][1]["peer_id"], "p12");
    let of_role = ann.done("find-peer", json!({ "role": "speaker", "limit": 2 })).await;
    assert_eq!((&of_role["total"], &of_role["eof"]), (&json!(5), &json!(false)));
    let by_id = ann.done("find-peer", json!({ "peerIds": ["p03", "nobody"] })).await;
    assert_eq!((&by_id["total"], &by_id["peers"][0]["peer_id"]), (&json!(1), &json!("p03")));
    let named =
        ann.done("peer-name-search", json!({ "query": "P1", "limit": 2, "offset": 1 })).await;
    assert_eq!((&named["count"], &named["eof"]), (&json!(2), &json!(true)));
    assert_eq!(named["peers"][0]["peer_id"], "p11");
    assert_eq!(ann.refused("peer-iter-next", json!({ "iterator": "junk" })).await, 400);
}
