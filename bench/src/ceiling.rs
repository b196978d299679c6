//! The bare loop: what fan-out costs when there is nothing but the kernel. One thread, one epoll, no
//! WebSocket library, no law, no room state: one write of a prebuilt frame per socket and notice.

use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
};

use anyhow::{Context as _, Result};
use clap::Args;
use mio::{
    Events, Interest, Poll, Token,
    net::{TcpListener, TcpStream},
};
use rustix::event::{PollFd, PollFlags, poll};

use crate::{frame, say};

const LISTENER: Token = Token(usize::MAX);

/// The sizes of what it writes: those of the server it is compared with.
#[derive(Args, Clone, Debug)]
pub(crate) struct CeilingArgs {
    /// Bytes of the notice that a call causes
    #[arg(long)]
    pub(crate) notice_bytes: usize,
    /// Bytes of each of the notices that a join causes
    #[arg(long)]
    pub(crate) join_bytes: Vec<usize>,
    /// Bytes of the reply to a join, for each who is in the room
    #[arg(long)]
    pub(crate) snapshot_bytes: usize,
}

impl CeilingArgs {
    pub(crate) fn as_flags(&self) -> Vec<String> {
        let mut flags = vec![
            format!("--notice-bytes={}", self.notice_bytes),
            format!("--snapshot-bytes={}", self.snapshot_bytes),
        ];
        flags.extend(self.join_bytes.iter().map(|len| format!("--join-bytes={len}")));
        flags
    }
}

struct Ceiling {
    sockets: Vec<Socket>,
    rooms: BTreeMap<String, Vec<usize>>,
    notice: Vec<u8>,
    joined: Vec<Vec<u8>>,
    snapshot_bytes: usize,
}

struct Socket {
    stream: TcpStream,
    upgraded: bool,
    room: Option<String>,
    begun: Vec<u8>,
}

/// Serves until it is killed.
pub(crate) fn run(args: &CeilingArgs) -> Result<()> {
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    let mut epoll = Poll::new()?;
    epoll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    say(&format!("listening on http://{}", listener.local_addr()?));
    let mut ceiling = Ceiling {
        sockets: Vec::new(),
        rooms: BTreeMap::new(),
        notice: notice("participant-updated", args.notice_bytes),
        joined: args.join_bytes.iter().map(|len| notice("participant-joined", *len)).collect(),
        snapshot_bytes: args.snapshot_bytes,
    };
    let mut events = Events::with_capacity(4096);
    loop {
        epoll.poll(&mut events, None)?;
        for event in &events {
            if event.token() != LISTENER {
                ceiling.read(event.token().0)?;
                continue;
            }
            while let Some((mut stream, _)) = would_block(listener.accept())? {
                stream.set_nodelay(true)?;
                let token = Token(ceiling.sockets.len());
                epoll.registry().register(&mut stream, token, Interest::READABLE)?;
                let socket = Socket { stream, upgraded: false, room: None, begun: Vec::new() };
                ceiling.sockets.push(socket);
            }
        }
    }
}

impl Ceiling {
    fn read(&mut self, at: usize) -> Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let socket = &mut self.sockets[at];
            let read = match would_block(socket.stream.read(&mut buffer)) {
                Ok(Some(1..)) if socket.begun.len() > 1_000_000 => 0,
                Ok(Some(read)) => read,
                Ok(None) => return Ok(()),
                Err(_) => 0,
            };
            if read == 0 {
                self.leave(at);
                return Ok(());
            }
            socket.begun.extend_from_slice(&buffer[..read]);
            if !socket.upgraded {
                if !socket.begun.ends_with(b"\r\n\r\n") {
                    continue;
                }
                socket.begun.clear();
                socket.upgraded = true;
                write(&mut socket.stream, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")?;
                continue;
            }
            let mut bytes = std::mem::take(&mut self.sockets[at].begun);
            let mut taken = 0;
            while let Some((opcode, payload, len)) = frame::first(&bytes[taken..]) {
                taken += len;
                if opcode == frame::TEXT {
                    self.call(at, payload)?;
                }
            }
            bytes.drain(..taken);
            self.sockets[at].begun = bytes;
        }
    }

    /// The first call of a socket joins, every other one tells its room something.
    fn call(&mut self, at: usize, call: &[u8]) -> Result<()> {
        let Some(name) = self.sockets[at].room.clone() else { return self.join(at, call) };
        let room = self.rooms.get(&name).context("no room")?;
        let mut own = self.notice.clone();
        frame::put_plain(&mut own, frame::TEXT, br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        for member in room {
            let bytes = if *member == at { &own } else { &self.notice };
            write(&mut self.sockets[*member].stream, bytes)?;
        }
        Ok(())
    }

    fn join(&mut self, at: usize, call: &[u8]) -> Result<()> {
        let call = String::from_utf8_lossy(call);
        let named = call.split_once(r#""room":""#).and_then(|(_, rest)| rest.split_once('"'));
        let name = named.context("a join names no room")?.0.to_owned();
        let room = self.rooms.entry(name.clone()).or_default();
        for member in room.iter() {
            for joined in &self.joined {
                write(&mut self.sockets[*member].stream, joined)?;
            }
        }
        room.push(at);
        let filler = "x".repeat(self.snapshot_bytes * room.len());
        let reply =
            format!(r#"{{"jsonrpc":"2.0","id":0,"result":{{"peerId":"p{at}","all":"{filler}"}}}}"#);
        let mut bytes = Vec::new();
        frame::put_plain(&mut bytes, frame::TEXT, reply.as_bytes());
        write(&mut self.sockets[at].stream, &bytes)?;
        self.sockets[at].room = Some(name);
        Ok(())
    }

    fn leave(&mut self, at: usize) {
        if let Some(name) = self.sockets[at].room.take()
            && let Some(room) = self.rooms.get_mut(&name)
        {
            room.retain(|member| *member != at);
        }
    }
}

/// A frame of a notice whose payload has `len` bytes.
fn notice(method: &str, len: usize) -> Vec<u8> {
    let head = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":""#);
    let filler = "x".repeat(len.saturating_sub(head.len() + 2));
    let mut bytes = Vec::new();
    frame::put_plain(&mut bytes, frame::TEXT, format!(r#"{head}{filler}"}}"#).as_bytes());
    bytes
}

/// One write; where the socket is full, waits until it is not.
fn write(stream: &mut TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match would_block(stream.write(bytes))? {
            Some(written) => bytes = &bytes[written..],
            None => {
                poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
            }
        }
    }
    Ok(())
}

fn would_block<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_has_the_length_asked_for() {
        let bytes = notice("participant-updated", 300);
        let (_, payload, _) = frame::first(&bytes).unwrap();
        assert_eq!(payload.len(), 300);
        let value: serde_json::Value = serde_json::from_slice(payload).unwrap();
        assert_eq!(value["method"], "participant-updated");
    }
}
