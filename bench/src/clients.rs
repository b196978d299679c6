//! Many WebSocket clients in one thread: each socket is a few bytes of state and no task.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream as StdStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};
use tokio::time::Instant;

use crate::frame::{self, CLOSE, PING, PONG, TEXT};

/// Bytes of one read, shared by all sockets.
const READ_BYTES: usize = 256 * 1024;
/// How the payload of every reply begins.
const REPLY: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
/// How the payload of every notice begins, up to its method's name.
const NOTICE: &[u8] = br#"{"jsonrpc":"2.0","method":""#;

/// The sockets, by number.
pub(crate) struct Clients {
    poll: Poll,
    events: Events,
    sockets: Vec<Client>,
    scratch: Vec<u8>,
    /// Whether to ask again and again instead of sleeping: a sleeping reader costs the writer a wake.
    pub(crate) spin: bool,
}

struct Client {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come yet.
    begun: Vec<u8>,
}

/// What a client heard.
pub(crate) enum Heard<'a> {
    /// The reply to a call, whole.
    Reply(&'a [u8]),
    /// A notice: its method, and the whole of it.
    Notice(&'a [u8], &'a [u8]),
}

/// What to do when something was heard.
pub(crate) enum Next {
    /// Hear more.
    Go,
    /// That client calls this, then hear more.
    Call(usize, String),
    /// That was all.
    Done,
}

impl Clients {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(4096),
            sockets: Vec::new(),
            scratch: vec![0; READ_BYTES],
            spin: false,
        })
    }

    /// Opens one more WebSocket, and says its number.
    pub(crate) fn open(&mut self, addr: SocketAddr) -> Result<usize> {
        let at = self.sockets.len();
        let mut stream = StdStream::connect(addr).with_context(|| format!("socket {at}"))?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /v1/connect HTTP/1.1\r\nhost: {addr}\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut self.scratch[..1024])?;
            ensure!(read > 0 && answer.len() < 4096, "socket {at} was not upgraded");
            answer.extend_from_slice(&self.scratch[..read]);
        }
        ensure!(
            answer.starts_with(b"HTTP/1.1 101"),
            "socket {at} was refused: {}",
            String::from_utf8_lossy(&answer)
        );
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        self.poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
        self.sockets.push(Client { stream, begun: Vec::new() });
        Ok(at)
    }

    pub(crate) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Sends a call.
    pub(crate) fn call(&mut self, client: usize, text: &str) -> Result<()> {
        self.send(client, TEXT, text.as_bytes())
    }

    /// Leaves and closes every socket.
    pub(crate) fn leave(mut self) -> Result<()> {
        for client in 0..self.sockets.len() {
            self.send(client, CLOSE, &1000_u16.to_be_bytes())?;
        }
        Ok(())
    }

    /// Calls are small and few are under way at once: the kernel has room for them.
    fn send(&mut self, client: usize, opcode: u8, payload: &[u8]) -> Result<()> {
        let mut bytes = Vec::with_capacity(payload.len() + 14);
        frame::put_masked(&mut bytes, opcode, payload);
        let stream = &mut self.sockets[client].stream;
        stream.write_all(&bytes).with_context(|| format!("socket {client} takes no call"))
    }

    /// Hears until `hear` says that it was all; fails after `patience`, or when a call is refused.
    pub(crate) fn until(
        &mut self,
        patience: Duration,
        mut hear: impl FnMut(usize, Heard<'_>) -> Next,
    ) -> Result<()> {
        let end = Instant::now() + patience;
        while !self.turn(Duration::from_millis(100), &mut hear)? {
            ensure!(Instant::now() < end, "gave up after {} s", patience.as_secs());
        }
        Ok(())
    }

    /// Hears, and answers pings, for so long.
    pub(crate) fn rest(&mut self, term: Duration) -> Result<()> {
        self.listen(term, |_, _| Next::Go)
    }

    /// Hears for so long, whatever `hear` says.
    pub(crate) fn listen(
        &mut self,
        term: Duration,
        mut hear: impl FnMut(usize, Heard<'_>) -> Next,
    ) -> Result<()> {
        let end = Instant::now() + term;
        while Instant::now() < end {
            self.turn(Duration::from_millis(50), &mut hear)?;
        }
        Ok(())
    }

    /// Hears what has come; true when `hear` said that it was all.
    fn turn(
        &mut self,
        wait: Duration,
        hear: &mut impl FnMut(usize, Heard<'_>) -> Next,
    ) -> Result<bool> {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let wait = if self.spin { Duration::ZERO } else { wait };
        match self.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let mut done = false;
        for event in &events {
            done |= self.read(event.token().0, hear)?;
        }
        self.events = events;
        Ok(done)
    }

    /// Reads one socket empty.
    fn read(&mut self, at: usize, hear: &mut impl FnMut(usize, Heard<'_>) -> Next) -> Result<bool> {
        let mut done = false;
        loop {
            let read = match self.sockets[at].stream.read(&mut self.scratch) {
                Ok(0) => bail!("socket {at} was closed"),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(done),
                Err(error) => return Err(error).with_context(|| format!("socket {at} broke")),
            };
            let mut begun = std::mem::take(&mut self.sockets[at].begun);
            let scratch = std::mem::take(&mut self.scratch);
            let from_scratch = begun.is_empty();
            if !from_scratch {
                begun.extend_from_slice(&scratch[..read]);
            }
            let bytes = if from_scratch { &scratch[..read] } else { &begun[..] };
            let taken = self.frames(at, bytes, hear, &mut done);
            let taken = taken?;
            if from_scratch {
                begun.extend_from_slice(&scratch[taken..read]);
            } else {
                begun.drain(..taken);
            }
            self.sockets[at].begun = begun;
            self.scratch = scratch;
            if read < READ_BYTES {
                // Edge-triggered: what comes from here on is another event.
                return Ok(done);
            }
        }
    }

    /// Hears the whole frames of `bytes`; says how many bytes they were.
    fn frames(
        &mut self,
        at: usize,
        bytes: &[u8],
        hear: &mut impl FnMut(usize, Heard<'_>) -> Next,
        done: &mut bool,
    ) -> Result<usize> {
        let mut taken = 0;
        while let Some((opcode, payload, len)) = frame::first(&bytes[taken..]) {
            taken += len;
            let heard = match opcode {
                TEXT => hear(at, classify(payload)?),
                PING => {
                    self.send(at, PONG, payload)?;
                    Next::Go
                }
                CLOSE => {
                    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    bail!("socket {at} was closed with {code}")
                }
                _ => Next::Go,
            };
            match heard {
                Next::Go => {}
                Next::Call(client, text) => self.call(client, &text)?,
                Next::Done => *done = true,
            }
        }
        Ok(taken)
    }
}

/// Tells replies and notices apart by how they begin.
fn classify(payload: &[u8]) -> Result<Heard<'_>> {
    if let Some(rest) = payload.strip_prefix(NOTICE) {
        let name = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
        return Ok(Heard::Notice(name, payload));
    }
    let is_reply = payload.strip_prefix(REPLY).is_some_and(|rest| {
        let id = rest.iter().take_while(|byte| **byte != b',').count();
        rest[id..].starts_with(br#","result""#)
    });
    ensure!(is_reply, "neither a notice nor a good reply: {}", String::from_utf8_lossy(payload));
    Ok(Heard::Reply(payload))
}
