//! The interpreter of `tests/scripts/*.script`: plays in plain words, run over real WebSockets.
//! `tests/scripts/README.md` says how they are written.
//!
//! Beside what a script says it insists, for everybody at every step: `seq` grows strictly; a reply
//! comes after every notice that its call caused; the view built from notices is what the server
//! says one may see; and at the curtain's fall nobody has heard more than the script says.

use std::{collections::BTreeMap, fs, panic::AssertUnwindSafe, path::Path, time::Duration};

use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::{
    client::{Client, Heard},
    house::{House, user_token},
};

/// One line of a script, its continuation lines joined to it.
struct Line {
    number: usize,
    text: String,
}

fn lines(script: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (at, raw) in script.lines().enumerate() {
        let text = raw.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some(last) if raw.starts_with(' ') => last.text.push_str(&format!(" {text}")),
            _ => lines.push(Line { number: at + 1, text: text.to_owned() }),
        }
    }
    lines
}

struct Play {
    house: House,
    room: String,
    players: BTreeMap<String, Client>,
    /// Peer ids by `@Name`; they outlive their sockets.
    peers: BTreeMap<String, String>,
    /// What `$name` stands for.
    bound: BTreeMap<String, Value>,
}

/// What a call is to come to.
enum Outcome {
    Result(Value),
    Refused { code: i64, reason: String, data: Value },
}

impl Play {
    /// Opens the house as the script's `setting` lines say.
    fn open(lines: &[Line]) -> Self {
        let settings: Vec<(&str, Duration)> = lines
            .iter()
            .filter_map(|line| line.text.strip_prefix("setting "))
            .map(|setting| {
                let (key, value) = setting.split_once(' ').expect("setting KEY VALUE");
                let ms = value.strip_suffix("ms").and_then(|ms| ms.parse().ok());
                (key, Duration::from_millis(ms.expect("milliseconds, such as 300ms")))
            })
            .collect();
        let house = House::with(|config| {
            for (key, value) in settings {
                match key {
                    "grace" => config.grace = value,
                    "role_request_ttl" => config.limits.role_request_ttl = value,
                    _ => panic!("no such setting: {key}"),
                }
            }
        });
        let (players, peers, bound) = Default::default();
        Self { house, room: String::new(), players, peers, bound }
    }

    fn player(&mut self, name: &str) -> &mut Client {
        self.players.get_mut(name).unwrap_or_else(|| panic!("{name} is not in the play"))
    }

    async fn line(&mut self, text: &str) {
        let (subject, verb) = subject_and_verb(text);
        match subject.as_str() {
            "setting" => {}
            "room" => self.room = verb.to_owned(),
            "curtain" => {
                for client in self.players.values_mut().filter(|client| client.sits()) {
                    client.catch_up().await;
                }
            }
            "the server" => self.server_acts(verb).await,
            names => {
                let names: Vec<String> = if names == "everybody" {
                    let seated = self.players.iter().filter(|(_, client)| client.sits());
                    seated.map(|(name, _)| name.clone()).collect()
                } else {
                    names.split([',', '&']).map(|name| name.trim().to_owned()).collect()
                };
                for name in names {
                    self.acts(&name, verb).await;
                }
            }
        }
    }

    async fn acts(&mut self, name: &str, verb: &str) {
        let (word, rest) = verb.split_once(' ').unwrap_or((verb, ""));
        match word {
            "joins" => self.joins(name, rest).await,
            "calls" => {
                let (method, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let (params, outcome) = self.params_and_outcome(rest);
                let client = self.player(name);
                let result = client.call(method, &params).await;
                let heard = client.heard.len();
                // Where the call ended its own connection there is nothing behind the reply.
                if client.sits() && !matches!(method, "leave" | "endRoom") {
                    client.state().await;
                    // Only what time brings may come in between.
                    let late: Vec<&Heard> =
                        client.heard.iter().skip(heard).filter(|told| !told.is_of_time()).collect();
                    assert!(late.is_empty(), "told after the reply: {late:?}");
                }
                self.came_to(result, outcome);
            }
            "receives" | "receive" => {
                let (method, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let expected = if rest.is_empty() { json!({}) } else { json_of(rest).0 };
                let heard = self.player(name).hear().await;
                let Heard::Notice { method: told, params } = &heard else {
                    panic!("{name} should receive {method}, not {heard:?}");
                };
                assert_eq!(told, method, "{name} received {told} {params}");
                self.check(&expected, params, method);
            }
            "hears" | "hear" => {
                assert_eq!(rest, "nothing");
                self.player(name).hears_nothing().await;
            }
            "drops" => {
                let addr = self.house.addr;
                let client = self.player(name);
                client.check_view().await;
                client.reconnect(addr).await;
            }
            "resumes" => {
                let expected = expectation(rest);
                let resumed = self.player(name).resume_with(&json!({})).await.unwrap();
                self.check(&expected, &resumed, "the reply to resume");
            }
            "closes" => {
                self.player(name).check_view().await;
                self.player(name).hang_up(rest.parse().expect("closes CODE")).await;
            }
            "is" | "are" => {
                let code = rest.strip_prefix("closed ").expect("is closed CODE");
                let heard = self.player(name).hear().await;
                let Heard::Closed(told, _) = heard else { panic!("{name} heard {heard:?}") };
                assert_eq!(told.to_string(), code, "{name} is closed otherwise");
            }
            _ => panic!("`{word}` is no verb of a play"),
        }
    }

    /// `joins [as owner|user|anonymous|ROLE] [with {join params and claims}] [-> {…}]`.
    async fn joins(&mut self, name: &str, rest: &str) {
        let mut rest = rest;
        let mut kind = "user";
        if let Some(more) = rest.strip_prefix("as ") {
            (kind, rest) = more.split_once(' ').unwrap_or((more, ""));
        }
        let (mut params, mut claims) = (json!({ "room": self.room }), json!({}));
        match kind {
            "owner" => claims = json!({ "room": self.room, "is_owner": true }),
            "user" | "anonymous" => {}
            role => claims = json!({ "room": self.room, "role": role }),
        }
        if let Some(more) = rest.strip_prefix("with ") {
            let (given, after) = json_of(more);
            rest = after;
            for (key, value) in given.as_object().unwrap() {
                let into = match key.as_str() {
                    "name" | "metadata" | "create" | "room" => &mut params,
                    _ => &mut claims,
                };
                into[key] = self.filled(value);
            }
        }
        if kind != "anonymous" {
            params["token"] = user_token(&name.to_lowercase(), claims).into();
        }
        let mut client = match self.players.remove(name) {
            Some(client) if !client.is_closed() => client,
            _ => self.house.socket().await,
        };
        let joined = client.join(&params).await;
        if joined.is_ok() {
            self.peers.insert(name.to_owned(), client.peer.clone());
        }
        self.players.insert(name.to_owned(), client);
        self.came_to(joined, outcome(rest));
    }

    async fn server_acts(&mut self, verb: &str) {
        let rest = verb.strip_prefix("calls ").expect("the server only calls");
        let (method, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let (params, outcome) = self.params_and_outcome(rest);
        let (status, mut answer) = self.house.call(&self.room, method, params).await;
        let result = match answer["error"].take() {
            Value::Null => Ok(answer["result"].take()),
            error => {
                assert_eq!(error["code"], status, "{error}");
                Err(error)
            }
        };
        self.came_to(result, outcome);
    }

    fn params_and_outcome(&self, rest: &str) -> (Value, Outcome) {
        if !rest.starts_with('{') {
            return (json!({}), outcome(rest));
        }
        let (params, rest) = json_of(rest);
        (self.filled(&params), outcome(rest))
    }

    fn came_to(&mut self, result: Result<Value, Value>, expected: Outcome) {
        match (result, expected) {
            (Ok(result), Outcome::Result(expected)) => self.check(&expected, &result, "the reply"),
            (Err(error), Outcome::Refused { code, reason, data }) => {
                assert_eq!(
                    (&error["code"], &error["data"]["reason"]),
                    (&json!(code), &json!(reason))
                );
                self.check(&data, &error["data"], "the error's data");
            }
            (Ok(result), Outcome::Refused { reason, .. }) => {
                panic!("it went through, but {reason} was expected: {result}")
            }
            (Err(error), Outcome::Result(_)) => panic!("it was refused: {error}"),
        }
    }

    /// `@Name` and `$name` replaced in what is sent, in keys too.
    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.known(text).unwrap_or_else(|| value.clone()),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(map) => {
                let entry = |(key, value): (&String, &Value)| (self.key(key), self.filled(value));
                Value::Object(map.iter().map(entry).collect())
            }
            _ => value.clone(),
        }
    }

    fn key(&self, key: &str) -> String {
        self.known(key).map_or_else(|| key.to_owned(), |id| id.as_str().unwrap().to_owned())
    }

    fn known(&self, text: &str) -> Option<Value> {
        if let Some(name) = text.strip_prefix('@') {
            let peer = self.peers.get(name).unwrap_or_else(|| panic!("who is {name}?"));
            return Some(json!(peer));
        }
        let name = text.strip_prefix('$').filter(|name| *name != "absent")?;
        let value = self.bound.get(name);
        Some(value.unwrap_or_else(|| panic!("what is ${name}?")).clone())
    }

    fn check(&mut self, expected: &Value, actual: &Value, what: &str) {
        if let Err(why) = self.matches(expected, actual, "") {
            panic!("{what} is not as expected: {why}\nexpected {expected}\nactual   {actual}");
        }
    }

    /// Partial: an object may hold more than is expected; a list may not.
    fn matches(&mut self, expected: &Value, actual: &Value, at: &str) -> Result<(), String> {
        match (expected, actual) {
            (Value::String(text), _) if text.starts_with('$') => {
                let known =
                    self.bound.entry(text[1..].to_owned()).or_insert_with(|| actual.clone());
                (known == actual)
                    .then_some(())
                    .ok_or_else(|| format!("{at} is not {text} = {known}"))
            }
            (Value::String(text), _) if text.starts_with('@') => {
                let peer = self.known(text);
                (peer.as_ref() == Some(actual))
                    .then_some(())
                    .ok_or_else(|| format!("{at} is not {text}"))
            }
            (Value::Object(expected), Value::Object(actual)) => {
                for (key, value) in expected {
                    let (key, at) = (self.key(key), format!("{at}.{key}"));
                    match (actual.get(&key), value.as_str()) {
                        (None, Some("$absent")) => {}
                        (None, _) => return Err(format!("{at} is missing")),
                        (Some(_), Some("$absent")) => return Err(format!("{at} is there")),
                        (Some(found), _) => self.matches(value, found, &at)?,
                    }
                }
                Ok(())
            }
            (Value::Array(expected), Value::Array(actual)) => {
                if expected.len() != actual.len() {
                    return Err(format!("{at} has {} entries", actual.len()));
                }
                let mut pairs = expected.iter().zip(actual).enumerate();
                pairs.try_for_each(|(n, (e, a))| self.matches(e, a, &format!("{at}[{n}]")))
            }
            (expected, actual) if expected == actual => Ok(()),
            (_, actual) => Err(format!("{at} is {actual}")),
        }
    }

    /// The end: nobody has heard more than the script says.
    async fn fall(&mut self) {
        for (name, client) in &mut self.players {
            if client.sits() {
                client.hears_nothing().await;
            } else {
                assert_eq!(client.heard, [], "{name} heard more");
            }
        }
    }
}

/// `the server calls …`, `Ana calls …`, `Ana, Bo & Cy hear nothing`.
fn subject_and_verb(text: &str) -> (String, &str) {
    if let Some(verb) = text.strip_prefix("the server ") {
        return ("the server".to_owned(), verb);
    }
    const VERBS: [&str; 11] = [
        " joins",
        " calls ",
        " receives ",
        " receive ",
        " hears ",
        " hear ",
        " drops",
        " resumes",
        " closes ",
        " is closed ",
        " are closed ",
    ];
    let found = VERBS.iter().filter_map(|verb| text.find(verb)).min();
    match found {
        Some(at) => (text[..at].to_owned(), text[at + 1..].trim_end()),
        None => {
            let (subject, rest) = text.split_once(' ').unwrap_or((text, ""));
            assert!(matches!(subject, "room" | "setting" | "curtain"), "what is `{text}`?");
            (subject.to_owned(), rest)
        }
    }
}

/// The JSON that `text` begins with, and what follows it.
fn json_of(text: &str) -> (Value, &str) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next().expect("JSON").unwrap_or_else(|error| panic!("{text}: {error}"));
    (value, text[values.byte_offset()..].trim_start())
}

fn expectation(rest: &str) -> Value {
    match outcome(rest) {
        Outcome::Result(expected) => expected,
        Outcome::Refused { .. } => panic!("that is not refused in a play"),
    }
}

/// `-> {…}`, `is refused CODE REASON [{…}]`, or nothing.
fn outcome(rest: &str) -> Outcome {
    let whole = |text: &str| {
        let (value, rest) = json_of(text);
        assert_eq!(rest, "", "what does this mean here?");
        value
    };
    if rest.is_empty() {
        return Outcome::Result(json!({}));
    }
    if let Some(expected) = rest.strip_prefix("-> ") {
        return Outcome::Result(whole(expected));
    }
    let refused = rest.strip_prefix("is refused ").unwrap_or_else(|| panic!("what is `{rest}`?"));
    let mut words = refused.splitn(3, ' ');
    let code = words.next().unwrap().parse().expect("is refused CODE REASON");
    let reason = words.next().expect("is refused CODE REASON").to_owned();
    let data = words.next().map_or_else(|| json!({}), whole);
    Outcome::Refused { code, reason, data }
}

async fn run(lines: &[Line]) -> Result<(), String> {
    let mut play = Play::open(lines);
    for Line { number, text } in lines {
        let played = AssertUnwindSafe(play.line(text)).catch_unwind().await;
        played.map_err(|panic| format!("line {number}: {text}\n{}", said(&*panic)))?;
    }
    let fallen = AssertUnwindSafe(play.fall()).catch_unwind().await;
    fallen.map_err(|panic| format!("at the end: {}", said(&*panic)))
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[tokio::test]
async fn every_script_plays() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> =
        fs::read_dir(&scripts).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "script"));
    paths.sort();
    assert!(paths.len() > 20, "the scripts are not where they were: {}", scripts.display());
    let mut failed = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if std::env::var("SCRIPT").is_ok_and(|only| !name.contains(&only)) {
            continue;
        }
        if let Err(why) = run(&lines(&fs::read_to_string(&path).unwrap())).await {
            failed.push(format!("{name}, {why}"));
        }
    }
    assert!(failed.is_empty(), "{} failed:\n\n{}", failed.len(), failed.join("\n\n"));
}

/// What an interpreter lets pass must be worth something: each of these scripts has to fail.
#[tokio::test]
async fn a_script_that_says_something_wrong_fails() {
    const OPENING: &str = "room stage:wrong\nAna joins as owner\nBo joins as listener\ncurtain\n";
    for (wrong, why) in [
        (
            "Ana calls changeRoleOfPeer {\"peerId\":\"@Bo\",\"role\":\"speaker\",\"force\":true}",
            "heard nothing",
        ),
        ("Bo calls raiseHand {\"raised\":true} is refused 403 not-allowed", "went through"),
        ("Bo calls endRoom", "refused"),
        ("Bo calls raiseHand {\"raised\":true}\nAna hears nothing", "heard nothing"),
        ("Bo calls raiseHand {\"raised\":true}\nAna receives participant-left", "received"),
        (
            "Bo calls raiseHand {\"raised\":true}\nAna receives participant-updated {\"changed\":[\"name\"]}",
            "not as expected",
        ),
        (
            "Ana calls explain {\"capability\":\"end-call\"} -> {\"allowed\":\"$absent\"}",
            "is there",
        ),
        ("Ana calls ping -> {\"at\":\"$x\",\"on\":\"$y\"}", "missing"),
        ("Ana dances", "what is"),
    ] {
        let failed = run(&lines(&format!("{OPENING}{wrong}"))).await.expect_err(wrong);
        assert!(failed.contains(why), "{wrong}\n{failed}");
    }
}
