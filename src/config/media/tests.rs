//! Tests of `media`: what stands, and what is refused in which words.

use super::*;

fn parse(toml: &str) -> Result<Media, (String, String)> {
    let defaults = figment::providers::Serialized::defaults(MediaSettings::default());
    let file = <figment::providers::Toml as figment::providers::Format>::string(toml);
    Media::parse(figment::Figment::from(defaults).merge(file).extract().unwrap())
}

#[test]
fn nothing_configured_is_twelve_peers_and_no_servers() {
    let media = parse("").unwrap();
    assert_eq!(media, Media { mesh_max: MESH_MAX, ice_servers: Vec::new(), turn: None });
    assert_eq!(parse("mesh_max = 0").unwrap().mesh_max, 0);
}

#[test]
fn servers_have_credentials_of_their_own_or_are_used_with_the_secret() {
    let media = parse(
        "turn_secret = 'hush'\nturn_ttl = '1h'\n\
         [[ice_servers]]\nurls = ['stun:a:3478']\n\
         [[ice_servers]]\nurls = ['turn:b', 'turns:b:5349?transport=tcp']\n\
         [[ice_servers]]\nurls = ['turn:c']\nusername = 'u'\ncredential = 'p'",
    )
    .unwrap();
    let wanting: Vec<bool> = media.ice_servers.iter().map(IceServer::wants_credentials).collect();
    assert_eq!(wanting, [false, true, false]);
    let turn = media.turn.clone().unwrap();
    assert_eq!((turn.secret.expose(), turn.ttl), ("hush", Duration::from_secs(3600)));
    assert!(!format!("{media:?}").contains("hush"), "a secret is shown");
}

#[test]
fn what_cannot_stand_is_named() {
    let server = |rest: &str| format!("[[ice_servers]]\n{rest}");
    let nine = ["'stun:a'"; 9].join(",");
    for (toml, field, problem) in [
        ("mesh_max = 101".to_owned(), "mesh_max", "`101` is more than 100"),
        (server("urls = []"), "ice_servers[0].urls", "a server has 1 to 8 addresses"),
        (server(&format!("urls = [{nine}]")), "ice_servers[0].urls", "1 to 8"),
        (server("urls = ['http://a']"), "ice_servers[0].urls", "`http://a` is not an address"),
        (server("urls = ['stun:']"), "ice_servers[0].urls", "`stun:` is not an address"),
        (server("urls = ['stun:a b']"), "ice_servers[0].urls", "`stun:a b` is not an address"),
        (server("urls = ['turn:a']"), "ice_servers[0].urls", "or `turn_secret`"),
        (
            server("urls = ['turn:a']\nusername = 'u'"),
            "ice_servers[0].credential",
            "missing beside `username`",
        ),
        (
            server("urls = ['stun:a']\ncredential = 'u'"),
            "ice_servers[0].username",
            "missing beside `credential`",
        ),
        (
            server("urls = ['turn:a']\nusername = ''\ncredential = 'p'"),
            "ice_servers[0].username",
            "not 1 to 512 bytes",
        ),
        (server("urls = ['stun:a']\n").repeat(17), "ice_servers", "more than 16"),
        ("turn_secret = ''".to_owned(), "turn_secret", "empty"),
        ("turn_secret = 'x'".to_owned(), "turn_secret", "no TURN server"),
        (
            format!("turn_secret = 'x'\n{}", server("urls = ['stun:a']")),
            "turn_secret",
            "no TURN server",
        ),
        ("turn_ttl = '1s'".to_owned(), "turn_ttl", "`1s` is not between 1m and 30d"),
        ("turn_ttl = '31d'".to_owned(), "turn_ttl", "is not between 1m and 30d"),
    ] {
        let (at, why) = parse(&toml).expect_err(&toml);
        assert_eq!(at, field, "{toml}: {why}");
        assert!(why.contains(problem), "{toml}: {why}");
    }
}
