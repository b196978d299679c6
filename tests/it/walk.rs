//! A hundred clients at random over real sockets, some of which break: at the end everybody knows
//! from notices alone what the server says he may see.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    client::{Client, view_of},
    house::House,
};

const ROOM: &str = "stage:walk";
const CLIENTS: usize = 100;
const STEPS: usize = 240;
/// So many steps between two looks at everybody.
const LOOK_EVERY: usize = 40;

/// A generator of test input, the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn of<'a, T: ?Sized>(&mut self, those: &[&'a T]) -> &'a T {
        those[self.below(those.len())]
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 0
    }
}

async fn newcomer(house: &House, n: usize) -> Client {
    match n {
        0 => house.owner(ROOM, "owner").await,
        1..5 => house.in_role(ROOM, &format!("moderator-{n}"), "moderator").await,
        _ => house.join(ROOM, &format!("user-{n}"), json!({})).await,
    }
}

/// Something somebody asks; the law may refuse it.
fn something(dice: &mut Dice, other: &str, ruler: &str) -> (&'static str, Value) {
    let roles = ["listener", "speaker", "moderator"];
    match dice.below(17) {
        0 | 1 => ("raiseHand", json!({ "raised": dice.flip() })),
        2 => ("setName", json!({ "name": format!("name {}", dice.below(9)) })),
        3 => ("setMetadata", json!({ "metadata": { "n": dice.below(9) } })),
        4 | 5 => ("setTracks", json!({ "audio": dice.flip() })),
        6 | 7 => {
            let role = dice.of(&roles);
            ("changeRoleOfPeer", json!({ "peerId": other, "role": role, "force": dice.flip() }))
        }
        8 | 9 => {
            let patch = json!({ "hasPresence": dice.flip(), "canSend": ["audio"] });
            ("updateParticipant", json!({ "peerId": other, "updatePermissions": patch }))
        }
        10 => ("requestPermissions", json!({ "permissions": ["send-audio", "presence"] })),
        11 => ("mute", json!({ "peerId": other, "tracks": ["audio"] })),
        12..15 => ("subscribe", json!({ "peerId": ruler, "tracks": ["audio"] })),
        15 => ("sendMessage", json!({ "data": dice.below(9) })),
        _ => {
            ("changeRoleOfPeersWithRoles", json!({ "ofRoles": ["speaker"], "toRole": "listener" }))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_clients_know_what_they_may() {
    // Who broke may take his time until he comes back.
    let house = House::with(|config| {
        config.limits.join_timeout = Duration::from_secs(600);
        config.media.mesh_max = CLIENTS;
    });
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        clients.push(newcomer(&house, n).await);
    }
    let mut dice = Dice(0x5eed_1e55_ca11_ab1e);
    let (mut refused, mut resumed, mut subscribed) = (0, 0, 0);
    for step in 1..=STEPS {
        // Those who rule act more often than one in twenty.
        let who = if dice.flip() { dice.below(5) } else { dice.below(CLIENTS) };
        let other = clients[dice.below(CLIENTS)].peer.clone();
        let ruler = clients[dice.below(5)].peer.clone();
        let client = &mut clients[who];
        match dice.below(10) {
            // He breaks, and does not come back yet.
            0 => client.reconnect(house.addr).await,
            // He leaves, and somebody else comes.
            1 if who > 0 && client.sits() => {
                client.hang_up(1000).await;
                clients[who] = newcomer(&house, who).await;
            }
            _ => {
                if !client.sits() {
                    come_back(client, who).await;
                    resumed += 1;
                }
                let (method, params) = something(&mut dice, &other, &ruler);
                let outcome = client.call(method, &params).await;
                refused += usize::from(outcome.is_err());
                subscribed += usize::from(outcome.is_ok() && method == "subscribe");
            }
        }
        if step % LOOK_EVERY == 0 {
            let sitting = clients.iter_mut().filter(|client| client.sits());
            join_all(sitting.map(Client::catch_up)).await;
        }
    }
    assert!(
        resumed > 5 && refused > 20 && refused < STEPS / 2,
        "{resumed} resumed, {refused} refused"
    );
    for (n, client) in clients.iter_mut().enumerate() {
        if !client.sits() {
            come_back(client, n).await;
        }
    }
    join_all(clients.iter_mut().map(Client::catch_up)).await;
    let shown = house.room(ROOM).await;
    let subscriptions = shown["subscriptions"].as_array().unwrap();
    let received: usize = clients.iter().map(|client| client.receiving.len()).sum();
    let sent: usize = clients.iter().map(|client| client.sending.len()).sum();
    assert_eq!((received, sent), (subscriptions.len(), subscriptions.len()));
    assert!(subscribed > 5, "{subscribed} subscribed");
    let (all, counts) = view_of(&shown);
    assert_eq!(all.len(), CLIENTS);
    let hidden = all.values().filter(|one| one["permissions"]["hasPresence"] == false).count();
    assert_eq!(counts, json!({ "present": CLIENTS - hidden, "hidden": hidden }));
    assert!(hidden > 0, "the walk never hid anybody who stayed so");
    for client in &clients {
        let own = &all[&client.peer];
        let sees_hidden =
            own["permissions"]["canAdmin"].as_array().unwrap().contains(&json!("participants"));
        assert_eq!(client.view[&client.peer], *own);
        let mut seen = all.clone();
        if !sees_hidden {
            seen.retain(|peer, one| {
                *peer == client.peer || one["permissions"]["hasPresence"] == true
            });
        }
        assert_eq!(client.view, seen, "what {} knows", own["userId"]);
    }
}

/// Resumes; everybody's seat is kept for longer than the walk takes.
async fn come_back(client: &mut Client, n: usize) {
    let resumed = client.resume_with(&json!({})).await;
    resumed.unwrap_or_else(|error| panic!("client {n} did not come back: {error}"));
}
