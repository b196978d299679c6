//! The table `[media]`: in how large a room media may flow from peer to peer, and which servers
//! help it through firewalls.

use std::time::Duration;

use rolecall_protocol::room::subscription::MESH_MAX;
use serde::{Deserialize, Serialize};

use super::units;
use crate::secret::Secret;

/// The largest `mesh_max`: beyond it peers would drown in one another's connections.
const MESH_MAX_MAX: usize = 100;
/// Most ICE servers.
const ICE_SERVERS_MAX: usize = 16;
/// Most addresses of one ICE server.
const ICE_URLS_MAX: usize = 8;
/// Longest text of an ICE server, in bytes.
const ICE_TEXT_MAX: usize = 512;
/// A shorter term would end while somebody still connects.
const TURN_TTL_MIN: Duration = Duration::from_secs(60);
/// A longer term would hardly be one.
const TURN_TTL_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// `[media]` as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MediaSettings {
    mesh_max: usize,
    ice_servers: Vec<IceServer>,
    turn_secret: Option<Secret>,
    #[serde(with = "units::duration")]
    turn_ttl: Duration,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            mesh_max: MESH_MAX,
            ice_servers: Vec::new(),
            turn_secret: None,
            turn_ttl: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What peers need to know to send media to one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Peers of a room in which media may flow from peer to peer; 0: in none.
    pub mesh_max: usize,
    /// What helps connections come about.
    pub ice_servers: Vec<IceServer>,
    /// How TURN servers without credentials of their own are used.
    pub turn: Option<Turn>,
}

/// A server that helps connections come about, as `RTCPeerConnection` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// The name under which everybody uses it.
    #[serde(default)]
    pub username: Option<String>,
    /// The password to that name.
    #[serde(default)]
    pub credential: Option<Secret>,
}

/// The secret shared with TURN servers, from which each peer's credentials are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// coturn's `static-auth-secret`.
    pub secret: Secret,
    /// How long credentials hold.
    pub ttl: Duration,
}

impl IceServer {
    /// Whether it is a TURN server without credentials of its own.
    #[must_use]
    pub fn wants_credentials(&self) -> bool {
        let turn = |url: &String| url.starts_with("turn:") || url.starts_with("turns:");
        self.credential.is_none() && self.urls.iter().any(turn)
    }

    /// An error is the field and what is wrong with it.
    fn check(&self, has_secret: bool) -> Result<(), (&'static str, String)> {
        if self.urls.is_empty() || self.urls.len() > ICE_URLS_MAX {
            return Err(("urls", format!("a server has 1 to {ICE_URLS_MAX} addresses")));
        }
        if let Some(url) = self.urls.iter().find(|url| !is_ice_url(url)) {
            let like = "`stun:stun.example.com:3478` or `turns:turn.example.com:5349`";
            return Err(("urls", format!("`{url}` is not an address such as {like}")));
        }
        let fits = |text: &str| !text.is_empty() && text.len() <= ICE_TEXT_MAX;
        if self.username.as_deref().is_some_and(|name| !fits(name)) {
            return Err(("username", format!("not 1 to {ICE_TEXT_MAX} bytes")));
        }
        if self.credential.as_ref().is_some_and(|credential| !fits(credential.expose())) {
            return Err(("credential", format!("not 1 to {ICE_TEXT_MAX} bytes")));
        }
        match (&self.username, &self.credential) {
            (Some(_), None) => Err(("credential", "missing beside `username`".to_owned())),
            (None, Some(_)) => Err(("username", "missing beside `credential`".to_owned())),
            (None, None) if self.wants_credentials() && !has_secret => {
                let problem = "a TURN server needs `username` and `credential`, or `turn_secret`";
                Err(("urls", problem.to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl Media {
    /// Gives the settings their meaning; an error is the field and what is wrong with it.
    pub(super) fn parse(settings: MediaSettings) -> Result<Self, (String, String)> {
        let refuse = |field: &str, problem: String| Err((field.to_owned(), problem));
        let MediaSettings { mesh_max, ice_servers, turn_secret, turn_ttl } = settings;
        if mesh_max > MESH_MAX_MAX {
            return refuse("mesh_max", format!("`{mesh_max}` is more than {MESH_MAX_MAX}"));
        }
        if ice_servers.len() > ICE_SERVERS_MAX {
            return refuse("ice_servers", format!("more than {ICE_SERVERS_MAX}"));
        }
        for (at, server) in ice_servers.iter().enumerate() {
            server
                .check(turn_secret.is_some())
                .map_err(|(field, problem)| (format!("ice_servers[{at}].{field}"), problem))?;
        }
        if turn_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            return refuse("turn_secret", "empty".to_owned());
        }
        if turn_secret.is_some() && !ice_servers.iter().any(IceServer::wants_credentials) {
            let problem = "no TURN server in `ice_servers` is without credentials of its own";
            return refuse("turn_secret", problem.to_owned());
        }
        if !(TURN_TTL_MIN..=TURN_TTL_MAX).contains(&turn_ttl) {
            let shown = humantime::format_duration(turn_ttl);
            return refuse("turn_ttl", format!("`{shown}` is not between 1m and 30d"));
        }
        let turn = turn_secret.map(|secret| Turn { secret, ttl: turn_ttl });
        Ok(Self { mesh_max, ice_servers, turn })
    }
}

/// `stun:`, `stuns:`, `turn:` or `turns:`, and something behind it.
fn is_ice_url(url: &str) -> bool {
    let rest = ["stun:", "stuns:", "turn:", "turns:"].iter().find_map(|s| url.strip_prefix(s));
    let plain = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic());
    url.len() <= ICE_TEXT_MAX && rest.is_some_and(plain)
}

#[cfg(test)]
mod tests;
