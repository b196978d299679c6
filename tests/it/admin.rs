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
