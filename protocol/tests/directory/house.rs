//! A Directory that checks itself at each step: what was decided is what replaying gives, what is
//! stored reads back. It must not know what the commands mean.

use rolecall_protocol::{
    directory::{
        Actor, Command, Directory, Event, Refusal, Reply, call_types::CallTypeInput, replay, turn,
        user::UserInput,
    },
    id::{CallTypeName, RoleName, TeamId, Timestamp, UserId},
    json::Metadata,
};
use serde_json::{Value, json};

/// A Directory and how it came to be.
pub(crate) struct House {
    pub(crate) now: Directory,
    pub(crate) at: Timestamp,
    pub(crate) records: Vec<(Vec<Event>, Timestamp)>,
}

impl House {
    pub(crate) fn new() -> Self {
        let at = Timestamp(1_767_225_600_000);
        Self { now: Directory::new(), at, records: Vec::new() }
    }

    /// Asks, and checks what must hold whatever was asked.
    pub(crate) fn ask(&mut self, actor: &Actor, command: Command) -> Result<Reply, Refusal> {
        self.at = self.at.plus(1000);
        let before = self.now.clone();
        let decision = turn(&self.now, actor, command, self.at)?;
        if decision.events.is_empty() {
            assert_eq!(decision.next, before, "nothing happened, and yet it is another");
            return Ok(decision.reply);
        }
        let text = serde_json::to_string(&decision.events).unwrap();
        let events: Vec<Event> = serde_json::from_str(&text).unwrap();
        assert_eq!(events, decision.events, "events read back as they were written");
        let mut replayed = before.clone();
        replay(&mut replayed, &events, self.at);
        assert_eq!(replayed, decision.next, "replaying the events gives what was decided");
        assert_eq!(replayed.broken_invariants(), Vec::<String>::new());
        for event in &events {
            let key = event.key();
            assert_eq!(key.to_string().parse(), Ok(key.clone()));
            if replayed.entity(&key).is_some() {
                continue;
            }
            assert!(before.entity(&key).is_some() || events.len() > 1, "{key} was there");
        }
        self.now = decision.next;
        self.records.push((events, self.at));
        Ok(decision.reply)
    }

    pub(crate) fn server(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.ask(&Actor::Server, command)
    }

    pub(crate) fn done(&mut self, command: Command) -> Reply {
        let name = command.name();
        self.server(command).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
    }

    /// The Directory as a restart finds it: replayed from nothing, or restored from what is stored.
    pub(crate) fn restarted(&self) {
        let mut replayed = Directory::new();
        for (events, at) in &self.records {
            replay(&mut replayed, events, *at);
        }
        assert_eq!(replayed, self.now, "replaying everything from nothing");
        let mut stored = std::collections::BTreeMap::new();
        for key in self.records.iter().flat_map(|(events, _)| events).map(Event::key) {
            match self.now.entity(&key) {
                Some(body) => stored.insert(key.to_string(), body.to_string()),
                None => stored.remove(&key.to_string()),
            };
        }
        let restored = Directory::from_entities(stored, self.now.seq).unwrap();
        assert_eq!(restored, self.now, "restoring what is stored");
    }
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(crate) fn role(name: &str) -> RoleName {
    RoleName::parse(name).unwrap()
}

pub(crate) fn call_type(name: &str) -> CallTypeName {
    CallTypeName::parse(name).unwrap()
}

/// A user as REST reads him.
pub(crate) fn input(id: &str, fields: Value) -> UserInput {
    let read = |key: &str| fields.get(key).cloned();
    let text = |key: &str| read(key).map(|value| value.as_str().unwrap().into());
    UserInput {
        id: user(id),
        role: read("role").map(|value| serde_json::from_value(value).unwrap()),
        name: text("name"),
        image: text("image"),
        teams: read("teams").map(|value| serde_json::from_value(value).unwrap()),
        teams_role: read("teams_role").map(|value| serde_json::from_value(value).unwrap()),
        custom: read("custom").map(|value| Metadata::new(&value).unwrap()),
        language: text("language"),
        invisible: read("invisible").and_then(|value| value.as_bool()),
    }
}

pub(crate) fn upsert(id: &str, fields: Value) -> Command {
    Command::UpsertUsers { users: vec![input(id, fields)] }
}

pub(crate) fn patch(id: &str, set: Value, unset: &[&str]) -> Command {
    use rolecall_protocol::directory::user::UserPatch;
    let set = set.as_object().cloned().unwrap();
    let unset = unset.iter().map(|key| (*key).to_owned()).collect();
    Command::UpdateUsers { patches: vec![UserPatch { id: user(id), set, unset }] }
}

pub(crate) fn app(patch: Value) -> Command {
    Command::UpdateApp(Box::new(serde_json::from_value(patch).unwrap()))
}

/// A call type as REST reads it.
pub(crate) fn written(fields: Value) -> Box<CallTypeInput> {
    let read = |key: &str| fields.get(key).cloned();
    Box::new(CallTypeInput {
        grants: read("grants").map(|value| serde_json::from_value(value).unwrap()),
        settings: read("settings"),
        notification_settings: read("notification_settings"),
        external_storage: read("external_storage")
            .map(|value| serde_json::from_value(value).unwrap()),
        roles: read("roles").map_or_else(Default::default, |v| serde_json::from_value(v).unwrap()),
        default_role: read("default_role").map(|value| serde_json::from_value(value).unwrap()),
        open: read("open").and_then(|value| value.as_bool()),
        extends: read("extends").map(|value| serde_json::from_value(value).unwrap()),
    })
}

pub(crate) fn create(name: &str, fields: Value) -> Command {
    Command::CreateCallType { name: call_type(name), input: written(fields) }
}

pub(crate) fn update(name: &str, fields: Value) -> Command {
    Command::UpdateCallType { name: call_type(name), input: written(fields) }
}

pub(crate) fn ids(names: &[&str]) -> Vec<UserId> {
    names.iter().map(|name| user(name)).collect()
}

pub(crate) fn teams(many: usize) -> Value {
    (0..many).map(|n| json!(format!("t{n}"))).collect()
}

pub(crate) fn team(name: &str) -> TeamId {
    TeamId::parse(name).unwrap()
}
