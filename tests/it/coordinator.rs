//! Stream's coordinator WebSocket, byte by byte: who gets in, what is told, what is refused, and what
//! a connection cannot do.

use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use rolecall::clock::Clock;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::{
    client::Ws,
    house::{House, PATIENCE, sign, user_token},
    stream::{KEY, ask, done},
};

/// Longer than an event takes that was sent before.
const A_MOMENT: Duration = Duration::from_millis(300);

/// One connection.
pub(crate) struct Line {
    ws: Ws,
    id: String,
}

impl Line {
    /// A socket that has not said who it is.
    pub(crate) async fn bare(addr: SocketAddr, query: &str) -> Self {
        let url = format!("ws://{addr}/video/connect?{query}&stream-auth-type=jwt");
        let connecting = connect_async(url.into_client_request().unwrap());
        let (ws, _) = timeout(PATIENCE, connecting).await.expect("no handshake").unwrap();
        Self { ws, id: String::new() }
    }

    /// A user's, with what `connection.ok` said of him.
    pub(crate) async fn of(house: &House, user: &str) -> (Self, Value) {
        let mut line = Self::bare(house.addr, KEY).await;
        line.say(&auth(user, &user_token(user, json!({})))).await;
        let ok = line.hears("connection.ok").await;
        line.id = ok["connection_id"].as_str().unwrap().to_owned();
        (line, ok)
    }

    pub(crate) async fn say(&mut self, value: &Value) {
        self.ws.send(Message::text(value.to_string())).await.unwrap();
    }

    /// The next event, or how the socket was closed.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.ws.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Close(frame))) => {
                    return json!({ "closed": frame.map_or(1005, |frame| u16::from(frame.code)) });
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return json!({ "closed": 1006 }),
            }
        }
    }

    pub(crate) async fn hears(&mut self, kind: &str) -> Value {
        let event = self.next().await;
        assert_eq!(event["type"], kind, "{event}");
        event
    }

    /// Reads on until an event of that type.
    async fn waits_for(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await;
            assert!(event["closed"].is_null(), "{event}, and no {kind}");
            if event["type"] == kind {
                return event;
            }
        }
    }

    pub(crate) async fn hears_nothing(&mut self) {
        let heard = timeout(A_MOMENT, self.ws.next()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    /// Asks over REST as whoever that is, by way of this connection.
    async fn ask(&self, house: &House, user: &str, line: &str, body: Value) -> (u16, Value) {
        let line = format!("{line}?connection_id={}", self.id);
        ask(house, &user_token(user, json!({})), &line, body).await
    }

    pub(crate) async fn watch(&self, house: &House, user: &str, call: &str) -> Value {
        let (status, told) =
            self.ask(house, user, &format!("GET /video/call/{call}"), Value::Null).await;
        assert_eq!(status, 200, "{told}");
        told
    }
}

fn auth(user: &str, token: &str) -> Value {
    json!({ "token": token, "products": ["video"], "user_details": { "id": user } })
}

pub(crate) async fn call_of(house: &House, call: &str, data: Value) {
    done(house, &format!("POST /api/v2/video/call/{call}"), json!({ "data": data })).await;
}

pub(crate) async fn users(house: &House, names: &[&str]) {
    let users: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "id": name }))).collect();
    done(house, "POST /api/v2/users", json!({ "users": users })).await;
}

async fn update(house: &House, call: &str, custom: Value) {
    done(house, &format!("PATCH /api/v2/video/call/{call}"), json!({ "custom": custom })).await;
}

#[tokio::test]
async fn who_does_not_get_in_is_told_why_and_closed_for_good() {
    let house = House::open();
    let good = user_token("ana", json!({}));
    let forged = format!("{}AAAAAAAA", &good[..good.len() - 8]);
    let past = user_token("ana", json!({ "exp": 1_600_000_000 }));
    for (query, frame, code) in [
        ("api_key=other", auth("ana", &good), 2),
        ("x=y", auth("ana", &good), 2),
        (KEY, auth("ana", &forged), 43),
        (KEY, auth("ana", &past), 40),
        (KEY, auth("ana", "no.token.atall"), 5),
        (KEY, auth("bo", &good), 5),
        (KEY, auth("ana", &sign(&json!({}))), 5),
        (KEY, auth("!anon", &sign(&json!({ "call_cids": ["default:a"] }))), 5),
        (KEY, json!({ "token": good }), 4),
        (KEY, json!([]), 4),
    ] {
        let mut line = Line::bare(house.addr, query).await;
        // The key is looked at before anything is said.
        let _ = line.ws.send(Message::text(frame.to_string())).await;
        let event = line.hears("connection.error").await;
        let error = &event["error"];
        assert_eq!(error["code"], code, "{query} {frame}: {event}");
        assert!(error["message"].as_str().unwrap().starts_with("Connect failed with error: \""));
        assert!(error["StatusCode"].as_u64().unwrap() >= 400 && event["connection_id"] == "");
        assert_eq!(line.next().await, json!({ "closed": 1000 }));
    }
}

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

#[tokio::test]
async fn a_garbled_first_frame_lets_nobody_else_in() {
    let house = House::open();
    let good = auth("ana", &user_token("ana", json!({}))).to_string();
    let mut dice = Dice(7);
    let (mut let_in, mut refused) = (0, 0);
    for _ in 0..300 {
        let mut garbled: Vec<char> = good.chars().collect();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(garbled.len());
            let other =
                ['{', '}', '"', ':', ',', '[', '0', 'a', '\\', '\u{0}', '\u{e9}'][dice.roll(11)];
            match dice.roll(4) {
                0 => drop(garbled.remove(at)),
                1 => garbled.insert(at, other),
                2 => garbled.truncate(at.max(1)),
                _ => garbled[at] = other,
            }
        }
        let mut line = Line::bare(house.addr, KEY).await;
        line.ws.send(Message::text(garbled.into_iter().collect::<String>())).await.unwrap();
        let told = line.next().await;
        if told["type"] == "connection.ok" {
            assert_eq!(told["me"]["id"], "ana", "{told}");
            let_in += 1;
        } else {
            let code = told["error"]["code"].as_i64();
            assert!(matches!(code, Some(4 | 5 | 43)), "{told}");
            assert_eq!(line.next().await, json!({ "closed": 1000 }));
            refused += 1;
        }
    }
    assert!(refused > 200 && let_in > 0, "{refused} refused, {let_in} let in");
    Line::of(&house, "ana").await;
}

#[tokio::test]
async fn a_connection_says_whose_it_is_and_that_it_lives() {
    let house = House::open();
    users(&house, &["ana"]).await;
    let mut line = Line::bare(house.addr, KEY).await;
    let details = json!({ "id": "ana", "name": "Ana", "custom": { "desk": 7 } });
    let token = user_token("ana", json!({}));
    line.say(&json!({ "token": token, "user_details": details })).await;
    let ok = line.hears("connection.ok").await;
    let me = &ok["me"];
    assert_eq!(
        (&me["id"], &me["name"], &me["custom"], &me["role"], &me["devices"]),
        (&json!("ana"), &json!("Ana"), &json!({ "desk": 7 }), &json!("user"), &json!([]))
    );
    assert!(me["created_at"].as_str().unwrap().ends_with('Z'));
    let check = json!({ "type": "health.check", "client_id": "ana--1" });
    for sent in [json!([check]), check] {
        line.say(&sent).await;
        let answered = line.hears("health.check").await;
        assert_eq!(answered["connection_id"], ok["connection_id"]);
        assert_eq!(answered["custom"], json!({}));
    }
    // What is not known is no harm.
    line.say(&json!({ "type": "something.else" })).await;
    line.hears_nothing().await;
}

#[tokio::test]
async fn a_connection_is_bounded_in_time_and_in_what_it_sends() {
    let house = House::with(|config| {
        config.limits.join_timeout = Duration::from_millis(50);
        config.limits.malformed_per_minute = 3;
    });
    let mut mute = Line::bare(house.addr, KEY).await;
    assert_eq!(mute.next().await, json!({ "closed": 4506 }));
    let (mut binary, _) = Line::of(&house, "ana").await;
    binary.ws.send(Message::Binary(vec![1].into())).await.unwrap();
    assert_eq!(binary.next().await, json!({ "closed": 1003 }));
    let (mut noise, _) = Line::of(&house, "ana").await;
    for _ in 0..3 {
        noise.ws.send(Message::text("{")).await.unwrap();
    }
    assert_eq!(noise.next().await, json!({ "closed": 4505 }));
    let (mut flood, _) = Line::of(&house, "ana").await;
    for _ in 0..130 {
        let _ = flood.ws.send(Message::text("[]")).await;
    }
    assert_eq!(flood.next().await, json!({ "closed": 4507 }));
}

#[tokio::test]
async fn a_token_that_ends_ends_the_connection() {
    let house = House::open();
    let mut line = Line::bare(house.addr, KEY).await;
    // Its leeway has nearly passed.
    let now_s = Clock::system().now_s();
    let token = user_token("ana", json!({ "exp": now_s - 3 }));
    line.say(&auth("ana", &token)).await;
    line.hears("connection.ok").await;
    assert_eq!(line.hears("connection.error").await["error"]["code"], 40);
    assert_eq!(line.next().await, json!({ "closed": 4501 }));
}

#[tokio::test]
async fn a_connection_hears_of_what_its_own_user_watches() {
    let house = House::open();
    users(&house, &["ana", "bo"]).await;
    for call in ["default/a", "default/b"] {
        call_of(&house, call, json!({ "created_by_id": "ana" })).await;
    }
    let (mut ana, _) = Line::of(&house, "ana").await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    ana.watch(&house, "ana", "default/a").await;
    // Twice is once.
    ana.watch(&house, "ana", "default/a").await;
    // Somebody else's connection is not his to have told.
    bo.watch(&house, "ana", "default/a").await;
    update(&house, "default/a", json!({ "n": 1 })).await;
    let event = ana.hears("call.updated").await;
    assert_eq!(
        (&event["call_cid"], &event["call"]["custom"]),
        (&json!("default:a"), &json!({ "n": 1 }))
    );
    update(&house, "default/b", json!({ "n": 2 })).await;
    ana.hears_nothing().await;
    bo.hears_nothing().await;
    // By every request that watches: creating one, changing one, looking for some.
    let (status, _) =
        ana.ask(&house, "ana", "POST /video/call/default/c", json!({ "data": {} })).await;
    assert_eq!(status, 201);
    let (status, _) =
        ana.ask(&house, "ana", "PATCH /video/call/default/b", json!({ "custom": {} })).await;
    assert_eq!(status, 200);
    let asked = json!({ "watch": true, "filter_conditions": { "cid": { "$in": ["default:a", "default:b"] } } });
    let (status, found) = bo.ask(&house, "bo", "POST /video/calls", asked.clone()).await;
    assert_eq!((status, found["calls"].as_array().unwrap().len()), (201, 2));
    for call in ["a", "b", "c"] {
        update(&house, &format!("default/{call}"), json!({ "n": 3 })).await;
        assert_eq!(ana.hears("call.updated").await["call_cid"], format!("default:{call}"));
        if call != "c" {
            assert_eq!(bo.hears("call.updated").await["call_cid"], format!("default:{call}"));
        }
    }
    let (status, refused) = bo.ask(&house, "ana", "POST /video/calls", asked).await;
    assert_eq!(
        (status, &refused["exception_fields"]["watch"].is_string()),
        (400, &true),
        "{refused}"
    );
}

#[tokio::test]
async fn who_may_not_read_a_call_hears_nothing_of_it() {
    let house = House::open();
    done(&house, "PATCH /api/v2/app", json!({ "multi_tenant_enabled": true })).await;
    let in_team = |id: &str, team: &str| json!({ "id": id, "teams": [team] });
    let all = json!({ "ana": in_team("ana", "red"), "bo": in_team("bo", "red"), "eve": in_team("eve", "blue") });
    done(&house, "POST /api/v2/users", json!({ "users": all })).await;
    call_of(&house, "default/a", json!({ "created_by_id": "ana", "team": "red" })).await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    let (mut eve, _) = Line::of(&house, "eve").await;
    bo.watch(&house, "bo", "default/a").await;
    let (status, _) = eve.ask(&house, "eve", "GET /video/call/default/a", Value::Null).await;
    assert_eq!(status, 403);
    update(&house, "default/a", json!({ "n": 1 })).await;
    bo.hears("call.updated").await;
    eve.hears_nothing().await;
    // He is in another team now, and is told what that leaves him.
    let patch = json!({ "users": [{ "id": "bo", "set": { "teams": ["blue"] } }] });
    done(&house, "PATCH /api/v2/users", patch).await;
    let told = bo.hears("call.permissions_updated").await;
    assert_eq!((&told["user"]["id"], &told["own_capabilities"]), (&json!("bo"), &json!([])));
    assert_eq!(bo.hears("user.updated").await["user"]["teams"], json!(["blue"]));
    update(&house, "default/a", json!({ "n": 2 })).await;
    bo.hears_nothing().await;
    // Somebody unknown is not let in while teams are kept apart.
    let mut line = Line::bare(house.addr, KEY).await;
    line.say(&auth("zoe", &user_token("zoe", json!({})))).await;
    assert_eq!(line.hears("connection.error").await["error"]["code"], 17);
}

#[tokio::test]
async fn a_call_that_is_deleted_is_heard_of_for_the_last_time() {
    let house = House::open();
    users(&house, &["ana", "bo"]).await;
    call_of(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    bo.watch(&house, "bo", "default/a").await;
    done(&house, "POST /api/v2/video/call/default/a/delete", json!({})).await;
    assert_eq!(bo.hears("call.deleted").await["call"]["cid"], "default:a");
    call_of(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    update(&house, "default/a", json!({ "n": 1 })).await;
    bo.hears_nothing().await;
}

#[tokio::test]
async fn members_of_a_new_call_are_told_of_it() {
    let house = House::open();
    users(&house, &["ana", "bo", "cy"]).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    let (mut cy, _) = Line::of(&house, "cy").await;
    let members = json!([{ "user_id": "ana" }, { "user_id": "bo" }]);
    let data = json!({ "data": { "members": members, "custom": { "n": 1 } } });
    let (status, _) = ana.ask(&house, "ana", "POST /video/call/default/a", data.clone()).await;
    assert_eq!(status, 201);
    let event = bo.hears("call.created").await;
    assert_eq!(
        (&event["call_cid"], &event["call"]["custom"]),
        (&json!("default:a"), &json!({ "n": 1 }))
    );
    assert_eq!(event["members"].as_array().unwrap().len(), 2);
    // What is there already is not new; who is told of it does not watch it, who made it does.
    ana.ask(&house, "ana", "POST /video/call/default/a", data).await;
    update(&house, "default/a", json!({ "n": 2 })).await;
    ana.hears("call.updated").await;
    bo.hears_nothing().await;
    cy.hears_nothing().await;
}

#[tokio::test]
async fn hidden_peers_are_heard_of_by_who_sees_them() {
    let house = House::open();
    users(&house, &["ana", "bo", "cy"]).await;
    let members = json!([{ "user_id": "ana", "role": "admin" }]);
    call_of(&house, "default/a", json!({ "created_by_id": "cy", "members": members })).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    for (line, user) in [(&ana, "ana"), (&bo, "bo")] {
        line.watch(&house, user, "default/a").await;
    }
    let hidden = json!({ "permissions": { "hasPresence": false } });
    let _cy = house.join("default:a", "cy", hidden).await;
    let started = ana.hears("call.session_started").await;
    assert_eq!(started["call"]["session"]["participants"].as_array().unwrap().len(), 1);
    assert_eq!(
        ana.hears("call.session_participant_joined").await["participant"]["user"]["id"],
        "cy"
    );
    let started = bo.hears("call.session_started").await;
    assert_eq!(started["call"]["session"]["participants"], json!([]));
    let counts = bo.hears("call.session_participant_count_updated").await;
    assert_eq!(counts["participants_count_by_role"], json!({}));
    bo.hears_nothing().await;
}

#[tokio::test]
async fn who_watches_is_in_no_room_and_in_nobodys_way() {
    let house = House::with(|config| config.limits.room_idle = Duration::from_millis(50));
    users(&house, &["ana", "bo"]).await;
    call_of(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    let (mut bo, _) = Line::of(&house, "bo").await;
    let told = bo.watch(&house, "bo", "default/a").await;
    assert!(told["call"]["session"].is_null());
    tokio::time::sleep(A_MOMENT).await;
    let state = house.room("default:a").await;
    assert_eq!((&state["participants"], &state["session"]), (&json!([]), &Value::Null));
    // However long nobody was in, what becomes of it is heard; a role of the Directory's too.
    done(
        &house,
        "PATCH /api/v2/users",
        json!({ "users": [{ "id": "bo", "set": { "role": "admin" } }] }),
    )
    .await;
    let event = bo.hears("call.permissions_updated").await;
    let own = event["own_capabilities"].as_array().unwrap();
    assert!(own.contains(&json!("end-call")), "{event}");
    bo.hears("user.updated").await;
    update(&house, "default/a", json!({ "n": 1 })).await;
    bo.hears("call.updated").await;
    // Gone, he holds no room awake: the room sleeps, and lives again when it is asked.
    drop(bo);
    tokio::time::sleep(A_MOMENT).await;
    update(&house, "default/a", json!({ "n": 2 })).await;
}

#[tokio::test]
async fn a_house_that_closes_says_come_back() {
    let mut house = House::open();
    users(&house, &["ana"]).await;
    call_of(&house, "default/a", json!({ "created_by_id": "ana" })).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    ana.watch(&house, "ana", "default/a").await;
    house.begin_stop();
    assert_eq!(ana.next().await, json!({ "closed": 4000 }));
    drop(ana);
    house.stopped().await;
}

#[tokio::test]
async fn one_connection_watches_so_many_calls() {
    let house = House::open();
    users(&house, &["ana"]).await;
    let (mut ana, _) = Line::of(&house, "ana").await;
    for n in 0..100 {
        let line = format!("POST /video/call/default/c{n}");
        let (status, told) = ana.ask(&house, "ana", &line, json!({})).await;
        assert_eq!(status, 201, "{told}");
    }
    let (status, refused) =
        ana.ask(&house, "ana", "POST /video/call/default/more", json!({})).await;
    assert_eq!((status, &refused["code"]), (400, &json!(4)));
    assert!(refused["message"].as_str().unwrap().contains("watches 100 calls"), "{refused}");
    let (status, _) =
        ask(&house, &user_token("ana", json!({})), "GET /video/call/default/more", Value::Null)
            .await;
    assert_eq!(status, 404, "what was refused has changed nothing");
    // A place that is free again can be taken.
    done(&house, "POST /api/v2/video/call/default/c0/delete", json!({})).await;
    ana.waits_for("call.deleted").await;
    let (status, told) = ana.ask(&house, "ana", "POST /video/call/default/more", json!({})).await;
    assert_eq!(status, 201, "{told}");
}
