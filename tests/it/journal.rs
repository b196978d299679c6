//! What every journal owes the house, run over each of them.

use std::sync::Arc;

use rolecall::journal::{AppendError, Called, Journal, Record, memory::MemoryJournal};
use rolecall_protocol::{
    call_type::builtin,
    id::{CallTypeName, Cid, PeerId, Seq, Timestamp},
    room::{Event, Room, people::Doer},
    wire::frame::read_call,
};

/// Makes empty journals that keep about so many records a room.
trait Factory: Fn(usize) -> Arc<dyn Journal> {}

impl<F: Fn(usize) -> Arc<dyn Journal>> Factory for F {}

/// Later than anything, so that the newest snapshot is early enough.
const LATE: Timestamp = Timestamp(u64::MAX);

/// When that record was made.
const fn at(seq: u64) -> Timestamp {
    Timestamp(1_800_000_000_000 + seq)
}

fn cid(text: &str) -> Cid {
    Cid::parse(text, &CallTypeName::parse("default").unwrap()).unwrap()
}

/// A record of two events that ends at `seq`; half of them answer a call.
fn record(seq: u64) -> Arc<Record> {
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
            Event::HandRaised { peer_id: peer("ann"), raised: seq.is_multiple_of(2) },
            Event::PeerReturned { peer_id: peer("bo") },
        ],
        call: (!seq.is_multiple_of(2)).then_some(call),
    })
}

fn room(name: &str, seq: u64) -> Arc<Room> {
    let cid = cid(name);
    let call_type = Arc::clone(&builtin::all()[cid.call_type()]);
    Arc::new(Room { seq: Seq(seq), ..Room::vacant(cid, call_type) })
}

fn seqs(records: &[Arc<Record>]) -> Vec<u64> {
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
    a_forgotten_room_never_was(&factory).await;
    rooms_are_listed_in_order(&factory).await;
    rooms_do_not_touch_each_other(&factory).await;
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

async fn a_forgotten_room_never_was(factory: &impl Factory) {
    let journal = filled(factory, "stage:a", 100).await;
    let name = cid("stage:a");
    journal.snapshot(room("stage:a", 4), at(4)).await.unwrap();
    journal.forget(&name).await.unwrap();
    journal.forget(&cid("stage:none")).await.unwrap();
    let loaded = journal.load(&name, LATE).await.unwrap();
    assert!(loaded.snapshot.is_none() && loaded.records.is_empty());
    assert!(journal.rooms(None, 10).await.unwrap().is_empty());
    journal.append(&name, Seq(0), vec![record(3)]).await.unwrap();
    assert_eq!(seqs(&journal.load(&name, LATE).await.unwrap().records), [3]);
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
    journal.forget(&cid("stage:a")).await.unwrap();
    let loaded = journal.load(&cid("stage:b"), LATE).await.unwrap();
    assert_eq!(loaded.snapshot.unwrap().seq, Seq(7));
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
    journal.forget(&cid("stage:a")).await.unwrap();
    assert!(!journal.is_full(&cid("stage:b")));
}
