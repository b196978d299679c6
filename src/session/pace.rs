//! How fast and how often: a session's rates as pure bookkeeping over moments.

use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

use crate::config::Limits;

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

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

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
