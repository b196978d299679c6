//! Every metric of the server by its name, each with the one function that moves it.

use std::{sync::OnceLock, time::Duration};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use rolecall_protocol::wire::code::Close;

const CONNECTIONS: &str = "rolecall_connections";
const SOCKETS: &str = "rolecall_sockets";
const ROOMS: &str = "rolecall_rooms";
const PEERS: &str = "rolecall_peers";
const CALLS: &str = "rolecall_calls_total";
const DELIVERIES: &str = "rolecall_deliveries_total";
const ENCODES: &str = "rolecall_encodes_total";
const DROPS: &str = "rolecall_drops_total";
const ROOM_LAG: &str = "rolecall_room_task_lag_seconds";
const HANDSHAKES_REFUSED: &str = "rolecall_handshakes_refused_total";
const HTTP_REQUESTS: &str = "rolecall_http_requests_total";
const JOURNAL_COMMIT: &str = "rolecall_journal_commit_seconds";
const JOURNAL_JOBS: &str = "rolecall_journal_jobs_total";
const JOURNAL_FAILURES: &str = "rolecall_journal_failures_total";
const JOURNAL_BYTES: &str = "rolecall_journal_bytes";

/// Upper ends of the buckets of a room task's lag and of a commit, in seconds.
const LAG_BUCKETS: [f64; 12] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// The process's recorder, installed and described by the first who asks.
pub fn recorder() -> PrometheusHandle {
    INSTALLED
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let spans = [ROOM_LAG, JOURNAL_COMMIT].map(|name| Matcher::Full(name.to_owned()));
            let builder = spans.into_iter().fold(builder, |builder, span| {
                builder.set_buckets_for_metric(span, &LAG_BUCKETS).expect("there are buckets")
            });
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("metrics go to a recorder that somebody else installed");
            }
            describe();
            handle
        })
        .clone()
}

/// The text of `/metrics`.
pub fn render(recorder: &PrometheusHandle) -> String {
    recorder.run_upkeep();
    recorder.render()
}

fn describe() {
    describe_gauge!(CONNECTIONS, "TCP connections open now, HTTP and WebSocket together");
    describe_gauge!(SOCKETS, "WebSockets open now");
    describe_gauge!(ROOMS, "Rooms alive now");
    describe_gauge!(PEERS, "Peers in rooms now, those whose connection dropped included");
    describe_counter!(CALLS, "Calls by method and by outcome: `ok` or the reason of the error");
    describe_counter!(
        DELIVERIES,
        "Frames put on the way to one socket each: notices, replies, snapshots"
    );
    describe_counter!(ENCODES, "Notices turned into text, once per audience");
    describe_counter!(DROPS, "Sockets the server gave up, by why");
    describe_histogram!(ROOM_LAG, Unit::Seconds, "How long a command waited in its room's mailbox");
    describe_counter!(HANDSHAKES_REFUSED, "Connections refused before they were sockets, by why");
    describe_counter!(HTTP_REQUESTS, "HTTP requests by status");
    describe_histogram!(JOURNAL_COMMIT, Unit::Seconds, "How long a commit to the disk took");
    describe_counter!(JOURNAL_JOBS, "What was stored with those commits: appends, snapshots");
    describe_counter!(JOURNAL_FAILURES, "Commits that failed: nothing of them was stored");
    describe_gauge!(JOURNAL_BYTES, Unit::Bytes, "The size of the journal's file");
    // What has not happened yet is shown as zero rather than not at all.
    for name in [CONNECTIONS, SOCKETS, ROOMS, PEERS] {
        gauge!(name).set(0.0);
    }
    for name in [DELIVERIES, ENCODES, JOURNAL_JOBS, JOURNAL_FAILURES] {
        counter!(name).absolute(0);
    }
}

/// The journal committed to the disk, or tried to: so long it took, for so many jobs.
pub fn journal_commit(took: Duration, jobs: usize) {
    histogram!(JOURNAL_COMMIT).record(took);
    counter!(JOURNAL_JOBS).increment(jobs as u64);
}

/// A commit to the disk failed.
pub fn journal_failure() {
    counter!(JOURNAL_FAILURES).increment(1);
}

/// The size of the journal's file.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn journal_bytes(bytes: u64) {
    gauge!(JOURNAL_BYTES).set(bytes as f64);
}

/// A call was answered: `outcome` is `ok` or the reason of its error.
///
/// `method` must be one of the methods there are, or one fixed word for all others: a label made
/// by a peer would grow without bound.
pub fn call(method: &'static str, outcome: &'static str) {
    counter!(CALLS, "method" => method, "outcome" => outcome).increment(1);
}

/// So many frames were put on the way, counted per socket.
pub fn deliveries(count: u64) {
    counter!(DELIVERIES).increment(count);
}

/// So many notices were turned into text.
pub fn encodes(count: u64) {
    counter!(ENCODES).increment(count);
}

/// A socket was given up: `slow`, `silent`, …
pub fn dropped(why: &'static str) {
    counter!(DROPS, "why" => why).increment(1);
}

/// A socket was given up with that close.
pub fn closed(close: Close) {
    dropped(word(close));
}

/// A word for a close.
const fn word(close: Close) -> &'static str {
    match close {
        Close::Binary => "binary",
        Close::NotUtf8 => "not-utf8",
        Close::TooBig => "too-big",
        Close::TooSlow => "slow",
        Close::Silent => "silent",
        Close::BadToken => "bad-token",
        Close::TokenExpired => "token-expired",
        Close::Malformed => "malformed",
        Close::NoJoin => "no-join",
        Close::Abuse => "abuse",
        Close::Left
        | Close::GoingAway
        | Close::RoomRestarted
        | Close::Removed
        | Close::Ended
        | Close::SeatTaken => "told",
    }
}

/// A command left its room's mailbox after waiting so long.
pub fn room_lag(waited: Duration) {
    histogram!(ROOM_LAG).record(waited.as_secs_f64());
}

/// A connection was refused before it was a socket: `origin`, `full`, `malformed`, …
pub fn handshake_refused(why: &'static str) {
    counter!(HANDSHAKES_REFUSED, "why" => why).increment(1);
}

/// An HTTP request was answered.
pub fn http_request(status: u16) {
    counter!(HTTP_REQUESTS, "status" => status.to_string()).increment(1);
}

/// One more of a thing for as long as this lives.
#[derive(Debug)]
pub struct Counted(&'static str);

impl Counted {
    fn new(name: &'static str) -> Self {
        gauge!(name).increment(1.0);
        Self(name)
    }

    /// A TCP connection.
    pub fn connection() -> Self {
        Self::new(CONNECTIONS)
    }

    /// A WebSocket.
    pub fn socket() -> Self {
        Self::new(SOCKETS)
    }

    /// A room.
    pub fn room() -> Self {
        Self::new(ROOMS)
    }

    /// A peer in a room.
    pub fn peer() -> Self {
        Self::new(PEERS)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of the one line that begins with `name` in the text of `/metrics`.
    fn value(name: &str) -> f64 {
        let text = render(&recorder());
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn what_is_counted_is_rendered() {
        recorder();
        call("join", "ok");
        call("join", "bad-token");
        call("join", "ok");
        assert!(value(r#"rolecall_calls_total{method="join",outcome="ok"}"#) >= 2.0);
        room_lag(Duration::from_millis(2));
        assert!(value(r#"rolecall_room_task_lag_seconds_bucket{le="+Inf"}"#) >= 1.0);
        let before = value(ENCODES);
        encodes(3);
        assert!(value(ENCODES) >= before + 3.0);
    }

    #[test]
    fn a_gauge_falls_when_the_counted_thing_goes() {
        recorder();
        let rooms: Vec<_> = (0..5).map(|_| Counted::room()).collect();
        let with = value(ROOMS);
        drop(rooms);
        assert_eq!(with - value(ROOMS), 5.0);
    }
}
