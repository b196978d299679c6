//! Whether the other end of a socket lives, as pure bookkeeping over moments.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;

/// The heartbeat of one socket.
pub struct Beat {
    interval: Duration,
    patience: Duration,
    last_heard: Instant,
    pinged: Option<Instant>,
}

/// What a heartbeat found.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing to do.
    Fine,
    /// Ping now.
    Quiet,
    /// Nothing came since the ping.
    Silent,
}

impl Beat {
    /// The heartbeat of a socket that opens now.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            interval: limits.ping_interval,
            patience: limits.pong_timeout,
            last_heard: Instant::now(),
            pinged: None,
        }
    }

    /// Something came.
    pub fn heard(&mut self, now: Instant) {
        self.last_heard = now;
        self.pinged = None;
    }

    /// When there is something to do next.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.pinged.map_or(self.last_heard + self.interval, |pinged| pinged + self.patience)
    }

    /// What there is to do now; to ping is taken as done.
    pub fn pass(&mut self, now: Instant) -> Heard {
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
}
