//! The golden matrix: who may do what, role by role and command by command, for each built-in call
//! type. `authority.txt` is read by people; a change in it is a change of the law.
//!
//! `UPDATE_GOLDEN=1 cargo test -p rolecall-protocol --test authority` writes it anew.
#![expect(clippy::unwrap_used, reason = "what cannot go on says so by falling")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
    sync::Arc,
};

use rolecall_protocol::{
    call_type::{CallType, Scope, builtin},
    capability::Capability,
    id::{Cid, RoleName, Timestamp},
    json::{MessageData, Metadata},
    media::{TrackKind, TrackKinds},
    permissions::Overrides,
    room::{
        Actor, Command, Refusal, Room,
        command::{Creation, Joining, MemberPatch, Recipient, Whom},
        commit, may_read,
        people::Newcomer,
        request::Wanted,
        turn,
    },
    team::{Caller, Reach, Standing},
};

const AT: Timestamp = Timestamp(1_767_225_600_000);

const LEGEND: &str = "\
Who may do what: one table for each built-in call type, a column for each role, a row for each act.

    yes         it is done
    no          the role lacks the capability or permission (named at the row's end)
    escalation  it would give an administrative right that the asker lacks himself
    owner       an owner is touched by nobody but himself and the server
    -           nothing to do: the target is that already
    hidden      a hidden peer cannot be pinned
    not-a-peer  it is the server's
    server      it is asked for, and is the server's
    blocked     the track may not be sent, or not be received

Over REST, where he is not in the room, somebody with that app role may the same, but for the rows
that say `over REST`; where he is in, the same as at his socket.

`a participant` has the role of whoever comes with nothing but a token, `an admin` the role admin,
`an owner` the role host and the owner flag. `user*` is the user who created the room. The asker is
seen and no owner; the room is live. Role changes asked politely are refused like forced ones.
";

/// Who is acted upon.
#[derive(Clone, Copy)]
enum Target {
    Participant,
    Admin,
    Owner,
}

impl Target {
    const ALL: [Self; 3] = [Self::Participant, Self::Admin, Self::Owner];

    const fn id(self) -> &'static str {
        match self {
            Self::Participant => "participant",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    const fn named(self) -> &'static str {
        match self {
            Self::Participant => "a participant",
            Self::Admin => "an admin",
            Self::Owner => "an owner",
        }
    }
}

/// A column: a role, held by the room's creator or not.
struct Column {
    role: RoleName,
    creator: bool,
}

/// How somebody asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// At his own socket.
    Socket,
    /// Over REST, while he is in the room.
    Beside,
    /// Over REST, while he is not.
    Away,
}

/// An act: what becomes of it when somebody of that column asks it.
struct Row {
    text: String,
    /// Whether it can be asked over REST, too.
    over_rest: bool,
    ask: Box<Ask>,
}

/// How many facts and messages followed, or why none.
type Ask = dyn Fn(&Arc<CallType>, &Column, Way) -> Result<usize, Refusal>;

#[test]
fn the_matrix_is_as_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authority.txt");
    let written = fs::read_to_string(&path).unwrap_or_default();
    let mut found = LEGEND.to_owned();
    for call_type in builtin::all().values() {
        table(&mut found, call_type);
    }
    if written == found {
        return;
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
        return;
    }
    panic!(
        "the law differs from tests/authority.txt; if it is meant to, run with UPDATE_GOLDEN=1 and \
         read the change as one of security\n{}",
        difference(&written, &found)
    );
}

fn difference(written: &str, found: &str) -> String {
    let (mut text, mut heading) = (String::new(), "");
    let was: BTreeSet<&str> = written.lines().collect();
    let is: BTreeSet<&str> = found.lines().collect();
    for line in found.lines() {
        if line.starts_with("== ") {
            heading = line;
        }
        if !was.contains(line) {
            let act = line.split("  ").next().unwrap();
            let old = written.split(heading).nth(1).unwrap_or_default();
            let old = old.lines().find(|old| old.split("  ").next() == Some(act));
            writeln!(text, "{heading}\n- {}\n+ {line}", old.unwrap_or("(no such row)")).unwrap();
        }
    }
    for line in written.lines().filter(|line| !line.is_empty() && !is.contains(line)) {
        writeln!(text, "gone or changed: {line}").unwrap();
    }
    text
}

fn name<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

fn table(text: &mut String, call_type: &Arc<CallType>) {
    let columns = columns(call_type);
    let rows = rows(call_type);
    let heads: Vec<String> = columns
        .iter()
        .map(|column| format!("{}{}", column.role, if column.creator { "*" } else { "" }))
        .collect();
    let asked = |row: &Row, way: Way| {
        let asked: Vec<_> =
            columns.iter().map(|column| cell((row.ask)(call_type, column, way))).collect();
        let needs: BTreeSet<_> = asked.iter().filter_map(|(_, needs)| *needs).collect();
        let needs: Vec<_> = needs.into_iter().collect();
        (asked.into_iter().map(|(cell, _)| cell).collect::<Vec<_>>(), needs.join(" "))
    };
    let mut found = Vec::new();
    for row in &rows {
        if row.text.starts_with("over REST") {
            found.push((row.text.clone(), asked(row, Way::Away)));
            continue;
        }
        let at_socket = asked(row, Way::Socket);
        let mut lines = vec![(row.text.clone(), at_socket.clone())];
        if row.over_rest {
            let (beside, away) = (asked(row, Way::Beside), asked(row, Way::Away));
            assert_eq!(beside, away, "{}, {}: beside or away", call_type.name, row.text);
            if away != at_socket {
                lines.push((format!("over REST: {}", row.text), away));
            }
        }
        found.extend(lines);
    }
    let (texts, cells): (Vec<String>, Vec<_>) = found.into_iter().unzip();
    let first = texts.iter().map(String::len).max().unwrap();
    let width = |i: usize| cells.iter().map(|(c, _)| c[i].len()).max().unwrap().max(heads[i].len());
    let line = |text: &mut String, head: &str, cells: &[String], end: &str| {
        let mut line = format!("{head:first$}");
        for (i, cell) in cells.iter().enumerate() {
            write!(line, "  {cell:0$}", width(i)).unwrap();
        }
        line.push_str("  ");
        line.push_str(end);
        writeln!(text, "{}", line.trim_end()).unwrap();
    };
    writeln!(text, "\n== {}\n", call_type.name).unwrap();
    line(text, "", &heads, "needs");
    for (row, (cells, needs)) in texts.iter().zip(&cells) {
        line(text, row, cells, needs);
    }
}

/// The roles by priority; beside `user`, the same who created the room, where that gives more.
fn columns(call_type: &CallType) -> Vec<Column> {
    let mut roles: Vec<_> = call_type.roles.values().collect();
    roles.sort_by_key(|role| (role.priority, role.name.clone()));
    let mut columns = Vec::new();
    for role in roles {
        columns.push(Column { role: role.name.clone(), creator: false });
        let more = role.permissions(Scope { creator: true, ..Scope::PLAIN })
            != role.permissions(Scope::PLAIN);
        if role.name.as_str() == "user" && more {
            columns.push(Column { role: role.name.clone(), creator: true });
        }
    }
    columns
}

fn plain(call_type: &CallType) -> RoleName {
    call_type.default_role.clone().unwrap_or_else(|| name("user"))
}

/// An act on a room with everybody in it.
fn row(text: impl Into<String>, command: impl Fn(&CallType) -> Command + 'static) -> Row {
    let ask = move |call_type: &Arc<CallType>, column: &Column, way: Way| {
        let mut room = settled(call_type, column, way);
        take(&mut room, asker(column, way), command(call_type))
    };
    Row { text: text.into(), over_rest: true, ask: Box::new(ask) }
}

/// The same, of what is done at one's own socket alone.
fn own(text: impl Into<String>, command: impl Fn(&CallType) -> Command + 'static) -> Row {
    Row { over_rest: false, ..row(text, command) }
}

fn asker(column: &Column, way: Way) -> Actor {
    match way {
        Way::Socket => Actor::Peer(name("asker")),
        // A role change may have taken what his app role would give: it is his peer that counts.
        Way::Beside => caller(&name("unheard-of")),
        Way::Away => caller(&column.role),
    }
}

fn caller(role: &RoleName) -> Actor {
    Actor::User(Box::new(Caller {
        user_id: name("asker"),
        name: "asker".into(),
        app_role: role.clone(),
        token_role: None,
        reach: Reach::Everywhere,
    }))
}

/// Coming into a room that the asker created, or the server did, and to which this happened since.
fn coming(text: &str, since: Option<Command>) -> Row {
    let ask = move |call_type: &Arc<CallType>, column: &Column, _: Way| {
        let mut room = settled(call_type, column, Way::Socket);
        take(&mut room, Actor::Peer(name("asker")), Command::Leave).unwrap();
        if let Some(command) = &since {
            take(&mut room, Actor::Server, command.clone()).unwrap();
        }
        take(&mut room, Actor::Newcomer, joining("asker", &column.role, false))
    };
    Row { text: text.to_owned(), over_rest: false, ask: Box::new(ask) }
}

fn creating() -> Row {
    let ask = |call_type: &Arc<CallType>, column: &Column, _: Way| {
        take(&mut vacant(call_type), Actor::Newcomer, joining("asker", &column.role, false))
    };
    Row { text: "create the room".to_owned(), over_rest: false, ask: Box::new(ask) }
}

/// Creating a room over REST, with what is said of it.
fn creating_over_rest(text: &str, creation: Creation) -> Row {
    let ask = move |call_type: &Arc<CallType>, column: &Column, _: Way| {
        let command = Command::Create(Box::new(creation.clone()));
        take(&mut vacant(call_type), caller(&column.role), command)
    };
    Row { text: format!("over REST: {text}"), over_rest: true, ask: Box::new(ask) }
}

/// Reading the room over REST.
fn reading() -> Row {
    let ask = |call_type: &Arc<CallType>, column: &Column, way: Way| {
        let room = settled(call_type, column, way);
        let Actor::User(caller) = asker(column, way) else { unreachable!() };
        may_read(&room, &caller).map(|()| 1)
    };
    Row { text: "over REST: read the room".to_owned(), over_rest: true, ask: Box::new(ask) }
}

/// Granting what somebody asks for who may send nothing.
fn granting(target: Target) -> Row {
    let ask = move |call_type: &Arc<CallType>, column: &Column, way: Way| {
        let mut room = settled(call_type, column, way);
        let target_id = name(target.id());
        let patch = Box::new(serde_json::from_str(r#"{"canSend":false}"#).unwrap());
        let mute = Command::UpdatePermissions { peer_id: name(target.id()), patch };
        take(&mut room, Actor::Server, mute).unwrap();
        let permissions = BTreeSet::from([Wanted::SendAudio, Wanted::Screenshare]);
        let request = Command::RequestPermissions { permissions };
        take(&mut room, Actor::Peer(target_id), request).unwrap();
        let request_id = room.permission_requests.keys().next().unwrap().clone();
        let answer = Command::AnswerPermissionRequest { request_id, grant: true, reason: None };
        take(&mut room, asker(column, way), answer)
    };
    Row {
        over_rest: true,
        text: format!("grant what {} asks for", target.named()),
        ask: Box::new(ask),
    }
}

/// Muting somebody who sends audio, or asking him to when he does not.
fn muting(target: Target, asked: bool) -> Row {
    let ask = move |call_type: &Arc<CallType>, column: &Column, way: Way| {
        let mut room = settled(call_type, column, way);
        let patch = Box::new(serde_json::from_str(r#"{"canSend":["audio"]}"#).unwrap());
        let may = Command::UpdatePermissions { peer_id: name(target.id()), patch };
        take(&mut room, Actor::Server, may).unwrap();
        let tracks = TrackKinds::of(&[TrackKind::Audio]);
        let none = TrackKinds::NONE;
        let (on, off) = if asked { (none, tracks) } else { (tracks, none) };
        take(&mut room, Actor::Peer(name(target.id())), Command::SetTracks { on, off }).unwrap();
        let whom = Whom::Peer(name(target.id()));
        let command = match asked {
            true => Command::RequestUnmute { whom, tracks },
            false => Command::Mute { whom, tracks },
        };
        take(&mut room, asker(column, way), command)
    };
    let whom = target.named();
    let text = if asked { format!("ask {whom} to unmute") } else { format!("mute {whom}") };
    Row { over_rest: true, text, ask: Box::new(ask) }
}

fn rows(call_type: &CallType) -> Vec<Row> {
    let mut rows = on_the_room();
    for target in Target::ALL {
        let whom = target.named();
        let change = |role: RoleName| {
            row(format!("make {whom} {role}"), move |_| Command::ChangeRole {
                peer_id: name(target.id()),
                role: role.clone(),
                force: true,
            })
        };
        rows.extend([change(plain(call_type)), change(name("admin")), change(name("host"))]);
        let patch = |what: &str, json: &'static str| {
            row(format!("{what} {whom}"), move |_| Command::UpdatePermissions {
                peer_id: name(target.id()),
                patch: Box::new(serde_json::from_str(json).unwrap()),
            })
        };
        rows.extend([
            patch("let all be sent by", r#"{"canSend":true}"#),
            patch("let nothing be sent by", r#"{"canSend":false}"#),
            patch("hide", r#"{"hasPresence":false}"#),
            patch("give canAdmin participants to", r#"{"canAdmin":["participants"]}"#),
            patch("give canAdmin streaming to", r#"{"canAdmin":["streaming"]}"#),
            patch("give canAdmin transcription to", r#"{"canAdmin":["transcription"]}"#),
            patch("take canAdmin from", r#"{"canAdmin":false}"#),
            granting(target),
            muting(target, false),
            muting(target, true),
            own(format!("receive audio of {whom}"), move |_| Command::Subscribe {
                peer_id: name(target.id()),
                tracks: TrackKinds::of(&[TrackKind::Audio]),
            }),
            row(format!("remove {whom}"), move |_| Command::RemovePeer {
                peer_id: name(target.id()),
                reason: None,
                block: false,
            }),
            row(format!("block {whom}"), move |_| Command::BlockUser {
                user_id: name(target.id()),
            }),
            row(format!("kick every peer of {whom}"), move |_| Command::KickUser {
                user_id: name(target.id()),
                block: false,
                reason: None,
            }),
            row(format!("let the user audio be sent by {whom}"), move |_| Command::GrantUser {
                user_id: name(target.id()),
                grant: BTreeSet::from([Wanted::SendAudio]),
                revoke: BTreeSet::new(),
            }),
            row(format!("stop the user's video of {whom}"), move |_| Command::GrantUser {
                user_id: name(target.id()),
                grant: BTreeSet::new(),
                revoke: BTreeSet::from([Wanted::SendVideo]),
            }),
            row(format!("pin {whom}"), move |_| Command::SetPin {
                user_id: name(target.id()),
                peer_id: name(target.id()),
                pinned: true,
            }),
            member(format!("make {whom} a member"), target.id(), None),
            member(format!("make {whom} a member as admin"), target.id(), Some("admin")),
        ]);
    }
    rows
}

fn member(text: String, user: &'static str, role: Option<&'static str>) -> Row {
    row(text, move |_| {
        let patch = MemberPatch { role: role.map(|role| Some(name(role))), custom: None };
        let set = BTreeMap::from([(name(user), patch)]);
        Command::UpdateMembers { set, remove: BTreeSet::new() }
    })
}

fn on_the_room() -> Vec<Row> {
    let send = |what: &str, kind| {
        own(format!("send {what}"), move |_| Command::SetTracks {
            on: TrackKinds::of(&[kind]),
            off: TrackKinds::NONE,
        })
    };
    vec![
        creating(),
        coming("join the room", None),
        coming("join it backstage", Some(Command::SetBackstage { backstage: true })),
        coming("join it when ended", Some(Command::EndRoom { reason: None, lock: true })),
        send("audio", TrackKind::Audio),
        send("video", TrackKind::Video),
        send("a screen", TrackKind::ScreenVideo),
        row("write to everybody", |_| Command::SendMessage {
            data: MessageData::null(),
            to: Recipient::Everybody,
            speaker: None,
        }),
        row("make all participants admin", |call_type| Command::ChangeRoles {
            of_roles: BTreeSet::from([plain(call_type)]),
            to_role: name("admin"),
        }),
        row("make all admins participants", |call_type| Command::ChangeRoles {
            of_roles: BTreeSet::from([name("admin")]),
            to_role: plain(call_type),
        }),
        row("hide everybody else", |_| Command::UpdateManyPermissions {
            everybody: Some(Box::new(serde_json::from_str(r#"{"hasPresence":false}"#).unwrap())),
            named: Default::default(),
        }),
        row("mute everybody else", |_| Command::Mute {
            whom: Whom::Everybody,
            tracks: TrackKinds::ALL,
        }),
        row("ask everybody else to unmute", |_| Command::RequestUnmute {
            whom: Whom::Everybody,
            tracks: TrackKinds::ALL,
        }),
        row("cancel an admin's role request", |_| Command::CancelRole {
            request_id: name("role-1"),
        }),
        row("unblock a user", |_| Command::UnblockUser { user_id: name("villain") }),
        row("go live, or backstage", |_| Command::SetBackstage { backstage: true }),
        row("change what is given of it", |_| Command::UpdateRoom {
            custom: Some(serde_json::from_str(r#"{"topic":"tea"}"#).unwrap()),
            settings: None,
            starts_at: None,
        }),
        row("change its settings", |_| Command::UpdateRoom {
            custom: None,
            settings: Some(serde_json::from_str(r#"{"video":{"enabled":false}}"#).unwrap()),
            starts_at: None,
        }),
        row("raise a participant's hand", |_| Command::RaiseHandOf {
            peer_id: name("participant"),
            raised: true,
        }),
        row("raise an owner's hand", |_| Command::RaiseHandOf {
            peer_id: name("owner"),
            raised: true,
        }),
        row("name a participant", |_| Command::SetNameOf {
            peer_id: name("participant"),
            name: "Rose".into(),
        }),
        row("set a participant's metadata", |_| Command::SetMetadataOf {
            peer_id: name("participant"),
            metadata: serde_json::from_str("7").unwrap(),
        }),
        own("change the session's data", |_| Command::SetSessionData {
            change: Box::new(serde_json::from_str(r#"{"data":{"page":2}}"#).unwrap()),
        }),
        row("set who is let in", |_| Command::SetAdmission {
            patch: Box::new(serde_json::from_str(r#"{"private":true}"#).unwrap()),
        }),
        row("react", |_| Command::SendReaction { data: Metadata::null() }),
        member("make somebody absent a member".to_owned(), "absent", None),
        member("make a member admin".to_owned(), "member", Some("admin")),
        row("remove a member", |_| Command::UpdateMembers {
            set: BTreeMap::new(),
            remove: BTreeSet::from([name("member")]),
        }),
        row("end the room", |_| Command::EndRoom { reason: None, lock: true }),
        row("delete it", |_| Command::Delete),
        reading(),
        creating_over_rest("create a room", Creation::default()),
        creating_over_rest(
            "create one with an admin as member",
            Creation {
                members: BTreeMap::from([(
                    name("absent"),
                    MemberPatch { role: Some(Some(name("admin"))), custom: None },
                )]),
                ..Creation::default()
            },
        ),
        creating_over_rest(
            "create one with settings of its own",
            Creation {
                settings: Some(serde_json::from_str(r#"{"video":{"enabled":false}}"#).unwrap()),
                ..Creation::default()
            },
        ),
    ]
}

fn joining(id: &str, role: &RoleName, owner: bool) -> Command {
    let newcomer = Newcomer {
        peer_id: name(id),
        user_id: name(id),
        name: id.into(),
        metadata: Metadata::null(),
        owner,
        app_role: name("user"),
        token_role: None,
        assigned: Some(role.clone()),
        overrides: Overrides { has_presence: Some(true), ..Overrides::default() },
        session: "hash".into(),
        exp: None,
        foreign: false,
    };
    let standing =
        Standing { app_role: name("user"), reach: Reach::Everywhere, banned: false, name: None };
    Command::Join(Box::new(Joining {
        newcomer,
        standing,
        permissions: None,
        invited: false,
        create: true,
        opens: false,
        epoch: "epoch".into(),
        peers_max: 99,
    }))
}

fn take(room: &mut Room, actor: Actor, command: Command) -> Result<usize, Refusal> {
    let decision = turn(room, actor, command, AT)?;
    for event in &decision.events {
        commit(room, event, AT);
    }
    Ok(decision.events.len() + usize::from(decision.relay.is_some()))
}

fn vacant(call_type: &Arc<CallType>) -> Room {
    Room::vacant(Cid::new(&call_type.name, "house").unwrap(), Arc::clone(call_type))
}

/// A live room with everybody in it: the asker (who created it, or the server did), a participant,
/// an admin and an owner, sending what they may. A user is blocked, and the admin has asked the
/// participant to become one too.
fn settled(call_type: &Arc<CallType>, column: &Column, way: Way) -> Room {
    let mut room = vacant(call_type);
    let mut server = |command| take(&mut room, Actor::Server, command).unwrap();
    let created_by = column.creator.then(|| name("asker"));
    server(Command::Create(Box::new(Creation { created_by, ..Creation::default() })));
    if way != Way::Away {
        server(joining("asker", &column.role, false));
    }
    let member = BTreeMap::from([(name("member"), MemberPatch::default())]);
    server(Command::UpdateMembers { set: member, remove: BTreeSet::new() });
    server(joining("participant", &plain(call_type), false));
    server(joining("admin", &name("admin"), false));
    server(joining("owner", &name("host"), true));
    server(Command::SetBackstage { backstage: false });
    server(Command::BlockUser { user_id: name("villain") });
    for peer in room.peers.clone().values().filter(|peer| peer.id().as_str() != "asker") {
        let send = Command::SetTracks { on: peer.sendable(), off: TrackKinds::NONE };
        take(&mut room, Actor::Peer(peer.id().clone()), send).unwrap();
    }
    let (peer_id, role) = (name("participant"), name("admin"));
    let ask = Command::ChangeRole { peer_id, role, force: false };
    take(&mut room, Actor::Peer(name("admin")), ask).unwrap();
    room
}

/// In a word, and the capability or permission that is lacking.
fn cell(taken: Result<usize, Refusal>) -> (String, Option<&'static str>) {
    match taken {
        Ok(0) => ("-".to_owned(), None),
        Ok(_) => ("yes".to_owned(), None),
        Err(Refusal::NotAllowed(needs)) => ("no".to_owned(), Some(needs.as_str())),
        Err(Refusal::NotPermitted(needs)) => ("no".to_owned(), Some(needs.as_str())),
        Err(Refusal::NotTheServer) => ("server".to_owned(), None),
        // Somebody else's request is unknown to whoever lacks the right to see it.
        Err(Refusal::UnknownRequest) => {
            ("no".to_owned(), Some(Capability::UpdateCallPermissions.as_str()))
        }
        Err(Refusal::TrackBlocked(_) | Refusal::NotReceivable(_)) => ("blocked".to_owned(), None),
        Err(other) => (other.reason().to_owned(), None),
    }
}
