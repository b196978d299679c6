//! How long a token lets its bearer stay, as pure bookkeeping over moments.

use std::time::Duration;

use tokio::time::Instant;

use super::LEEWAY_S;
use crate::clock::Clock;

/// How long before its token's end a peer is told.
const TOKEN_WARNING: Duration = Duration::from_secs(30);

/// The term of one token.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// When the token ends, and when its leeway has passed too.
    expires: Option<(Instant, Instant)>,
    warned: bool,
}

/// What a term's passing found.
#[derive(Debug, PartialEq, Eq)]
pub enum TermPassed {
    /// Nothing to do.
    Nothing,
    /// So many seconds are left.
    Expiring(u64),
    /// The leeway has passed too.
    Expired,
}

impl Term {
    /// A term that ends at `exp`, in seconds since the epoch; unset: never.
    #[must_use]
    pub fn new(exp: Option<u64>, clock: &Clock) -> Self {
        let left = |end: u64| end.saturating_mul(1000).saturating_sub(clock.now_ms());
        // Further away than anybody waits; and an instant has an end.
        let left =
            |end| Duration::from_millis(left(end)).min(Duration::from_secs(10 * 365 * 86400));
        let now = Instant::now();
        let ends = |exp: u64| (now + left(exp), now + left(exp.saturating_add(LEEWAY_S)));
        Self { expires: exp.map(ends), warned: false }
    }

    /// When there is something to do next.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let (expires, over) = self.expires?;
        Some(if self.warned { over } else { expires.checked_sub(TOKEN_WARNING).unwrap_or(expires) })
    }

    /// What there is to do now; a warning is taken as given.
    pub fn pass(&mut self, now: Instant) -> TermPassed {
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
}
