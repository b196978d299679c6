//! Who asks over REST, and what only REST asks, as lines of a play: `@ann[app=admin,team=red]:
//! updateMembers bo=moderator -cy`. It must not know rooms.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_protocol::{
    call_type::settings::SettingsPatchDocument,
    id::{Timestamp, UserId},
    room::{
        Actor, Admission, AdmissionPatch, Caller, Command, Creation, MemberPatch, Standing,
        command::Recipient, people::Person, request::Wanted,
    },
    team::{Reach, Teams},
};

use crate::{
    call::{json, name},
    house::MORNING,
};

/// `@ann`, `@ann[app=admin,token=nurse,team=red,team=blue,everywhere]`: a user over REST. Without a
/// team he is of the teamless world.
pub(crate) fn caller(text: &str) -> Caller {
    let text = text.strip_prefix('@').unwrap_or_else(|| panic!("`{text}` is no caller"));
    let (user, words) = text.split_once('[').unwrap_or((text, ""));
    let words = words.trim_end_matches(']').split(',').filter(|word| !word.is_empty());
    let known = standing(words.clone());
    let token = words.filter_map(|word| word.strip_prefix("token=")).next();
    Caller {
        user_id: name(user),
        name: user.into(),
        app_role: known.app_role,
        token_role: token.map(name),
        reach: known.reach,
    }
}

pub(crate) fn actor(text: &str) -> Actor {
    Actor::User(Box::new(caller(text)))
}

/// `app=admin team=red everywhere banned`
fn standing<'a>(words: impl Iterator<Item = &'a str>) -> Standing {
    let mut known = Standing {
        app_role: name("user"),
        reach: Reach::Within(Teams::new()),
        banned: false,
        name: None,
    };
    let mut teams = Teams::new();
    for word in words {
        match word.split_once('=') {
            Some(("app", role)) => known.app_role = name(role),
            Some(("team", team)) => {
                teams.insert(name(team));
                known.reach = Reach::Within(teams.clone());
            }
            Some(("token", _)) => {}
            None if word == "everywhere" => known.reach = Reach::Everywhere,
            None if word == "banned" => known.banned = true,
            _ => panic!("what is `{word}`?"),
        }
    }
    known
}

fn settings(text: &str) -> SettingsPatchDocument {
    json(text)
}

/// `60s` after the house began; `none`.
fn moment(text: &str) -> Option<Timestamp> {
    let seconds = text.trim_end_matches('s').parse::<u64>().ok()?;
    Some(MORNING.plus(seconds * 1000))
}

/// `bo`, `bo=moderator`, `bo=` (the role taken back), `bo={"seat":1}`, both with `|` between.
fn member(text: &str) -> (UserId, MemberPatch) {
    let (user, given) = text.split_once('=').unwrap_or((text, "|"));
    let mut patch = MemberPatch::default();
    for part in given.split('|') {
        if part.starts_with('{') {
            patch.custom = Some(json(part));
        } else if given != "|" {
            patch.role = Some((!part.is_empty()).then(|| name(part)));
        }
    }
    (name(user), patch)
}

fn creation(words: &[&str]) -> Creation {
    let mut creation = Creation { epoch: "epoch".into(), ..Creation::default() };
    for word in words {
        match word.split_once(':').unwrap_or_else(|| panic!("what is `{word}`?")) {
            ("team", team) => creation.team = Some(name(team)),
            ("by", user) => creation.created_by = Some(name(user)),
            ("custom", text) => creation.custom = Some(json(text)),
            ("settings", text) => creation.settings = Some(settings(text)),
            ("starts", text) => creation.starts_at = moment(text),
            ("admission", text) => {
                let patch: AdmissionPatch = json(text);
                creation.admission = Some(Box::new(Admission::default().patched(&patch)));
            }
            ("member", text) => creation.members.extend([member(text)]),
            _ => panic!("what is `{word}`?"),
        }
    }
    creation
}

fn wanted(words: &[&str], sign: char) -> BTreeSet<Wanted> {
    let signed = words.iter().filter_map(|word| word.strip_prefix(sign));
    signed.map(|word| json(&format!("\"{word}\""))).collect()
}

/// A call in words, if it is one of REST's.
pub(crate) fn command(method: &str, rest: &str) -> Option<Command> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let user = || name::<UserId>(words[0]);
    Some(match method {
        "create" => Command::Create(Box::new(creation(&words))),
        "updateRoom" => {
            let (mut custom, mut patch, mut starts_at) = (None, None, None);
            for word in words {
                match word.split_once(':').unwrap() {
                    ("custom", text) => custom = Some(json(text)),
                    ("settings", text) => patch = Some(settings(text)),
                    ("starts", text) => starts_at = Some(moment(text)),
                    _ => panic!("what is `{word}`?"),
                }
            }
            Command::UpdateRoom { custom, settings: patch, starts_at }
        }
        "delete" => Command::Delete,
        "updateMembers" => {
            let (mut set, mut remove) = (BTreeMap::new(), BTreeSet::new());
            for word in words {
                match word.strip_prefix('-') {
                    Some(user) => drop(remove.insert(name(user))),
                    None => set.extend([member(word)]),
                }
            }
            Command::UpdateMembers { set, remove }
        }
        "grantUser" => Command::GrantUser {
            user_id: user(),
            grant: wanted(&words, '+'),
            revoke: wanted(&words, '-'),
        },
        "kickUser" => {
            let block = words.get(1) == Some(&"block");
            let reason = words[1 + usize::from(block)..].join(" ");
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            Command::KickUser { user_id: user(), block, reason }
        }
        "pin" | "unpin" => {
            Command::SetPin { user_id: user(), peer_id: name(words[1]), pinned: method == "pin" }
        }
        "sendFor" => {
            let (user, data) = rest.split_once(' ').unwrap();
            let speaker = Person { peer_id: None, user_id: Some(name(user)), name: user.into() };
            let speaker = Some(Box::new(speaker));
            Command::SendMessage { data: json(data), to: Recipient::Everybody, speaker }
        }
        "sendReaction" => Command::SendReaction { data: json(rest) },
        "refreshToken" => Command::Renew { exp: rest.parse().ok() },
        "refreshUser" => Command::RefreshUser {
            user_id: user(),
            standing: Box::new(standing(words[1..].iter().copied())),
        },
        _ => return None,
    })
}
