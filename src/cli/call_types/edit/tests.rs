//! Edits: what follows from what was asked, and what is said of it.

use super::*;

fn present() -> Value {
    json!({
        "name": "stage",
        "grants": {
            "admin": ["mute-users", "send-audio", "block-user"],
            "user": ["join-call", "read-call"],
            "guest": [],
        },
        "settings": {
            "audio": { "mic_default_on": true, "default_device": "speaker" },
            "video": { "enabled": true },
        },
        "created_at": 1, "updated_at": 2, "duration": "0.1ms",
    })
}

fn of(texts: &[&str]) -> Vec<RoleGrants> {
    texts.iter().map(|text| parse_role_grants(text).unwrap()).collect()
}

fn plan(exactly: &[&str], more: &[&str], fewer: &[&str]) -> Plan {
    let mut edit = Edit::default();
    edit.grants(&of(exactly), &of(more), &of(fewer)).unwrap();
    edit.plan("stage", &present()).unwrap()
}

#[test]
fn a_role_and_its_grants_are_read() {
    let read = parse_role_grants(" user = send-audio, join-call,").unwrap();
    assert_eq!(
        read,
        RoleGrants { role: "user".into(), grants: vec!["send-audio".into(), "join-call".into()] }
    );
    assert!(parse_role_grants("guest=").unwrap().grants.is_empty());
    for bad in ["user", "=send-audio", " = "] {
        assert!(parse_role_grants(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_roles_mentioned_are_replaced_and_the_others_stay() {
    let plan = plan(&["user=send-audio,join-call"], &[], &[]);
    assert_eq!(plan.body(), json!({ "grants": { "user": ["join-call", "send-audio"] } }));
    assert_eq!(
        plan.diff(),
        "--- stage/user\n+++ stage/user\n@@ -1,2 +1,2 @@\n join-call\n-read-call\n+send-audio\n"
    );
    assert_eq!(
        plan.changes(),
        json!({ "grants": { "user": { "added": ["send-audio"], "removed": ["read-call"] } } })
    );
}

#[test]
fn adding_and_taking_start_from_what_is_there() {
    let plan = plan(&[], &["user=send-audio", "admin=block-users"], &["admin=mute-users"]);
    assert_eq!(
        plan.body(),
        json!({ "grants": {
            "admin": ["block-user", "send-audio"],
            "user": ["join-call", "read-call", "send-audio"],
        } })
    );
    assert!(plan.remarks.is_empty());
}

#[test]
fn what_is_so_already_is_not_sent() {
    let unchanged = plan(&["user=read-call,join-call,join-call"], &["admin=send-audio"], &[]);
    assert!(unchanged.is_empty() && unchanged.diff().is_empty());
    let absent = plan(&[], &[], &["guest=send-audio"]);
    assert!(absent.is_empty());
    assert_eq!(absent.remarks, ["`guest` does not have `send-audio`"]);
}

#[test]
fn a_grant_is_taken_by_either_of_its_names_but_not_its_variant() {
    let plan = plan(&[], &[], &["admin=block-users,send-audio-owner"]);
    assert_eq!(plan.body(), json!({ "grants": { "admin": ["mute-users", "send-audio"] } }));
    assert_eq!(plan.remarks, ["`admin` does not have `send-audio-owner`"]);
}

#[test]
fn all_grants_of_a_role_can_go_and_a_role_can_come() {
    let plan = plan(&["user=", "nurse=send-audio"], &[], &[]);
    assert_eq!(plan.body(), json!({ "grants": { "nurse": ["send-audio"], "user": [] } }));
    let diff = plan.diff();
    assert!(diff.contains("--- /dev/null\n+++ stage/nurse\n"), "{diff}");
    assert!(diff.contains("--- stage/user\n+++ /dev/null\n"), "{diff}");
}

#[test]
fn settings_are_merged_and_sent_by_whole_sections() {
    let mut edit = Edit::default();
    edit.settings(&json!({ "audio": { "mic_default_on": false } })).unwrap();
    let plan = edit.plan("stage", &present()).unwrap();
    let section = json!({ "mic_default_on": false, "default_device": "speaker" });
    assert_eq!(plan.body(), json!({ "settings": { "audio": section } }));
    assert_eq!(
        plan.diff(),
        "--- stage.settings\n+++ stage.settings\n@@ -1,3 +1,3 @@\n audio.default_device = \"speaker\"\n\
         -audio.mic_default_on = true\n+audio.mic_default_on = false\n video.enabled = true\n"
    );
    let mut same = Edit::default();
    same.settings(&json!({ "video": { "enabled": true } })).unwrap();
    assert!(same.plan("stage", &present()).unwrap().is_empty());
}

#[test]
fn the_servers_own_answer_is_a_definition() {
    let mut edit = Edit::default();
    edit.define("stage", &present()).unwrap();
    assert!(edit.plan("stage", &present()).unwrap().is_empty());
    let mut changed = present();
    changed["grants"]["user"] = json!(["join-call"]);
    changed["settings"]["video"]["enabled"] = json!(false);
    let mut edit = Edit::default();
    edit.define("stage", &changed).unwrap();
    edit.grants(&[], &of(&["user=send-video"]), &[]).unwrap();
    edit.settings(&json!({ "video": { "camera_default_on": false } })).unwrap();
    assert_eq!(
        edit.plan("stage", &present()).unwrap().body(),
        json!({
            "grants": { "user": ["join-call", "send-video"] },
            "settings": { "video": { "enabled": false, "camera_default_on": false } },
        })
    );
}

#[test]
fn a_definition_that_says_less_than_it_seems_is_refused() {
    for (definition, part) in [
        (json!([]), "object"),
        (json!({ "name": "lobby" }), "it defines \"lobby\", not `stage`"),
        (json!({ "grant": {} }), "`grant` is not one of"),
        (json!({ "grants": [] }), "`grants` is not"),
        (json!({ "grants": { "user": "join-call" } }), "`grants.user` is not"),
        (json!({ "grants": { "user": [1] } }), "`grants.user` is not"),
        (json!({ "settings": true }), "`settings` is not"),
    ] {
        let error = Edit::default().define("stage", &definition).unwrap_err();
        assert!(error.contains(part), "{definition}: {error}");
    }
    let twice = Edit::default().grants(&of(&["a=b", "a=c"]), &[], &[]).unwrap_err();
    assert!(twice.contains("two lists"), "{twice}");
}

#[test]
fn what_the_server_would_refuse_is_foreseen() {
    let known = BTreeSet::from(["user".to_owned()]);
    let problems = plan(&["nurse=fly"], &["user=send-smell"], &[]).refused(&known);
    assert_eq!(
        problems,
        [
            "`nurse`: unknown permission `fly`",
            "there is no role `nurse`: make it with `rolecall roles add nurse`",
            "`user`: unknown permission `send-smell`",
        ]
    );
    assert!(plan(&["guest=send-audio"], &[], &[]).refused(&known).is_empty());
    let mut edit = Edit::default();
    edit.settings(&json!({ "audio": { "default_device": "trumpet" }, "smell": {} })).unwrap();
    let problems = edit.plan("stage", &present()).unwrap().refused(&known);
    assert!(
        problems[0].starts_with("settings: `audio.default_device` must be one of"),
        "{problems:?}"
    );
}

#[test]
fn a_role_with_a_shape_comes_to_grants() {
    let mut edit = Edit::default();
    let definition = json!({
        "roles": {
            "speaker": { "canSend": ["audio", "customAudio"], "canAdmin": false },
            "user": { "priority": 9, "subscribeParams": { "subscribeToRoles": ["guest"] } },
        },
        "default_role": "user",
    });
    edit.define("stage", &definition).unwrap();
    let plan = edit.plan("stage", &present()).unwrap();
    assert_eq!(plan.body(), definition);
    let diff = plan.diff();
    assert!(diff.contains("--- /dev/null\n+++ stage/speaker\n"), "{diff}");
    assert!(diff.contains("+send-audio\n") && !diff.contains("stage/guest"), "{diff}");
    assert!(plan.refused(&BTreeSet::new()).is_empty());
    assert!(plan.remarks[0].contains("`default_role`, `roles` cannot be compared"));
    edit.grants(&[], &of(&["speaker=send-video"]), &[]).unwrap();
    let sent = edit.plan("stage", &present()).unwrap().body();
    let speaker: Vec<_> = sent["grants"]["speaker"].as_array().unwrap().iter().collect();
    assert!(speaker.contains(&&json!("send-video")) && speaker.contains(&&json!("send-audio")));
    let mut wrong = Edit::default();
    let ghost = json!({ "roles": { "a": { "subscribeParams": { "subscribeToRoles": ["b"] } } } });
    wrong.define("stage", &ghost).unwrap();
    assert!(wrong.plan("stage", &present()).unwrap_err().contains("unknown role `b`"));
}

#[test]
fn a_new_call_type_starts_as_default_unless_its_roles_have_shapes() {
    let start = Edit::default().beginning("mine").unwrap();
    assert!(start["grants"]["admin"].as_array().unwrap().contains(&json!("send-audio")));
    assert_eq!(start["settings"]["video"]["enabled"], true);
    assert_eq!(start["notification_settings"]["enabled"], true);
    let mut shaped = Edit::default();
    shaped.define("mine", &json!({ "roles": { "solo": { "canSend": true } } })).unwrap();
    let start = shaped.beginning("mine").unwrap();
    let roles: Vec<_> = start["grants"].as_object().unwrap().keys().collect();
    assert_eq!(roles, ["host", "solo"]);
    assert!(!shaped.plan("mine", &start).unwrap().differs());
}

#[test]
fn reading_back_says_what_is_otherwise() {
    let plan = plan(&["user=send-audio"], &[], &[]);
    let mut now = present();
    now["grants"]["user"] = json!(["send-audio"]);
    assert_eq!(plan.remaining(&now), "");
    now["grants"]["user"] = json!(["send-audio", "send-video"]);
    assert_eq!(
        plan.remaining(&now),
        "--- stage/user\n+++ stage/user\n@@ -1 +1,2 @@\n send-audio\n+send-video\n"
    );
}
