//! What every journal owes the house, run over each of them.

use std::sync::{Arc, Mutex};

use rolecall::journal::{
    AppendError, Called, DirectoryRecord, Journal, Record,
    memory::{MemoryJournal, TRAILS_MAX},
};
use rolecall_protocol::{
    call_type::{builtin, settings::SettingsPatchDocument},
    id::{CallTypeName, Cid, PeerId, Seq, Timestamp},
    json::Metadata,
    room::{Event, Room, apply, people::Doer},
    wire::frame::read_call,
};
use serde_json::value::RawValue;

use crate::disk::{Folder, open};

/// Makes empty journals that keep about so many records a room.
trait Factory: Fn(usize) -> Arc<dyn Journal> {}

impl<F: Fn(usize) -> Arc<dyn Journal>> Factory for F {}

/// Later than anything, so that the newest snapshot is early enough.
pub(crate) const LATE: Timestamp = Timestamp(u64::MAX);

/// When that record was made.
pub(crate) const fn at(seq: u64) -> Timestamp {
    Timestamp(1_800_000_000_000 + seq)
}

pub(crate) fn cid(text: &str) -> Cid {
    Cid::parse(text, &CallTypeName::parse("default").unwrap()).unwrap()
}

/// A record of two events that ends at `seq`; half of them answer a call.
pub(crate) fn record(seq: u64) -> Arc<Record> {
    let peer = |name: &str| PeerId::parse(name).unwrap();
    let text = format!(r#"{{"jsonrpc":"2.0","id":"c-{seq}","method":"x"}}"#);
    let call = Called {
        peer_id: peer("ann"),
        id: read_call(&text).unwrap().id,
        hash: u64::MAX - seq,
        reply: format!("reply {seq}").into(),
    };
    Arc::new(Record {
        seq: Seq(seq),
        at: at(seq),
        by: if seq.is_multiple_of(2) { Doer::Server } else { Doer::Peer(peer("ann")) },
        method: "raiseHand".into(),
        events: vec![
            Event::HandRaised { peer_id: peer("ann"), raised: seq.is_multiple_of(2), by: None },
            Event::PeerReturned { peer_id: peer("bo") },
        ],
        call: (!seq.is_multiple_of(2)).then_some(call),
    })
}

pub(crate) fn room(name: &str, seq: u64) -> Arc<Room> {
    let cid = cid(name);
    let call_type = Arc::clone(&builtin::all()[cid.call_type()]);
    Arc::new(Room { seq: Seq(seq), ..Room::vacant(cid, call_type) })
}

pub(crate) fn seqs(records: &[Arc<Record>]) -> Vec<u64> {
    records.iter().map(|record| record.seq.0).collect()
}

async fn filled(factory: &impl Factory, name: &str, kept: usize) -> Arc<dyn Journal> {
    let journal = factory(kept);
    for seq in (2..=10).step_by(2) {
        journal.append(&cid(name), Seq(seq - 2), vec![record(seq)]).await.unwrap();
    }
    journal
}

/// The whole suite.
async fn conforms(factory: impl Factory) {
    what_was_appended_is_loaded_as_it_was(&factory).await;
    an_append_at_the_wrong_place_stores_nothing(&factory).await;
    of_two_appends_at_one_place_one_goes_through(&factory).await;
    pages_follow_each_other(&factory).await;
    a_snapshot_is_what_a_room_starts_from(&factory).await;
    old_records_go_only_once_a_snapshot_covers_them(&factory).await;
    a_forgotten_room_begins_anew_behind_its_trail(&factory).await;
    what_follows_a_deletion_is_not_forgotten_with_it(&factory).await;
    an_erased_trail_is_not_read(&factory).await;
    rooms_are_listed_in_order(&factory).await;
    rooms_do_not_touch_each_other(&factory).await;
    a_room_starts_early_enough_for_what_may_have_been_missed(&factory).await;
    a_snapshot_gives_back_the_whole_room(&factory).await;
    states_follow_each_other(&factory).await;
    the_directory_has_a_stream_of_its_own(&factory).await;
}

async fn what_was_appended_is_loaded_as_it_was(factory: &impl Factory) {
    let journal = factory(100);
    let name = cid("stage:a");
    let loaded = journal.load(&name, LATE).await.unwrap();
    assert!(loaded.snapshot.is_none() && loaded.records.is_empty());
    let records: Vec<_> = [2, 5, 9].map(record).into();
    journal.append(&name, Seq(0), records.clone()).await.unwrap();
    journal.append(&name, Seq(9), vec![]).await.unwrap();
    journal.append(&name, Seq(9), vec![record(11)]).await.unwrap();
    let loaded = journal.load(&name, LATE).await.unwrap();
    assert!(loaded.snapshot.is_none());
    assert_eq!(loaded.records[..3], records);
    assert_eq!(loaded.records[3], record(11));
    assert_eq!(loaded.records.len(), 4);
}

async fn an_append_at_the_wrong_place_stores_nothing(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    for wrong in [0, 8, 9, 11] {
        let both = vec![record(20), record(22)];
        let refused = journal.append(&cid("stage:a"), Seq(wrong), both).await.unwrap_err();
        assert!(matches!(refused, AppendError::Conflict { at: Seq(10) }), "{wrong}: {refused}");
    }
    let refused = journal.append(&cid("stage:new"), Seq(3), vec![record(4)]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Conflict { at: Seq(0) }), "{refused}");
    assert_eq!(seqs(&journal.load(&cid("stage:a"), LATE).await.unwrap().records), [2, 4, 6, 8, 10]);
    assert!(journal.load(&cid("stage:new"), LATE).await.unwrap().records.is_empty());
    assert_eq!(journal.rooms(None, 10).await.unwrap(), [cid("stage:a")]);
}

async fn of_two_appends_at_one_place_one_goes_through(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let append = |seq| {
        let journal = Arc::clone(&journal);
        tokio::spawn(
            async move { journal.append(&cid("stage:a"), Seq(10), vec![record(seq)]).await },
        )
    };
    let racing: Vec<_> = (11..19).map(append).collect();
    let mut through = 0;
    for one in racing {
        through += usize::from(one.await.unwrap().is_ok());
    }
    assert_eq!(through, 1);
    assert_eq!(journal.load(&cid("stage:a"), LATE).await.unwrap().records.len(), 6);
}

async fn pages_follow_each_other(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let name = cid("stage:a");
    for (after, limit, expected, next) in [
        (0, 2, &[2, 4][..], Some(4)),
        (4, 2, &[6, 8], Some(8)),
        (8, 2, &[10], None),
        (3, 1, &[4], Some(4)),
        (10, 2, &[], None),
        (99, 2, &[], None),
        (0, 5, &[2, 4, 6, 8, 10], None),
    ] {
        let page = journal.read(&name, Seq(after), limit).await.unwrap();
        assert_eq!((seqs(&page.records), page.next), (expected.to_vec(), next.map(Seq)), "{after}");
    }
    let page = journal.read(&cid("stage:none"), Seq(0), 5).await.unwrap();
    assert!(page.records.is_empty() && page.next.is_none());
}

async fn a_snapshot_is_what_a_room_starts_from(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let name = cid("stage:a");
    journal.snapshot(room("stage:a", 6), at(6)).await.unwrap();
    let loaded = journal.load(&name, LATE).await.unwrap();
    let snapshot = loaded.snapshot.unwrap();
    assert_eq!((snapshot.seq, &snapshot.cid), (Seq(6), &name));
    assert_eq!(seqs(&loaded.records), [8, 10]);
    // A newer one takes its place; the audit trail is not a snapshot's business.
    journal.snapshot(room("stage:a", 10), at(10)).await.unwrap();
    let loaded = journal.load(&name, LATE).await.unwrap();
    assert_eq!((loaded.snapshot.unwrap().seq, loaded.records.len()), (Seq(10), 0));
    assert_eq!(seqs(&journal.read(&name, Seq(0), 10).await.unwrap().records), [2, 4, 6, 8, 10]);
    journal.append(&name, Seq(10), vec![record(12)]).await.unwrap();
    assert_eq!(seqs(&journal.load(&name, LATE).await.unwrap().records), [12]);
}

async fn old_records_go_only_once_a_snapshot_covers_them(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 2).await;
    let name = cid("stage:a");
    assert_eq!(seqs(&journal.load(&name, LATE).await.unwrap().records), [2, 4, 6, 8, 10]);
    journal.snapshot(room("stage:a", 4), at(4)).await.unwrap();
    assert_eq!(seqs(&journal.load(&name, LATE).await.unwrap().records), [6, 8, 10]);
    journal.snapshot(room("stage:a", 10), at(10)).await.unwrap();
    let kept = seqs(&journal.read(&name, Seq(0), 10).await.unwrap().records);
    assert!(kept.ends_with(&[8, 10]), "{kept:?}");
    let refused = journal.append(&name, Seq(4), vec![record(12)]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Conflict { at: Seq(10) }));
}

async fn trail(journal: &Arc<dyn Journal>, name: &Cid) -> Vec<u64> {
    let page = journal.read(name, Seq(0), 100).await.unwrap();
    assert_eq!(page.next, None);
    seqs(&page.records)
}

async fn a_forgotten_room_begins_anew_behind_its_trail(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let name = cid("stage:a");
    journal.snapshot(room("stage:a", 4), at(4)).await.unwrap();
    for _ in 0..2 {
        journal.forget(&name, Seq(10), at(10)).await.unwrap();
        journal.forget(&cid("stage:none"), Seq(3), at(10)).await.unwrap();
        let loaded = journal.load(&name, LATE).await.unwrap();
        assert!(loaded.snapshot.is_none() && loaded.records.is_empty());
        assert_eq!(loaded.from, Seq(10));
        assert!(journal.rooms(None, 10).await.unwrap().is_empty());
        assert!(journal.states(None, 10).await.unwrap().is_empty());
        assert_eq!(trail(&journal, &name).await, [2, 4, 6, 8, 10]);
    }
    // A snapshot on its way comes too late.
    journal.snapshot(room("stage:a", 10), at(10)).await.unwrap();
    assert!(journal.load(&name, LATE).await.unwrap().snapshot.is_none());
    // It begins anew, and is a room as any other.
    let refused = journal.append(&name, Seq(0), vec![record(1)]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Conflict { at: Seq(10) }), "{refused}");
    journal.append(&name, Seq(10), vec![record(13)]).await.unwrap();
    let loaded = journal.load(&name, LATE).await.unwrap();
    assert_eq!((loaded.from, seqs(&loaded.records)), (Seq(10), vec![13]));
    assert_eq!(journal.rooms(None, 10).await.unwrap(), std::slice::from_ref(&name));
    assert_eq!(journal.states(None, 10).await.unwrap()[0].1.from, Seq(10));
    assert_eq!(trail(&journal, &name).await, [2, 4, 6, 8, 10, 13]);
    let page = journal.read(&name, Seq(6), 2).await.unwrap();
    assert_eq!((seqs(&page.records), page.next), (vec![8, 10], Some(Seq(10))));
    let page = journal.read(&name, Seq(8), 2).await.unwrap();
    assert_eq!((seqs(&page.records), page.next), (vec![10, 13], None));
    // Once more.
    journal.forget(&name, Seq(13), at(14)).await.unwrap();
    assert!(journal.rooms(None, 10).await.unwrap().is_empty());
    journal.append(&name, Seq(13), vec![record(14)]).await.unwrap();
    journal.snapshot(room("stage:a", 14), at(14)).await.unwrap();
    assert_eq!(journal.load(&name, LATE).await.unwrap().snapshot.unwrap().seq, Seq(14));
    assert_eq!(trail(&journal, &name).await, [2, 4, 6, 8, 10, 13, 14]);
}

async fn what_follows_a_deletion_is_not_forgotten_with_it(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let name = cid("stage:a");
    journal.snapshot(room("stage:a", 4), at(4)).await.unwrap();
    journal.snapshot(room("stage:a", 8), at(8)).await.unwrap();
    journal.forget(&name, Seq(6), at(10)).await.unwrap();
    let loaded = journal.load(&name, at(0)).await.unwrap();
    assert_eq!(loaded.snapshot.as_ref().map_or(loaded.from, |room| room.seq), Seq(6));
    assert_eq!(seqs(&loaded.records), [8, 10]);
    assert_eq!(journal.load(&name, LATE).await.unwrap().snapshot.unwrap().seq, Seq(8));
    assert_eq!(journal.rooms(None, 10).await.unwrap(), std::slice::from_ref(&name));
    assert_eq!(trail(&journal, &name).await, [2, 4, 6, 8, 10]);
    // What is older than what was forgotten was forgotten with it.
    journal.forget(&name, Seq(4), at(11)).await.unwrap();
    assert_eq!(seqs(&journal.load(&name, at(0)).await.unwrap().records), [8, 10]);
    journal.append(&name, Seq(10), vec![record(12)]).await.unwrap();
    assert_eq!(trail(&journal, &name).await, [2, 4, 6, 8, 10, 12]);
}

async fn an_erased_trail_is_not_read(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let name = cid("stage:a");
    journal.forget(&name, Seq(4), at(10)).await.unwrap();
    journal.erase(&name, Seq(4), at(11)).await.unwrap();
    assert_eq!(trail(&journal, &name).await, [6, 8, 10]);
    assert_eq!(seqs(&journal.load(&name, LATE).await.unwrap().records), [6, 8, 10]);
    // What was not forgotten before is now; twice is as good as once.
    for _ in 0..2 {
        journal.erase(&name, Seq(10), at(12)).await.unwrap();
        journal.erase(&cid("stage:none"), Seq(10), at(12)).await.unwrap();
        assert!(trail(&journal, &name).await.is_empty());
        let loaded = journal.load(&name, LATE).await.unwrap();
        assert_eq!((loaded.from, loaded.records.len()), (Seq(10), 0));
        assert!(journal.rooms(None, 10).await.unwrap().is_empty());
    }
    // Who was about to begin anew may.
    journal.append(&name, Seq(10), vec![record(12)]).await.unwrap();
    assert_eq!(trail(&journal, &name).await, [12]);
    // A long past goes as quickly.
    let long = cid("stage:long");
    journal.append(&long, Seq(0), (1..=3000).map(record).collect()).await.unwrap();
    journal.erase(&long, Seq(2999), at(3000)).await.unwrap();
    assert_eq!(trail(&journal, &long).await, [3000]);
    assert_eq!(seqs(&journal.load(&long, LATE).await.unwrap().records), [3000]);
}

async fn rooms_are_listed_in_order(factory: &impl Factory) {
    let journal = factory(100);
    let names = ["stage:b", "daily:z", "stage:a", "stage:a-1", "lobby:x"];
    for name in names {
        journal.append(&cid(name), Seq(0), vec![record(1)]).await.unwrap();
    }
    let all = journal.rooms(None, 10).await.unwrap();
    let mut sorted = names.map(cid).to_vec();
    sorted.sort();
    assert_eq!(all, sorted);
    let mut paged = Vec::new();
    loop {
        let page = journal.rooms(paged.last(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, sorted);
    // One starts behind a name whether or not there is such a room.
    assert_eq!(journal.rooms(Some(&cid("lobby:zzz")), 1).await.unwrap(), [cid("stage:a")]);
}

async fn rooms_do_not_touch_each_other(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    journal.append(&cid("stage:b"), Seq(0), vec![record(7)]).await.unwrap();
    journal.snapshot(room("stage:b", 7), at(7)).await.unwrap();
    journal.erase(&cid("stage:a"), Seq(10), at(10)).await.unwrap();
    let loaded = journal.load(&cid("stage:b"), LATE).await.unwrap();
    assert_eq!(loaded.snapshot.unwrap().seq, Seq(7));
}

async fn a_room_starts_early_enough_for_what_may_have_been_missed(factory: &impl Factory) {
    let journal = factory(1);
    let name = cid("stage:a");
    let mut last = 0;
    let mut append = async |to: u64| {
        for seq in last + 1..=to {
            journal.append(&name, Seq(seq - 1), vec![record(seq)]).await.unwrap();
        }
        last = to;
    };
    let from = async |since: Timestamp| {
        let loaded = journal.load(&name, since).await.unwrap();
        let from = loaded.snapshot.map_or(0, |room| room.seq.0);
        let last = loaded.records.last().map_or(from, |record| record.seq.0);
        assert_eq!(seqs(&loaded.records), (from + 1..=last).collect::<Vec<_>>());
        (from, last)
    };
    append(10).await;
    journal.snapshot(room("stage:a", 10), at(10)).await.unwrap();
    append(20).await;
    // With one snapshot, whoever missed something from before it is told all the same.
    assert_eq!(from(at(5)).await, (0, 20));
    assert_eq!(from(at(10)).await, (0, 20));
    assert_eq!(from(at(11)).await, (10, 20));
    journal.snapshot(room("stage:a", 20), at(20)).await.unwrap();
    append(30).await;
    assert_eq!(from(at(11)).await, (10, 30));
    assert_eq!(from(at(20)).await, (10, 30));
    assert_eq!(from(at(21)).await, (20, 30));
    assert_eq!(from(LATE).await, (20, 30));
    // Never less than the older of the two, and never more.
    assert_eq!(from(at(3)).await, (10, 30));
    journal.snapshot(room("stage:a", 30), at(30)).await.unwrap();
    assert_eq!(from(at(11)).await, (20, 30));
    assert_eq!(from(at(31)).await, (30, 30));
    // The same once more is no other snapshot.
    journal.snapshot(room("stage:a", 30), at(31)).await.unwrap();
    assert_eq!(from(at(25)).await, (20, 30));
}

async fn a_snapshot_gives_back_the_whole_room(factory: &impl Factory) {
    let journal = factory(100);
    let mut room = Room::clone(&room("stage:a", 0));
    let settings = serde_json::json!({ "video": { "enabled": false } });
    let events = [
        Event::RoomCreated {
            epoch: "e-1".into(),
            team: None,
            created_by: None,
            custom: Metadata::new(&serde_json::json!({ "topic": "Grüße \u{0}" })).unwrap(),
            backstage: true,
            call_type: Arc::clone(&room.call_type),
            settings_override: Some(SettingsPatchDocument::new(&settings).unwrap()),
            starts_at: Some(at(5)),
            kept: true,
        },
        Event::UserBlocked { user_id: "bo".parse().unwrap(), by: Doer::Server },
        Event::MemberSet {
            user_id: "cy".parse().unwrap(),
            role: Some("speaker".parse().unwrap()),
            custom: Metadata::new(&serde_json::json!({ "seat": 7 })).unwrap(),
            by: Doer::Server,
        },
    ];
    let mut records = Vec::new();
    for (seq, event) in (1..).zip(events) {
        apply(&mut room, &event, at(seq));
        room.seq = Seq(seq);
        let (seq, at, events) = (Seq(seq), at(seq), vec![event]);
        let (by, method) = (Doer::Server, "x".into());
        records.push(Arc::new(Record { seq, at, by, method, events, call: None }));
    }
    journal.append(&room.cid, Seq(0), records.clone()).await.unwrap();
    assert_eq!(journal.load(&room.cid, LATE).await.unwrap().records, records);
    journal.snapshot(Arc::new(room.clone()), at(3)).await.unwrap();
    let loaded = journal.load(&room.cid, LATE).await.unwrap();
    assert_eq!(*loaded.snapshot.unwrap(), room);
    assert!(!room.settings.video && room.members.len() == 1 && loaded.records.is_empty());
    assert_eq!(journal.read(&room.cid, Seq(0), 9).await.unwrap().records, records);
}

async fn states_follow_each_other(factory: &impl Factory) {
    let journal = factory(1);
    for name in ["stage:c", "lobby:x", "stage:a"] {
        journal.append(&cid(name), Seq(0), vec![record(1), record(2), record(3)]).await.unwrap();
    }
    for seq in [1, 2] {
        journal.snapshot(room("stage:c", seq), at(seq)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = journal.states(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page);
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|(cid, loaded)| {
            let from = loaded.snapshot.as_ref().map_or(0, |room| room.seq.0);
            (cid.as_str(), from, seqs(&loaded.records))
        })
        .collect();
    let expected =
        [("lobby:x", 0, vec![1, 2, 3]), ("stage:a", 0, vec![1, 2, 3]), ("stage:c", 2, vec![3])];
    assert_eq!(seen, expected);
}

pub(crate) fn directory_record(seq: u64) -> Arc<DirectoryRecord> {
    let event = format!(r#"{{"type":"userUpserted","n":{seq}}}"#);
    Arc::new(DirectoryRecord {
        seq: Seq(seq),
        at: at(seq),
        by: "server".into(),
        method: "upsertUsers".into(),
        events: vec![raw(&event), raw("[1]")],
    })
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// The directory's records as text, which can be compared.
fn texts(records: &[Arc<DirectoryRecord>]) -> Vec<String> {
    records.iter().map(|record| serde_json::to_string(record).unwrap()).collect()
}

async fn the_directory_has_a_stream_of_its_own(factory: &impl Factory) {
    let journal = factory(1);
    let loaded = journal.load_directory().await.unwrap();
    assert_eq!((loaded.seq, loaded.entities.len(), loaded.records.len()), (Seq(0), 0, 0));
    let first: Vec<_> = (1..=3).map(directory_record).collect();
    journal.append_directory(Seq(0), first.clone()).await.unwrap();
    journal.append_directory(Seq(3), vec![]).await.unwrap();
    for wrong in [0, 2, 4] {
        let refused = journal.append_directory(Seq(wrong), vec![directory_record(9)]).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, AppendError::Conflict { at: Seq(3) }), "{wrong}: {refused}");
    }
    assert_eq!(texts(&journal.load_directory().await.unwrap().records), texts(&first));
    let changed = [("user:bo", Some("{\"n\":1}")), ("user:ann", Some("{}")), ("role:x", None)];
    let changed = changed.map(|(key, body)| (key.to_owned(), body.map(raw)));
    journal.snapshot_directory(Seq(2), changed.into()).await.unwrap();
    journal.append_directory(Seq(3), vec![directory_record(4)]).await.unwrap();
    let changed = [("user:bo", Some("{\"n\":2}")), ("user:ann", None), ("app", Some("7"))];
    let changed = changed.map(|(key, body)| (key.to_owned(), body.map(raw)));
    journal.snapshot_directory(Seq(3), changed.into()).await.unwrap();
    let loaded = journal.load_directory().await.unwrap();
    let entities: Vec<_> =
        loaded.entities.iter().map(|entity| (&*entity.key, entity.body.get())).collect();
    assert_eq!(entities, [("app", "7"), ("user:bo", "{\"n\":2}")]);
    assert_eq!(loaded.seq, Seq(3));
    assert_eq!(texts(&loaded.records), texts(&[directory_record(4)]));
    let page = journal.read_directory(Seq(3), 9).await.unwrap();
    assert_eq!((texts(&page.records), page.next), (texts(&[directory_record(4)]), None));
    // What rooms do is none of its business, nor the other way round.
    assert!(journal.rooms(None, 9).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_disk() {
    let folders = Mutex::new(Vec::new());
    conforms(|kept| {
        let folder = Folder::new();
        let journal = open(&folder, |options| options.rooms_max = 1000 + kept);
        folders.lock().unwrap().push(folder);
        journal as Arc<dyn Journal>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory() {
    conforms(|kept| Arc::new(MemoryJournal::new(kept, 1000)) as Arc<dyn Journal>).await;
}

#[tokio::test]
async fn memory_remembers_so_many_rooms_and_no_more() {
    let journal = MemoryJournal::new(10, 1);
    assert!(!journal.is_full(&cid("stage:a")));
    journal.append(&cid("stage:a"), Seq(0), vec![record(1)]).await.unwrap();
    assert!(!journal.is_full(&cid("stage:a")));
    assert!(journal.is_full(&cid("stage:b")));
    journal.forget(&cid("stage:a"), Seq(1), at(1)).await.unwrap();
    assert!(!journal.is_full(&cid("stage:b")));
    // Of what it forgot it can say only so much.
    for number in 0..TRAILS_MAX {
        let name = cid(&format!("stage:{number}"));
        journal.append(&name, Seq(0), (1..=20).map(record).collect()).await.unwrap();
        journal.forget(&name, Seq(20), at(20)).await.unwrap();
    }
    let trail =
        async |name: &str| seqs(&journal.read(&cid(name), Seq(0), 100).await.unwrap().records);
    assert!(trail("stage:a").await.is_empty());
    assert_eq!(trail("stage:0").await, (11..=20).collect::<Vec<_>>());
}
