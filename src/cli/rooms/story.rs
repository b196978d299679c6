//! A journal told to people: one line for each record. It knows the shape of records, not the list of
//! events, so it tells of events that are newer than itself.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::table::{cell, plain};

/// Fields that say nothing beside the rest of their line.
const SILENT: [&str; 3] = ["type", "by", "epoch"];
/// The longest value shown whole.
const VALUE_CHARS: usize = 60;
/// Names of peers remembered at most; beyond, ids are shown.
const NAMES_MAX: usize = 10_000;

/// What is known so far: who the peers are.
#[derive(Debug, Default)]
pub(super) struct Story {
    names: BTreeMap<String, String>,
}

impl Story {
    /// The record as a line.
    pub(super) fn line(&mut self, record: &Value) -> String {
        let events = record["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        for event in events {
            self.meet(&event["newcomer"]);
        }
        let told: Vec<String> = events.iter().map(|event| self.event(event)).collect();
        let at = cell(&record["at"]);
        let at =
            at.split_once('.').map_or(at.clone(), |(at, _)| format!("{}Z", at.replace('T', " ")));
        let by = match record["by"].as_str() {
            Some(id) => self.name(id),
            None => "time".to_owned(),
        };
        format!(
            "{:>6}  {at}  {by:<16}  {:<20}  {}\n",
            cell(&record["seq"]),
            cell(&record["method"]),
            told.join("; ")
        )
    }

    /// Remembers who a newcomer is.
    fn meet(&mut self, newcomer: &Value) {
        let (Some(peer), Some(user)) = (newcomer["peerId"].as_str(), newcomer["userId"].as_str())
        else {
            return;
        };
        if self.names.len() < NAMES_MAX || self.names.contains_key(peer) {
            // Somebody without a token is his own peer id; his name says more.
            let shown = match newcomer["name"].as_str() {
                Some(name) if user == peer && !name.is_empty() => name,
                _ => user,
            };
            self.names.insert(peer.to_owned(), plain(shown).into_owned());
        }
    }

    fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| plain(id).into_owned())
    }

    /// `roleChanged {peerId, from, to}` as `role changed ann from=listener to=speaker`.
    fn event(&self, event: &Value) -> String {
        let mut words = vec![spaced(event["type"].as_str().unwrap_or("?"))];
        let whom = event["peerId"].as_str().or_else(|| event["newcomer"]["peerId"].as_str());
        words.extend(whom.map(|id| self.name(id)));
        let fields = event.as_object().into_iter().flatten();
        for (key, value) in fields {
            match (key.as_str(), value) {
                ("peerId", _) | (_, Value::Null | Value::Bool(false)) => {}
                (key, _) if SILENT.contains(&key) => {}
                ("newcomer", newcomer) => {
                    for key in ["role", "assigned", "owner"] {
                        words.extend(field(key, &newcomer[key]));
                    }
                }
                (key, value) => words.extend(field(key, value)),
            }
        }
        words.join(" ")
    }
}

/// `key=value`; a flag that is set is its name alone.
fn field(key: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Bool(false) => return None,
        Value::Bool(true) => return Some(spaced(key)),
        Value::Object(fields) if fields.is_empty() => return None,
        value => cell(value),
    };
    let cut: String = text.chars().take(VALUE_CHARS).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    Some(format!("{}={cut}{dots}", plain(key)))
}

/// `roleChanged` as `role changed`.
fn spaced(camel: &str) -> String {
    let mut words = String::new();
    for c in plain(camel).chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_a_line() {
        let mut story = Story::default();
        let joined = json!({ "seq": 3, "at": "2026-01-01T00:00:00.123Z", "by": "p1", "method": "join",
            "events": [
                { "type": "roomCreated", "epoch": "e", "team": null, "callType": "stage",
                  "backstage": false, "custom": {} },
                { "type": "peerJoined", "newcomer": { "peerId": "p1", "userId": "ann", "owner": true } },
            ] });
        assert_eq!(
            story.line(&joined),
            "     3  2026-01-01 00:00:00Z  ann               join                  \
             room created callType=stage; peer joined ann owner\n"
        );
        let changed = json!({ "seq": 4, "at": "2026-01-01T00:00:01.000Z", "by": "server",
            "method": "changeRoleOfPeer", "events": [
                { "type": "roleChanged", "peerId": "p1", "from": "host", "to": "speaker",
                  "by": "server", "forced": true },
            ] });
        assert!(story.line(&changed).ends_with(
            "server            changeRoleOfPeer      role changed ann forced from=host to=speaker\n"
        ));
        let dropped = json!({ "seq": 5, "at": "soon", "by": null, "method": "tick", "events": [
            { "type": "somethingNew\u{1b}", "peerId": "p9", "what": "x".repeat(99) } ] });
        let line = story.line(&dropped);
        assert!(
            line.contains("  time  ") && line.contains("something new\\u{1b} p9 what=xxx"),
            "{line}"
        );
        assert!(line.ends_with("x…\n"), "{line}");
    }

    #[test]
    fn a_stranger_is_told_by_his_name() {
        let mut story = Story::default();
        let stranger = json!({ "peerId": "p1", "userId": "p1", "name": "Bo" });
        story.meet(&stranger);
        assert_eq!((story.name("p1"), story.name("p2")), ("Bo".to_owned(), "p2".to_owned()));
    }
}
