//! The house when things break: rooms that fall, journals that refuse, readers that sleep, the end.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rolecall::journal::{
    AppendError, DirectoryPage, DirectoryRecord, Journal, Loaded, LoadedDirectory, Page, ReadError,
    Record, memory::MemoryJournal,
};
use rolecall_protocol::{
    id::{CallTypeName, Cid, Seq, Timestamp},
    room::Room,
};
use serde_json::{Value, json, value::RawValue};
use tokio::{sync::watch, time::timeout};

use crate::{
    client::{Client, Heard},
    coordinator::{self, Line},
    disk::{Folder, open},
    house::{House, PATIENCE, server_token, user_token},
    stream::{ask, done},
};

/// What goes wrong with an append.
#[derive(Clone, Copy)]
enum Fault {
    /// The room's task panics, nothing is stored.
    PanicBefore,
    /// The room's task panics, but it is stored.
    PanicAfter,
    /// The journal refuses.
    Fail,
    /// Somebody else was there first.
    Conflict,
}

/// A journal that goes wrong where it is told to.
struct Faulty {
    inner: Arc<dyn Journal>,
    faults: Mutex<BTreeMap<String, VecDeque<Fault>>>,
    /// How often rooms fell asleep: snapshot or forgotten.
    slept: watch::Sender<usize>,
    /// Whether it cannot forget.
    clings: AtomicBool,
}

impl Faulty {
    fn over(inner: Arc<dyn Journal>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            faults: Mutex::default(),
            slept: watch::Sender::new(0),
            clings: AtomicBool::default(),
        })
    }

    /// The next appends of that room go wrong like this.
    fn next(&self, room: &str, faults: &[Fault]) {
        self.faults.lock().unwrap().entry(room.to_owned()).or_default().extend(faults);
    }

    fn fault(&self, room: &Cid) -> Option<Fault> {
        self.faults.lock().unwrap().get_mut(&room.to_string())?.pop_front()
    }

    async fn sleeps(&self, times: usize) {
        let mut slept = self.slept.subscribe();
        let slept = slept.wait_for(|slept| *slept >= times);
        timeout(PATIENCE, slept).await.expect("no room falls asleep").unwrap();
    }
}

#[async_trait]
impl Journal for Faulty {
    async fn append(
        &self,
        room: &Cid,
        expected: Seq,
        records: Vec<Arc<Record>>,
    ) -> Result<(), AppendError> {
        match self.fault(room) {
            Some(Fault::PanicBefore) => panic!("told to fall before the append"),
            Some(Fault::PanicAfter) => {
                self.inner.append(room, expected, records).await?;
                panic!("told to fall after the append");
            }
            Some(Fault::Fail) => Err(AppendError::Failed("told to".into())),
            Some(Fault::Conflict) => Err(AppendError::Conflict { at: Seq(7) }),
            None => self.inner.append(room, expected, records).await,
        }
    }

    async fn load(&self, room: &Cid, since: Timestamp) -> Result<Loaded, ReadError> {
        self.inner.load(room, since).await
    }

    async fn read(&self, room: &Cid, after: Seq, limit: usize) -> Result<Page, ReadError> {
        self.inner.read(room, after, limit).await
    }

    async fn snapshot(&self, room: Arc<Room>, at: Timestamp) -> Result<(), ReadError> {
        self.inner.snapshot(room, at).await?;
        self.slept.send_modify(|slept| *slept += 1);
        Ok(())
    }

    async fn forget(&self, room: &Cid, up_to: Seq, at: Timestamp) -> Result<(), ReadError> {
        if self.clings.load(Ordering::SeqCst) {
            return Err(ReadError("told to".into()));
        }
        self.inner.forget(room, up_to, at).await?;
        self.slept.send_modify(|slept| *slept += 1);
        Ok(())
    }

    async fn erase(&self, room: &Cid, up_to: Seq, at: Timestamp) -> Result<(), ReadError> {
        self.inner.erase(room, up_to, at).await
    }

    fn is_full(&self, room: &Cid) -> bool {
        self.inner.is_full(room)
    }

    async fn rooms(&self, after: Option<&Cid>, limit: usize) -> Result<Vec<Cid>, ReadError> {
        self.inner.rooms(after, limit).await
    }

    async fn states(
        &self,
        after: Option<&Cid>,
        limit: usize,
    ) -> Result<Vec<(Cid, Loaded)>, ReadError> {
        self.inner.states(after, limit).await
    }

    async fn append_directory(
        &self,
        expected: Seq,
        records: Vec<Arc<DirectoryRecord>>,
    ) -> Result<(), AppendError> {
        self.inner.append_directory(expected, records).await
    }

    async fn load_directory(&self) -> Result<LoadedDirectory, ReadError> {
        self.inner.load_directory().await
    }

    async fn snapshot_directory(
        &self,
        seq: Seq,
        changed: Vec<(String, Option<Box<RawValue>>)>,
    ) -> Result<(), ReadError> {
        self.inner.snapshot_directory(seq, changed).await
    }

    async fn read_directory(&self, after: Seq, limit: usize) -> Result<DirectoryPage, ReadError> {
        self.inner.read_directory(after, limit).await
    }
}

/// The same over each kind of journal there is.
async fn over_each(test: impl AsyncFn(Arc<Faulty>)) {
    test(Faulty::over(Arc::new(MemoryJournal::new(1000, 1000)))).await;
    let folder = Folder::new();
    test(Faulty::over(open(&folder, |_| {}))).await;
}

const ROOM: &str = "stage:falls";
const OTHER: &str = "stage:stands";

async fn three(house: &House) -> (Client, Client, Client) {
    let mut ana = house.owner(ROOM, "ana").await;
    let bo = house.join(ROOM, "bo", json!({})).await;
    let cy = house.owner(OTHER, "cy").await;
    ana.catch_up().await;
    (ana, bo, cy)
}

/// Calls, and is closed "room restarted" having heard nothing of it.
async fn call_and_fall(ana: &mut Client, bo: &mut Client) -> Value {
    let id = ana.ask("raiseHand", &json!({ "raised": true })).await;
    for client in [ana, bo] {
        assert_eq!(client.hear().await, Heard::Closed(4003, "room restarted".into()));
    }
    json!(id)
}

async fn come_back(house: &House, client: &mut Client) {
    let (epoch, session) = (client.epoch.clone(), client.session.clone());
    assert_eq!(client.resume(house.addr).await["resumed"], true);
    client.check_view().await;
    assert_eq!((&client.epoch, &client.session), (&epoch, &session));
    assert_eq!(client.state().await["epoch"], epoch.as_str());
}

#[tokio::test]
async fn a_room_that_falls_gets_up_again_and_no_other_notices() {
    for fault in [Fault::PanicBefore, Fault::Fail, Fault::Conflict] {
        over_each(async |journal| gets_up(journal, fault).await).await;
    }
}

async fn gets_up(journal: Arc<Faulty>, fault: Fault) {
    let house = House::over(Arc::clone(&journal) as _, |_| {});
    let (mut ana, mut bo, mut cy) = three(&house).await;
    journal.next(ROOM, &[fault]);
    let before = bo.seq;
    let id = call_and_fall(&mut ana, &mut bo).await;
    come_back(&house, &mut ana).await;
    come_back(&house, &mut bo).await;
    assert!(bo.seq > before);
    assert_eq!(bo.view[&ana.peer]["handRaised"], false, "it was never stored");
    for client in [&mut ana, &mut bo] {
        client.catch_up().await;
    }
    let call =
        json!({ "jsonrpc": "2.0", "id": id, "method": "raiseHand", "params": { "raised": true } });
    ana.say(call.to_string()).await;
    assert_eq!(ana.reply().await["result"], json!({}));
    bo.check_view().await;
    assert_eq!(bo.view[&ana.peer]["handRaised"], true);
    cy.hears_nothing().await;
    cy.done("raiseHand", json!({ "raised": true })).await;
}

#[tokio::test]
async fn what_was_stored_before_the_fall_is_told_after_it_and_not_done_twice() {
    over_each(is_told_once).await;
}

async fn is_told_once(journal: Arc<Faulty>) {
    let house = House::over(Arc::clone(&journal) as _, |_| {});
    let (mut ana, mut bo, _cy) = three(&house).await;
    journal.next(ROOM, &[Fault::PanicAfter]);
    let id = call_and_fall(&mut ana, &mut bo).await;
    come_back(&house, &mut bo).await;
    assert_eq!(bo.view[&ana.peer]["handRaised"], true);
    bo.done("raiseHand", json!({ "raised": true })).await;
    bo.catch_up().await;
    come_back(&house, &mut ana).await;
    // Somebody lowers his hand before he says it again: it stays down.
    let up = json!({ "peerId": ana.peer, "role": "moderator" });
    ana.done("changeRoleOfPeer", up).await;
    ana.catch_up().await;
    bo.catch_up().await;
    let call =
        json!({ "jsonrpc": "2.0", "id": id, "method": "raiseHand", "params": { "raised": true } });
    ana.say(call.to_string()).await;
    assert_eq!(ana.reply().await["result"], json!({}));
    ana.hears_nothing().await;
    bo.hears_nothing().await;
    assert_eq!(bo.view[&ana.peer]["handRaised"], false);
}

#[tokio::test]
async fn a_room_that_falls_again_at_once_stays_down_and_says_so() {
    over_each(stays_down).await;
}

async fn stays_down(journal: Arc<Faulty>) {
    let house = House::over(Arc::clone(&journal) as _, |_| {});
    let (mut ana, mut bo, mut cy) = three(&house).await;
    journal.next(ROOM, &[Fault::PanicBefore, Fault::PanicBefore]);
    call_and_fall(&mut ana, &mut bo).await;
    let mut di = house.socket().await;
    let token = user_token("di", json!({}));
    loop {
        // It may be caught between its two lives; then it is entered no more.
        let refused = di.call("join", &json!({ "room": ROOM, "token": token })).await.unwrap_err();
        assert_eq!(
            (&refused["code"], &refused["data"]["reason"]),
            (&json!(503), &json!("unavailable"))
        );
        if refused["message"] == "the room does not answer" {
            break;
        }
    }
    // The seat is not gone: one tries again later.
    ana.reconnect(house.addr).await;
    let refused = ana.resume_with(&json!({})).await.unwrap_err();
    assert_eq!(
        (&refused["code"], &refused["data"]["reason"]),
        (&json!(503), &json!("unavailable"))
    );
    let token = server_token();
    let (status, error) = house.get(&format!("/v1/rooms/{ROOM}"), Some(&token)).await;
    assert_eq!((status, &error["data"]["reason"]), (503, &json!("unavailable")));
    // Everybody else goes on.
    cy.hears_nothing().await;
    let (status, list) = house.get("/v1/rooms", Some(&token)).await;
    assert_eq!(status, 200);
    let cids: Vec<&Value> =
        list["rooms"].as_array().unwrap().iter().map(|room| &room["room"]["cid"]).collect();
    assert_eq!(cids, [OTHER]);
}

#[tokio::test]
async fn a_room_nobody_needs_sleeps_and_remembers_what_it_must() {
    over_each(sleeps).await;
}

async fn sleeps(journal: Arc<Faulty>) {
    let house = House::over(Arc::clone(&journal) as _, |config| {
        config.limits.room_idle = Duration::from_millis(50);
    });
    let mut ana = house.owner(ROOM, "ana").await;
    let first = ana.epoch.clone();
    let seq = ana.seq;
    ana.hang_up(1000).await;
    journal.sleeps(1).await;
    // Nothing to remember: another life, which goes on counting behind the first.
    let mut ana = house.owner(ROOM, "ana").await;
    assert_ne!(ana.epoch, first);
    assert!(ana.seq > seq);
    let second = ana.epoch.clone();
    ana.done("blockUser", json!({ "userId": "bo" })).await;
    let before = ana.seq;
    ana.hang_up(1000).await;
    journal.sleeps(2).await;
    // A block is remembered, and with it the room.
    let mut bo = house.socket().await;
    let join = json!({ "room": ROOM, "token": user_token("bo", json!({})) });
    assert_eq!(bo.refused("join", join).await, (403, "blocked".into()));
    let mut ana = house.owner(ROOM, "ana").await;
    assert_eq!(ana.epoch, second);
    assert!(ana.seq > before);
    ana.check_view().await;
    assert_eq!(house.room(ROOM).await["blocked"], json!(["bo"]));
}

#[tokio::test]
async fn a_deletion_that_cannot_be_forgotten_at_once_is_later() {
    over_each(clings).await;
}

async fn clings(journal: Arc<Faulty>) {
    let house = House::over(Arc::clone(&journal) as _, |_| {});
    let ana = house.owner(ROOM, "ana").await;
    let delete = async || {
        let line = format!("POST /api/v2/video/call/{}/delete", ROOM.replace(':', "/"));
        done(&house, &line, json!({})).await
    };
    let remembered = async || {
        let cid = Cid::parse(ROOM, &CallTypeName::parse("default").unwrap()).unwrap();
        let loaded = journal.load(&cid, Timestamp(u64::MAX)).await.unwrap();
        loaded.records.iter().map(|record| record.method.to_string()).collect::<Vec<_>>()
    };
    journal.clings.store(true, Ordering::SeqCst);
    delete().await;
    assert_eq!(remembered().await, ["join", "delete"]);
    journal.clings.store(false, Ordering::SeqCst);
    // It is deleted all the same, and what comes after it is not taken for a part of it.
    let mut bo = house.owner(ROOM, "bo").await;
    assert_ne!(bo.epoch, ana.epoch);
    assert_eq!(remembered().await, ["join"]);
    bo.done("raiseHand", json!({ "raised": true })).await;
    bo.check_view().await;
    // What falls between the two is deleted when it starts again.
    journal.clings.store(true, Ordering::SeqCst);
    delete().await;
    journal.next(ROOM, &[Fault::PanicBefore]);
    let mut cy = house.socket().await;
    let token = user_token("cy", json!({ "room": ROOM, "is_owner": true }));
    let join = json!({ "room": ROOM, "token": token });
    assert!(cy.join(&join).await.is_err(), "nobody comes into a room that falls");
    journal.clings.store(false, Ordering::SeqCst);
    let back = async {
        while cy.join(&join).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
            cy = house.socket().await;
        }
    };
    timeout(PATIENCE, back).await.expect("the room does not get up");
    assert_ne!(cy.epoch, bo.epoch);
    assert_eq!(remembered().await, ["join"]);
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_nobody_else_waits() {
    let house = House::with(|config| {
        config.limits.backlog_bytes = 64 * 1024;
        (config.limits.calls_per_second, config.limits.calls_burst) = (100_000, 100_000);
    });
    let mut ana = house.owner(ROOM, "ana").await;
    let mut bo = house.join(ROOM, "bo", json!({})).await;
    let mut cy = house.join(ROOM, "cy", json!({})).await;
    ana.catch_up().await;
    cy.catch_up().await;
    let large = "x".repeat(15 * 1024);
    let mut sent = 0;
    while ana.heard.is_empty() {
        assert!(sent < 5_000, "he is never too slow");
        ana.done("sendMessage", json!({ "data": { "n": sent, "large": large } })).await;
        // Cy, who reads, hears each.
        assert_eq!(cy.until("app-message").await["data"]["n"], sent);
        sent += 1;
    }
    let told = ana.notice("participant-updated").await;
    assert_eq!(told["participant"]["peerId"], bo.peer.as_str());
    assert_eq!(told["participant"]["connected"], false);
    assert_eq!(bo.closed().await.0, 4001);
    let slow = r#"rolecall_drops_total{why="slow"}"#;
    assert!(crate::server_side::metric(house.addr, slow).await >= 1, "he is not counted");
    assert_eq!(bo.resume(house.addr).await["resumed"], true);
    bo.check_view().await;
    cy.check_view().await;
}

#[tokio::test]
async fn the_house_says_goodbye_and_ends() {
    let mut house = House::open();
    let (mut ana, mut bo, mut cy) = three(&house).await;
    let mut nobody = house.socket().await;
    // Somebody dropped, whose seat is kept, holds nobody up.
    bo.reconnect(house.addr).await;
    ana.until("participant-updated").await;
    house.begin_stop();
    for client in [&mut ana, &mut cy, &mut bo, &mut nobody] {
        assert_eq!(client.closed().await.0, 4000);
    }
    let addr = house.addr;
    house.stopped().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn who_waits_before_a_room_that_falls_comes_back_and_knocks() {
    for fault in [Fault::PanicBefore, Fault::PanicAfter, Fault::Fail] {
        over_each(async |journal| {
            let house = House::over(Arc::clone(&journal) as _, |_| {});
            let (mut ana, mut bo, _cy) = three(&house).await;
            let knocking = json!({ "private": true, "knocking": true });
            assert_eq!(house.call(ROOM, "setAdmission", knocking).await.0, 200);
            let mut di = house.socket().await;
            let knock = json!({ "room": ROOM, "token": user_token("di", json!({})) });
            let before = di.done("knock", knock.clone()).await;
            ana.notice("waiting-updated").await;
            journal.next(ROOM, &[fault]);
            ana.ask("setName", &json!({ "name": "Anna" })).await;
            for client in [&mut ana, &mut bo, &mut di] {
                assert_eq!(client.hear().await, Heard::Closed(4003, "room restarted".into()));
            }
            come_back(&house, &mut ana).await;
            // Nobody knows his socket any more, and who rules the room is told so.
            let left = ana.until("waiting-left").await;
            assert_eq!(
                (&left["waitingId"], &left["outcome"]),
                (&before["waitingId"], &json!("left"))
            );
            di.reconnect(house.addr).await;
            let after = di.done("knock", knock).await;
            let listed = ana.state().await["requests"]["waiting"].clone();
            assert_eq!(listed.as_array().unwrap().len(), 1);
            assert_eq!(listed[0]["waitingId"], after["waitingId"]);
        })
        .await;
    }
}

#[tokio::test]
async fn who_watches_a_room_that_falls_comes_back_and_heard_nothing_that_was_not_stored() {
    for fault in [Fault::PanicBefore, Fault::Fail] {
        over_each(async |journal| {
            let house = House::over(Arc::clone(&journal) as _, |_| {});
            let call = "default/falls";
            coordinator::users(&house, &["ana"]).await;
            coordinator::call_of(&house, call, json!({ "created_by_id": "ana" })).await;
            let (mut line, _) = Line::of(&house, "ana").await;
            line.watch(&house, "ana", call).await;
            journal.next("default:falls", &[fault]);
            let update = format!("PATCH /api/v2/video/call/{call}");
            let custom = |n: u8| json!({ "custom": { "n": n } });
            assert_eq!(ask(&house, &server_token(), &update, custom(1)).await.0, 503);
            assert_eq!(line.next().await, json!({ "closed": 4003 }));
            let (mut line, _) = Line::of(&house, "ana").await;
            let told = line.watch(&house, "ana", call).await;
            assert_eq!(told["call"]["custom"], json!({}), "it was never stored");
            done(&house, &update, custom(2)).await;
            assert_eq!(line.next().await["call"]["custom"], json!({ "n": 2 }));
        })
        .await;
    }
}

#[tokio::test]
async fn a_room_that_somebody_watches_sleeps_once_he_is_gone() {
    over_each(async |journal| {
        let house = House::over(Arc::clone(&journal) as _, |config| {
            config.limits.room_idle = Duration::from_millis(50);
        });
        coordinator::users(&house, &["ana"]).await;
        coordinator::call_of(&house, "default/quiet", json!({ "created_by_id": "ana" })).await;
        let (line, _) = Line::of(&house, "ana").await;
        line.watch(&house, "ana", "default/quiet").await;
        let before = *journal.slept.borrow();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(*journal.slept.borrow(), before);
        drop(line);
        journal.sleeps(before + 1).await;
    })
    .await;
}
