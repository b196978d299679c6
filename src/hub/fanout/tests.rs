//! The fan-out over real loopback sockets, against a model that keeps one list per seat.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use tokio::{net::tcp::OwnedWriteHalf, task::JoinHandle};

use super::*;
use crate::hub::seat::{
    Closing, SeatLimits,
    tests::{Heard, connect, hearing, masked, serve, soon, tight},
};

const ROOMY: FanoutLimits = FanoutLimits { pending_bytes: 1 << 20 };

/// A member's other end.
struct Peer {
    heard: JoinHandle<Heard>,
    served: JoinHandle<Closing>,
    write: OwnedWriteHalf,
}

/// A seat kept going by a session of its own, and what hears it.
async fn peer(limits: SeatLimits) -> (Arc<Seat>, Peer) {
    let (socket, reader) = connect(limits).await;
    let seat = Arc::clone(socket.seat());
    let (read, write) = reader.into_split();
    (seat, Peer { heard: hearing(read), served: tokio::spawn(serve(socket)), write })
}

impl Peer {
    /// What it heard to the end, as text.
    async fn finish(self) -> (Vec<String>, Option<u16>) {
        let heard = soon(self.heard).await.unwrap();
        drop(self.write);
        soon(self.served).await.unwrap();
        (
            heard.texts.into_iter().map(|text| String::from_utf8(text).unwrap()).collect(),
            heard.close,
        )
    }
}

fn ended() -> Close {
    Close::new(4503, "ended")
}

#[tokio::test]
async fn a_round_is_one_write_per_seat() {
    let mut fanout = Fanout::new(ROOMY);
    let mut peers = Vec::new();
    for key in 0..3 {
        let (seat, peer) = peer(SeatLimits::default()).await;
        fanout.attach(key, seat, if key == 2 { 'b' } else { 'a' });
        peers.push(peer);
    }
    assert_eq!(fanout.classes().collect::<Vec<_>>(), ['a', 'b']);
    assert!(!fanout.is_pending());
    for text in ["one", "two"] {
        fanout.publish('a', None, text.as_bytes());
        fanout.publish('b', None, text.to_uppercase().as_bytes());
        fanout.publish('c', None, b"nobody");
    }
    fanout.send(&1, b"reply");
    assert!(fanout.is_pending());
    let stats = fanout.flush();
    assert_eq!(stats, FlushStats { writes: 3, bytes: 6 * 5 + 7, deliveries: 7, dropped: 0 });
    assert_eq!(fanout.flush(), FlushStats::default());

    fanout.send(&0, b"alone");
    assert_eq!(fanout.flush(), FlushStats { writes: 1, bytes: 7, deliveries: 1, dropped: 0 });
    fanout.close_all(&ended());
    assert!(fanout.is_empty());
    let expected = [&["one", "two", "alone"][..], &["one", "two", "reply"], &["ONE", "TWO"]];
    for (peer, expected) in peers.into_iter().zip(expected) {
        let (texts, close) = peer.finish().await;
        assert_eq!((&texts[..], close), (&expected.map_to_strings()[..], Some(4503)));
    }
}

trait MapToStrings {
    fn map_to_strings(&self) -> Vec<String>;
}

impl MapToStrings for &[&str] {
    fn map_to_strings(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn a_dropped_fanout_tells_its_seats_to_come_back() {
    let mut fanout = Fanout::new(ROOMY);
    let (stays, staying) = peer(SeatLimits::default()).await;
    let (goes, going) = peer(SeatLimits::default()).await;
    fanout.attach("stays", stays, ());
    fanout.attach("goes", goes, ());
    fanout.publish((), None, b"told");
    fanout.flush();
    fanout.close(&"goes", Close::new(4502, "removed"));
    let room = std::thread::spawn(move || {
        let _fanout = fanout;
        panic!("a bug in the room (expected by this test)");
    });
    assert!(room.join().is_err());
    assert_eq!(staying.finish().await, (vec!["told".to_owned()], Some(4003)));
    assert_eq!(going.finish().await, (vec!["told".to_owned()], Some(4502)));
}

#[tokio::test]
async fn a_slow_seat_is_dropped_and_the_others_hear_all() {
    let mut fanout = Fanout::new(ROOMY);
    let (slow_socket, slow_reader) = connect(SeatLimits { backlog_bytes: 50_000, ..tight() }).await;
    let slow = Arc::clone(slow_socket.seat());
    let served = tokio::spawn(serve(slow_socket));
    let (fast_seat, fast) = peer(SeatLimits::default()).await;
    fanout.attach(0, Arc::clone(&slow), ());
    fanout.attach(1, fast_seat, ());
    let (mut deliveries, mut dropped) = (0, 0);
    let texts: Vec<String> = (0..1000).map(|n| format!("{n} {}", "z".repeat(500))).collect();
    for text in &texts {
        fanout.publish((), None, text.as_bytes());
        let stats = fanout.flush();
        deliveries += stats.deliveries;
        dropped += stats.dropped;
        tokio::task::yield_now().await;
    }
    assert!(slow.is_closed());
    assert_eq!(deliveries + dropped, 2000);
    assert!(dropped > 500, "{dropped} dropped");
    fanout.close_all(&ended());
    assert_eq!(fast.finish().await, (texts.clone(), Some(4503)));
    let (read, write) = slow_reader.into_split();
    let heard = soon(hearing(read)).await.unwrap();
    assert!(
        heard
            .texts
            .iter()
            .map(|text| str::from_utf8(text).unwrap())
            .eq(texts.iter().take(heard.texts.len()))
    );
    assert_eq!(heard.close, Some(4001));
    drop(write);
    soon(served).await.unwrap();
}

#[tokio::test]
async fn large_private_frames_go_early_and_leave_the_round_whole() {
    let mut fanout = Fanout::new(FanoutLimits { pending_bytes: 1000 });
    let (seat, joiner) = peer(SeatLimits::default()).await;
    fanout.attach(0, seat, ());
    let (seat, other) = peer(SeatLimits::default()).await;
    fanout.attach(1, seat, ());
    let snapshot = "s".repeat(5000);
    for n in 0..3 {
        fanout.publish((), None, format!("before {n}").as_bytes());
        fanout.send_parts([&0], &[b"<", snapshot.as_bytes(), b">"]);
    }
    let stats = fanout.flush();
    assert_eq!(stats.deliveries, 9);
    // Twice early to the joiner alone, then once to each.
    assert_eq!(stats.writes, 4);
    fanout.close_all(&ended());
    let snapshot = format!("<{snapshot}>");
    let expected: Vec<_> = (0..3).flat_map(|n| [format!("before {n}"), snapshot.clone()]).collect();
    assert_eq!(joiner.finish().await.0, expected);
    assert_eq!(other.finish().await.0, ["before 0", "before 1", "before 2"]);
}

/// One act on a fan-out, with keys of 0..6 and classes of 0..3.
#[derive(Clone, Debug)]
enum Act {
    Attach { key: u8, class: u8, tight: bool },
    Detach(u8),
    Close(u8),
    SetClass(u8, u8),
    Publish { class: u8, except: Option<u8>, filler: usize },
    Send { key: u8, filler: usize },
    SendShared { keys: Vec<u8>, filler: usize },
    Ping(u8),
    Flush,
    Rest,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let key = || 0..6_u8;
    let class = || 0..3_u8;
    let filler = || prop_oneof![8 => 0..200_usize, 1 => Just(70_000_usize)];
    let act = prop_oneof![
        4 => (key(), class(), any::<bool>())
            .prop_map(|(key, class, tight)| Act::Attach { key, class, tight }),
        1 => key().prop_map(Act::Detach),
        1 => key().prop_map(Act::Close),
        3 => (key(), class()).prop_map(|(key, class)| Act::SetClass(key, class)),
        10 => (class(), proptest::option::of(key()), filler())
            .prop_map(|(class, except, filler)| Act::Publish { class, except, filler }),
        5 => (key(), filler()).prop_map(|(key, filler)| Act::Send { key, filler }),
        2 => (proptest::collection::btree_set(key(), 0..6), filler())
            .prop_map(|(keys, filler)| Act::SendShared { keys: keys.into_iter().collect(), filler }),
        2 => key().prop_map(Act::Ping),
        3 => Just(Act::Flush),
        2 => Just(Act::Rest),
    ];
    proptest::collection::vec(act, 1..80)
}

/// What the model knows of one connection.
struct Modelled {
    seat: Arc<Seat>,
    peer: Peer,
    expected: Vec<String>,
    close: u16,
}

/// Plays `acts` on a fan-out and on the model, and compares what every connection ever heard.
async fn play(acts: Vec<Act>, pending_bytes: usize) -> Result<(), TestCaseError> {
    let mut fanout = Fanout::new(FanoutLimits { pending_bytes });
    let mut connections: Vec<Modelled> = Vec::new();
    let mut members: BTreeMap<u8, (u8, usize)> = BTreeMap::new();
    let (mut serial, mut stats) = (0, FlushStats::default());
    let mut say = |filler: usize| {
        serial += 1;
        format!("{serial}:{}", "x".repeat(filler))
    };
    let mut add = |more: FlushStats| {
        stats.deliveries += more.deliveries;
        stats.bytes += more.bytes;
        stats.dropped += more.dropped;
    };
    for act in acts {
        match act {
            Act::Attach { key, class, tight: small } => {
                let limits = if small { tight() } else { SeatLimits::default() };
                let (seat, peer) = peer(SeatLimits { backlog_bytes: 1 << 30, ..limits }).await;
                members.insert(key, (class, connections.len()));
                fanout.attach(key, Arc::clone(&seat), class);
                connections.push(Modelled { seat, peer, expected: Vec::new(), close: 4000 });
            }
            Act::Detach(key) => {
                members.remove(&key);
                fanout.detach(&key);
            }
            Act::Close(key) => {
                if let Some((_, at)) = members.remove(&key) {
                    connections[at].close = 4502;
                }
                fanout.close(&key, Close::new(4502, "removed"));
            }
            Act::SetClass(key, class) => {
                members.entry(key).and_modify(|member| member.0 = class);
                fanout.set_class(&key, class);
            }
            Act::Publish { class, except, filler } => {
                let text = say(filler);
                for (key, (of, at)) in &members {
                    if *of == class && Some(*key) != except {
                        connections[*at].expected.push(text.clone());
                    }
                }
                fanout.publish(class, except.as_ref(), text.as_bytes());
            }
            Act::Send { key, filler } => {
                let text = say(filler);
                if let Some((_, at)) = members.get(&key) {
                    connections[*at].expected.push(text.clone());
                }
                fanout.send(&key, text.as_bytes());
            }
            Act::SendShared { keys, filler } => {
                let text = say(filler);
                for (_, at) in keys.iter().filter_map(|key| members.get(key)) {
                    connections[*at].expected.push(text.clone());
                }
                fanout.send_shared(&keys, text.as_bytes());
            }
            Act::Ping(key) => {
                if let Some((_, at)) = members.get(&key) {
                    let write = &connections[*at].peer.write;
                    let _ = write.try_write(&masked(0x89, b"ping"));
                }
            }
            Act::Flush => add(fanout.flush()),
            Act::Rest => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
        }
        for (key, (class, at)) in &members {
            prop_assert_eq!(fanout.class_of(key), Some(*class));
            prop_assert!(Arc::ptr_eq(fanout.seat(key).unwrap(), &connections[*at].seat));
        }
        prop_assert!(fanout.keys().eq(members.keys()));
        let mut classes: Vec<u8> = fanout.classes().collect();
        classes.sort_unstable();
        let mut modelled: Vec<u8> = members.values().map(|(class, _)| *class).collect();
        modelled.sort_unstable();
        modelled.dedup();
        prop_assert_eq!(classes, modelled);
    }
    add(fanout.flush());
    prop_assert!(!fanout.is_pending());
    fanout.close_all(&Close::new(4000, "going away"));
    let (mut deliveries, mut bytes) = (0, 0);
    for Modelled { seat, peer, expected, close } in connections {
        // Detached seats are their session's to close.
        seat.close(Close::new(4000, "going away"));
        deliveries += expected.len();
        bytes += expected.iter().map(|text| frame::framed_len(text.len())).sum::<usize>();
        let (heard, code) = peer.finish().await;
        let first = heard.iter().zip(&expected).position(|(heard, expected)| heard != expected);
        prop_assert_eq!(first.map(|at| (at, &heard[at][..9.min(heard[at].len())])), None);
        prop_assert_eq!(heard.len(), expected.len());
        prop_assert_eq!(code, Some(close));
    }
    prop_assert_eq!((stats.deliveries, stats.bytes, stats.dropped), (deliveries, bytes, 0));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_seat_hears_what_it_was_told_in_order(
        acts in acts(),
        pending_bytes in prop_oneof![Just(1_usize), Just(600), Just(256 * 1024)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(acts, pending_bytes))?;
    }
}
