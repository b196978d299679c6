//! Plays: what is said stands at the margin, what came of it is indented below.
//!
//! `UPDATE_GOLDEN=1 cargo test -p rolecall-protocol --test law` writes the indented lines anew; a
//! change in them is a change of the law and is read as such. A scene begins with `== title`; its
//! lines are `room TYPE` (a name without a room), `cast TYPE: ann host!, bo speaker` (a room that
//! the server created, and who is in), `ann joins …`, `ann knocks …`, `ann looks …` (what would become of his joining), `ann: CALL`, `server: CALL`, `ann drops`,
//! `ann returns`, `after 60s` (time passes and the timer looks), `later 60s` (time passes alone),
//! `look ann`, `sees ann`, `pending`, `show members` (or `room`, `admission`, `waiting`, `session`, `pins`, `sends`, `media`),
//! `may @ann` (what a user may over REST), `mesh 3` (in how large a room media may flow). `@ann[app=admin]: CALL` asks over REST, in the room or
//! not. The words of calls are in `call.rs` and `rest.rs`.

use std::{fmt::Write, fs, path::Path};

use rolecall_protocol::{
    id::PeerId,
    room::{Actor, Command},
};

use crate::{
    call,
    house::{House, Taken},
    rest, told,
};

#[test]
fn plays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/law/plays");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        check(&path);
    }
}

fn check(path: &Path) {
    let written = fs::read_to_string(path).unwrap();
    let played = perform(&written);
    if written == played {
        return;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, played).unwrap();
        return;
    }
    let mut title = "";
    for (number, (was, is)) in written.lines().zip(played.lines().chain([""])).enumerate() {
        if was.starts_with("== ") {
            title = was;
        }
        if was != is {
            let (path, number) = (path.display(), number + 1);
            panic!("{path}:{number} ({title})\n  written: {was}\n  played:  {is}");
        }
    }
    panic!("{}: the play is longer or shorter than written", path.display());
}

/// The play with everything indented written anew.
fn perform(written: &str) -> String {
    let mut played = String::new();
    let mut house = None;
    for line in written.lines().filter(|line| !line.starts_with(' ')) {
        writeln!(played, "{line}").unwrap();
        if line.starts_with("== ") || line.is_empty() || line.starts_with('#') {
            if let Some(house) = &house {
                House::replay(house);
            }
            if !line.is_empty() && !line.starts_with('#') {
                house = None;
            }
            continue;
        }
        for told in act(&mut house, line) {
            writeln!(played, "    {told}").unwrap();
        }
    }
    played
}

fn act(house: &mut Option<House>, line: &str) -> Vec<String> {
    if let Some(call_type) = line.strip_prefix("room ") {
        *house = Some(House::vacant(call::call_type(call_type)));
        return Vec::new();
    }
    if let Some(rest) = line.strip_prefix("cast ") {
        *house = Some(cast(rest));
        return Vec::new();
    }
    let house = house.as_mut().unwrap_or_else(|| panic!("no room yet: {line}"));
    let (who, rest) = line.split_once(' ').unwrap_or((line, ""));
    if let Some(who) = who.strip_suffix(':') {
        let actor = match who {
            "server" => Actor::Server,
            user if user.starts_with('@') => rest::actor(user),
            peer => Actor::Peer(call::name(peer)),
        };
        return told(house.take(actor, call::command(rest)));
    }
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u64>().unwrap() * 1000;
    match (who, rest.split_once(' ').unwrap_or((rest, ""))) {
        ("look", (peer, _)) => {
            let peer = house.room.peers.get(peer);
            vec![peer.map_or_else(|| "not here".to_owned(), told::peer)]
        }
        ("mesh", (max, _)) => {
            house.set_mesh(max.parse().unwrap());
            Vec::new()
        }
        ("show", (what, _)) => vec![told::of_room(&house.room, what)],
        ("may", (user, _)) => vec![told::rights(&house.room, &rest::caller(user))],
        ("sees", (peer, _)) => {
            let peers = &house.room.peers;
            let seen = peers.values().filter(|p| peers[peer].sees(p));
            vec![seen.map(|p| p.id().as_str()).collect::<Vec<_>>().join(" ")]
        }
        ("pending", _) => {
            let room = &house.room;
            let roles = room.role_requests.keys();
            let all: Vec<_> =
                roles.chain(room.permission_requests.keys()).map(|id| id.as_str()).collect();
            vec![if all.is_empty() { "nothing".to_owned() } else { all.join(" ") }]
        }
        ("after", (time, _)) => {
            house.at = house.at.plus(seconds(time));
            told(house.take(Actor::Timer, Command::Tick))
        }
        ("later", (time, _)) => {
            house.at = house.at.plus(seconds(time));
            Vec::new()
        }
        (peer, ("joins", words)) => {
            let words: Vec<&str> = words.split_whitespace().collect();
            let joining = call::joining(peer, &words);
            told(house.take(Actor::Newcomer, Command::Join(Box::new(joining))))
        }
        (peer, ("knocks", words)) => {
            let words: Vec<&str> = words.split_whitespace().collect();
            let joining = Box::new(call::joining(peer, &words));
            told(house.take(Actor::Newcomer, Command::Knock { joining, waiting_max: 3 }))
        }
        (peer, ("looks", words)) => {
            let words: Vec<&str> = words.split_whitespace().collect();
            let joining = Box::new(call::joining(peer, &words));
            told(house.take(Actor::Newcomer, Command::Access { joining }))
        }
        (peer, ("drops", _)) => {
            let until = house.at.plus(30_000);
            told(house.take(Actor::Peer(call::name(peer)), Command::Drop { until }))
        }
        (peer, ("returns", _)) => told(house.take(Actor::Peer(call::name(peer)), Command::Return)),
        _ => panic!("what is `{line}`?"),
    }
}

fn told(taken: Result<Taken, rolecall_protocol::room::Refusal>) -> Vec<String> {
    match taken {
        Err(refusal) => vec![told::refusal(&refusal)],
        Ok(taken) => {
            let heard = taken.told.iter().filter(|(heard, _)| !heard.is_empty());
            let told = heard.map(|(heard, notice)| told::notice(heard, notice));
            told.chain([told::reply(&taken.reply)]).collect()
        }
    }
}

/// A room that the server created, and those in it; `creator` beside the first: he created it.
fn cast(text: &str) -> House {
    let (call_type, peers) = text.split_once(": ").unwrap();
    let mut house = House::vacant(call::call_type(call_type));
    if !text.contains(" creator") {
        house.take(Actor::Server, call::command("create")).unwrap_or_else(|e| panic!("{e}"));
    }
    for peer in peers.split(", ") {
        let mut words: Vec<&str> = peer.split_whitespace().collect();
        words.retain(|word| *word != "creator");
        let joining = call::joining(words[0], &words[1..]);
        let joined = house.take(Actor::Server, Command::Join(Box::new(joining)));
        joined.unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(house.room.peers.contains_key(&call::name::<PeerId>(words[0])));
    }
    house
}
