//! The only file that reads randomness: fresh ids and secrets.

use std::{fmt::Write as _, sync::Arc};

use rolecall_protocol::id::{Cid, NameError, PeerId, UserId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Random bytes in a session's secret.
const SECRET_BYTES: usize = 32;
/// Random bytes in a room's name.
const ROOM_NAME_BYTES: usize = 16;
/// Random bytes in a connection's id.
const CONNECTION_ID_BYTES: usize = 16;
/// What separates the parts of a session's secret; in none of them.
const SEPARATOR: char = '~';

/// A fresh peer id: time-ordered, so that peers sort by when they came.
///
/// # Panics
/// Never: the text of a UUID is a well-formed peer id.
#[must_use]
pub fn peer_id() -> PeerId {
    PeerId::parse(&Uuid::now_v7().to_string()).expect("a UUID is a well-formed peer id")
}

/// A fresh epoch of a room.
#[must_use]
pub fn epoch() -> Arc<str> {
    Uuid::now_v7().to_string().into()
}

/// A fresh id of a task.
#[must_use]
pub fn task_id() -> String {
    Uuid::now_v7().to_string()
}

/// A fresh id of a connection, which nobody guesses.
#[must_use]
pub fn connection_id() -> Arc<str> {
    let bytes: [u8; CONNECTION_ID_BYTES] = rand::random();
    hex(&bytes).into()
}

/// A fresh name of a room, which nobody guesses.
#[must_use]
pub fn room_name() -> String {
    let bytes: [u8; ROOM_NAME_BYTES] = rand::random();
    hex(&bytes)
}

/// A fresh id of a guest, behind which stands the one he wished for.
///
/// # Errors
/// [`NameError`] when that makes it too long.
pub fn guest_id(wished: &str) -> Result<UserId, NameError> {
    UserId::parse(&format!("guest-{}-{wished}", Uuid::now_v7()))
}

/// A fresh secret by which a session resumes. It says whose seat it is for, so that any socket can
/// find the room.
#[must_use]
pub fn session(cid: &Cid, peer: &PeerId) -> Arc<str> {
    let bytes: [u8; SECRET_BYTES] = rand::random();
    format!("{cid}{SEPARATOR}{peer}{SEPARATOR}{}", hex(&bytes)).into()
}

/// Whose seat a session's secret is for, as its text says.
#[must_use]
pub fn read_session(session: &str) -> Option<(&str, PeerId)> {
    let mut parts = session.split(SEPARATOR);
    let (cid, peer, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && secret.len() == 2 * SECRET_BYTES;
    whole.then(|| Some((cid, PeerId::parse(peer).ok()?)))?
}

/// What is stored of a session's secret.
#[must_use]
pub fn session_hash(session: &str) -> Arc<str> {
    hex(&Sha256::digest(session.as_bytes())).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_protocol::id::CallTypeName;

    #[test]
    fn a_session_says_whose_seat_it_is_for_and_is_never_the_same() {
        let cid = Cid::parse("stage:a", &CallTypeName::parse("default").unwrap()).unwrap();
        let peer = peer_id();
        let session = session(&cid, &peer);
        assert_eq!(read_session(&session), Some(("stage:a", peer.clone())));
        assert_ne!(session, super::session(&cid, &peer));
        assert_eq!(session_hash(&session).len(), 64);
        for bad in
            ["", "a", "a~b", "a~b~c", &format!("{session}~x"), &session[1..].replace('~', "-")]
        {
            assert_eq!(read_session(bad), None, "{bad}");
        }
    }
}
