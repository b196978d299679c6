//! The outcomes of a peer's last calls, for calls sent again after a resume because their reply
//! was lost with the socket. It must not know what the calls did.

use std::{collections::VecDeque, sync::Arc};

use rolecall_protocol::{id::Timestamp, wire::frame::CallId};

/// Replies kept, bounded in number and age.
#[derive(Debug, Default)]
pub(super) struct CallsKept {
    kept: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    id: CallId,
    hash: u64,
    socket: u32,
    at: Timestamp,
    reply: Arc<str>,
}

impl CallsKept {
    /// The first outcome of a call with that id and content, made on an earlier socket. The same id
    /// on the same socket is another call: only a lost socket loses replies.
    pub(super) fn first_outcome(&self, id: &CallId, hash: u64, socket: u32) -> Option<&Arc<str>> {
        let earlier = |kept: &&Kept| kept.socket < socket && kept.hash == hash && kept.id == *id;
        self.kept.iter().rev().find(earlier).map(|kept| &kept.reply)
    }

    /// Keeps an outcome.
    pub(super) fn keep(
        &mut self,
        id: CallId,
        hash: u64,
        socket: u32,
        at: Timestamp,
        reply: Arc<str>,
        max: usize,
    ) {
        while self.kept.len() >= max.max(1) {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { id, hash, socket, at, reply });
    }

    /// Forgets what is older than `keep_ms`.
    pub(super) fn expire(&mut self, now: Timestamp, keep_ms: u64) {
        while self.kept.front().is_some_and(|kept| kept.at.plus(keep_ms) <= now) {
            self.kept.pop_front();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }

    /// When the oldest may be forgotten.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.kept.front().map(|kept| kept.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_protocol::wire::frame::read_call;

    fn id(text: &str) -> CallId {
        read_call(&format!(r#"{{"jsonrpc":"2.0","id":{text},"method":"x"}}"#)).unwrap().id
    }

    #[test]
    fn only_the_same_call_on_a_later_socket_is_a_repetition() {
        let mut kept = CallsKept::default();
        kept.keep(id("1"), 7, 1, Timestamp(0), "first".into(), 10);
        assert_eq!(kept.first_outcome(&id("1"), 7, 1), None);
        assert_eq!(kept.first_outcome(&id("1"), 7, 2).map(|r| &**r), Some("first"));
        assert_eq!(kept.first_outcome(&id("1"), 8, 2), None);
        assert_eq!(kept.first_outcome(&id("\"1\""), 7, 2), None);
    }

    #[test]
    fn it_is_bounded_in_number_and_age() {
        let mut kept = CallsKept::default();
        for n in 0..3 {
            kept.keep(id(&n.to_string()), 0, 1, Timestamp(n), "r".into(), 2);
        }
        assert!(kept.first_outcome(&id("0"), 0, 2).is_none());
        assert!(kept.first_outcome(&id("1"), 0, 2).is_some());
        kept.expire(Timestamp(101), 100);
        assert!(kept.first_outcome(&id("1"), 0, 2).is_none());
        assert_eq!(kept.oldest(), Some(Timestamp(2)));
    }
}
