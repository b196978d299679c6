//! Daily's tokens and its REST API on the real server: what a peer in a room feels of them.

use std::{sync::Arc, time::Duration};

use rolecall::{clock::Clock, config::DEVELOPMENT_SECRET, journal::memory::MemoryJournal};
use serde_json::{Value, json};

use crate::{
    client::Client,
    house::{House, http, sign},
    stream::ask,
};

/// Asks with the API key; the status and the answer.
pub(crate) async fn rest(house: &House, line: &str, body: Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let path = format!("/daily/v1{path}");
    let answer = http(house.addr, method, &path, Some(DEVELOPMENT_SECRET), &body).await;
    (answer.status, answer.json())
}

/// Asks with the API key, and expects it to be done.
pub(crate) async fn done(house: &House, line: &str, body: Value) -> Value {
    let (status, answer) = rest(house, line, body).await;
    assert_eq!(status, 200, "{line}: {answer}");
    answer
}

/// A meeting token that the server makes.
pub(crate) async fn minted(house: &House, properties: Value) -> String {
    let told = done(house, "POST /meeting-tokens", json!({ "properties": properties })).await;
    told["token"].as_str().unwrap().to_owned()
}

/// Somebody in `daily:a` with those claims.
pub(crate) async fn with(house: &House, claims: Value) -> (Client, Value) {
    let mut client = house.socket().await;
    let token = sign(&claims);
    let joined = client.join(&json!({ "room": "daily:a", "token": token })).await;
    let joined = joined.unwrap_or_else(|error| panic!("{claims}: {error}"));
    let own = joined["participants"].as_array().unwrap();
    let own = own.iter().find(|one| one["peerId"] == joined["peerId"]).unwrap().clone();
    (client, own)
}

#[tokio::test]
async fn a_token_of_dailys_lets_in_as_it_says_and_nowhere_else() {
    let house = House::open();
    let (_ann, own) =
        with(&house, json!({ "r": "a", "d": "x", "ud": "ann", "u": "Ann", "o": true })).await;
    assert_eq!((&own["userId"], &own["name"]), (&json!("ann"), &json!("Ann")));
    assert_eq!((&own["owner"], &own["role"]), (&json!(true), &json!("host")));
    let stage = json!({ "hp": false, "cs": "a", "ca": false, "cr": { "b": false } });
    let (_bo, own) = with(&house, json!({ "r": "a", "d": "x", "ud": "bo", "p": stage })).await;
    let expected = json!({ "hasPresence": false, "canSend": ["audio"], "canReceive": { "base": false },
        "canAdmin": [] });
    assert_eq!((&own["permissions"], &own["owner"]), (&expected, &json!(false)));
    let (_cy, own) = with(&house, json!({ "r": "a", "d": "x", "ud": "cy", "ss": false })).await;
    let camera = json!(["audio", "video", "customVideo", "customAudio"]);
    assert_eq!(own["permissions"]["canSend"], camera);
    // Without a user id he has his peer id, as if he had come without a token, and a name.
    let (mut di, own) = with(&house, json!({ "r": "a", "d": "x", "u": "Di" })).await;
    assert_eq!((&own["userId"], &own["name"]), (&own["peerId"], &json!("Di")));
    assert_eq!(own["role"], "participant");
    // He may renew the term and take his seat again with such a token, and with nobody else's.
    let token = sign(&json!({ "r": "a", "d": "x" }));
    di.done("refreshToken", json!({ "token": token })).await;
    let anns = sign(&json!({ "r": "a", "d": "x", "ud": "ann" }));
    let refused = di.refused("refreshToken", json!({ "token": anns })).await;
    assert_eq!(refused, (401, "bad-token".to_owned()));
    di.reconnect(house.addr).await;
    assert_eq!(di.resume_with(&json!({ "token": token })).await.unwrap()["resumed"], true);
    let (ann, _) = with(&house, json!({ "r": "a", "d": "x", "ud": "ann" })).await;
    let mut thief = house.socket().await;
    let theft =
        json!({ "session": ann.session, "epoch": ann.epoch, "seq": ann.seq, "token": token });
    let error = thief.call("resume", &theft).await.unwrap_err();
    assert_eq!(error["data"]["reason"], "bad-token", "{error}");
    for room in ["daily:b", "stage:a", "a", "default:a"] {
        for claims in [
            json!({ "r": "a", "d": "x", "ud": "ann", "o": true }),
            json!({ "r": "a", "d": "x", "o": true }),
        ] {
            let mut outside = house.socket().await;
            let join = json!({ "room": room, "token": sign(&claims) });
            let error = outside.join(&join).await.unwrap_err();
            assert_eq!(error["data"]["reason"], "wrong-room", "{room} {claims}");
        }
    }
    for claims in [json!({ "d": "x", "o": true }), json!({ "r": "a", "user_id": "ann" })] {
        let mut outside = house.socket().await;
        let join = json!({ "room": "daily:a", "token": sign(&claims) });
        let error = outside.join(&join).await.unwrap_err();
        assert_eq!(error["data"]["reason"], "bad-token", "{claims}");
    }
}

#[tokio::test]
async fn such_a_token_is_no_servers_at_any_door() {
    let house = House::open();
    let (_ann, _) = with(&house, json!({ "r": "a", "d": "x", "ud": "ann", "o": true })).await;
    let owner = sign(&json!({ "r": "a", "d": "x", "ud": "ann", "o": true }));
    let unnamed = sign(&json!({ "r": "a", "d": "x", "o": true }));
    let roomless = sign(&json!({ "d": "x", "o": true }));
    for (token, native, stream) in [(&owner, 403, 200), (&unnamed, 403, 200), (&roomless, 401, 401)]
    {
        assert_eq!(house.get("/v1/rooms", Some(token)).await.0, native);
        let daily = http(house.addr, "GET", "/daily/v1/presence", Some(token), "").await;
        assert_eq!(daily.status, native);
        let (status, told) = ask(&house, token, "GET /video/call/daily/a", Value::Null).await;
        assert_eq!(status, stream, "{told}");
        let (status, _) = ask(&house, token, "GET /video/call/daily/b", Value::Null).await;
        assert!(matches!(status, 401 | 403), "{status}");
        let delete = "POST /api/v2/video/call/daily/a/delete";
        let (status, _) = ask(&house, token, delete, json!({})).await;
        assert!(matches!(status, 401 | 403), "{status}");
    }
}

#[tokio::test]
async fn who_is_in_goes_when_his_token_says_so_and_no_later() {
    let clock = Clock::manual(1_800_000_000_000);
    let now = clock.now_s();
    let house = House::at(Arc::new(MemoryJournal::new(1000, 1000)), clock.clone());
    // Its end is for coming in: who is in stays.
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann", "exp": now + 20 })).await;
    let (mut bo, _) =
        with(&house, json!({ "r": "a", "ud": "bo", "exp": now + 20, "ejt": true })).await;
    assert_eq!(bo.notice("token-expiring").await["in"], 20);
    let elapsed = sign(&json!({ "r": "a", "ud": "cy", "eje": 25 }));
    let mut cy = house.socket().await;
    cy.join(&json!({ "room": "daily:a", "token": elapsed })).await.unwrap();
    assert_eq!(cy.notice("token-expiring").await["in"], 25);
    // What elapses counts from when he came, whatever he does with his token.
    clock.advance(Duration::from_secs(10));
    cy.done("refreshToken", json!({ "token": elapsed })).await;
    assert_eq!(cy.notice("token-expiring").await["in"], 15);
    clock.advance(Duration::from_secs(5));
    cy.reconnect(house.addr).await;
    cy.resume_with(&json!({ "token": elapsed })).await.unwrap();
    assert_eq!(cy.until("token-expiring").await["in"], 10);
    cy.done("refreshToken", json!({ "token": elapsed })).await;
    assert_eq!(cy.notice("token-expiring").await["in"], 10);
    clock.advance(Duration::from_secs(20));
    cy.reconnect(house.addr).await;
    let gone = cy.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(gone["data"]["reason"], "token-expired", "{gone}");
    ann.until("participant-updated").await;
    ann.reconnect(house.addr).await;
    assert_eq!(ann.resume_with(&json!({})).await.unwrap()["resumed"], true);
}

#[tokio::test]
async fn permissions_reach_who_is_in_at_once() {
    let house = House::open();
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann", "o": true })).await;
    let (mut bo, _) = with(&house, json!({ "r": "a", "ud": "bo" })).await;
    let (mut cy, _) = with(&house, json!({ "r": "a", "ud": "cy" })).await;
    for client in [&mut ann, &mut bo, &mut cy] {
        client.catch_up().await;
    }
    bo.done("setTracks", json!({ "audio": true, "video": true })).await;
    for client in [&mut ann, &mut bo, &mut cy] {
        client.until("participant-updated").await;
    }
    let line = "POST /rooms/a/update-permissions";
    let data =
        json!({ bo.peer.as_str(): { "canSend": ["audio"] }, "*": { "canAdmin": ["streaming"] } });
    let told = done(&house, line, json!({ "data": data })).await;
    assert_eq!(told, json!({ "updated": 3, "skipped": [] }));
    let told = bo.until("participant-updated").await;
    let own = &told["participant"];
    assert_eq!(own["peerId"], bo.peer.as_str(), "{told}");
    assert_eq!(own["permissions"]["canSend"], json!(["audio"]));
    assert_eq!(
        (&own["tracks"]["audio"], &own["tracks"]["video"]),
        (&json!("on"), &json!("blocked"))
    );
    assert_eq!(own["permissions"]["canAdmin"], json!([]));
    let state = cy.state().await;
    let of = |peer: &str| {
        let all = state["participants"].as_array().unwrap();
        all.iter().find(|one| one["peerId"] == peer).unwrap()["permissions"]["canAdmin"].clone()
    };
    assert_eq!((of(&cy.peer), of(&bo.peer)), (json!(["streaming"]), json!([])));
    // Hidden, he is gone for who does not see the hidden, and from what is told of presence.
    let data = json!({ bo.peer.as_str(): { "hasPresence": false }, "nobody": { "canSend": true } });
    let told = done(&house, line, json!({ "data": data })).await;
    let skipped = json!([{ "id": "nobody", "reason": "unknown-peer" }]);
    assert_eq!(told, json!({ "updated": 1, "skipped": skipped }));
    assert_eq!(cy.until("participant-left").await["reason"], "hidden");
    let present = done(&house, "GET /rooms/a/presence", Value::Null).await;
    assert_eq!(present["total_count"], 2);
    for (data, text) in [
        (json!({ "*": { "canSend": ["smell"] } }), "smell"),
        (json!({ "*": { "canFly": true } }), "canFly"),
        (json!({ "*": { "canReceive": { "base": { "video": true } } } }), "base"),
        (json!({ "a b": { "canSend": true } }), "a b"),
        (json!({ "*": [] }), "data"),
    ] {
        let (status, told) = rest(&house, line, json!({ "data": data })).await;
        assert_eq!((status, &told["error"]), (400, &json!("invalid-request-error")), "{told}");
        assert!(told["info"].as_str().unwrap().contains(text), "{told}");
    }
    for client in [&mut ann, &mut bo, &mut cy] {
        client.check_view().await;
    }
}

#[tokio::test]
async fn who_is_ejected_is_out_and_who_is_banned_stays_out() {
    let house = House::open();
    let token = |user: &str| sign(&json!({ "r": "a", "d": "x", "ud": user }));
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann", "o": true })).await;
    let (mut bo, _) = with(&house, json!({ "r": "a", "ud": "bo" })).await;
    let (mut cy, _) = with(&house, json!({ "r": "a", "ud": "cy" })).await;
    let (mut cy2, _) = with(&house, json!({ "r": "a", "ud": "cy" })).await;
    let (mut di, _) = with(&house, json!({ "r": "a" })).await;
    let line = "POST /rooms/a/eject";
    let told =
        done(&house, line, json!({ "ids": [bo.peer, "nobody"], "user_ids": ["no-one"] })).await;
    assert_eq!(told, json!({ "ejectedIds": [bo.peer] }));
    assert_eq!(bo.closed().await.0, 4502);
    assert_eq!(ann.until("participant-left").await["reason"], "removed");
    let mut again = house.socket().await;
    again.join(&json!({ "room": "daily:a", "token": token("bo") })).await.unwrap();
    // A user with all his sessions, and one who has none; one without a user id just goes.
    let ban = json!({ "ids": [cy.peer, di.peer], "user_ids": ["ed"], "ban": true });
    let told = done(&house, line, ban).await;
    let mut ejected: Vec<_> = told["ejectedIds"].as_array().unwrap().clone();
    ejected.sort_by_key(ToString::to_string);
    let mut expected = vec![json!(cy.peer), json!(cy2.peer), json!(di.peer)];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(ejected, expected);
    for client in [&mut cy, &mut cy2, &mut di] {
        assert_eq!(client.closed().await.0, 4502);
    }
    for user in ["cy", "ed"] {
        let mut outside = house.socket().await;
        let join = json!({ "room": "daily:a", "token": token(user) });
        let error = outside.join(&join).await.unwrap_err();
        assert_eq!(error["data"]["reason"], "blocked", "{user}");
    }
    assert_eq!(house.room("daily:a").await["blocked"], json!(["cy", "ed"]));
    // An owner is the server's to remove, too.
    let told = done(&house, line, json!({ "user_ids": ["ann"] })).await;
    assert_eq!(told, json!({ "ejectedIds": [ann.peer] }));
    assert_eq!(ann.closed().await.0, 4502);
    let many: Vec<String> = (0..101).map(|n| format!("p{n}")).collect();
    for body in
        [json!({}), json!({ "ids": many }), json!({ "ids": "x" }), json!({ "ids": ["a b"] })]
    {
        let (status, told) = rest(&house, line, body).await;
        assert_eq!((status, &told["error"]), (400, &json!("invalid-request-error")), "{told}");
    }
    assert_eq!(rest(&house, "POST /rooms/none/eject", json!({ "ids": [] })).await.0, 404);
}

#[tokio::test]
async fn a_message_of_the_back_ends_is_heard_by_whom_it_is_for() {
    let house = House::open();
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann" })).await;
    let hidden = json!({ "r": "a", "ud": "bo", "p": { "hp": false } });
    let (mut bo, _) = with(&house, hidden).await;
    let mut cy = house.join("daily:b", "cy", json!({})).await;
    for client in [&mut ann, &mut bo, &mut cy] {
        client.catch_up().await;
    }
    let line = "POST /rooms/a/send-app-message";
    let told = done(&house, line, json!({ "data": { "hi": 1 } })).await;
    assert_eq!(told, json!({ "sent": "true" }));
    for client in [&mut ann, &mut bo] {
        let heard = client.notice("app-message").await;
        let server = json!({ "peerId": null, "userId": null, "name": "server" });
        assert_eq!((&heard["data"], &heard["from"]), (&json!({ "hi": 1 }), &server));
    }
    done(&house, line, json!({ "data": "to bo", "recipient": bo.peer })).await;
    assert_eq!(bo.notice("app-message").await["data"], "to bo");
    for client in [&mut ann, &mut cy] {
        client.hears_nothing().await;
    }
    for (body, expected) in [
        (json!({ "data": 1, "recipient": "nobody" }), 404),
        (json!({ "data": 1, "recipient": "a b" }), 400),
        (json!({ "recipient": "*" }), 400),
        (json!({ "data": "x".repeat(17_000) }), 400),
    ] {
        let (status, told) = rest(&house, line, body).await;
        assert_eq!(status, expected, "{told}");
    }
}

#[tokio::test]
async fn session_data_is_one_with_what_the_peers_keep_and_goes_with_the_session() {
    let house = House::open();
    let (mut ann, _) = with(&house, json!({ "r": "a", "ud": "ann", "o": true })).await;
    let (mut bo, _) = with(&house, json!({ "r": "a", "ud": "bo" })).await;
    for client in [&mut ann, &mut bo] {
        client.catch_up().await;
    }
    let (get, set) = ("GET /rooms/a/get-session-data", "POST /rooms/a/set-session-data");
    bo.done("setSessionData", json!({ "data": { "page": 1 } })).await;
    assert_eq!(done(&house, get, Value::Null).await, json!({ "data": { "page": 1 } }));
    let both = json!({ "page": 1, "poll": true });
    let more = json!({ "data": { "poll": true }, "mergeStrategy": "shallow-merge" });
    assert_eq!(done(&house, set, more).await, json!({ "data": both }));
    for client in [&mut ann, &mut bo] {
        let told = client.until("session-data-updated").await;
        if told["data"] != both {
            let told = client.until("session-data-updated").await;
            assert_eq!((&told["data"], &told["by"]), (&both, &json!("server")));
        }
        client.check_view().await;
    }
    // With the session it is gone, and with it the room that nobody had created.
    ann.done("leave", json!({})).await;
    bo.done("leave", json!({})).await;
    let told = done(&house, get, Value::Null).await;
    assert_eq!(told, json!({ "data": {} }));
    // What is set while nobody is in is there for the next who come.
    done(&house, set, json!({ "data": { "page": 7 } })).await;
    let mut cy = house.socket().await;
    let joined = cy.join(&json!({ "room": "daily:a", "token": sign(&json!({ "r": "a" })) })).await;
    assert_eq!(joined.unwrap()["sessionData"], json!({ "page": 7 }));
}

#[tokio::test]
async fn presence_is_told_of_one_room_and_of_all() {
    let house = House::open();
    assert_eq!(done(&house, "GET /presence", Value::Null).await, json!({}));
    let (ann, own) = with(&house, json!({ "r": "a", "ud": "ann", "u": "Ann" })).await;
    let token = minted(&house, json!({ "room_name": "b", "user_name": "Bo" })).await;
    let mut bo = house.socket().await;
    bo.join(&json!({ "room": "daily:b", "token": token })).await.unwrap();
    let _cy = house.join("daily:b", "cy", json!({})).await;
    let _elsewhere = house.owner("stage:a", "ann").await;
    let all = done(&house, "GET /presence", Value::Null).await;
    let rooms: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(rooms, ["a", "b"]);
    let anns = &all["a"][0];
    assert_eq!((&anns["room"], &anns["id"]), (&json!("a"), &json!(ann.peer)));
    assert_eq!((&anns["userId"], &anns["userName"]), (&json!("ann"), &json!("Ann")));
    assert_eq!(anns["joinTime"], own["joinedAt"]);
    assert!(anns["duration"].is_u64() && anns["mtgSessionId"].is_string(), "{anns}");
    let one = done(&house, "GET /rooms/b/presence", Value::Null).await;
    assert_eq!((&one["total_count"], &one["data"][0]["userId"]), (&json!(2), &Value::Null));
    assert_eq!(one["data"][0]["userName"], "Bo");
    for (query, count, shown) in [
        ("limit=1", 2, 1),
        ("limit=0", 2, 0),
        ("userId=cy", 1, 1),
        ("userName=Bo", 1, 1),
        ("userId=nobody", 0, 0),
    ] {
        let line = format!("GET /rooms/b/presence?{query}");
        let told = done(&house, &line, Value::Null).await;
        let data = told["data"].as_array().unwrap().len();
        assert_eq!((&told["total_count"], data), (&json!(count), shown), "{query}");
    }
}
