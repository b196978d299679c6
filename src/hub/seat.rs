//! The write side of one WebSocket's TCP socket, shared by the room that speaks and the session that reads.
//!
//! The room's task writes encoded frames straight to the socket with a non-blocking write; what the
//! socket would not take is kept in a bounded backlog, which the session's task drains. What
//! tungstenite itself has to say (pongs, close frames) goes through the same seat, so frames never
//! interleave. A seat knows nothing of rooms, and a [`Socket`] nothing of what its messages mean.

mod backlog;
pub mod beat;
pub(crate) mod frame;
mod socket;

use std::{
    borrow::Cow,
    fmt,
    future::poll_fn,
    io::{self, IoSlice},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::task::AtomicWaker;
use rolecall_protocol::wire::code;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

use crate::{config::Limits, metrics};
use backlog::Backlog;
pub use socket::{Socket, websocket_config};

/// What a close frame has room for beside its code (RFC 6455, 5.5).
const CLOSE_REASON_BYTES: usize = 123;
/// Room kept for the close frame of a seat whose backlog is full.
const CLOSE_RESERVE_BYTES: usize = 256;

/// The bounds of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatLimits {
    /// Unwritten bytes a seat may keep beyond the write that found the socket full; then close 4001.
    pub backlog_bytes: usize,
    /// How long a full socket may take nothing; then close 4001.
    pub stall: Duration,
    /// How long a closing socket may take to hear the close frame and answer it.
    pub linger: Duration,
    /// The kernel's send buffer (`SO_SNDBUF`; Linux doubles it); `None` leaves it to the kernel,
    /// which may then swallow megabytes for a reader that sleeps.
    pub send_buffer_bytes: Option<usize>,
    /// Bytes of one read; an idle connection keeps a buffer of this size.
    pub read_buffer_bytes: usize,
    /// The largest message and the largest frame read; then close 1009.
    pub message_bytes: usize,
    /// Bytes of frame headers and empty fragments allowed between two messages; then close 4507.
    pub fragment_bytes: usize,
}

impl SeatLimits {
    /// As the house is set.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self {
            backlog_bytes: limits.backlog_bytes,
            message_bytes: limits.frame_bytes,
            ..Self::default()
        }
    }
}

impl Default for SeatLimits {
    fn default() -> Self {
        Self {
            backlog_bytes: 256 * 1024,
            stall: Duration::from_secs(5),
            linger: Duration::from_secs(2),
            send_buffer_bytes: Some(128 * 1024),
            read_buffer_bytes: 1024,
            message_bytes: 64 * 1024,
            fragment_bytes: 16 * 1024,
        }
    }
}

/// Why the server closes a socket: a close code and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The code; 4000 to 4499 mean come back, 4500 to 4999 stay away.
    pub code: u16,
    /// The reason; cut to the 123 bytes a close frame has room for.
    pub reason: Cow<'static, str>,
}

impl Close {
    /// The reader is too slow for the room.
    pub const TOO_SLOW: Self = Self { code: 4001, reason: Cow::Borrowed("too slow") };
    /// The room's task ended without a word; its sockets may come back.
    pub const ROOM_RESTARTED: Self = Self { code: 4003, reason: Cow::Borrowed("room restarted") };
    /// The reader sends fragments or empty frames without end.
    pub const FRAGMENT_FLOOD: Self =
        Self { code: 4507, reason: Cow::Borrowed("too many fragments") };

    /// A close with `code` and `reason`.
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// Counts it where the seat itself found it necessary; what it was told counts whoever tells it.
    pub fn count_own(&self) {
        if *self == Self::TOO_SLOW {
            metrics::closed(code::Close::TooSlow);
        } else if *self == Self::FRAGMENT_FLOOD {
            metrics::closed(code::Close::Abuse);
        }
    }

    fn into_frame(self) -> CloseFrame {
        let end = self.reason.floor_char_boundary(CLOSE_REASON_BYTES);
        CloseFrame { code: CloseCode::from(self.code), reason: self.reason[..end].into() }
    }
}

/// How a seat ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The server closes it: the session hangs up with these words.
    Told(Close),
    /// The socket failed; there is nobody left to tell.
    Broken,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The socket took all of it.
    Sent,
    /// The socket is full; the rest waits in the backlog.
    Kept,
    /// The seat is closing or broken; the write was dropped.
    Dropped,
}

/// The write side of one WebSocket.
///
/// An idle seat holds no buffer. Its lock is never held across an await.
pub struct Seat {
    tcp: TcpStream,
    limits: SeatLimits,
    state: Mutex<State>,
    /// The session's task, which drains the backlog and hangs up.
    session: AtomicWaker,
}

#[derive(Default)]
struct State {
    backlog: Option<Box<Backlog>>,
    closing: Option<Close>,
    broken: bool,
}

impl Seat {
    /// Takes a connected socket and sets its options. Must be called within a tokio runtime.
    fn new(tcp: TcpStream, limits: SeatLimits) -> io::Result<Arc<Self>> {
        tcp.set_nodelay(true)?;
        if let Some(bytes) = limits.send_buffer_bytes {
            SockRef::from(&tcp).set_send_buffer_size(bytes)?;
        }
        let (state, session) = (Mutex::default(), AtomicWaker::new());
        Ok(Arc::new(Self { tcp, limits, state, session }))
    }

    /// Writes whole frames without blocking.
    pub fn write(&self, frames: &[u8]) -> Written {
        self.write_vectored(&[IoSlice::new(frames)])
    }

    /// Writes whole frames without blocking, as one write; each slice holds whole frames.
    ///
    /// When the backlog overflows the seat closes with [`Close::TOO_SLOW`] and forgets it.
    pub fn write_vectored(&self, frames: &[IoSlice<'_>]) -> Written {
        let mut state = self.lock();
        if state.closing.is_some() {
            return Written::Dropped;
        }
        let had_backlog = state.backlog.is_some();
        let written = self.accept(&mut state, frames, 0);
        drop(state);
        self.wake_for(written, had_backlog);
        written
    }

    /// Asks the session to hang up with `close` once what was written before has been sent; later
    /// writes are dropped. The first close wins; the answer is the one that did.
    pub fn close(&self, close: Close) -> Close {
        let mut state = self.lock();
        let close = state.closing.get_or_insert(close).clone();
        drop(state);
        self.session.wake();
        close
    }

    /// Drains the backlog for as long as it is polled, and ends when the seat is to be closed.
    ///
    /// The session's loop selects on it; it may be dropped and called anew at any time, but only by
    /// one task at a time. While nobody polls it a backlog waits, and a stall goes unnoticed.
    pub async fn closing(&self) -> Closing {
        poll_fn(|cx| self.poll_closing(cx)).await
    }

    /// Ends when the backlog has been written, or given up.
    pub async fn drained(&self) {
        poll_fn(|cx| self.poll_drained(cx)).await;
    }

    /// Bytes that wait for the socket.
    pub fn backlog_bytes(&self) -> usize {
        self.lock().backlog.as_ref().map_or(0, |backlog| backlog.len())
    }

    /// Whether writes are dropped from now on.
    pub fn is_closed(&self) -> bool {
        let state = self.lock();
        state.broken || state.closing.is_some()
    }

    fn poll_closing(&self, cx: &mut Context<'_>) -> Poll<Closing> {
        self.session.register(cx.waker());
        let mut state = self.lock();
        if state.closing.is_none() {
            let _ = self.poll_drain(&mut state, cx);
        }
        match &state.closing {
            _ if state.broken => Poll::Ready(Closing::Broken),
            Some(close) => Poll::Ready(Closing::Told(close.clone())),
            None => Poll::Pending,
        }
    }

    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_drain(&mut self.lock(), cx)
    }

    /// Writes the backlog while the socket takes it. Ready when there is none left.
    fn poll_drain(&self, state: &mut State, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(backlog) = &mut state.backlog {
            match self.tcp.poll_write_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    state.break_off();
                    break;
                }
                Poll::Pending => {
                    ready!(backlog.poll_stalled(cx, self.limits.stall));
                    // A second stall while closing: not even the close frame will pass.
                    if state.closing.is_some() {
                        state.break_off();
                    } else {
                        state.overflow();
                    }
                    break;
                }
            }
            match self.tcp.try_write_vectored(&backlog.slices()) {
                Ok(written) => backlog.consume(written, self.limits.stall),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => state.break_off(),
            }
            state.forget_empty_backlog();
        }
        Poll::Ready(())
    }

    /// Writes frames of the session itself: pongs, pings, replies before the join, the close frame.
    ///
    /// Unlike a room's they still pass while the seat is closing. `false` when the socket is broken.
    fn write_own(&self, frames: &[u8]) -> bool {
        let mut state = self.lock();
        let reserve = if state.closing.is_some() { CLOSE_RESERVE_BYTES } else { 0 };
        let had_backlog = state.backlog.is_some();
        let written = self.accept(&mut state, &[IoSlice::new(frames)], reserve);
        let broken = state.broken;
        drop(state);
        self.wake_for(written, had_backlog);
        !broken
    }

    /// Wakes the session when a write left it something to do: a backlog to drain, or to hang up.
    fn wake_for(&self, written: Written, had_backlog: bool) {
        if written == Written::Dropped || (written == Written::Kept && !had_backlog) {
            self.session.wake();
        }
    }

    fn accept(&self, state: &mut State, frames: &[IoSlice<'_>], reserve: usize) -> Written {
        if state.broken {
            return Written::Dropped;
        }
        if let Some(backlog) = &mut state.backlog {
            if backlog.append(frames, reserve) {
                return Written::Kept;
            }
            state.overflow();
            return Written::Dropped;
        }
        match self.try_write_all(frames) {
            Ok(None) => Written::Sent,
            Ok(Some(written)) => {
                let backlog = Backlog::begin(frames, written, self.limits.backlog_bytes);
                state.backlog = Some(Box::new(backlog));
                Written::Kept
            }
            Err(_) => {
                state.break_off();
                Written::Dropped
            }
        }
    }

    /// Writes until the socket would block: `None` when it took everything, else how much it took.
    fn try_write_all(&self, frames: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        let total: usize = frames.iter().map(|slice| slice.len()).sum();
        let mut written = 0;
        while written < total {
            let result = match frames {
                [one] => self.tcp.try_write(&one[written..]),
                _ if written == 0 => self.tcp.try_write_vectored(frames),
                _ => self.tcp.try_write_vectored(&after(frames, written)),
            };
            match result {
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Some(written));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Drops what the reader was too slow for, and closes unless the seat is closing already.
    fn overflow(&mut self) {
        self.closing.get_or_insert(Close::TOO_SLOW);
        if let Some(backlog) = &mut self.backlog {
            backlog.keep_begun_frame();
        }
        self.forget_empty_backlog();
    }

    fn break_off(&mut self) {
        self.broken = true;
        self.backlog = None;
    }

    fn forget_empty_backlog(&mut self) {
        if self.backlog.as_ref().is_some_and(|backlog| backlog.is_empty()) {
            self.backlog = None;
        }
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Seat")
            .field("backlog_bytes", &state.backlog.as_ref().map_or(0, |backlog| backlog.len()))
            .field("closing", &state.closing)
            .field("broken", &state.broken)
            .finish_non_exhaustive()
    }
}

/// The slices without their first `skip` bytes.
fn after<'a>(frames: &'a [IoSlice<'_>], mut skip: usize) -> Vec<IoSlice<'a>> {
    let mut rest = Vec::with_capacity(frames.len());
    for slice in frames {
        let here = skip.min(slice.len());
        skip -= here;
        if here < slice.len() {
            rest.push(IoSlice::new(&slice[here..]));
        }
    }
    rest
}

#[cfg(test)]
pub(crate) mod tests;
