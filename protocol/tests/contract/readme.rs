//! The contract's page against the code: its dialogue is played, its JSON blocks are read, and every
//! name in its tables is one of the code's, both ways.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use rolecall_protocol::{
    call_type::{builtin, definition::Definition},
    capability::{AdminGroup, Capabilities, Capability},
    dialect::native::call::{self, Request},
    id::CallTypeName,
    json::{MessageData, Metadata, SignalData},
    media::Reception,
    permissions::PermissionsPatch,
    room::{Actor, Command, Explainee, Refusal, authorize, event::Outcome, explain::Rule},
    wire::{code::Close, frame::read_call},
};
use serde_json::{Value, json};

use crate::{
    errors,
    golden::{self, Golden},
    page::{self, blocks, names, section, table},
    stage::{Claims, Stage, peer_id},
};

/// Whether a frame is as shown, where `"…"` stands for anything.
fn is_as_shown(shown: &Value, frame: &Value) -> bool {
    match (shown, frame) {
        (Value::String(text), _) if text == "…" => true,
        (Value::Object(shown), Value::Object(frame)) => {
            let elided = shown.contains_key("…");
            let all = shown.keys().filter(|key| *key != "…").count();
            (elided || all == frame.len())
                && shown.iter().all(|(key, shown)| {
                    key == "…" || frame.get(key).is_some_and(|value| is_as_shown(shown, value))
                })
        }
        (Value::Array(shown), Value::Array(frame)) => {
            shown.len() == frame.len() && shown.iter().zip(frame).all(|(a, b)| is_as_shown(a, b))
        }
        _ => shown == frame,
    }
}

#[test]
fn the_dialogue_is_as_it_would_be() {
    let host: Claims = serde_json::from_value(json!({"role": "host", "owner": true})).unwrap();
    let people = BTreeMap::from([("ann".to_owned(), host), ("bo".to_owned(), Claims::default())]);
    let mut stage = Stage::new("stage:town-hall", people);
    let mut heard: BTreeMap<String, usize> = BTreeMap::new();
    let dialogue = blocks(&section("## 0."));
    for block in &dialogue {
        let [kind, who] = &block.words[..] else { panic!("{:?}", block.words) };
        match kind.as_str() {
            "call" => stage.call(who, &block.json.to_string()),
            "lose" => stage.lose(who),
            "reply" | "notice" => {
                let next = heard.entry(who.clone()).or_default();
                let frame = stage.told[who].get(*next);
                let frame = frame.unwrap_or_else(|| panic!("{}: silence", block.json));
                assert!(is_as_shown(&block.json, frame), "shown {}\nbut it is {frame}", block.json);
                assert_eq!(kind == "reply", frame.get("id").is_some());
                *next += 1;
            }
            _ => panic!("{kind}"),
        }
    }
    assert_eq!(heard["bo"], stage.told["bo"].len(), "all that Bo hears is shown");
}

fn keys(value: &Value) -> BTreeSet<&String> {
    value.as_object().unwrap().keys().collect()
}

#[test]
fn every_block_is_read() {
    let notices: BTreeMap<String, Vec<Value>> = Golden::of("notices").content;
    let replies: BTreeMap<String, Vec<Value>> = Golden::of("replies").content;
    let claims = table("claim");
    let text = page::text().replacen(&section("## 0."), "", 1);
    let all = blocks(&text);
    assert!(all.len() > 10);
    for block in all {
        let json = &block.json;
        match &block.words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["call"] => {
                let text = json.to_string();
                let call = read_call(&text).unwrap();
                call::read(&call.method, call.params).unwrap();
            }
            ["reply", method] => {
                let known = replies[*method]
                    .iter()
                    .any(|known| keys(&known["result"]) == keys(&json["result"]));
                assert!(known && keys(json) == keys(&replies[*method][0]), "{json}");
            }
            ["notice"] => {
                let known = &notices[json["method"].as_str().unwrap()];
                assert!(
                    known.iter().any(|known| keys(&known["params"]) == keys(&json["params"])),
                    "{json}"
                );
                assert_eq!(keys(json), keys(&known[0]));
            }
            ["error"] => {
                let error = &json["error"];
                let known = errors::all().into_iter().any(|known| {
                    error["code"] == known.code
                        && keys(&error["data"]) == keys(&known.data)
                        && error["data"]["reason"] == known.reason()
                });
                assert!(known, "{json}");
            }
            ["token"] => {
                assert!(keys(json).into_iter().all(|claim| claims.contains_key(claim)), "{json}");
                serde_json::from_value::<PermissionsPatch>(json["permissions"].clone()).unwrap();
            }
            ["participant"] => assert_eq!(*json, shown_participant()),
            ["receive"] => {
                let reception: Reception = serde_json::from_value(json.clone()).unwrap();
                assert_eq!(serde_json::to_value(reception).unwrap(), *json);
            }
            ["calltype"] => {
                let definition: Definition = serde_json::from_value(json.clone()).unwrap();
                let name = CallTypeName::parse("mine").unwrap();
                definition.build(&name, &builtin::all()).unwrap();
            }
            ["http"] => {
                let method = json["method"].as_str().unwrap();
                call::read_command(method, &json["params"].to_string()).unwrap();
                assert_eq!(json.as_object().unwrap().len(), 2);
            }
            words => panic!("line {}: a block of no known kind {words:?}", block.line),
        }
    }
}

/// The participant of section 2, as the code writes him.
fn shown_participant() -> Value {
    let claims: Claims = serde_json::from_value(json!({"role": "moderator"})).unwrap();
    let mut stage = Stage::new("stage:a", BTreeMap::from([("ann".to_owned(), claims)]));
    stage.call("ann", r#"{"jsonrpc":"2.0","id":1,"method":"join","params":{"room":"stage:a","name":"Ann","metadata":{"seat":7}}}"#);
    stage.call("ann", r#"{"jsonrpc":"2.0","id":2,"method":"setTracks","params":{"audio":true}}"#);
    stage.seen_by("ann")["participants"][0].clone()
}

#[test]
fn every_error_is_in_the_table_and_no_other() {
    let mut code: BTreeMap<String, (BTreeSet<i32>, BTreeSet<String>)> = BTreeMap::new();
    for error in errors::all() {
        let entry = code.entry(error.reason().to_owned()).or_default();
        entry.0.insert(error.code);
        entry.1.extend(keys(&error.data).into_iter().filter(|key| *key != "reason").cloned());
    }
    // What the awaiting half adds of its own.
    for args in golden::between_all("../src", "ErrorBody::new(", ")") {
        let (number, rest) = args.split_once(',').unwrap();
        let Ok(number) = number.trim().parse() else { continue };
        let reason = rest.split('"').nth(1).unwrap().to_owned();
        code.entry(reason).or_default().0.insert(number);
    }
    let page = table("`reason`").into_iter().map(|(reason, cells)| {
        let codes = BTreeSet::from([cells[0].parse::<i32>().unwrap()]);
        (reason, (codes, names(&cells[1]).into_iter().collect()))
    });
    assert_eq!(page.collect::<BTreeMap<_, _>>(), code);
    // The list that this compares with is itself whole.
    let constructors = golden::between("src/wire/code.rs", "Self::new(", ")");
    let written = constructors.iter().filter_map(|args| args.split('"').nth(1));
    assert!(written.clone().count() > 10);
    for reason in written {
        assert!(code.contains_key(reason), "{reason}");
    }
}

#[test]
fn every_problem_of_http_is_in_its_table_and_no_other() {
    let problems = golden::between_all("../src", "new(StatusCode::", ")");
    let mut written: BTreeSet<String> = problems
        .iter()
        .filter_map(|args| args.split('"').nth(1))
        .filter(|reason| *reason != "not-allowed")
        .map(str::to_owned)
        .collect();
    let upgrade = fs::read_to_string(golden::at("../src/http/upgrade.rs")).unwrap();
    let reasons = upgrade.split("fn reason(self)").nth(1).unwrap().split("\n    }").next().unwrap();
    written.extend(
        reasons.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
    );
    assert_eq!(table("problem").into_keys().collect::<BTreeSet<_>>(), written);
}

#[test]
fn every_close_code_is_in_the_table_and_no_other() {
    let page = table("close").into_iter().map(|(code, cells)| {
        (code.parse::<u16>().unwrap(), (cells[0].clone(), cells[1].starts_with("come back")))
    });
    let code = Close::ALL.iter().map(|c| (c.code(), (c.reason().to_owned(), c.comes_back())));
    assert_eq!(page.collect::<BTreeMap<_, _>>(), code.collect());
    let stays = table("close").into_iter().filter(|(code, _)| code.as_str() >= "4500");
    assert!(stays.into_iter().all(|(_, cells)| cells[1].starts_with("stay away")));
}

/// A command of each method, from the vectors.
fn samples() -> BTreeMap<String, Request> {
    let vectors: Vec<Value> = Golden::of("calls").content;
    let read = vectors.iter().rev().map(|vector| {
        let call = read_call(vector["frame"].as_str().unwrap()).unwrap();
        (call.method.to_string(), call::read(&call.method, call.params).unwrap())
    });
    read.collect()
}

#[test]
fn the_table_of_calls_says_what_is_read_and_what_it_needs() {
    let page = table("call");
    assert_eq!(page.keys().cloned().collect::<BTreeSet<_>>(), golden::methods());
    let people = ["bo", "cy"].map(|name| (name.to_owned(), Claims::default()));
    let mut stage = Stage::new("stage:a", people.into());
    let at = rolecall_protocol::id::Timestamp(0);
    let create = Command::Create(Box::default());
    let created = rolecall_protocol::room::turn(&stage.room, Actor::Server, create, at).unwrap();
    for event in &created.events {
        rolecall_protocol::room::commit(&mut stage.room, event, at);
    }
    for name in ["bo", "cy"] {
        stage.call(name, r#"{"jsonrpc":"2.0","id":1,"method":"join","params":{"room":"stage:a"}}"#);
    }
    let mut needing = 0;
    for (method, request) in samples() {
        let cells = &page[&method];
        let Request::Command(command) = request else {
            assert_eq!(cells[3], "", "{method} belongs to a socket");
            continue;
        };
        let command = match command {
            Command::Explain { right, .. } => {
                Command::Explain { whom: Explainee::Peer(peer_id("bo")), right }
            }
            Command::RaiseHand { raised } => {
                Command::RaiseHandOf { peer_id: peer_id("bo"), raised }
            }
            Command::SetName { name } => Command::SetNameOf { peer_id: peer_id("bo"), name },
            Command::SetMetadata { metadata } => {
                Command::SetMetadataOf { peer_id: peer_id("bo"), metadata }
            }
            Command::SetNameOf { name, .. } => Command::SetNameOf { peer_id: peer_id("bo"), name },
            Command::SetMetadataOf { metadata, .. } => {
                Command::SetMetadataOf { peer_id: peer_id("bo"), metadata }
            }
            other => other,
        };
        let server = authorize(&stage.room, Actor::Server, command.clone());
        let refused = matches!(server, Err(Refusal::NotAPeer));
        assert_eq!(cells[3].starts_with("yes"), !refused, "{method} over HTTP: {server:?}");
        let needs = names(&cells[2]).first().and_then(|name| Capability::from_name(name));
        let needs = needs.filter(|_| method != "cancelChangeRole");
        match authorize(&stage.room, Actor::Peer(peer_id("cy")), command) {
            Err(Refusal::NotAllowed(lacks)) => {
                assert_eq!(Some(lacks), needs, "{method}");
                needing += 1;
            }
            other => assert_eq!(needs, None, "{method}: {other:?}"),
        }
    }
    assert!(needing >= 8);
}

#[test]
fn the_table_of_notices_says_what_is_told() {
    let notices: BTreeMap<String, Vec<Value>> = Golden::of("notices").content;
    let page = table("notice");
    assert_eq!(page.keys().collect::<Vec<_>>(), notices.keys().collect::<Vec<_>>());
    for (method, cells) in page {
        let said: BTreeSet<String> =
            names(&cells[0]).iter().flat_map(|list| list.split(", ")).map(str::to_owned).collect();
        let shapes = notices[&method].iter().map(|frame| keys(&frame["params"]));
        let stamp = ["seq".to_owned(), "at".to_owned()];
        let mut told = BTreeSet::new();
        for key in shapes.clone().flatten().filter(|key| !stamp.contains(key)) {
            let always = shapes.clone().all(|shape| shape.contains(key));
            told.insert(if always { key.clone() } else { format!("{key}?") });
        }
        assert_eq!(said, told, "{method}");
        let stamped = shapes.clone().all(|shape| stamp.iter().all(|key| shape.contains(key)));
        let unstamped = [
            "app-message",
            "signal",
            "subscription-signal",
            "token-expiring",
            "unmute-request",
            "waiting-answered",
        ];
        let relayed = unstamped.contains(&method.as_str());
        assert_eq!(stamped, !relayed, "{method}");
    }
}

#[test]
fn the_words_of_the_law_are_the_codes() {
    let list = section("### 3.8");
    let list = list.split("own_capabilities`:").nth(1).unwrap();
    let all: Vec<_> = Capability::ALL.iter().map(|c| c.as_str()).collect();
    assert_eq!(names(list), all);

    let groups = table("group");
    assert_eq!(groups.len(), AdminGroup::ALL.len());
    for group in AdminGroup::ALL {
        let its = names(&groups[group.as_str()][0]);
        let its: Capabilities =
            its.iter().map(|name| Capability::from_name(name).unwrap()).collect();
        assert_eq!(its, group.capabilities());
    }

    let outcomes = table("`outcome`")
        .into_keys()
        .map(|name| serde_json::from_value::<Outcome>(json!(name)).unwrap());
    assert_eq!(outcomes.count(), 7);

    let rules = [
        Rule::RoleGrants,
        Rule::CreatorGrants,
        Rule::RoleLacks,
        Rule::OtherTeam,
        Rule::DefaultGrants,
        Rule::DefaultRevokes,
        Rule::OverrideGrants,
        Rule::OverrideRevokes,
        Rule::SettingOff,
        Rule::Hidden,
        Rule::Blocked,
    ];
    let rules: BTreeSet<_> = rules
        .iter()
        .map(|rule| serde_json::to_value(rule).unwrap())
        .collect::<Vec<_>>()
        .into_iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(table("`rule`").into_keys().collect::<BTreeSet<_>>(), rules);

    let administrative = section("### 3.4");
    let administrative = administrative.split("Administrative are").nth(1).unwrap();
    let named = names(administrative.split_once("Media rights").unwrap().0);
    let named: Capabilities =
        named.iter().map(|name| Capability::from_name(name).unwrap()).collect();
    let mut rest = Capabilities::ADMINISTRATIVE.difference(named);
    for group in AdminGroup::ALL {
        rest = rest.difference(group.capabilities());
    }
    for capability in rest.iter() {
        let name = capability.as_str();
        let said = ["frame-record", "individual-record", "raw-record", "closed-captions"];
        assert!(said.iter().any(|part| name.contains(part)), "{name}");
    }
}

#[test]
fn the_built_in_call_types_are_those_of_the_page() {
    let page = table("type");
    let all = builtin::all();
    assert_eq!(
        page.keys().map(String::as_str).collect::<Vec<_>>(),
        all.keys().map(CallTypeName::as_str).collect::<Vec<_>>()
    );
    for call_type in all.values() {
        let cells = &page[call_type.name.as_str()];
        let roles: BTreeSet<_> = names(&cells[0]).into_iter().collect();
        let real = call_type.roles.keys().map(|name| name.as_str().to_owned());
        let real = real.filter(|name| !["host", "admin"].contains(&name.as_str()));
        assert_eq!(roles, real.collect(), "{}", call_type.name);
        let default = call_type.default_role.iter().map(|role| role.as_str().to_owned());
        assert_eq!(names(&cells[1]), default.collect::<Vec<_>>());
        assert_eq!(cells[2] == "yes", call_type.open, "{}", call_type.name);
    }
}

#[test]
fn every_limit_is_in_its_table_and_no_other() {
    let page = table("constant");
    let mut code = BTreeMap::new();
    for text in golden::sources("src") {
        for line in text.lines() {
            let constant = line.trim().strip_prefix("pub const ");
            if let Some((name, value)) = constant.and_then(|line| line.split_once(": usize = ")) {
                code.insert(name.to_owned(), value.trim_end_matches(';').replace('_', ""));
            }
        }
    }
    let fits = |size: usize| Value::from("x".repeat(size - 2));
    assert!(Metadata::new(&fits(4096)).is_ok() && Metadata::new(&fits(4097)).is_err());
    assert!(MessageData::new(&fits(16384)).is_ok() && MessageData::new(&fits(16385)).is_err());
    assert!(SignalData::new(&fits(32768)).is_ok() && SignalData::new(&fits(32769)).is_err());
    code.insert("SignalData".to_owned(), "32768".to_owned());
    code.insert("Metadata".to_owned(), "4096".to_owned());
    code.insert("MessageData".to_owned(), "16384".to_owned());
    let page: BTreeMap<_, _> =
        page.into_iter().map(|(name, cells)| (name, cells[0].clone())).collect();
    assert_eq!(page, code);
}

#[test]
fn every_setting_of_limits_is_in_its_table_with_its_default() {
    let example = fs::read_to_string(golden::at("../rolecall.example.toml")).unwrap();
    let limits = example.split("\n[limits]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let settings = limits.lines().filter_map(|line| line.split_once(" = "));
    let settings: BTreeMap<String, String> = settings
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    let page = table("setting").into_iter().map(|(name, cells)| (name, cells[0].clone()));
    assert_eq!(page.collect::<BTreeMap<_, _>>(), settings);
}

#[test]
fn every_claim_is_in_its_table() {
    let source = fs::read_to_string(golden::at("../src/auth/claims.rs")).unwrap();
    let calls = ["text", "texts", "seconds", "object", "of_type", "flag", "name"];
    let starts = calls.map(|call| format!("claims.{call}(\""));
    let read = starts.iter().flat_map(|start| source.split(start).skip(1));
    let read: BTreeSet<String> =
        read.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect();
    assert!(read.len() > 5);
    assert_eq!(table("claim").into_keys().collect::<BTreeSet<_>>(), read);
}
