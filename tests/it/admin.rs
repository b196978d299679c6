//! The admin commands of the program itself, asking a real server: what they print, what they
//! change, what they refuse, and how they exit.

use serde_json::{Value, json};

use crate::{cli::rolecall, client::Client, house::House};

/// How a command ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}", self.out))
    }
}

async fn ask(house: &House, args: &[&str]) -> Said {
    ask_at(&house.addr.to_string(), args).await
}

async fn ask_at(url: &str, args: &[&str]) -> Said {
    let mut command = tokio::process::Command::from(rolecall(args));
    command.env("ROLECALL_URL", url).stdin(std::process::Stdio::null());
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// The one line that has all of these words.
#[track_caller]
fn line<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let mut lines = text.lines().filter(|line| words.iter().all(|word| line.contains(word)));
    lines.next().unwrap_or_else(|| panic!("no line with {words:?} in\n{text}"))
}

async fn stage(house: &House) -> (Client, Client) {
    let mut ana = house.owner("stage:x", "ana").await;
    let bo = house.join("stage:x", "bo", json!({})).await;
    let change = json!({ "peerId": bo.peer, "role": "speaker", "force": true });
    ana.done("changeRoleOfPeer", change).await;
    (ana, bo)
}

#[tokio::test]
async fn rooms_are_listed_shown_and_ended() {
    let house = House::open();
    let (mut ana, _bo) = stage(&house).await;
    let _cy = house.owner("daily:a", "cy").await;
    ana.done("setTracks", json!({ "audio": true })).await;

    let listed = ask(&house, &["rooms", "ls"]).await.expect(0).out;
    let names: Vec<_> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["ROOM", "daily:a", "stage:x"]);
    let first = ask(&house, &["rooms", "ls", "--limit", "1"]).await.expect(0).out;
    assert!(!first.contains("stage:x") && first.contains("there are more: --after daily:a"));
    let rest = ask(&house, &["rooms", "ls", "--after", "daily:a", "--json"]).await.expect(0).json();
    assert_eq!(rest["rooms"][0]["room"]["cid"], "stage:x");
    assert_eq!((rest["rooms"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));

    let shown = ask(&house, &["rooms", "show", "stage:x"]).await.expect(0).out;
    assert!(line(&shown, &[&ana.peer, "ana", "host", "owner"]).contains(" audio "), "{shown}");
    line(&shown, &["bo", "speaker"]);
    let whole = ask(&house, &["rooms", "show", "stage:x", "--json"]).await.expect(0).json();
    assert_eq!(whole, house.room("stage:x").await);

    let unasked = ask(&house, &["rooms", "end", "stage:x"]).await.expect(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    assert!(house.room("stage:x").await["room"]["endedAt"].is_null());
    let over = ["rooms", "end", "stage:x", "--reason", "over", "--yes"];
    assert_eq!(ask(&house, &over).await.expect(0).out, "ended stage:x\n");
    let ended = ana.until("room-ended").await;
    assert_eq!((&ended["by"], &ended["reason"]), (&json!("server"), &json!("over")));
    line(&ask(&house, &["rooms", "ls"]).await.expect(0).out, &["stage:x", "ended"]);
}

#[tokio::test]
async fn a_journal_is_told_line_by_line() {
    let house = House::open();
    let (_ana, bo) = stage(&house).await;
    let told = ask(&house, &["rooms", "journal", "stage:x"]).await.expect(0).out;
    assert_eq!(told.lines().count(), 3, "{told}");
    line(&told, &["ana", "join", "room created"]);
    line(&told, &["  bo ", "  join ", "peer joined bo"]);
    line(&told, &["ana", "changeRoleOfPeer", "role changed bo forced from=listener to=speaker"]);

    let seq: u64 = told.lines().next().unwrap().trim().split(' ').next().unwrap().parse().unwrap();
    let args =
        ["rooms", "journal", "stage:x", "--after", &seq.to_string(), "--limit", "1", "--json"];
    let page = ask(&house, &args).await.expect(0).json();
    assert_eq!(page["records"].as_array().unwrap().len(), 1);
    assert_eq!(page["records"][0]["by"], bo.peer.as_str());

    let first = ask(&house, &["rooms", "journal", "stage:x", "--limit", "1"]).await.expect(0);
    assert_eq!(
        (first.out.lines().count(), first.err),
        (1, format!("there is more: --after {seq}\n"))
    );

    let unknown = ask(&house, &["rooms", "journal", "stage:none"]).await.expect(1);
    assert!(unknown.err.contains("HTTP 404") && unknown.out.is_empty(), "{}", unknown.err);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let nobody = ask_at("http://127.0.0.1:1", &["rooms", "ls"]).await.expect(1);
    assert!(nobody.err.contains("connection refused") && nobody.err.contains("rolecall serve"));
    let house = House::with(|config| {
        config.api_secret =
            Some(rolecall::secret::Secret::new("another-secret-of-32-bytes-or-more"));
    });
    let stranger = ask(&house, &["rooms", "ls"]).await.expect(1);
    assert!(stranger.err.contains("ROLECALL_API_SECRET"), "{}", stranger.err);
    assert!(!stranger.err.contains("eyJ"), "a token was shown: {}", stranger.err);
    let page = ask(&house, &["rooms", "show", "a/../b"]).await.expect(1);
    assert!(page.out.is_empty());
    for (args, part) in [
        (&["rooms", "ls", "--url", "ftp://a"][..], "is not an address"),
        (&["rooms"], "Usage"),
        (&["explain", "stage:x", "--user", "ann"], "--capability"),
        (&["call-types", "set", "default", "--grant", "user"], "ROLE=grant"),
        (&["call-types", "set", "default"], "nothing to set"),
        (&["call-types", "set", "default", "--file", "nowhere.toml"], "nowhere.toml"),
        (&["users", "ls", "--filter", "role=admin"], "--filter is not JSON"),
    ] {
        let refused = ask(&house, args).await.expect(2);
        assert!(refused.err.contains(part), "{args:?}: {}", refused.err);
    }
}

#[tokio::test]
async fn what_would_change_is_shown_and_nothing_is_sent() {
    let house = House::open();
    let get = ["call-types", "get", "default", "--json"];
    let before = ask(&house, &get).await.expect(0).json();
    let edit = ["call-types", "set", "default", "--ungrant", "user=screenshare"];
    let with = |more: &[&'static str]| [&edit[..], more].concat();

    let shown = ask(&house, &with(&["--dry-run"])).await.expect(0).out;
    line(&shown, &["--- default/user"]);
    let (gone, come): (Vec<_>, Vec<_>) = shown
        .lines()
        .skip(2)
        .filter(|l| l.starts_with(['-', '+']))
        .partition(|l| l.starts_with('-'));
    assert_eq!((gone, come), (vec!["-screenshare"], vec![]), "{shown}");
    let told = ask(&house, &with(&["--dry-run", "--json"])).await.expect(0).json();
    assert_eq!((&told["changed"], &told["sent"]), (&json!(true), &json!(false)));
    assert_eq!(
        told["changes"]["grants"],
        json!({ "user": { "added": [], "removed": ["screenshare"] } })
    );
    let drifted = ask(&house, &with(&["--check"])).await.expect(1);
    assert!(drifted.err.contains("`default` is otherwise"), "{}", drifted.err);
    let foreseen = ask(&house, &with(&["--add", "nurse=fly", "--dry-run"])).await.expect(1);
    assert!(foreseen.err.contains("unknown permission `fly`"), "{}", foreseen.err);
    assert!(foreseen.err.contains("rolecall roles add nurse"), "{}", foreseen.err);
    let unasked = ask(&house, &edit).await.expect(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);

    let after = ask(&house, &get).await.expect(0).json();
    assert_eq!(
        (&after["grants"], &after["updated_at"]),
        (&before["grants"], &before["updated_at"])
    );
}

#[tokio::test]
async fn a_call_type_is_set_read_back_and_brought_back() {
    let house = House::open();
    let get = ["call-types", "get", "default", "--json"];
    let before = ask(&house, &get).await.expect(0).json();
    let file = std::env::temp_dir().join(format!("rolecall-admin-{}.json", std::process::id()));
    std::fs::write(&file, before.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let check = ["call-types", "set", "default", "--file", file, "--check"];
    assert_eq!(ask(&house, &check).await.expect(0).out, "nothing to change\n");

    let edit = ["call-types", "set", "default", "--ungrant", "user=screenshare", "--yes"];
    let done = ask(&house, &edit).await.expect(0);
    line(&done.out, &["read back"]);
    let again = ask(&house, &edit).await.expect(0);
    assert_eq!(again.out, "nothing to change\n");
    assert!(again.err.contains("`user` does not have `screenshare`"), "{}", again.err);
    let after = ask(&house, &get).await.expect(0).json();
    let expected: Vec<&Value> = before["grants"]["user"].as_array().unwrap().iter().collect();
    let expected: Vec<_> = expected.into_iter().filter(|grant| *grant != "screenshare").collect();
    let mut now: Vec<&Value> = after["grants"]["user"].as_array().unwrap().iter().collect();
    now.sort_by_key(|grant| grant.to_string());
    let mut sorted = expected.clone();
    sorted.sort_by_key(|grant| grant.to_string());
    assert_eq!(now, sorted);
    for (role, grants) in before["grants"].as_object().unwrap() {
        assert!(role == "user" || after["grants"][role] == *grants, "{role} changed too");
    }
    assert!(ask(&house, &check).await.expect(1).out.contains("+screenshare"));
    ask(&house, &["call-types", "set", "default", "--file", file, "--yes"]).await.expect(0);
    ask(&house, &check).await.expect(0);

    let settings = r#"{"screensharing":{"enabled":false}}"#;
    let set = ["call-types", "set", "default", "--settings", settings, "--yes"];
    let done = ask(&house, &set).await.expect(0).out;
    line(&done, &["-screensharing.enabled = true"]);
    line(&done, &["+screensharing.enabled = false"]);
    let shown = ask(&house, &["call-types", "get", "default", "--settings"]).await.expect(0).out;
    line(&shown, &["screensharing.enabled = false"]);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_role_and_a_call_type_come_and_go() {
    let house = House::open();
    let create = ["call-types", "set", "ward", "--grant", "nurse=join-call,send-audio", "--yes"];
    let missing = ask(&house, &create).await.expect(1);
    assert!(missing.err.contains("--create"), "{}", missing.err);
    let create = [&create[..], &["--create"]].concat();
    let unknown = ask(&house, &create).await.expect(1);
    let said = "unknown role `nurse`\" (code 4, HTTP 400)";
    assert!(unknown.err.contains(said), "{}", unknown.err);
    ask(&house, &["roles", "add", "nurse"]).await.expect(0);
    let twice = ask(&house, &["roles", "add", "nurse"]).await.expect(1);
    assert!(twice.err.contains("already exists"), "{}", twice.err);

    let made = ask(&house, &create).await.expect(0).out;
    line(&made, &["+++ ward/nurse"]);
    assert!(!made.contains("ward/admin"), "what stays as it starts is not shown: {made}");
    let ward = ask(&house, &["call-types", "get", "ward", "--json"]).await.expect(0).json();
    let default = ask(&house, &["call-types", "get", "default", "--json"]).await.expect(0).json();
    assert_eq!(ward["grants"]["nurse"], json!(["join-call", "send-audio"]));
    assert_eq!(ward["grants"]["user"], default["grants"]["user"]);
    line(&ask(&house, &["call-types", "ls"]).await.expect(0).out, &["ward", "nurse"]);
    line(&ask(&house, &["roles", "ls"]).await.expect(0).out, &["nurse", "custom", "video:ward"]);

    let used = ask(&house, &["roles", "rm", "nurse", "--yes"]).await.expect(1);
    assert!(used.err.contains("video:ward"), "{}", used.err);
    ask(&house, &["call-types", "rm", "ward", "--yes"]).await.expect(0);
    let gone = ask(&house, &["call-types", "get", "ward"]).await.expect(1);
    assert!(gone.err.contains("code 16, HTTP 404"), "{}", gone.err);
    ask(&house, &["roles", "rm", "nurse", "--yes"]).await.expect(0);
    let built_in = ask(&house, &["call-types", "rm", "default", "--yes"]).await.expect(1);
    assert!(built_in.err.contains("built in"), "{}", built_in.err);
}

#[tokio::test]
async fn roles_of_a_shape_are_sent_as_they_are_written() {
    let house = House::open();
    let file = std::env::temp_dir().join(format!("rolecall-shape-{}.toml", std::process::id()));
    let definition = "default_role = \"audience\"\nopen = true\n\
        [roles.panelist]\ncanSend = [\"audio\", \"customAudio\"]\ncanAdmin = [\"participants\"]\n\
        [roles.audience]\nhasPresence = false\n";
    std::fs::write(&file, definition).unwrap();
    let path = file.to_str().unwrap();
    let set = ["call-types", "set", "panel", "--file", path, "--create", "--yes"];
    ask(&house, &set).await.expect(0);
    let shown = ask(&house, &["call-types", "get", "panel", "--json"]).await.expect(0).json();
    let roles: Vec<_> = shown["grants"].as_object().unwrap().keys().collect();
    assert_eq!(roles, ["audience", "host", "panelist"]);
    let panelist = shown["grants"]["panelist"].to_string();
    assert!(panelist.contains("send-audio") && panelist.contains("mute-users"), "{panelist}");
    // Whoever has no token is let in, hidden, as the definition says.
    let _host = house.owner("panel:x", "ana").await;
    let mut stranger = house.socket().await;
    let joined = stranger.join(&json!({ "room": "panel:x" })).await.unwrap();
    assert_eq!(joined["counts"], json!({ "present": 1, "hidden": 1 }));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn the_app_is_switched_only_when_told() {
    let house = House::open();
    let state = async || {
        line(&ask(&house, &["app", "get"]).await.expect(0).out, &["multi-tenant"]).to_owned()
    };
    assert!(state().await.ends_with(" off"));
    let on = ["app", "set", "--multi-tenant", "on"];
    let shown = ask(&house, &[&on[..], &["--dry-run"]].concat()).await.expect(0).out;
    line(&shown, &["+multi_tenant_enabled = true"]);
    assert!(state().await.ends_with(" off"));
    ask(&house, &[&on[..], &["--yes"]].concat()).await.expect(0);
    assert!(state().await.ends_with(" on"));
    let again = ask(&house, &[&on[..], &["--json"]].concat()).await.expect(0).json();
    assert_eq!((&again["changed"], &again["sent"]), (&json!(false), &json!(false)));
    ask(&house, &["app", "set", "--multi-tenant", "maybe"]).await.expect(2);
}

#[tokio::test]
async fn users_are_written_down_changed_kept_out_and_let_back() {
    let house = House::open();
    let ann = ["users", "set", "ann", "--name", "Ann", "--role", "admin", "--team", "red"];
    let shown = ask(&house, &[&ann[..], &["--dry-run"]].concat()).await.expect(0).out;
    line(&shown, &["+role = \"admin\""]);
    let missing = ask(&house, &["users", "get", "ann"]).await.expect(1);
    assert!(missing.err.contains("no user `ann`"), "{}", missing.err);
    ask(&house, &ann).await.expect(0);
    let more =
        ["users", "set", "ann", "--team", "red", "--team", "blue", "--teams-role", "blue=user"];
    let changed = ask(&house, &[&more[..], &["--json"]].concat()).await.expect(0).json();
    assert_eq!((&changed["created"], &changed["asAsked"]), (&json!(false), &json!(true)));
    assert_eq!(changed["user"]["name"], "Ann", "what is not mentioned stays");
    assert_eq!(ask(&house, &more).await.expect(0).out, "nothing to change\n");
    let nurse = ["users", "set", "ann", "--role", "nurse"];
    let foreseen = ask(&house, &[&nurse[..], &["--dry-run"]].concat()).await.expect(1);
    assert!(foreseen.err.contains("rolecall roles add nurse"), "{}", foreseen.err);
    let unknown = ask(&house, &nurse).await.expect(1);
    assert!(unknown.err.contains("unknown role `nurse`"), "{}", unknown.err);

    for user in ["bo", "cy"] {
        ask(&house, &["users", "set", user, "--team", "red"]).await.expect(0);
    }
    ask(&house, &["users", "set", "dee", "--name", "Dee\u{1b}[2J"]).await.expect(1);
    ask(&house, &["users", "set", "dee", "--name", "Dee"]).await.expect(0);
    let ids = async |args: &[&str]| {
        let listed =
            ask(&house, &[&["users", "ls", "--json"], args].concat()).await.expect(0).json();
        let users = listed["users"].as_array().unwrap().clone();
        users.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]).await, ["ann", "bo", "cy", "dee"]);
    assert_eq!(ids(&["--limit", "3"]).await, ["ann", "bo", "cy"]);
    assert_eq!(ids(&["--team", "red"]).await, ["ann", "bo", "cy"]);
    assert_eq!(ids(&["--filter", r#"{"role":"user"}"#, "--team", "red"]).await, ["bo", "cy"]);
    let wrong = ask(&house, &["users", "ls", "--filter", r#"{"colour":"red"}"#]).await.expect(1);
    assert!(wrong.err.contains("colour"), "{}", wrong.err);

    let state = async |word: &str| {
        let shown = ask(&house, &["users", "get", "bo"]).await.expect(0).out;
        shown.contains(&format!("state    {word}"))
    };
    ask(&house, &["users", "ban", "bo", "--for", "2h", "--reason", "spam"]).await.expect(0);
    assert!(state("banned").await);
    ask(&house, &["users", "unban", "bo"]).await.expect(0);
    ask(&house, &["users", "deactivate", "bo"]).await.expect(0);
    assert!(state("deactivated").await);
    assert_eq!(ids(&[]).await, ["ann", "cy", "dee"]);
    assert_eq!(ids(&["--deactivated"]).await, ["ann", "bo", "cy", "dee"]);
    ask(&house, &["users", "reactivate", "bo"]).await.expect(0);
    ask(&house, &["users", "rm", "bo"]).await.expect(2);
    ask(&house, &["users", "rm", "bo", "--yes"]).await.expect(0);
    ask(&house, &["users", "get", "bo"]).await.expect(1);
}

#[tokio::test]
async fn a_right_is_explained_in_sentences() {
    let house = House::open();
    let (_ana, bo) = stage(&house).await;
    let why = async |args: &[&str]| {
        ask(&house, &[&["explain", "stage:x"], args].concat()).await.expect(0).out
    };
    let told = why(&["--peer", &bo.peer, "--track", "audio"]).await;
    assert_eq!(
        told,
        format!("{} may send audio in stage:x\n  + the role `speaker` grants it\n", bo.peer)
    );
    let told = why(&["--user", "bo", "--capability", "mute-users"]).await;
    assert!(told.starts_with("bo may not `mute-users` in stage:x\n"), "{told}");
    line(&told, &["- the role `speaker` does not grant it"]);
    // Somebody who is not there: what he would hold.
    let told = why(&["--user", "cy", "--capability", "send-audio"]).await;
    line(&told, &["cy may not `send-audio`"]);
    line(&told, &["`listener` does not grant it"]);
    house.call("stage:x", "blockUser", json!({ "userId": "cy" })).await;
    line(&why(&["--user", "cy", "-c", "join-call"]).await, &["blocked in this room"]);
    ask(&house, &["users", "set", "dee"]).await.expect(0);
    line(&why(&["--user", "dee", "-c", "join-call"]).await, &["dee may `join-call`"]);
    ask(&house, &["users", "ban", "dee"]).await.expect(0);
    let told = why(&["--user", "dee", "-c", "join-call"]).await;
    line(&told, &["dee may not `join-call`"]);
    line(&told, &["- the user is banned"]);

    let args = ["explain", "stage:x", "--user", "bo", "-c", "mute-users", "--json"];
    let whole = ask(&house, &args).await.expect(0).json();
    assert_eq!(whole["allowed"], false);
    assert_eq!(whole["because"], json!([{ "rule": "role-lacks", "role": "speaker" }]));
    for (args, part) in [
        (["--user", "bo", "-c", "fly"], "capability"),
        (["--peer", "nobody", "-t", "audio"], "peer"),
    ] {
        let refused = ask(&house, &[&["explain", "stage:x"][..], &args].concat()).await.expect(1);
        assert!(refused.err.contains(part), "{}", refused.err);
    }
    let nowhere = ["explain", "stage:none", "--user", "bo", "-c", "mute-users"];
    assert!(ask(&house, &nowhere).await.expect(1).err.contains("HTTP 404"));
}

#[tokio::test]
async fn what_a_command_changes_is_felt_in_live_rooms() {
    let house = House::open();
    ask(&house, &["users", "set", "bo"]).await.expect(0);
    ask(&house, &["rooms", "create", "default:x", "--by", "bo"]).await.expect(0);
    let mut bo = house.join("default:x", "bo", json!({})).await;
    bo.done("setTracks", json!({ "audio": true })).await;
    assert_eq!(bo.until("participant-updated").await["participant"]["tracks"]["audio"], "on");
    let set = ["call-types", "set", "default", "--ungrant", "user=send-audio", "--yes"];
    ask(&house, &set).await.expect(0);
    let told = bo.until("participant-updated").await;
    assert_eq!(told["participant"]["tracks"]["audio"], "blocked");
    let explained = ["explain", "default:x", "--peer", &bo.peer, "--track", "audio"];
    line(&ask(&house, &explained).await.expect(0).out, &["- the role `user` does not grant it"]);
    let shown = ask(&house, &["rooms", "show", "default:x"]).await.expect(0).out;
    line(&shown, &["created by", "bo"]);
    ask(&house, &["users", "ban", "bo"]).await.expect(0);
    assert_eq!(bo.closed().await.0, 4502);
    line(&ask(&house, &["rooms", "show", "default:x"]).await.expect(0).out, &["present", "0"]);
}
