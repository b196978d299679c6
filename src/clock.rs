//! The only file that reads a clock: moments as milliseconds since the Unix epoch.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Where the house learns what time it is: the system's clock, or one that a test moves by hand.
///
/// Clones of a manual clock share their time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `ms` until [`Clock::set`] or [`Clock::advance`] moves it.
    pub fn manual(ms: u64) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(ms))))
    }

    /// Milliseconds since the Unix epoch; zero if the system's clock stands before it.
    pub fn now_ms(&self) -> u64 {
        match &self.0 {
            Source::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the one clock of the house")]
                let now = SystemTime::now();
                let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Source::Manual(ms) => ms.load(Ordering::SeqCst),
        }
    }

    /// Whole seconds since the Unix epoch, the unit of a token's claims.
    pub fn now_s(&self) -> u64 {
        self.now_ms() / 1000
    }

    /// Moves a manual clock to `ms`; the system's clock is not ours to move, and stays.
    pub fn set(&self, ms: u64) {
        if let Source::Manual(now) = &self.0 {
            now.store(ms, Ordering::SeqCst);
        }
    }

    /// Moves a manual clock forward; the system's clock stays.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_all_its_clones_with_it() {
        let clock = Clock::manual(1_500);
        let twin = clock.clone();
        assert_eq!((twin.now_ms(), twin.now_s()), (1_500, 1));
        clock.advance(Duration::from_secs(2));
        assert_eq!((twin.now_ms(), twin.now_s()), (3_500, 3));
        clock.set(7);
        assert_eq!(twin.now_ms(), 7);
    }

    #[test]
    fn the_system_clock_stands_after_2025_and_cannot_be_set() {
        let clock = Clock::system();
        clock.set(0);
        assert!(clock.now_ms() > 1_735_689_600_000);
    }
}
