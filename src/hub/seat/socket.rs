//! The session's end of a WebSocket: tungstenite reading from the socket and writing through its seat.
//!
//! Why tungstenite never tears a frame (0.30, `FrameCodec::buffer_frame` and `write_out_buffer`): it
//! formats each frame whole into its out buffer and then hands the stream the whole buffer, dropping
//! from it what the stream says it took. [`SeatStream`] always takes everything, so every buffer it
//! is handed begins and ends at a frame's boundary. A write buffer of 0 makes that one frame a write.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use super::{Close, Closing, Seat, SeatLimits};

/// The longest frame header: what a message of the largest size needs beside its payload.
const FRAME_HEADER_BYTES: usize = 14;

/// What tungstenite is told, so that everything it buffers is bounded.
pub fn websocket_config(limits: &SeatLimits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(limits.read_buffer_bytes)
        .write_buffer_size(0)
        .max_write_buffer_size(limits.message_bytes + FRAME_HEADER_BYTES)
        .max_message_size(Some(limits.message_bytes))
        .max_frame_size(Some(limits.message_bytes))
}

/// One WebSocket after its handshake, as its session sees it.
///
/// The session's loop selects on [`Self::receive`] and [`Seat::closing`], and ends with
/// [`Self::hang_up`]. Dropping it shuts the socket down, whoever else still holds the seat.
#[derive(Debug)]
pub struct Socket {
    websocket: WebSocketStream<SeatStream>,
}

impl Socket {
    /// Takes over a socket whose handshake is done; `leftover` is what was read beyond it.
    ///
    /// # Errors
    /// When the socket refuses its options.
    pub async fn open(tcp: TcpStream, leftover: Bytes, limits: SeatLimits) -> io::Result<Self> {
        let stream = SeatStream { seat: Seat::new(tcp, limits)?, since_message: 0 };
        let config = Some(websocket_config(&limits));
        // A copy: turned into a vector, the slice would take along the 8 KiB buffer it was cut from.
        let leftover = leftover.to_vec();
        let websocket =
            WebSocketStream::from_partially_read(stream, leftover, Role::Server, config).await;
        Ok(Self { websocket })
    }

    /// The write side, for the room.
    pub fn seat(&self) -> &Arc<Seat> {
        &self.websocket.get_ref().seat
    }

    /// The next message, pings and pongs included; `None` when the socket is closed.
    ///
    /// A ping has been answered by the time the next message is asked for. Safe to drop and call anew.
    ///
    /// # Errors
    /// Whatever the reader did wrong; [`Self::hang_up`] may still tell it so.
    pub async fn receive(&mut self) -> Option<Result<Message, Error>> {
        let message = self.websocket.next().await;
        self.websocket.get_mut().since_message = 0;
        message
    }

    /// Sends a message of the session's own, in order with what the room writes; never waits.
    ///
    /// # Errors
    /// When the socket is closed, or the message larger than [`SeatLimits::message_bytes`].
    pub async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.websocket.send(message).await
    }

    /// Closes: sends what was written before and the close frame, awaits the answer, and ends the
    /// stream; all within [`SeatLimits::linger`]. A close the seat was told before wins.
    pub async fn hang_up(&mut self, close: Close) {
        let seat = Arc::clone(self.seat());
        let close = seat.close(close);
        if seat.closing().await == Closing::Broken {
            return;
        }
        // Boxed: the session's task carries it only while it ends.
        let _ = timeout(seat.limits.linger, Box::pin(self.say_goodbye(close))).await;
    }

    async fn say_goodbye(&mut self, close: Close) {
        // tungstenite would put a pong still owed behind the close frame. A peer that closed first
        // is answered here, and the close frame is then refused.
        let _ = self.websocket.flush().await;
        let _ = self.websocket.send(Message::Close(Some(close.into_frame()))).await;
        self.seat().clone().drained().await;
        while let Some(Ok(_)) = self.receive().await {}
        let stream = self.websocket.get_mut();
        if stream.shutdown().await.is_err() {
            return;
        }
        // Unread bytes would turn the end into a reset, which may overtake the close frame.
        let mut unread = [0; 1024];
        while let Ok(1..) = stream.read(&mut unread).await {
            stream.since_message = 0;
        }
    }
}

/// What tungstenite takes for the socket: reads from it, writes through its seat.
#[derive(Debug)]
struct SeatStream {
    seat: Arc<Seat>,
    /// Bytes read since tungstenite last had a message to show for them.
    since_message: usize,
}

impl SeatStream {
    /// tungstenite bounds a message by its payload, not by the number of its (empty) fragments.
    fn is_flooded(&self) -> bool {
        let limits = &self.seat.limits;
        self.since_message > limits.message_bytes + limits.fragment_bytes + limits.read_buffer_bytes
    }
}

impl AsyncRead for SeatStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_flooded() {
            self.seat.close(Close::FRAGMENT_FLOOD);
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        loop {
            ready!(self.seat.tcp.poll_read_ready(cx))?;
            match self.seat.tcp.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    self.since_message += read;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for SeatStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        frames: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(if self.seat.write_own(frames) {
            Ok(frames.len())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.seat.poll_drained(cx));
        Poll::Ready(SockRef::from(&self.seat.tcp).shutdown(std::net::Shutdown::Write))
    }
}

impl Drop for SeatStream {
    fn drop(&mut self) {
        self.seat.lock().break_off();
        // The room may hold the seat a little longer; the reader need not wait for that.
        let _ = SockRef::from(&self.seat.tcp).shutdown(std::net::Shutdown::Both);
    }
}
