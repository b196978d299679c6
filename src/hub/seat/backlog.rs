//! What a socket would not take yet: whole frames, the first of which may have been begun.

use std::{
    collections::VecDeque,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::frame;

/// The unwritten rest of a seat's frames.
pub(super) struct Backlog {
    bytes: VecDeque<u8>,
    /// Bytes left of a frame whose beginning the socket has already taken.
    begun: usize,
    /// How long `bytes` may become.
    limit: usize,
    /// Runs while the socket takes nothing; started by the first poll, anew by each progress.
    stall: Option<Pin<Box<Sleep>>>,
}

impl Backlog {
    /// Keeps all of `frames` but the `written` bytes the socket took. Each slice holds whole frames.
    ///
    /// The write that starts a backlog is kept whatever its size (a snapshot may be large);
    /// `room` is what may come on top of it.
    pub(super) fn begin(frames: &[IoSlice<'_>], written: usize, room: usize) -> Self {
        let mut backlog = Self { bytes: VecDeque::new(), begun: 0, limit: room, stall: None };
        let mut taken = written;
        for slice in frames {
            let here = taken.min(slice.len());
            taken -= here;
            if here < slice.len() {
                if here > 0 {
                    backlog.begun =
                        boundary(|at| slice.get(at).copied(), 0, here, slice.len()) - here;
                }
                backlog.bytes.extend(&slice[here..]);
            }
        }
        backlog.limit += backlog.bytes.len();
        backlog
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Appends all of `frames`, or nothing and `false` where they exceed the limit by more than `reserve`.
    pub(super) fn append(&mut self, frames: &[IoSlice<'_>], reserve: usize) -> bool {
        let added: usize = frames.iter().map(|slice| slice.len()).sum();
        if self.bytes.len() + added > self.limit + reserve {
            return false;
        }
        self.bytes.reserve(added);
        for slice in frames {
            self.bytes.extend(&slice[..]);
        }
        true
    }

    /// The bytes in order, for one vectored write.
    pub(super) fn slices(&self) -> [IoSlice<'_>; 2] {
        let (front, back) = self.bytes.as_slices();
        [IoSlice::new(front), IoSlice::new(back)]
    }

    /// Forgets the first `written` bytes, which the socket took, and starts the stall's clock anew.
    pub(super) fn consume(&mut self, written: usize, stall: Duration) {
        let byte_at = |at: usize| self.bytes.get(at).copied();
        self.begun = boundary(byte_at, self.begun, written, self.bytes.len()) - written;
        self.bytes.drain(..written);
        if let Some(timer) = &mut self.stall {
            timer.as_mut().set(sleep(stall));
        }
    }

    /// Drops every frame of which the socket has taken nothing.
    ///
    /// What is left must still be sent before anything else, or the reader would take the next
    /// frame for the rest of the one begun.
    pub(super) fn keep_begun_frame(&mut self) {
        self.bytes.truncate(self.begun);
        self.bytes.shrink_to_fit();
    }

    /// Ready once the socket has taken nothing for `stall`.
    pub(super) fn poll_stalled(&mut self, cx: &mut Context<'_>, stall: Duration) -> Poll<()> {
        self.stall.get_or_insert_with(|| Box::pin(sleep(stall))).as_mut().poll(cx)
    }
}

/// The first frame boundary at or after `position`, walking from the boundary `start`; `end` is one.
fn boundary(
    byte_at: impl Fn(usize) -> Option<u8>,
    start: usize,
    position: usize,
    end: usize,
) -> usize {
    let mut at = start;
    while at < position {
        let Some(len) = frame::len_at(|offset| byte_at(at + offset)) else { return end };
        at = at.saturating_add(len);
    }
    debug_assert!(at <= end, "a frame ends beyond the bytes that hold it");
    at.min(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(lens: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for len in lens {
            frame::put_text(&mut bytes, &[&vec![b'x'; *len]]);
        }
        bytes
    }

    /// The boundaries of frames with payloads of `lens` bytes.
    fn boundaries(lens: &[usize]) -> Vec<usize> {
        lens.iter()
            .scan(0, |at, len| {
                *at += frame::framed_len(*len);
                Some(*at)
            })
            .collect()
    }

    #[test]
    fn keeps_the_rest_of_the_begun_frame_only() {
        let lens = [0, 3, 125, 126, 300, 70_000, 1];
        let bytes = frames(&lens);
        let mut cuts: Vec<usize> = (0..700).collect();
        cuts.extend([560, 10_000, 70_571, 70_572, bytes.len() - 1]);
        for written in cuts {
            for more in [0, 1, 2, 5, 130, 400] {
                let at = written + more;
                if at >= bytes.len() {
                    continue;
                }
                let split = boundaries(&lens)[2];
                let slices = [IoSlice::new(&bytes[..split]), IoSlice::new(&bytes[split..])];
                let mut backlog = Backlog::begin(&slices, written, 10);
                assert_eq!(backlog.len(), bytes.len() - written);
                backlog.consume(more, Duration::from_secs(1));
                let end = boundaries(&lens).into_iter().find(|end| *end >= at).unwrap();
                let begun = if at == 0 { 0 } else { end - at };
                backlog.keep_begun_frame();
                assert_eq!(backlog.bytes, &bytes[at..at + begun], "{written} and {more} written");
            }
        }
    }

    #[test]
    fn bounds_what_comes_on_top_of_the_first_write() {
        let large = frames(&[1_000]);
        let small = frames(&[8]);
        let mut backlog = Backlog::begin(&[IoSlice::new(&large)], 4, 20);
        assert!(backlog.append(&[IoSlice::new(&small)], 0));
        assert!(backlog.append(&[IoSlice::new(&small)], 0));
        assert!(!backlog.append(&[IoSlice::new(&small)], 9));
        assert_eq!(backlog.len(), 1_000 + 20, "a refused write leaves nothing behind");
        assert!(backlog.append(&[IoSlice::new(&small)], 10));
    }
}
