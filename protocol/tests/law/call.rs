//! Lines of a play as commands: `changeRoleOfPeer bo speaker force`. It must not know rooms.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    sync::Arc,
};

use rolecall_protocol::{
    call_type::{CallType, builtin, definition::Definition},
    capability::Capability,
    id::{CallTypeName, PeerId, RequestId, TeamId, UserId},
    json::{MessageData, Metadata},
    media::{TrackKind, TrackKinds},
    permissions::{Overrides, PermissionsPatch},
    room::{
        Command,
        command::{Explainee, Joining, MemberPatch, Recipient, Right, Whom},
        people::Newcomer,
    },
    team::{Reach, Standing, Teams},
};
use serde::de::DeserializeOwned;

/// A name of any kind.
pub(crate) fn name<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Display,
{
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn names<T: FromStr + Ord, C: FromIterator<T>>(text: &str) -> C
where
    T::Err: std::fmt::Display,
{
    text.split(',').filter(|part| !part.is_empty()).map(name).collect()
}

pub(crate) fn json<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn kind(text: &str) -> TrackKind {
    TrackKind::from_name(text).unwrap_or_else(|| panic!("no track kind `{text}`"))
}

fn kinds(text: &str) -> TrackKinds {
    text.split(',').map(kind).collect()
}

/// `stage`, a built-in call type; or `mine {…}`, one defined there and then.
pub(crate) fn call_type(text: &str) -> Arc<CallType> {
    let known = builtin::all();
    match text.split_once(' ') {
        None => Arc::clone(known.get(text).unwrap_or_else(|| panic!("no call type `{text}`"))),
        Some((own, definition)) => {
            let definition: Definition = json(definition);
            let built = definition.build(&name::<CallTypeName>(own), &known);
            Arc::new(built.unwrap_or_else(|e| panic!("{e}")))
        }
    }
}

/// Who comes in: `host!` (owner), a bare role (assigned), `app=admin`, `token=nurse`, `user=ann`,
/// `hidden`, `anonymous`, `permissions={…}`, `team=red`, `everywhere`,
/// `banned`, `invited`, `opens`, `peers<=3`, `nocreate`.
pub(crate) fn joining(peer: &str, words: &[&str]) -> Joining {
    let mut newcomer = Newcomer {
        peer_id: name(peer),
        user_id: name(peer),
        name: peer.into(),
        metadata: Metadata::null(),
        owner: false,
        app_role: name("user"),
        token_role: None,
        assigned: None,
        overrides: Overrides::default(),
        session: "hash".into(),
        exp: None,
        foreign: false,
    };
    let mut teams = Teams::new();
    let (mut create, mut peers_max) = (true, 1000);
    let (mut banned, mut everywhere) = (false, false);
    let (mut invited, mut opens) = (false, false);
    for word in words {
        match word.split_once('=') {
            Some(("app", role)) => newcomer.app_role = name(role),
            Some(("token", role)) => newcomer.token_role = Some(name(role)),
            Some(("user", user)) => newcomer.user_id = name(user),
            Some(("permissions", patch)) => {
                newcomer.overrides = Overrides::default()
                    .patched(&json(patch), rolecall_protocol::capability::Capabilities::NONE);
            }
            Some(("team", team)) => {
                teams.insert(name::<TeamId>(team));
            }
            Some(("peers<", max)) => peers_max = max.parse().unwrap(),
            Some(_) => panic!("what is `{word}`?"),
            None if *word == "hidden" => newcomer.overrides.has_presence = Some(false),
            None if *word == "anonymous" => newcomer.app_role = name("anonymous"),
            None if *word == "nocreate" => create = false,
            None if *word == "banned" => banned = true,
            None if *word == "everywhere" => everywhere = true,
            None if *word == "invited" => invited = true,
            None if *word == "opens" => opens = true,
            None => {
                newcomer.owner = word.ends_with('!');
                newcomer.assigned = Some(name(word.trim_end_matches('!')));
            }
        }
    }
    let standing = Standing {
        app_role: newcomer.app_role.clone(),
        reach: if everywhere { Reach::Everywhere } else { Reach::Within(teams) },
        banned,
        name: None,
    };
    Joining {
        newcomer,
        standing,
        permissions: None,
        invited,
        create,
        opens,
        epoch: "epoch".into(),
        peers_max,
    }
}

/// A call in words; what only REST asks is in `rest.rs`.
pub(crate) fn command(text: &str) -> Command {
    let (method, rest) = text.split_once(' ').unwrap_or((text, ""));
    let words: Vec<&str> = rest.split_whitespace().collect();
    let word = |i: usize| *words.get(i).unwrap_or_else(|| panic!("`{text}` is too short"));
    let peer = |i: usize| name::<PeerId>(word(i));
    let request = || name::<RequestId>(word(0));
    let user = || name::<UserId>(word(0));
    let words_from = |i: usize| words.get(i..).filter(|w| !w.is_empty()).map(|w| w.join(" "));
    let after_first = || rest.split_once(' ').map_or("", |(_, rest)| rest);
    match method {
        "leave" => Command::Leave,
        "changeRoleOfPeer" => Command::ChangeRole {
            peer_id: peer(0),
            role: name(word(1)),
            force: words.get(2) == Some(&"force"),
        },
        "changeRoleOfPeersWithRoles" => {
            let (of, to) = rest.split_once("->").unwrap();
            Command::ChangeRoles { of_roles: names(of.trim()), to_role: name(to.trim()) }
        }
        "acceptChangeRole" => Command::AcceptRole { request_id: request() },
        "rejectChangeRole" => Command::RejectRole { request_id: request(), reason: words_from(1) },
        "cancelChangeRole" => Command::CancelRole { request_id: request() },
        "updateParticipant" => {
            Command::UpdatePermissions { peer_id: peer(0), patch: Box::new(json(after_first())) }
        }
        "updateParticipants" => {
            let mut updates: BTreeMap<String, PermissionsPatch> = json(rest);
            let everybody = updates.remove("*").map(Box::new);
            let named = updates.into_iter().map(|(id, patch)| (name(&id), patch)).collect();
            Command::UpdateManyPermissions { everybody, named }
        }
        "requestPermissions" => {
            let wanted = rest.split(',').filter(|w| !w.is_empty());
            let permissions = wanted.map(|w| json(&format!("\"{w}\""))).collect();
            Command::RequestPermissions { permissions }
        }
        "answerPermissionRequest" => Command::AnswerPermissionRequest {
            request_id: request(),
            grant: match word(1) {
                "grant" => true,
                "deny" => false,
                other => panic!("`{other}` is neither grant nor deny"),
            },
            reason: words_from(2),
        },
        "setTracks" => {
            let of = |state: &str| -> TrackKinds {
                let words = words.iter().filter_map(|word| word.split_once('='));
                words.filter(|(_, s)| *s == state).map(|(k, _)| kind(k)).collect()
            };
            Command::SetTracks { on: of("on"), off: of("off") }
        }
        "tellTracks" => {
            let of = |state: &str| -> TrackKinds {
                let words = words.iter().filter_map(|word| word.split_once('='));
                words.filter(|(_, s)| *s == state).map(|(k, _)| kind(k)).collect()
            };
            Command::TellTracks { on: of("on"), off: of("off") }
        }
        "mute" | "requestUnmute" => {
            let whom = match (word(0), word(0).strip_prefix("roles:")) {
                ("*", _) => Whom::Everybody,
                (_, Some(roles)) => Whom::Roles(names(roles)),
                (users, _) if users.starts_with("users:") => Whom::Users(names(&users[6..])),
                _ => Whom::Peer(peer(0)),
            };
            let tracks = kinds(word(1));
            match method {
                "mute" => Command::Mute { whom, tracks },
                _ => Command::RequestUnmute { whom, tracks },
            }
        }
        "removePeer" => {
            let block = words.get(1) == Some(&"block");
            let reason = words_from(1 + usize::from(block));
            Command::RemovePeer { peer_id: peer(0), reason, block }
        }
        "blockUser" => Command::BlockUser { user_id: user() },
        "unblockUser" => Command::UnblockUser { user_id: user() },
        "endRoom" => {
            let unlocked = words.first() == Some(&"unlocked");
            Command::EndRoom { reason: words_from(usize::from(unlocked)), lock: !unlocked }
        }
        "goLive" => Command::SetBackstage { backstage: false },
        "stopLive" => Command::SetBackstage { backstage: true },
        "setName" => Command::SetName { name: rest.into() },
        "setNameOf" => Command::SetNameOf { peer_id: peer(0), name: after_first().into() },
        "setMetadata" => Command::SetMetadata { metadata: json(rest) },
        "setMetadataOf" => {
            Command::SetMetadataOf { peer_id: peer(0), metadata: json(after_first()) }
        }
        "raiseHand" | "lowerHand" if !words.is_empty() => {
            Command::RaiseHandOf { peer_id: peer(0), raised: method == "raiseHand" }
        }
        "raiseHand" => Command::RaiseHand { raised: true },
        "lowerHand" => Command::RaiseHand { raised: false },
        "sendMessage" => Command::SendMessage {
            to: match (word(0), word(0).strip_prefix("roles:")) {
                ("*", _) => Recipient::Everybody,
                (_, Some(roles)) => Recipient::Roles(names(roles)),
                _ => Recipient::Peer(peer(0)),
            },
            data: json::<MessageData>(after_first()),
            speaker: None,
        },
        "signal" => Command::Signal { to: peer(0), data: json(after_first()) },
        "subscribe" => Command::Subscribe { peer_id: peer(0), tracks: kinds(word(1)) },
        "unsubscribe" => Command::Unsubscribe { subscription_id: name(word(0)) },
        "signalSubscription" => Command::SignalSubscription {
            subscription_id: name(word(0)),
            data: json(after_first()),
        },
        "answerWaiting" => Command::AnswerWaiting {
            waiting_id: peer(0),
            admit: match word(1) {
                "admit" => true,
                "refuse" => false,
                other => panic!("`{other}` is neither admit nor refuse"),
            },
        },
        "stopWaiting" => Command::StopWaiting { waiting_id: peer(0) },
        "forgetWaiting" => Command::ForgetWaiting,
        "setAdmission" => Command::SetAdmission { patch: Box::new(json(rest)) },
        "setSessionData" => Command::SetSessionData { change: Box::new(json(rest)) },
        "explain" => {
            let (whom, right) = match words.as_slice() {
                [right] => (Explainee::Own, *right),
                [user, right] if user.starts_with('@') => {
                    (Explainee::User(Box::new(crate::rest::caller(user))), *right)
                }
                [_, right] => (Explainee::Peer(peer(0)), *right),
                _ => panic!("explain [peer] right"),
            };
            let right = TrackKind::from_name(right).map_or_else(
                || Right::Capability(Capability::from_name(right).expect("a capability or track")),
                Right::Track,
            );
            Command::Explain { whom, right }
        }
        "setMember" if word(1) == "none" => {
            Command::UpdateMembers { set: BTreeMap::new(), remove: BTreeSet::from([user()]) }
        }
        "setMember" => {
            let patch = MemberPatch { role: Some(Some(name(word(1)))), custom: None };
            let set = BTreeMap::from([(user(), patch)]);
            Command::UpdateMembers { set, remove: BTreeSet::new() }
        }
        "adoptCallType" => Command::AdoptCallType { call_type: call_type(rest) },
        _ => crate::rest::command(method, rest).unwrap_or_else(|| panic!("unknown call `{text}`")),
    }
}
