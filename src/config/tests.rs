//! Tests of `config`: where a setting comes from, and what is refused in which words.

use std::fs;

use super::*;
use rolecall_protocol::call_type::Scope;

/// A directory of this test's own, removed when it ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("rolecall-config-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn environment(vars: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    vars.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Loads `file` under `vars` and `flags`.
fn load(file: &str, vars: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
    let scratch = Scratch::new();
    let path = scratch.write("rolecall.toml", file);
    let sources = Sources { file: Some(path.clone()), environment: environment(vars), flags };
    Config::load(&sources)
        .map_err(|error| error.to_string().replace(path.to_str().unwrap(), "rolecall.toml"))
}

fn from_file(file: &str) -> Result<Config, String> {
    load(file, &[], Flags::default())
}

fn from_environment(vars: &[(&str, &str)]) -> Result<Config, String> {
    load("", vars, Flags::default())
}

#[test]
fn nothing_configured_is_the_development_pair_on_loopback() {
    let config = from_file("").unwrap();
    assert_eq!(config.listen, "127.0.0.1:7400".parse().unwrap());
    assert_eq!(config.api_key, DEVELOPMENT_KEY);
    assert_eq!(config.api_secret, Some(Secret::new(DEVELOPMENT_SECRET)));
    assert!(config.development && config.demo && !config.trust_token_teams);
    assert_eq!(config.grace, Duration::from_secs(30));
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.warnings().len(), 1);
    assert!(config.warnings()[0].contains(DEVELOPMENT_SECRET));
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let file = "listen = '127.0.0.1:1'\ngrace = '1s'\n[limits]\nmailbox = 1\ndrain = 1";
    let vars = [("ROLECALL_LISTEN", "127.0.0.1:2"), ("ROLECALL_LIMITS_MAILBOX", "2")];
    let flags = Flags { listen: Some("localhost:3".to_owned()), ..Flags::default() };
    let config = load(file, &vars, flags).unwrap();
    assert_eq!(config.listen, "127.0.0.1:3".parse().unwrap());
    assert_eq!(config.grace, Duration::from_secs(1));
    assert_eq!((config.limits.mailbox, config.limits.drain), (2, 1));
    assert_eq!(config.limits.rooms, Limits::default().rooms);
}

#[test]
fn the_environment_keeps_text_that_looks_like_something_else() {
    let config = from_environment(&[
        ("ROLECALL_API_SECRET", "12345678901234567890123456789012"),
        ("ROLECALL_API_KEY", "0123"),
        ("ROLECALL_ALLOWED_ORIGINS", "https://a.example, https://B.example:443"),
        ("ROLECALL_TRUST_TOKEN_TEAMS", "true"),
        ("ROLECALL_DEMO", "true"),
        ("ROLECALL_GRACE", "2m"),
        ("ROLECALL_LIMITS_FRAME_BYTES", "32 KiB"),
        ("ROLECALL_LIMITS_BACKLOG_BYTES", "1024"),
        ("ROLECALL_LOG_FORMAT", "json"),
        ("ROLECALL_MEDIA_MESH_MAX", "4"),
        ("ROLECALL_MEDIA_TURN_TTL", "2h"),
        ("ROLECALL_SERVICE_HOST", "10.0.0.1"),
        ("ROLECALL_PORT_7400_TCP", "tcp://10.0.0.1:7400"),
        ("UNRELATED", "x"),
    ])
    .unwrap();
    assert_eq!(config.api_secret, Some(Secret::new("12345678901234567890123456789012")));
    assert_eq!(config.api_key, "0123");
    assert_eq!(config.allowed_origins.exact, ["https://a.example", "https://b.example"]);
    assert!(config.trust_token_teams && config.demo && !config.development);
    assert_eq!(config.grace, Duration::from_secs(120));
    assert_eq!((config.limits.frame_bytes, config.limits.backlog_bytes), (32 << 10, 1024));
    assert_eq!(config.log_format, LogFormat::Json);
    assert_eq!((config.media.mesh_max, &config.media.turn), (4, &None));
    assert!(config.warnings().is_empty());
}

#[test]
fn what_is_wrong_is_named_with_its_value_and_its_source() {
    let file = |text: &str| from_file(text).unwrap_err();
    for (text, expected) in [
        ("lisen = 'x'", "setting `lisen`: no such setting (from `rolecall.toml`)"),
        ("[limits]\nmailbx = 1", "setting `limits.mailbx`: no such setting (from `rolecall.toml`)"),
        (
            "[limits]\nmailbox = 'many'",
            "setting `limits.mailbox`: `many` is not a whole number (from `rolecall.toml`)",
        ),
        (
            "[limits]\nmailbox = -1",
            "setting `limits.mailbox`: `-1` is not a whole number (from `rolecall.toml`)",
        ),
        (
            "[limits]\nmailbox = 1.5",
            "setting `limits.mailbox`: `1.5` is not a whole number (from `rolecall.toml`)",
        ),
        (
            "[limits]\nmailbox = 0",
            "setting `limits.mailbox`: `0` would let nothing through (from `rolecall.toml`)",
        ),
        (
            "[limits]\nmailbox = 99999999999",
            "setting `limits.mailbox`: `99999999999` is more than 4294967295 (from `rolecall.toml`)",
        ),
        (
            "[limits]\npong_timeout = '0s'",
            "setting `limits.pong_timeout`: `0` would let nothing through (from `rolecall.toml`)",
        ),
        (
            "[limits]\nframe_bytes = '64 KB'",
            "setting `limits.frame_bytes`: `64 KB` is not a size such as `65536`, `64 KiB` or `1 MiB` (from `rolecall.toml`)",
        ),
        (
            "[limits]\nframe_bytes = -1",
            "setting `limits.frame_bytes`: `-1` is not a size such as 65536, \"64 KiB\" or \"1 MiB\" (from `rolecall.toml`)",
        ),
        ("limits = 3", "setting `limits`: `3` is not a table (from `rolecall.toml`)"),
        (
            "grace = 30",
            "setting `grace`: `30` is not a duration such as \"30s\", \"2m\" or \"1h\" (from `rolecall.toml`)",
        ),
        (
            "grace = 'soon'",
            "setting `grace`: `soon` is not a duration such as `30s`, `2m` or `1h` (from `rolecall.toml`)",
        ),
        ("listen = 7400", "setting `listen`: `7400` is not text (from `rolecall.toml`)"),
        (
            "listen = 'nowhere'",
            "setting `listen`: `nowhere` is not an address such as `127.0.0.1:7400` or `0.0.0.0:7400` (from `rolecall.toml`)",
        ),
        ("demo = 'yes'", "setting `demo`: `yes` is not `true` or `false` (from `rolecall.toml`)"),
        (
            "log = 'a=b=c'",
            "setting `log`: `a=b=c` is not a log filter: error parsing level filter: expected one of \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5 (from `rolecall.toml`)",
        ),
        (
            "log_format = 'xml'",
            "setting `log_format`: `xml` is not one of text, json (from `rolecall.toml`)",
        ),
        (
            "allowed_origins = 'https://a.b'",
            "setting `allowed_origins`: `https://a.b` is not a list (from `rolecall.toml`)",
        ),
        (
            "allowed_origins = ['a.b']",
            "setting `allowed_origins`: `a.b` is not an origin such as `https://app.example.com`, nor `*` (from `rolecall.toml`)",
        ),
        (
            "default_call_type = 'a b'",
            "setting `default_call_type`: `a b` is not 1 to 64 characters of A-Z a-z 0-9 _ - (from `rolecall.toml`)",
        ),
        ("api_secret = ''", "setting `api_secret`: empty (from `rolecall.toml`)"),
        ("api_secret = 5309", "setting `api_secret`: the value is not text (from `rolecall.toml`)"),
        (
            "api_secret = '-----BEGIN PUBLIC KEY-----'",
            "setting `api_secret`: a PEM key is no secret: use `[[keys]]` (from `rolecall.toml`)",
        ),
        ("call_types.a = 3", "setting `call_types.a`: `3` is not a table (from `rolecall.toml`)"),
        (
            "[call_types.'a b']",
            "setting `call_types.a b`: `a b` is not 1 to 64 characters of A-Z a-z 0-9 _ - (from `rolecall.toml`)",
        ),
        ("[[keys]]\nalg = 'HS256'", "setting `keys[0].kid`: missing (from `rolecall.toml`)"),
        (
            "[[keys]]\nkid = 'a'\nalg = 'HS1'\nsecret = 's'",
            "setting `keys[0].alg`: `HS1` is not one of HS256, HS384, HS512, RS256, ES256, EdDSA (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = 'a'\nalg = 'none'",
            "setting `keys[0].alg`: `none` is not one of HS256, HS384, HS512, RS256, ES256, EdDSA (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = '../a'\nalg = 'HS256'\nsecret = 's'",
            "setting `keys[0].kid`: `../a` is not 1 to 64 characters of A-Z a-z 0-9 . _ - (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = 'a'\nalg = 'HS256'\npublic_key = 'k.pem'",
            "setting `keys[0].secret`: missing: HS256, HS384 and HS512 need it (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = 'a'\nalg = 'RS256'\nsecret = 's'",
            "setting `keys[0].public_key`: missing: RS256, ES256 and EdDSA need it (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = 'a'\nalg = 'HS256'\nsecret = '-----BEGIN PUBLIC KEY-----'",
            "setting `keys[0].secret`: a PEM key is no secret: use `public_key` (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = 'a'\nalg = 'HS256'\nsecret = 's'\n[[keys]]\nkid = 'a'\nalg = 'HS256'\nsecret = 't'",
            "setting `keys[1].kid`: `a` names two keys (from `rolecall.toml`)",
        ),
        (
            "[[keys]]\nkid = 'a'\nalg = 'HS256'\nsecret = 's'\nuse = 'sig'",
            "setting `keys[0].use`: no such setting (from `rolecall.toml`)",
        ),
    ] {
        assert_eq!(file(text), expected, "{text}");
    }
    for (name, value, expected) in [
        (
            "ROLECALL_LISTEN",
            "here",
            "setting `listen`: `here` is not an address such as `127.0.0.1:7400` or `0.0.0.0:7400` (from the environment variable `ROLECALL_LISTEN`)",
        ),
        (
            "ROLECALL_LIMITS_ROOMS",
            "ten",
            "setting `limits.rooms`: `ten` is not a whole number (from the environment variable `ROLECALL_LIMITS_ROOMS`)",
        ),
        (
            "ROLECALL_LIMITS_ROOMZ",
            "10",
            "setting `ROLECALL_LIMITS_ROOMZ`: no such setting (from the environment)",
        ),
        (
            "ROLECALL_SECRET",
            "x",
            "setting `ROLECALL_SECRET`: no such setting (from the environment)",
        ),
        (
            "ROLECALL_listen",
            "x",
            "setting `ROLECALL_listen`: no such setting; variables are written in capitals (from the environment)",
        ),
        (
            "ROLECALL_KEYS",
            "x",
            "setting `ROLECALL_KEYS`: a table, which only the file can set (from the environment)",
        ),
        (
            "ROLECALL_DEMO",
            "1",
            "setting `demo`: `1` is not `true` or `false` (from the environment variable `ROLECALL_DEMO`)",
        ),
        (
            "ROLECALL_API_SECRET",
            "",
            "setting `api_secret`: empty (from the environment variable `ROLECALL_API_SECRET`)",
        ),
    ] {
        assert_eq!(from_environment(&[(name, value)]).unwrap_err(), expected, "{name}");
    }
    let flags = Flags { allowed_origins: Some(vec!["nope".to_owned()]), ..Flags::default() };
    assert_eq!(
        load("", &[], flags).unwrap_err(),
        "setting `allowed_origins`: `nope` is not an origin such as `https://app.example.com`, \
         nor `*` (from the flag `--allowed-origins`)"
    );
}

#[test]
fn the_secret_of_turn_servers_comes_from_the_environment_and_is_never_shown() {
    let file = "media.ice_servers = [{ urls = ['turn:a'] }]";
    let vars = [("ROLECALL_MEDIA_TURN_SECRET", "5309"), ("ROLECALL_MEDIA_TURN_TTL", "1h")];
    let turn = load(file, &vars, Flags::default()).unwrap().media.turn.unwrap();
    assert_eq!((turn.secret.expose(), turn.ttl), ("5309", Duration::from_secs(3600)));
    for (file, vars, expected) in [
        (
            "media.turn_secret = 5309",
            [].as_slice(),
            "setting `media.turn_secret`: the value is not text (from `rolecall.toml`)",
        ),
        (
            "media.ice_servers = [{ urls = ['stun:a'], credential = 5309 }]",
            &[],
            "setting `media.ice_servers[0].credential`: `5309` is not text (from `rolecall.toml`)",
        ),
        (
            file,
            &[],
            "setting `media.ice_servers[0].urls`: a TURN server needs `username` and `credential`, \
             or `turn_secret` (from `rolecall.toml`)",
        ),
        (
            "",
            &[("ROLECALL_MEDIA_TURN_SECRET", "5309")],
            "setting `media.turn_secret`: no TURN server in `ice_servers` is without credentials of \
             its own (from the environment variable `ROLECALL_MEDIA_TURN_SECRET`)",
        ),
        (
            "",
            &[("ROLECALL_MEDIA_MESH_MAX", "many")],
            "setting `media.mesh_max`: `many` is not a whole number (from the environment variable \
             `ROLECALL_MEDIA_MESH_MAX`)",
        ),
        (
            "",
            &[("ROLECALL_MEDIA_ICE_SERVERS", "stun:a")],
            "setting `ROLECALL_MEDIA_ICE_SERVERS`: a table, which only the file can set (from the \
             environment)",
        ),
        ("media.wings = 2", &[], "setting `media.wings`: no such setting (from `rolecall.toml`)"),
    ] {
        let error = load(file, vars, Flags::default()).unwrap_err();
        assert_eq!(error, expected, "{file} {vars:?}");
    }
}

#[test]
fn broken_toml_says_where_and_shows_no_secret() {
    let problem = from_file("listen = '127.0.0.1:1'\napi_secret = 'hush' 'hush'").unwrap_err();
    assert!(problem.contains("line 2") && problem.contains("`rolecall.toml`"), "{problem}");
    assert!(!problem.contains("hush"), "{problem}");
    let twice = from_file("grace = '1s'\ngrace = '2s'").unwrap_err();
    assert!(twice.contains("duplicate key"), "{twice}");
}

#[test]
fn a_named_file_must_be_there() {
    let load = |file: Option<&str>, vars: &[(&str, &str)]| {
        let sources = Sources {
            file: file.map(PathBuf::from),
            environment: environment(vars),
            flags: Flags::default(),
        };
        Config::load(&sources).unwrap_err().to_string()
    };
    let problem = load(Some("/nowhere/a.toml"), &[("ROLECALL_CONFIG", "/nowhere/b.toml")]);
    assert!(problem.contains("`/nowhere/a.toml`") && problem.contains("--config"), "{problem}");
    let problem = load(None, &[("ROLECALL_CONFIG", "/nowhere/b.toml")]);
    assert!(problem.contains("`/nowhere/b.toml`"), "{problem}");
    assert!(problem.contains("`ROLECALL_CONFIG`"), "{problem}");
    assert!(load(Some("/"), &[]).contains("`/` is not a file"));
}

#[test]
fn the_development_secret_stays_on_loopback_however_it_got_there() {
    let own = "a-secret-of-our-own-with-32-bytes-or-more";
    let dev_key = format!("[[keys]]\nkid = 'a'\nalg = 'HS256'\nsecret = '{DEVELOPMENT_SECRET}'");
    for (listen, extra, allowed) in [
        ("127.0.0.1:0", String::new(), true),
        ("127.9.9.9:0", String::new(), true),
        ("[::1]:0", String::new(), true),
        ("localhost:0", String::new(), true),
        ("0.0.0.0:0", String::new(), false),
        ("[::]:0", String::new(), false),
        ("192.168.1.2:0", String::new(), false),
        ("0.0.0.0:0", format!("api_secret = '{DEVELOPMENT_SECRET}'"), false),
        ("0.0.0.0:0", format!("api_secret = '{own}'\n{dev_key}"), false),
        ("0.0.0.0:0", format!("api_secret = '{own}'"), true),
        ("0.0.0.0:0", format!("[[keys]]\nkid = 'a'\nalg = 'HS256'\nsecret = '{own}'"), true),
    ] {
        let loaded = from_file(&format!("listen = '{listen}'\n{extra}"));
        assert_eq!(loaded.is_ok(), allowed, "{listen} {extra}: {loaded:?}");
        if let Err(problem) = loaded {
            assert!(
                problem.contains(listen) && problem.contains("ROLECALL_API_SECRET"),
                "{problem}"
            );
        }
    }
}

#[test]
fn a_short_secret_is_warned_about_and_never_shown() {
    let config =
        from_file("api_secret = 'hush'\n[[keys]]\nkid = 'k'\nalg = 'HS512'\nsecret = 'hum'")
            .unwrap();
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("`api_secret` has 4 bytes"), "{warnings:?}");
    assert!(warnings[1].contains("`k` has 3 bytes"), "{warnings:?}");
    assert!(!format!("{warnings:?} {config:?}").contains("hush"));
    assert!(!config.demo);
}

#[test]
fn a_public_key_is_read_from_beside_the_file() {
    let scratch = Scratch::new();
    let pem = "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----\n";
    scratch.write("key.pem", pem);
    scratch.write("not.pem", "hello");
    let load = |public_key: &str| {
        let text = format!("[[keys]]\nkid = 'a'\nalg = 'RS256'\npublic_key = '''{public_key}'''");
        let file = Some(scratch.write("rolecall.toml", &text));
        Config::load(&Sources { file, ..Sources::default() })
    };
    for given in ["key.pem", pem] {
        let config = load(given).unwrap();
        assert_eq!(config.keys[0].material, KeyMaterial::PublicKey(pem.to_owned()));
        assert_eq!((config.api_secret, config.development), (None, false));
    }
    assert!(load("not.pem").unwrap_err().to_string().contains("`not.pem` holds no PEM key"));
    assert!(load("gone.pem").unwrap_err().to_string().contains("cannot read `gone.pem`"));
}

#[test]
fn call_types_are_built_upon_the_built_in_ones() {
    let config = from_file("[call_types.stage2.grants]\nhost = ['join-call']").unwrap();
    assert!(config.call_types.contains_key("lobby"));
    let host = &config.call_types["stage2"].roles["host"];
    assert_eq!(host.permissions(Scope::PLAIN).all_capabilities().iter().count(), 1);
}

#[test]
fn a_wrong_call_type_is_named_with_its_place() {
    for (text, expected) in [
        (
            "[call_types.x.grants]\nhost = ['fly']",
            "setting `call_types.x.grants.host[0]`: unknown permission `fly`",
        ),
        (
            "[call_types.x]\nextends = 'nowhere'",
            "setting `call_types.x.extends`: unknown call type `nowhere`",
        ),
        ("[call_types.x.roles.a]\nwings = 2", "unknown field `wings`"),
        (
            "default_call_type = 'nowhere'",
            "setting `default_call_type`: there is no call type `nowhere`",
        ),
    ] {
        let error = from_file(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// The example in the repository's root.
const EXAMPLE: &str = include_str!("../../rolecall.example.toml");

#[test]
fn the_example_is_the_defaults() {
    assert_eq!(from_file(EXAMPLE), Ok(Config::default()));
    assert_eq!(from_file(""), Ok(Config::default()));
}

#[test]
fn the_example_has_every_setting_and_its_commented_lines_hold_too() {
    let whole: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = from_file(&whole).unwrap();
    assert_eq!(config.keys.len(), 1);
    assert!(config.call_types.contains_key("webinar"));
    let has = |key: &str| whole.lines().any(|line| line.starts_with(&format!("{key} = ")));
    let known = Value::serialize(Settings::default()).unwrap().into_dict().unwrap();
    for (key, value) in &known {
        match value.as_dict() {
            Some(limits) => limits.keys().for_each(|limit| assert!(has(limit), "{limit}")),
            None => assert!(has(key) || key == "keys", "{key}"),
        }
    }
    assert!(has("api_secret") && has("demo") && whole.contains("[[keys]]"));
    for (at, line) in EXAMPLE.lines().enumerate().filter(|(_, line)| line.contains(" = ")) {
        let explained = EXAMPLE.lines().nth(at - 1).unwrap().starts_with('#');
        assert!(explained, "`{line}` has no line of explanation");
    }
}
