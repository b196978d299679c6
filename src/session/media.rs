//! What a peer is told before it sends or receives media: in how large a room that goes, and which
//! servers help, with credentials of its own. It must not know rooms.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rolecall_protocol::id::PeerId;
use serde::Serialize;
use sha1::Sha1;

use crate::config::{IceServer, Media, Turn};

/// The reply to `media`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reply<'a> {
    mesh_max: usize,
    ice_servers: Vec<Server<'a>>,
}

/// An `RTCIceServer`.
#[derive(Serialize)]
struct Server<'a> {
    urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

impl<'a> Reply<'a> {
    /// For that peer, at that moment in seconds since the epoch.
    pub(super) fn new(media: &'a Media, peer: &PeerId, now_s: u64) -> Self {
        let own = media.turn.as_ref().map(|turn| credentials(turn, peer, now_s));
        let server = |server: &'a IceServer| {
            let (username, credential) = match &own {
                Some((name, password)) if server.wants_credentials() => {
                    (Some(name.clone()), Some(password.clone()))
                }
                _ => {
                    let credential = server.credential.as_ref();
                    let credential = credential.map(|credential| credential.expose().to_owned());
                    (server.username.clone(), credential)
                }
            };
            Server { urls: &server.urls, username, credential }
        };
        let ice_servers = media.ice_servers.iter().map(server).collect();
        Self { mesh_max: media.mesh_max, ice_servers }
    }
}

/// coturn's `use-auth-secret`: the name is when it ends and whose it is, the password
/// `base64(HMAC-SHA1(secret, name))`.
fn credentials(turn: &Turn, peer: &PeerId, now_s: u64) -> (String, String) {
    let name = format!("{}:{peer}", now_s.saturating_add(turn.ttl.as_secs()));
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(turn.secret.expose().as_bytes()).expect("a key");
    mac.update(name.as_bytes());
    let password = STANDARD.encode(mac.finalize().into_bytes());
    (name, password)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::secret::Secret;

    fn ice(urls: &[&str]) -> IceServer {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        IceServer { urls, username: None, credential: None }
    }

    #[test]
    fn each_peer_gets_credentials_of_its_own_for_turn_servers_without() {
        let turn = Turn { secret: Secret::new("north"), ttl: Duration::from_secs(3600) };
        let fixed = IceServer {
            username: Some("u".to_owned()),
            credential: Some(Secret::new("p")),
            ..ice(&["turn:c"])
        };
        let ice_servers = vec![ice(&["stun:a"]), ice(&["turn:b", "turns:b"]), fixed];
        let media = Media { mesh_max: 7, ice_servers, turn: Some(turn) };
        let peer = PeerId::parse("p-ann").unwrap();
        let reply = serde_json::to_value(Reply::new(&media, &peer, 1_433_895_918)).unwrap();
        // printf 1433899518:p-ann | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            reply,
            serde_json::json!({ "meshMax": 7, "iceServers": [
                { "urls": ["stun:a"] },
                { "urls": ["turn:b", "turns:b"], "username": "1433899518:p-ann", "credential": "5R/LDu1MKzJkuXD1D2R0tlJG5S0=" },
                { "urls": ["turn:c"], "username": "u", "credential": "p" },
            ] })
        );
    }
}
