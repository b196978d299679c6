//! Media over real sockets: subscriptions told to both ends at once, kept through resumes and
//! restarts, and known to nobody else.

use serde_json::{Value, json};

use crate::{
    client::{Client, Heard},
    disk::Folder,
    house::House,
    restart::{Program, command, journal_of},
};
use rolecall::{
    clock::Clock,
    config::{IceServer, Turn},
    secret::Secret,
};

const ROOM: &str = "stage:studio";

/// An owner who may send all, and a listener.
async fn ana_and_bo(house: &House) -> (Client, Client) {
    let mut ana = house.owner(ROOM, "ana").await;
    let bo = house.join(ROOM, "bo", json!({})).await;
    ana.catch_up().await;
    (ana, bo)
}

async fn subscribe(client: &mut Client, to: &Client, tracks: Value) -> String {
    let params = json!({ "peerId": to.peer, "tracks": tracks });
    let reply = client.done("subscribe", params).await;
    assert_eq!(reply["tracks"], tracks);
    reply["subscriptionId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_ends_are_told_in_the_moment_in_which_the_right_is_lost() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut cy = house.join(ROOM, "cy", json!({})).await;
    let id = subscribe(&mut bo, &ana, json!(["audio", "video"])).await;
    for client in [&mut ana, &mut bo, &mut cy] {
        client.catch_up().await;
    }
    let patch = json!({ "peerId": ana.peer, "updatePermissions": { "canSend": ["audio"] } });
    ana.done("updateParticipant", patch).await;
    let taken = ana.notice("participant-updated").await;
    let sender = ana.notice("subscriber-updated").await;
    assert_eq!(bo.notice("participant-updated").await, taken);
    let receiver = bo.notice("subscription-updated").await;
    for told in [&sender, &receiver] {
        assert_eq!(told["subscriptionId"], id.as_str());
        assert_eq!(told["tracks"], json!(["audio"]));
        assert_eq!(told["at"], taken["at"]);
    }
    assert_eq!(receiver["peerId"], ana.peer.as_str());
    let after = |told: &Value| told["seq"].as_u64().unwrap() - taken["seq"].as_u64().unwrap();
    assert_eq!((after(&receiver), after(&sender)), (1, 2), "nothing comes between");
    let record = journal_of(house.addr, ROOM).await.pop().unwrap();
    let types: Vec<&str> =
        record["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["permissionsChanged", "subscriptionNarrowed"], "one record");
    ana.hears_nothing().await;
    bo.hears_nothing().await;
    assert_eq!(cy.notice("participant-updated").await, taken);
    cy.hears_nothing().await;
    // And its end.
    bo.hang_up(1000).await;
    let over = ana.until("subscriber-updated").await;
    assert_eq!(over["tracks"], json!([]));
    ana.check_view().await;
}

#[tokio::test]
async fn a_hidden_receiver_is_nobody_to_the_sender() {
    let room = "lobby:studio";
    let house = House::open();
    let mut host = house.owner(room, "host").await;
    let mut ana = house.in_role(room, "ana", "attendee").await;
    let claims =
        json!({ "room": room, "role": "attendee", "permissions": { "hasPresence": false } });
    let mut spy = house.join(room, "spyuser", claims).await;
    spy.done("setName", json!({ "name": "spyname" })).await;
    let id = subscribe(&mut spy, &ana, json!(["audio"])).await;
    let data = json!({ "description": { "type": "offer" } });
    let signal = json!({ "subscriptionId": id, "data": data });
    spy.done("signalSubscription", signal.clone()).await;
    assert_eq!(ana.until("subscriber-updated").await["tracks"], json!(["audio"]));
    assert_eq!(ana.notice("subscription-signal").await, signal);
    ana.done("signalSubscription", json!({ "subscriptionId": id, "data": "answer" })).await;
    let answer = spy.until("subscription-signal").await;
    assert_eq!(answer, json!({ "subscriptionId": id, "data": "answer" }));
    let patch =
        json!({ "peerId": spy.peer, "updatePermissions": { "canReceive": { "base": false } } });
    host.done("updateParticipant", patch).await;
    assert_eq!(spy.until("subscription-updated").await["tracks"], json!([]));
    let restored = json!({ "peerId": spy.peer, "updatePermissions": { "canReceive": null } });
    host.done("updateParticipant", restored).await;
    subscribe(&mut spy, &ana, json!(["audio"])).await;
    let state = ana.state().await;
    assert_eq!(ana.sending.len(), 1);
    let of_the_end = ana.done("unsubscribe", json!({ "subscriptionId": "subscription-2" })).await;
    spy.hang_up(1000).await;
    ana.check_view().await;
    let heard = ana.heard.iter().map(|heard| match heard {
        Heard::Notice { method, params } => format!("{method} {params}"),
        Heard::Closed(..) => panic!("{heard:?}"),
    });
    let heard: Vec<String> = heard.chain([state.to_string(), of_the_end.to_string()]).collect();
    assert!(heard.iter().filter(|text| text.starts_with("subscriber-updated")).count() >= 3);
    for secret in [spy.peer.as_str(), "spyuser", "spyname"] {
        let leak = heard.iter().find(|text| text.contains(secret));
        assert_eq!(leak, None, "{secret} is told to somebody who may not see him");
    }
}

#[tokio::test]
async fn a_resume_keeps_it_and_tells_what_was_missed_of_it_once() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let own = house.in_role(ROOM, "cy", "speaker").await;
    let mut cy = own;
    let kept = subscribe(&mut bo, &cy, json!(["audio"])).await;
    let less = subscribe(&mut bo, &ana, json!(["audio", "video"])).await;
    let over = subscribe(&mut ana, &cy, json!(["audio"])).await;
    bo.reconnect(house.addr).await;
    cy.reconnect(house.addr).await;
    let patch = json!({ "peerId": ana.peer, "updatePermissions": { "canSend": ["video"] } });
    ana.done("updateParticipant", patch).await;
    ana.done("unsubscribe", json!({ "subscriptionId": over })).await;
    // Signals are not kept for who is away.
    assert_eq!(bo.resume_with(&json!({})).await.unwrap()["resumed"], true);
    assert_eq!(cy.resume_with(&json!({})).await.unwrap()["resumed"], true);
    for client in [&mut ana, &mut bo, &mut cy] {
        client.check_view().await;
    }
    assert_eq!(bo.receiving.keys().collect::<Vec<_>>(), [&kept, &less]);
    assert_eq!(bo.receiving[&less]["tracks"], json!(["video"]));
    assert_eq!(cy.sending.keys().collect::<Vec<_>>(), [&kept]);
    bo.done("signalSubscription", json!({ "subscriptionId": kept, "data": 1 })).await;
    assert_eq!(cy.until("subscription-signal").await["subscriptionId"], kept.as_str());
    // Asked again the same is one subscription.
    let again = subscribe(&mut bo, &cy, json!(["audio"])).await;
    assert_eq!(again, kept);
}

#[tokio::test]
async fn a_restart_brings_it_back_and_a_lower_bound_ends_it() {
    let folder = Folder::new();
    let mut program = Program::start(command(&folder));
    let mut ana = Client::connect(program.addr).await;
    let mut bo = Client::connect(program.addr).await;
    let owner = crate::house::user_token("ana", json!({ "room": ROOM, "is_owner": true }));
    let guest = crate::house::user_token("bo", json!({}));
    ana.join(&json!({ "room": ROOM, "token": owner })).await.unwrap();
    bo.join(&json!({ "room": ROOM, "token": guest })).await.unwrap();
    let id = subscribe(&mut bo, &ana, json!(["audio", "video"])).await;
    ana.check_view().await;
    program.running.kill();
    program = Program::start(command(&folder));
    ana.resume(program.addr).await;
    bo.resume(program.addr).await;
    ana.check_view().await;
    bo.check_view().await;
    assert_eq!(bo.receiving[&id]["tracks"], json!(["audio", "video"]));
    assert_eq!(ana.sending.len(), 1);
    ana.done("signalSubscription", json!({ "subscriptionId": id, "data": 1 })).await;
    bo.until("subscription-signal").await;
    program.running.kill();
    let mut narrower = command(&folder);
    narrower.env("ROLECALL_MEDIA_MESH_MAX", "1");
    program = Program::start(narrower);
    ana.resume(program.addr).await;
    bo.resume(program.addr).await;
    ana.check_view().await;
    bo.check_view().await;
    assert_eq!((bo.receiving.len(), ana.sending.len()), (0, 0));
    assert_eq!(bo.until("subscription-updated").await["tracks"], json!([]));
    let again = json!({ "peerId": ana.peer, "tracks": ["audio"] });
    let error = bo.call("subscribe", &again).await.unwrap_err();
    assert_eq!(error["data"], json!({ "reason": "no-mesh", "limit": 1 }));
    program.running.kill();
}

#[tokio::test]
async fn growing_beyond_the_bound_ends_it() {
    let house = House::with(|config| config.media.mesh_max = 2);
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    subscribe(&mut bo, &ana, json!(["audio"])).await;
    let mut cy = house.join(ROOM, "cy", json!({})).await;
    assert_eq!(ana.until("participant-joined").await["participant"]["userId"], "cy");
    assert_eq!(ana.until("subscriber-updated").await["tracks"], json!([]));
    assert_eq!(bo.until("participant-joined").await["participant"]["userId"], "cy");
    assert_eq!(bo.until("subscription-updated").await["tracks"], json!([]));
    cy.hears_nothing().await;
    let params = json!({ "peerId": ana.peer, "tracks": ["audio"] });
    assert_eq!(cy.refused("subscribe", params).await, (403, "no-mesh".into()));
}

#[tokio::test]
async fn what_is_not_ones_own_is_unknown() {
    let house = House::open();
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut cy = house.join(ROOM, "cy", json!({})).await;
    let mut far = house.owner("stage:elsewhere", "far").await;
    let id = subscribe(&mut bo, &ana, json!(["audio"])).await;
    for stranger in [&mut cy, &mut far] {
        for (method, params) in [
            ("unsubscribe", json!({ "subscriptionId": id })),
            ("signalSubscription", json!({ "subscriptionId": id, "data": 1 })),
        ] {
            let refused = stranger.refused(method, params).await;
            assert_eq!(refused, (404, "unknown-subscription".into()), "{method}");
        }
    }
    let there = json!({ "peerId": ana.peer, "tracks": ["audio"] });
    assert_eq!(far.refused("subscribe", there.clone()).await, (404, "unknown-peer".into()));
    let (status, answer) = house.call(ROOM, "subscribe", there).await;
    assert_eq!((status, &answer["error"]["data"]["reason"]), (400, &json!("not-a-peer")));
    bo.done("unsubscribe", json!({ "subscriptionId": id })).await;
    let over = json!({ "subscriptionId": id, "data": 1 });
    let refused = ana.refused("signalSubscription", over).await;
    assert_eq!(refused, (404, "unknown-subscription".into()));
    let mut outside = house.socket().await;
    assert_eq!(outside.refused("media", json!({})).await, (401, "not-joined".into()));
}

#[tokio::test]
async fn each_peer_is_told_of_servers_with_credentials_of_its_own() {
    let ice =
        |url: &str| IceServer { urls: vec![url.to_owned()], username: None, credential: None };
    let house = House::with(|config| {
        config.media.mesh_max = 5;
        config.media.ice_servers = vec![ice("stun:stun.example.com"), ice("turn:turn.example.com")];
        let ttl = std::time::Duration::from_secs(3600);
        config.media.turn = Some(Turn { secret: Secret::new("north"), ttl });
    });
    let (mut ana, mut bo) = ana_and_bo(&house).await;
    let mut seen = Vec::new();
    for client in [&mut ana, &mut bo] {
        let media = client.done("media", json!({})).await;
        assert_eq!(media["meshMax"], 5);
        assert_eq!(media["iceServers"][0], json!({ "urls": ["stun:stun.example.com"] }));
        let turn = media["iceServers"][1].clone();
        let (ends, peer) = turn["username"].as_str().unwrap().split_once(':').unwrap();
        assert_eq!(peer, client.peer);
        let left = ends.parse::<u64>().unwrap() - Clock::system().now_s();
        assert!((3590..=3600).contains(&left), "{left}");
        seen.push(turn["credential"].clone());
    }
    assert_ne!(seen[0], seen[1]);
    assert!(!house.room(ROOM).await.to_string().contains("north"));
}
