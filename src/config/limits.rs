//! `Limits`: every bound of the server by its name, with the value it has when nobody sets it.

use std::time::Duration;

use figment::value::{Dict, Value};
use rolecall_protocol::room::session_data::SESSION_DATA_CAP;
use serde::{Deserialize, Serialize};

use super::units;

/// The journal's file must have room for a room or two, and is no larger than SQLite makes them.
const JOURNAL_BYTES_MIN: usize = 256 * 1024;
/// See [`JOURNAL_BYTES_MIN`].
const JOURNAL_BYTES_MAX: u64 = 16 << 40;

/// The bounds of the `[limits]` table. Every queue, term and rate of the server is one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// A socket that has neither joined nor resumed after this is closed (4506).
    #[serde(with = "units::duration")]
    pub join_timeout: Duration,
    /// The server pings a silent socket this often.
    #[serde(with = "units::duration")]
    pub ping_interval: Duration,
    /// A socket that stays silent this long after a ping is closed (4002).
    #[serde(with = "units::duration")]
    pub pong_timeout: Duration,
    /// The largest frame a socket may send (else 1009).
    #[serde(with = "units::bytes")]
    pub frame_bytes: usize,
    /// Calls a socket may make in a second, lastingly (else 429).
    pub calls_per_second: u32,
    /// Calls a socket may make at once after a pause.
    pub calls_burst: u32,
    /// The frame in a minute that is not JSON-RPC at which a socket is closed (4505).
    pub malformed_per_minute: u32,
    /// What waits for a socket that does not read; more closes it (4001).
    #[serde(with = "units::bytes")]
    pub backlog_bytes: usize,
    /// What may wait for a room: sockets wait their turn, requests get 503.
    pub mailbox: usize,
    /// Commands a room takes from its mailbox for one append to the journal.
    pub drain: usize,
    /// Peers in one room (else 403 `room-full`).
    pub peers_per_room: usize,
    /// Rooms alive at once (else 503).
    pub rooms: usize,
    /// Rooms remembered at once, asleep ones that ended or block somebody included (else 503).
    pub rooms_remembered: usize,
    /// Rooms forgotten whose audit trail on disk is kept its time (beyond, the oldest go earlier).
    pub trails_kept: usize,
    /// Users written down at once, deleted ones that can be restored included (else 400).
    pub users_max: usize,
    /// Connections open at once, HTTP and WebSocket together.
    pub connections: usize,
    /// A connection must have sent its request's head within this.
    #[serde(with = "units::duration")]
    pub handshake_timeout: Duration,
    /// A request must have been answered within this.
    #[serde(with = "units::duration")]
    pub request_timeout: Duration,
    /// A connection that is not a WebSocket is closed after this.
    #[serde(with = "units::duration")]
    pub connection_lifetime: Duration,
    /// The head of a request, its line and all its headers (else 431).
    #[serde(with = "units::bytes")]
    pub header_bytes: usize,
    /// The body of a request (else 413).
    #[serde(with = "units::bytes")]
    pub body_bytes: usize,
    /// Requests a minute of the back end over REST, all together (else 429).
    pub rest_per_minute_server: u32,
    /// Requests a minute of one user over REST, and of one address without a token (else 429).
    pub rest_per_minute_user: u32,
    /// Notices a room keeps for those who resume; who missed more starts anew.
    pub notices_kept: usize,
    /// Outcomes of calls a room keeps of each peer, for calls repeated after a resume.
    pub calls_kept: usize,
    /// How long it keeps them.
    #[serde(with = "units::duration")]
    pub calls_kept_for: Duration,
    /// A role request nobody answers expires after this.
    #[serde(with = "units::duration")]
    pub role_request_ttl: Duration,
    /// What the peers of a session keep together, as JSON; at most 1 MiB (else 413 `too-large`).
    #[serde(with = "units::bytes")]
    pub session_data_bytes: usize,
    /// How many may wait before one private room; beyond it 413.
    pub waiting_per_room: usize,
    /// A room nobody is in is put to sleep after this.
    #[serde(with = "units::duration")]
    pub room_idle: Duration,
    /// Records of a room that the journal keeps in memory; half as many call for a snapshot.
    pub journal_records_kept: usize,
    /// Records of a room after which a snapshot is taken in any case, however soon.
    pub journal_tail: usize,
    /// The journal's file on disk; what is more is not stored (503).
    #[serde(with = "units::bytes")]
    pub journal_bytes: usize,
    /// How long a stopping server waits for what is under way.
    #[serde(with = "units::duration")]
    pub shutdown_timeout: Duration,
}

impl Limits {
    /// How long a room must know what was told and what was called, where seats are kept for
    /// `grace`: until nobody can come back whose socket was lost, and nobody sends a call again.
    #[must_use]
    pub fn remembered(&self, grace: Duration) -> Duration {
        grace + self.ping_interval + self.pong_timeout + self.calls_kept_for
    }
}

impl Default for Limits {
    fn default() -> Self {
        const fn s(seconds: u64) -> Duration {
            Duration::from_secs(seconds)
        }
        const KIB: usize = 1024;
        Self {
            join_timeout: s(10),
            ping_interval: s(25),
            pong_timeout: s(10),
            frame_bytes: 64 * KIB,
            calls_per_second: 100,
            calls_burst: 200,
            malformed_per_minute: 10,
            backlog_bytes: 256 * KIB,
            mailbox: 256,
            drain: 64,
            peers_per_room: 10_000,
            rooms: 100_000,
            rooms_remembered: 200_000,
            trails_kept: 200_000,
            users_max: 200_000,
            connections: 100_000,
            handshake_timeout: s(5),
            request_timeout: s(30),
            connection_lifetime: s(120),
            header_bytes: 16 * KIB,
            body_bytes: 1024 * KIB,
            rest_per_minute_server: 60_000,
            rest_per_minute_user: 1000,
            notices_kept: 1024,
            calls_kept: 1024,
            calls_kept_for: s(120),
            role_request_ttl: s(60),
            session_data_bytes: 100 * KIB,
            waiting_per_room: 200,
            room_idle: s(60),
            journal_records_kept: 1000,
            journal_tail: 200_000,
            journal_bytes: 16 << 30,
            shutdown_timeout: s(10),
        }
    }
}

/// A bound of nothing would stop the server, and an absurd one would bound nothing.
pub(super) fn check(limits: &Limits) -> Result<(), (String, String)> {
    let values: Dict = Value::serialize(limits).ok().and_then(Value::into_dict).unwrap_or_default();
    for (name, value) in values {
        let zero = value.as_str() == Some("0s") || value.to_u128() == Some(0);
        if zero {
            return Err((name, "`0` would let nothing through".to_owned()));
        }
        // A file may be larger than anything in memory.
        let max = if name == "journal_bytes" { JOURNAL_BYTES_MAX } else { u64::from(u32::MAX) };
        if let Some(number) = value.to_u128().filter(|number| *number > u128::from(max)) {
            return Err((name, format!("`{number}` is more than {max}")));
        }
    }
    if limits.journal_bytes < JOURNAL_BYTES_MIN {
        let problem = format!("`{}` is less than {JOURNAL_BYTES_MIN}", limits.journal_bytes);
        return Err(("journal_bytes".to_owned(), problem));
    }
    if limits.session_data_bytes > SESSION_DATA_CAP {
        let problem = format!("`{}` is more than {SESSION_DATA_CAP}", limits.session_data_bytes);
        return Err(("session_data_bytes".to_owned(), problem));
    }
    Ok(())
}
