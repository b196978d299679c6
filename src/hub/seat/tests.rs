//! Seats on real loopback sockets, against a reader that parses frames itself.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream, tcp::OwnedReadHalf},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Error, Message, error::CapacityError};

use super::{Close, Closing, Seat, SeatLimits, Socket, Written, frame};

const TIGHT_BYTES: usize = 8 * 1024;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Nothing here takes this long unless it hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("took too long")
}

/// Limits with kernel buffers that fill soon, and patience with slow machines.
pub(crate) fn tight() -> SeatLimits {
    SeatLimits {
        send_buffer_bytes: Some(TIGHT_BYTES),
        linger: Duration::from_secs(20),
        ..SeatLimits::default()
    }
}

/// A server's socket and the raw stream of its reader, whose own buffer is tiny where the seat's is.
pub(crate) async fn connect(limits: SeatLimits) -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let reader = TcpSocket::new_v4().unwrap();
    if limits.send_buffer_bytes == Some(TIGHT_BYTES) {
        reader.set_recv_buffer_size(TIGHT_BYTES as u32).unwrap();
        // Loopback's segments of 64 KiB would make a small window wait for timers.
        socket2::SockRef::from(&reader).set_tcp_mss(1400).unwrap();
    }
    let address = listener.local_addr().unwrap();
    let (reader, accepted) = tokio::join!(reader.connect(address), listener.accept());
    let tcp = accepted.unwrap().0;
    tcp.writable().await.unwrap();
    (Socket::open(tcp, Bytes::new(), limits).await.unwrap(), reader.unwrap())
}

/// A session that does nothing but keep its socket going until it ends.
pub(crate) async fn serve(mut socket: Socket) -> Closing {
    let seat = Arc::clone(socket.seat());
    let ended = loop {
        tokio::select! {
            closing = seat.closing() => break closing,
            message = socket.receive() => match message {
                Some(Ok(_)) => {}
                _ => break Closing::Broken,
            },
        }
    };
    socket.hang_up(Close::new(1000, "")).await;
    ended
}

/// One frame from the server, or `None` at the end of the stream. Panics on a torn or masked one.
async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    assert!(matches!(first, 0x81 | 0x88..=0x8a), "no header of ours: {first:#x}");
    let len = match stream.read_u8().await.unwrap() {
        126 => usize::from(stream.read_u16().await.unwrap()),
        127 => usize::try_from(stream.read_u64().await.unwrap()).unwrap(),
        masked @ 128.. => panic!("masked or torn: {masked:#x}"),
        short => usize::from(short),
    };
    let mut payload = vec![0; len];
    stream.read_exact(&mut payload).await.unwrap();
    Some((first & 0x0f, payload))
}

/// Everything a server said, to the end of the stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) texts: Vec<Vec<u8>>,
    pub(crate) pongs: Vec<Vec<u8>>,
    /// The code of the close frame, after which nothing came.
    pub(crate) close: Option<u16>,
}

/// Hears the server to the end, and answers its close frame.
async fn hear(stream: &mut TcpStream) -> Heard {
    hear_half(stream.split().0).await
}

async fn hear_half(mut stream: impl AsyncRead + AsRef<TcpStream> + Unpin) -> Heard {
    let mut heard = Heard::default();
    while let Some((opcode, payload)) = read_frame(&mut stream).await {
        assert_eq!(heard.close, None, "nothing follows a close frame");
        match opcode {
            TEXT => heard.texts.push(payload),
            PONG => heard.pongs.push(payload),
            CLOSE => {
                heard.close = Some(u16::from_be_bytes([payload[0], payload[1]]));
                // A server that has ended its stream already does not need the answer.
                let _ = stream.as_ref().try_write(&masked(0x80 | CLOSE, &payload[..2]));
            }
            other => panic!("opcode {other}"),
        }
    }
    heard
}

/// [`hear`] in a task of its own.
pub(crate) fn hearing(stream: OwnedReadHalf) -> JoinHandle<Heard> {
    tokio::spawn(hear_half(stream))
}

/// A frame as a browser would send it, with a mask of zeros.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126, "a short frame");
    let mut frame = vec![first, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

pub(crate) fn text(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame::put_text(&mut frame, &[payload]);
    frame
}

/// Texts of very different lengths that name their place in the order.
fn numbered(count: usize) -> Vec<Vec<u8>> {
    let filler = |n: usize| match n % 50 {
        49 => 70_000,
        rest => rest * rest,
    };
    (0..count).map(|n| format!("{n}:{}", "x".repeat(filler(n))).into_bytes()).collect()
}

/// Writes until the socket takes no more.
fn fill(seat: &Seat) -> usize {
    let frame = text(&[b'f'; 1000]);
    (1..100_000).find(|_| seat.write(&frame) == Written::Kept).expect("a socket that fills")
}

#[tokio::test]
async fn loses_nothing_through_the_smallest_buffers() {
    let (socket, mut reader) = connect(tight()).await;
    let seat = Arc::clone(socket.seat());
    let served = tokio::spawn(serve(socket));
    let texts = vec![vec![b'a'; 3_000_000], b"short".to_vec(), vec![b'b'; 65_536]];
    let writes: Vec<_> = texts.iter().map(|payload| seat.write(&text(payload))).collect();
    assert_eq!(writes, [Written::Kept; 3]);
    assert!(seat.backlog_bytes() > 2_000_000);

    let mut heard = Vec::new();
    for _ in &texts {
        heard.push(soon(read_frame(&mut reader)).await.unwrap().1);
    }
    assert!(heard == texts, "the payloads arrive whole and in order");
    assert_eq!(seat.backlog_bytes(), 0);
    assert!(seat.lock().backlog.is_none(), "a drained backlog is freed");
    assert_eq!(seat.write(&text(b"direct again")), Written::Sent);

    seat.close(Close::new(4502, "removed"));
    let heard = soon(hear(&mut reader)).await;
    assert_eq!((heard.texts, heard.close), (vec![b"direct again".to_vec()], Some(4502)));
    drop(reader);
    assert_eq!(soon(served).await.unwrap(), Closing::Told(Close::new(4502, "removed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_and_pongs_never_interleave() {
    for limits in [tight(), SeatLimits { send_buffer_bytes: Some(60_000), ..tight() }] {
        let limits = SeatLimits { backlog_bytes: usize::MAX / 2, ..limits };
        let (socket, reader) = connect(limits).await;
        let seat = Arc::clone(socket.seat());
        let served = tokio::spawn(serve(socket));
        let (read, mut write) = reader.into_split();
        let heard = hearing(read);
        let pinged = tokio::spawn(async move {
            let pings: Vec<_> = (0..2000_u32).map(|n| n.to_be_bytes().to_vec()).collect();
            for ping in &pings {
                write.write_all(&masked(0x80 | PING, ping)).await.unwrap();
            }
            (pings, write)
        });

        let texts = numbered(1000);
        for (n, payload) in texts.iter().enumerate() {
            let frame = text(payload);
            if n % 3 == 0 {
                let slices = [&b""[..], &frame, &b""[..]].map(std::io::IoSlice::new);
                seat.write_vectored(&slices);
            } else {
                seat.write(&frame);
            }
            if n % 10 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let (pings, write) = soon(pinged).await.unwrap();
        seat.close(Close::new(4000, "going away"));
        let heard = soon(heard).await.unwrap();
        assert!(heard.texts == texts, "every text, in order");
        assert_eq!(heard.close, Some(4000));
        // tungstenite answers the latest of several pings it reads at once, and none once it closes.
        let mut rest = pings.iter();
        assert!(heard.pongs.iter().all(|pong| rest.any(|ping| ping == pong)), "pongs, in order");
        assert!(!heard.pongs.is_empty());
        drop(write);
        soon(served).await.unwrap();
    }
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_the_others_are_not() {
    let limits = SeatLimits { backlog_bytes: 20_000, ..tight() };
    let (slow, mut slow_reader) = connect(limits).await;
    let (fast, fast_reader) = connect(limits).await;
    let (slow_seat, fast_seat) = (Arc::clone(slow.seat()), Arc::clone(fast.seat()));
    let (slow, _fast) = (tokio::spawn(serve(slow)), tokio::spawn(serve(fast)));
    let (fast_reader, _write) = fast_reader.into_split();
    let fast_heard = hearing(fast_reader);

    let texts: Vec<Vec<u8>> =
        (0..2000).map(|n| format!("{n}:{}", "y".repeat(n % 300)).into_bytes()).collect();
    let mut dropped = 0;
    for payload in &texts {
        let frame = text(payload);
        dropped += usize::from(slow_seat.write(&frame) == Written::Dropped);
        assert!(slow_seat.backlog_bytes() < 20_000 + 310, "the backlog is bounded");
        assert_ne!(fast_seat.write(&frame), Written::Dropped);
        while fast_seat.backlog_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    }
    fast_seat.close(Close::new(4000, "done"));
    assert!(soon(fast_heard).await.unwrap().texts == texts);

    assert!(dropped > 1000, "the slow one heard little: {dropped} dropped");
    assert!(slow_seat.is_closed());
    assert!(slow_seat.backlog_bytes() < 310 + 8, "one begun frame and the close frame at most");
    let heard = soon(hear(&mut slow_reader)).await;
    assert!(!heard.texts.is_empty());
    assert!(heard.texts[..] == texts[..heard.texts.len()], "a whole beginning");
    assert_eq!(heard.close, Some(4001));
    drop(slow_reader);
    assert_eq!(soon(slow).await.unwrap(), Closing::Told(Close::TOO_SLOW));
}

#[tokio::test]
async fn a_stalled_reader_is_closed() {
    let stall = Duration::from_millis(400);
    let (socket, mut reader) = connect(SeatLimits { stall, ..tight() }).await;
    let seat = Arc::clone(socket.seat());
    assert_eq!(seat.write(&text(&[b'x'; 1_000_000])), Written::Kept);
    let waiting = tokio::spawn(async move {
        let ended = soon(socket.seat().closing()).await;
        (ended, socket)
    });
    // Progress starts the clock anew: rests that exceed the stall together, but not alone.
    for _ in 0..4 {
        tokio::time::sleep(stall / 2).await;
        assert!(!seat.is_closed());
        let before = seat.backlog_bytes();
        while seat.backlog_bytes() == before {
            reader.read_exact(&mut [0; 4096]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let (ended, _socket) = soon(waiting).await.unwrap();
    assert_eq!(ended, Closing::Told(Close::TOO_SLOW));
    assert_eq!(seat.write(&text(b"late")), Written::Dropped);
}

#[tokio::test]
async fn a_reader_that_never_wakes_does_not_hold_up_the_end() {
    let linger = Duration::from_millis(100);
    let (mut socket, _reader) = connect(SeatLimits { linger, ..tight() }).await;
    let seat = Arc::clone(socket.seat());
    fill(&seat);
    timeout(linger * 10, socket.hang_up(Close::new(4000, "going away"))).await.unwrap();
    drop(socket);
    assert_eq!(seat.backlog_bytes(), 0);
}

#[tokio::test]
async fn the_first_close_wins() {
    let (mut socket, mut reader) = connect(SeatLimits::default()).await;
    let seat = Arc::clone(socket.seat());
    let long = "é".repeat(100);
    let close = Close::new(4503, long);
    assert_eq!(seat.close(close.clone()), close);
    assert_eq!(seat.close(Close::TOO_SLOW), close);
    assert_eq!(seat.closing().await, Closing::Told(close));
    assert_eq!(seat.write(&text(b"late")), Written::Dropped);
    let told = tokio::spawn(async move {
        let frame = read_frame(&mut reader).await.unwrap();
        reader.write_all(&masked(0x80 | CLOSE, &4503_u16.to_be_bytes())).await.unwrap();
        assert_eq!(read_frame(&mut reader).await, None, "the server ends the stream first");
        frame
    });
    soon(socket.hang_up(Close::new(1000, "session ended"))).await;
    let (opcode, payload) = soon(told).await.unwrap();
    assert_eq!((opcode, &payload[..2]), (CLOSE, &4503_u16.to_be_bytes()[..]));
    assert_eq!(std::str::from_utf8(&payload[2..]), Ok(&*"é".repeat(61)), "cut to what fits");
}

#[tokio::test]
async fn answers_a_reader_that_closes_first() {
    let (socket, mut reader) = connect(SeatLimits::default()).await;
    let served = tokio::spawn(serve(socket));
    reader.write_all(&masked(0x80 | CLOSE, &1000_u16.to_be_bytes())).await.unwrap();
    assert_eq!(soon(hear(&mut reader)).await.close, Some(1000));
    drop(reader);
    soon(served).await.unwrap();
}

#[tokio::test]
async fn a_dropped_socket_ends_at_once_though_the_room_holds_its_seat() {
    let (socket, mut reader) = connect(tight()).await;
    let seat = Arc::clone(socket.seat());
    drop(socket);
    assert_eq!(soon(hear(&mut reader)).await, Heard::default());
    assert_eq!(seat.write(&text(b"late")), Written::Dropped);
    assert_eq!(soon(seat.closing()).await, Closing::Broken);
}

#[tokio::test]
async fn a_vanished_reader_breaks_the_seat() {
    let (socket, reader) = connect(tight()).await;
    let seat = Arc::clone(socket.seat());
    let waiting = tokio::spawn(async move { (seat.closing().await, seat) });
    drop(reader);
    let frame = text(&[b'x'; 1000]);
    soon(async {
        while socket.seat().write(&frame) != Written::Dropped {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(soon(waiting).await.unwrap().0, Closing::Broken);
}

#[tokio::test]
async fn pings_without_reading_end_at_the_bound() {
    let (socket, mut reader) = connect(SeatLimits { backlog_bytes: 10_000, ..tight() }).await;
    let seat = Arc::clone(socket.seat());
    let served = tokio::spawn(serve(socket));
    let ping = masked(0x80 | PING, &[b'p'; 100]);
    soon(async {
        while reader.write_all(&ping).await.is_ok() && !seat.is_closed() {
            assert!(seat.backlog_bytes() <= 10_000 + 127);
        }
    })
    .await;
    let heard = soon(hear(&mut reader)).await;
    assert_eq!(heard.close, Some(4001));
    assert!(heard.pongs.iter().all(|pong| *pong == [b'p'; 100]));
    drop(reader);
    soon(served).await.unwrap();
}

#[tokio::test]
async fn empty_fragments_without_end_are_a_flood() {
    let (socket, mut reader) = connect(SeatLimits::default()).await;
    let seat = Arc::clone(socket.seat());
    let served = tokio::spawn(serve(socket));
    reader.write_all(&masked(0x01, b"begun")).await.unwrap();
    let fragments = masked(0x00, b"").repeat(1000);
    soon(async { while !seat.is_closed() && reader.write_all(&fragments).await.is_ok() {} }).await;
    assert_eq!(soon(hear(&mut reader)).await.close, Some(4507));
    drop(reader);
    soon(served).await.unwrap();
}

#[tokio::test]
async fn many_large_messages_in_a_row_are_no_flood() {
    let limits = SeatLimits::default();
    let (mut socket, mut reader) = connect(limits).await;
    let sent = tokio::spawn(async move {
        let mut message = vec![0x81, 0xff];
        message.extend_from_slice(&(limits.message_bytes as u64).to_be_bytes());
        message.extend_from_slice(&[0; 4]);
        message.resize(message.len() + limits.message_bytes, b'm');
        for _ in 0..20 {
            reader.write_all(&message).await.unwrap();
        }
        // One byte more than allowed.
        message[2..10].copy_from_slice(&(limits.message_bytes as u64 + 1).to_be_bytes());
        reader.write_all(&message[..100]).await.unwrap();
        hear(&mut reader).await
    });
    for _ in 0..20 {
        let Message::Text(text) = soon(socket.receive()).await.unwrap().unwrap() else {
            panic!("a text")
        };
        assert_eq!(text.len(), limits.message_bytes);
    }
    assert!(matches!(
        soon(socket.receive()).await,
        Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. })))
    ));
    let hung_up = tokio::spawn(async move { socket.hang_up(Close::new(1009, "too big")).await });
    assert_eq!(soon(sent).await.unwrap().close, Some(1009));
    soon(hung_up).await.unwrap();
}

#[tokio::test]
async fn an_idle_seat_is_small() {
    assert!(size_of::<Seat>() <= 256, "{} bytes", size_of::<Seat>());
    let (socket, _reader) = connect(SeatLimits::default()).await;
    assert_eq!(socket.seat().write(&text(b"hello")), Written::Sent);
    assert!(socket.seat().lock().backlog.is_none());
}
