//! What a room will say and do once its records are committed, in order. It must not decide.

use std::sync::Arc;

use rolecall_protocol::{
    id::PeerId,
    room::Audience,
    wire::code::{self, ErrorBody},
};
use tokio::sync::oneshot;

use super::{
    Resumed, Seated,
    fanout::Fanout,
    seat::{Close, Seat},
};
use crate::metrics;

/// The audience class of a seat: what is encoded once for all of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    /// Whether its members see hidden peers.
    pub(super) sees_hidden: bool,
    /// Whether they are spoken to natively; the others hear what is translated for each.
    pub(super) native: bool,
}

const SEERS: Class = Class { sees_hidden: true, native: true };
const REST: Class = Class { sees_hidden: false, native: true };

/// One thing to say or do.
pub(super) enum Output {
    /// A notice, encoded.
    Notice(Audience, Arc<str>),
    /// A frame for one peer: a reply, or a notice told again.
    Private(PeerId, Arc<str>),
    /// The join reply, in parts.
    Snapshot(PeerId, Vec<Arc<str>>),
    /// A socket is a peer's from now on.
    Attach(PeerId, Arc<Seat>, Class),
    /// A peer is in that audience from now on.
    Turn(PeerId, Class),
    /// A peer's socket is his no more.
    Detach(PeerId),
    /// A peer's socket is closed behind what it was told.
    Close(PeerId, Close),
    /// A session learns that its join went through.
    Joined(oneshot::Sender<Result<Seated, ErrorBody>>, Seated),
    /// A session learns that its resume went through.
    Resumed(oneshot::Sender<Result<(Seated, Resumed), ErrorBody>>, Seated, Resumed),
    /// Whoever waits for something else is told.
    Then(Box<dyn FnOnce() + Send>),
}

/// Says and does one thing.
pub(super) fn tell(fanout: &mut Fanout<PeerId, Class>, output: Output) {
    match output {
        Output::Notice(audience, text) => {
            // Single peers who hear it with their class are not told twice.
            let singles = audience.also.iter().filter(|peer| {
                let class = fanout.class_of(peer);
                class.is_some_and(|class| {
                    class.native && !audience.reaches_class(class.sees_hidden, peer)
                })
            });
            let singles: Vec<PeerId> = singles.cloned().collect();
            let groups = [(audience.seers, SEERS), (audience.rest, REST)];
            for (_, class) in groups.into_iter().filter(|(told, _)| *told) {
                fanout.publish(class, audience.except.as_ref(), text.as_bytes());
            }
            fanout.send_shared(&singles, text.as_bytes());
        }
        Output::Private(peer, text) => fanout.send(&peer, text.as_bytes()),
        Output::Snapshot(peer, parts) => {
            let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
            fanout.send_parts([&peer], &parts);
        }
        Output::Attach(peer, seat, class) => fanout.attach(peer, seat, class),
        Output::Turn(peer, class) => fanout.set_class(&peer, class),
        Output::Detach(peer) => fanout.detach(&peer),
        Output::Close(peer, close) => {
            metrics::dropped(close_word(close.code));
            fanout.close(&peer, close);
        }
        Output::Joined(answer, seated) => {
            let _ = answer.send(Ok(seated));
        }
        Output::Resumed(answer, seated, resumed) => {
            let _ = answer.send(Ok((seated, resumed)));
        }
        Output::Then(then) => then(),
    }
}

/// A word for metrics.
const fn close_word(code: u16) -> &'static str {
    match code {
        1000 => "left",
        4502 => "removed",
        4503 => "ended",
        4504 => "seat-taken",
        _ => "other",
    }
}

/// A close of the registry's, as seats know it.
pub(super) fn native_close(close: code::Close) -> Close {
    Close::new(close.code(), close.reason())
}

/// The same with what was said of why, where something was.
pub(super) fn close_with(close: code::Close, note: Option<&str>) -> Close {
    match note.filter(|note| !note.is_empty()) {
        Some(note) => Close::new(close.code(), note.to_owned()),
        None => native_close(close),
    }
}
