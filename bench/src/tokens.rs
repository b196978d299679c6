//! Tokens and calls of the bench's clients.

use std::time::Duration;

use anyhow::Result;
use rolecall::{auth::Claims, clock::Clock, secret::Secret};

/// The secret of every server that the bench starts.
pub(crate) const SECRET: &str = "bench-secret-bench-secret-bench-secret";

/// A token for `user`, in `role` where one is given; without a user the server side's.
pub(crate) fn token(user: Option<&str>, room: &str, role: Option<&str>) -> Result<String> {
    let iat = Clock::system().now_s();
    let claims = Claims {
        user_id: user.map(str::to_owned),
        name: user.map(str::to_owned),
        room: user.map(|_| room.to_owned()),
        role: role.map(str::to_owned),
        iat,
        exp: Some(iat + Duration::from_secs(3600).as_secs()),
        ..Claims::default()
    };
    Ok(claims.sign(&Secret::new(SECRET))?)
}

/// The call that joins `room`, with id 0.
pub(crate) fn join(room: &str, user: &str, role: Option<&str>) -> Result<String> {
    let token = token(Some(user), room, role)?;
    Ok(format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"join","params":{{"room":"{room}","token":"{token}"}}}}"#
    ))
}

/// The call that lets `peer_id` send this and no more.
pub(crate) fn update(id: usize, peer_id: &str, can_send: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"updateParticipant","params":{{"peerId":"{peer_id}","updatePermissions":{{"canSend":["{can_send}"]}}}}}}"#
    )
}
