//! How fast, how often, how long: a session's limits as pure bookkeeping over moments.

use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

use crate::{auth::LEEWAY_S, clock::Clock, config::Limits};

/// How long before its token's end a peer is told.
const TOKEN_WARNING: Duration = Duration::from_secs(30);
/// The window in which malformed frames are counted.
const MALFORMED_WINDOW: Duration = Duration::from_secs(60);
/// How many times the rate of calls a socket may send frames of any kind before it is closed.
const ABUSE_FACTOR: u32 = 10;
/// As how many calls one counts that has everybody told all that the room keeps together.
const WHOLE_ROOM_CALLS: u32 = 10;

// The monotonic clock has no state: the default one asks the processor what it is, each time.
type Bucket = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Moment>>;
type Moment = <MonotonicClock as governor::clock::Clock>::Instant;

/// The rates of one socket.
pub(super) struct Pace {
    calls: Bucket,
    frames: Bucket,
    /// What a call to tell everybody so much takes beyond the one that it is.
    whole_room: NonZeroU32,
    malformed: VecDeque<Instant>,
    malformed_max: usize,
}

impl Pace {
    pub(super) fn new(limits: &Limits) -> Self {
        let quota = |factor: u32| {
            let at_least_one =
                |n: u32| NonZeroU32::new(n.saturating_mul(factor)).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(at_least_one(limits.calls_per_second))
                .allow_burst(at_least_one(limits.calls_burst))
        };
        Self {
            calls: RateLimiter::direct_with_clock(quota(1), MonotonicClock),
            frames: RateLimiter::direct_with_clock(quota(ABUSE_FACTOR), MonotonicClock),
            // No more than a socket that was silent may ask for.
            whole_room: NonZeroU32::new((WHOLE_ROOM_CALLS - 1).min(limits.calls_burst))
                .unwrap_or(NonZeroU32::MIN),
            malformed: VecDeque::new(),
            malformed_max: limits.malformed_per_minute as usize,
        }
    }

    /// Whether one more frame of any kind is within all reason.
    pub(super) fn frame(&self) -> bool {
        self.frames.check().is_ok()
    }

    /// Whether one more call is within the limit; else how long to wait.
    pub(super) fn call(&self) -> Result<(), Duration> {
        self.calls.check().map_err(|not_until| not_until.wait_time_from(MonotonicClock.now()))
    }

    /// The same for what a call takes beyond one that has everybody told all that the room keeps
    /// together.
    pub(super) fn whole_room(&self) -> Result<(), Duration> {
        match self.calls.check_n(self.whole_room) {
            Ok(checked) => {
                checked.map_err(|not_until| not_until.wait_time_from(MonotonicClock.now()))
            }
            // Not met, as it is never more than the burst.
            Err(_) => Ok(()),
        }
    }

    /// Counts a frame that was no call; true where it was one too many.
    pub(super) fn malformed(&mut self, now: Instant) -> bool {
        while self.malformed.front().is_some_and(|at| *at + MALFORMED_WINDOW <= now) {
            self.malformed.pop_front();
        }
        self.malformed.push_back(now);
        self.malformed.len() >= self.malformed_max
    }
}

/// The heartbeat of one socket.
pub(super) struct Beat {
    interval: Duration,
    patience: Duration,
    last_heard: Instant,
    pinged: Option<Instant>,
}

/// What a heartbeat found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing to do.
    Fine,
    /// Ping now.
    Quiet,
    /// Nothing came since the ping.
    Silent,
}

impl Beat {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            interval: limits.ping_interval,
            patience: limits.pong_timeout,
            last_heard: Instant::now(),
            pinged: None,
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged = None;
    }

    /// When there is something to do next.
    pub(super) fn due(&self) -> Instant {
        self.pinged.map_or(self.last_heard + self.interval, |pinged| pinged + self.patience)
    }

    pub(super) fn pass(&mut self, now: Instant) -> Heard {
        if now < self.due() {
            return Heard::Fine;
        }
        if self.pinged.is_some() {
            return Heard::Silent;
        }
        self.pinged = Some(now);
        Heard::Quiet
    }
}

/// The term of one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    /// When the token ends, and when its leeway has passed too.
    expires: Option<(Instant, Instant)>,
    warned: bool,
}

/// What a term's passing found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TermPassed {
    /// Nothing to do.
    Nothing,
    /// So many seconds are left.
    Expiring(u64),
    /// The leeway has passed too.
    Expired,
}

impl Term {
    /// A term that ends at `exp`, in seconds since the epoch; unset: never.
    pub(super) fn new(exp: Option<u64>, clock: &Clock) -> Self {
        let left = |end: u64| end.saturating_mul(1000).saturating_sub(clock.now_ms());
        // Further away than anybody waits; and an instant has an end.
        let left =
            |end| Duration::from_millis(left(end)).min(Duration::from_secs(10 * 365 * 86400));
        let now = Instant::now();
        let ends = |exp: u64| (now + left(exp), now + left(exp.saturating_add(LEEWAY_S)));
        Self { expires: exp.map(ends), warned: false }
    }

    /// When there is something to do next.
    pub(super) fn due(&self) -> Option<Instant> {
        let (expires, over) = self.expires?;
        Some(if self.warned { over } else { expires.checked_sub(TOKEN_WARNING).unwrap_or(expires) })
    }

    pub(super) fn pass(&mut self, now: Instant) -> TermPassed {
        let Some((expires, _)) = self.expires else { return TermPassed::Nothing };
        if self.due().is_none_or(|due| now < due) {
            return TermPassed::Nothing;
        }
        if self.warned {
            return TermPassed::Expired;
        }
        self.warned = true;
        let left = expires.saturating_duration_since(now);
        TermPassed::Expiring((left.as_millis() as u64).div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_quiet_socket_is_pinged_and_a_silent_one_given_up() {
        let mut beat = Beat::new(&Limits::default());
        let start = beat.last_heard;
        assert_eq!(beat.pass(start + 24 * S), Heard::Fine);
        assert_eq!(beat.pass(start + 25 * S), Heard::Quiet);
        assert_eq!(beat.pass(start + 34 * S), Heard::Fine);
        beat.heard(start + 34 * S);
        assert_eq!(beat.pass(start + 59 * S), Heard::Quiet);
        assert_eq!(beat.pass(start + 69 * S), Heard::Silent);
    }

    #[tokio::test]
    async fn a_term_warns_once_and_ends_after_the_leeway() {
        let clock = Clock::manual(1_000_000);
        let start = Instant::now();
        let mut term = Term::new(Some(1_100), &clock);
        assert_eq!(term.pass(start + 69 * S), TermPassed::Nothing);
        assert!(matches!(term.pass(start + 71 * S), TermPassed::Expiring(28..=30)));
        assert_eq!(term.pass(start + 104 * S), TermPassed::Nothing);
        assert_eq!(term.pass(start + 106 * S), TermPassed::Expired);
        let mut short = Term::new(Some(1_010), &clock);
        assert!(matches!(short.pass(Instant::now()), TermPassed::Expiring(9..=10)));
        // The leeway is the token's, not the connection's.
        let mut late = Term::new(Some(997), &clock);
        assert_eq!(late.pass(Instant::now()), TermPassed::Expiring(0));
        assert_eq!(late.pass(start + 3 * S), TermPassed::Expired);
        assert_eq!(Term::new(None, &clock).due(), None);
    }

    #[tokio::test]
    async fn the_tenth_malformed_frame_of_a_minute_is_one_too_many() {
        let mut pace = Pace::new(&Limits::default());
        let start = Instant::now();
        assert!((0..9).all(|n| !pace.malformed(start + n * S)));
        assert!(!pace.malformed(start + 60 * S), "the first has aged out");
        assert!(pace.malformed(start + 60 * S));
    }

    #[tokio::test]
    async fn calls_beyond_the_burst_wait() {
        let pace = Pace::new(&Limits { calls_burst: 3, calls_per_second: 1, ..Limits::default() });
        assert!((0..3).all(|_| pace.call().is_ok()));
        let wait = pace.call().unwrap_err();
        assert!(wait > Duration::ZERO && wait <= S, "{wait:?}");
    }

    #[tokio::test]
    async fn what_tells_everybody_everything_counts_as_ten_calls() {
        let limits =
            |burst| Limits { calls_burst: burst, calls_per_second: 1, ..Limits::default() };
        let pace = Pace::new(&limits(25));
        for _ in 0..2 {
            assert!(pace.call().is_ok() && pace.whole_room().is_ok());
        }
        assert!(pace.call().is_ok(), "the other calls of the burst are not touched");
        assert!(pace.whole_room().unwrap_err() > S);
        assert!((0..4).all(|_| pace.call().is_ok()));
        assert!(pace.call().is_err());
        // A small burst lets one through.
        assert!(Pace::new(&limits(3)).whole_room().is_ok());
    }
}
