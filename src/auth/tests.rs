//! Tests of `auth`: every trap of JWT by a token made by hand.

mod daily;
mod hms;

use jsonwebtoken::crypto::sign;
use serde_json::{Value, json};

use super::*;
use crate::config::DEVELOPMENT_SECRET;

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "the-secret-of-the-tests-with-32-bytes-or-more";
const RSA_PUBLIC: &str = include_str!("../../tests/keys/rsa.public.pem");
const RSA_PRIVATE: &str = include_str!("../../tests/keys/rsa.private.pem");
const EC_PUBLIC: &str = include_str!("../../tests/keys/ec.public.pem");
const EC_PRIVATE: &str = include_str!("../../tests/keys/ec.private.pem");
const EC384_PUBLIC: &str = include_str!("../../tests/keys/ec384.public.pem");
const ED_PUBLIC: &str = include_str!("../../tests/keys/ed.public.pem");
const ED_PRIVATE: &str = include_str!("../../tests/keys/ed.private.pem");

fn key(kid: &str, alg: KeyAlgorithm, material: KeyMaterial) -> TokenKey {
    TokenKey { kid: kid.to_owned(), alg, material }
}

fn public(pem: &str) -> KeyMaterial {
    KeyMaterial::PublicKey(pem.to_owned())
}

fn config() -> Config {
    let keys = vec![
        key("hs384", KeyAlgorithm::Hs384, KeyMaterial::Secret(Secret::new("other-secret"))),
        key("hs512", KeyAlgorithm::Hs512, KeyMaterial::Secret(Secret::new("third-secret"))),
        key("rsa", KeyAlgorithm::Rs256, public(RSA_PUBLIC)),
        key("ec", KeyAlgorithm::Es256, public(EC_PUBLIC)),
        key("ed", KeyAlgorithm::EdDsa, public(ED_PUBLIC)),
    ];
    Config { api_secret: Some(Secret::new(SECRET)), keys, ..Config::default() }
}

fn verifier() -> Verifier {
    Verifier::new(&config(), Clock::manual(NOW * 1000)).unwrap()
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_usize, |w, i| w << 8 | usize::from(*chunk.get(i).unwrap_or(&0)));
        for i in 0..=chunk.len() {
            text.push(char::from(ALPHABET[word >> (18 - 6 * i) & 63]));
        }
    }
    text
}

/// A token of exactly this header and these claims, signed with `key` under `alg`.
fn signed(header: &str, claims: &str, key: &EncodingKey, alg: Algorithm) -> String {
    let message = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
    let signature = sign(message.as_bytes(), key, alg).unwrap();
    format!("{message}.{signature}")
}

fn hs256(header: &str, claims: &str, secret: &[u8]) -> String {
    signed(header, claims, &EncodingKey::from_secret(secret), Algorithm::HS256)
}

const PLAIN: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const ANN: &str = r#"{"user_id":"ann"}"#;

/// The verdict on claims that are signed as they should be.
fn read(claims: &str) -> Result<Identity, AuthError> {
    verifier().verify(&hs256(PLAIN, claims, SECRET.as_bytes()))
}

fn refused(token: &str) -> AuthError {
    verifier().verify(token).unwrap_err()
}

#[test]
fn a_good_token_of_every_algorithm_is_taken() {
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
    let ed = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    let other = EncodingKey::from_secret(b"other-secret");
    let third = EncodingKey::from_secret(b"third-secret");
    for token in [
        hs256(PLAIN, ANN, SECRET.as_bytes()),
        hs256(r#"{"alg":"HS256"}"#, ANN, SECRET.as_bytes()),
        signed(r#"{"alg":"HS384","kid":"hs384"}"#, ANN, &other, Algorithm::HS384),
        signed(r#"{"alg":"HS512","kid":"hs512"}"#, ANN, &third, Algorithm::HS512),
        signed(r#"{"alg":"RS256","kid":"rsa"}"#, ANN, &rsa, Algorithm::RS256),
        signed(r#"{"alg":"ES256","kid":"ec"}"#, ANN, &ec, Algorithm::ES256),
        signed(r#"{"alg":"EdDSA","kid":"ed"}"#, ANN, &ed, Algorithm::EdDSA),
    ] {
        let identity = verifier().verify(&token).unwrap();
        assert_eq!(identity.user_id.as_deref(), Some("ann"), "{token}");
    }
}

#[test]
fn the_token_never_chooses_its_algorithm() {
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    for (header, alg) in [
        (r#"{"alg":"HS512"}"#, Algorithm::HS512),
        (r#"{"alg":"HS384"}"#, Algorithm::HS384),
        (r#"{"alg":"RS256"}"#, Algorithm::HS256),
        (r#"{"alg":"EdDSA"}"#, Algorithm::HS256),
    ] {
        assert_eq!(
            refused(&signed(header, ANN, &secret, alg)),
            AuthError::BadSignature,
            "{header}"
        );
    }
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
    for (header, alg) in [
        (r#"{"alg":"RS512","kid":"rsa"}"#, Algorithm::RS512),
        (r#"{"alg":"PS256","kid":"rsa"}"#, Algorithm::PS256),
        (r#"{"alg":"RS256","kid":"ec"}"#, Algorithm::RS256),
        (r#"{"alg":"RS256"}"#, Algorithm::RS256),
    ] {
        assert_eq!(refused(&signed(header, ANN, &rsa, alg)), AuthError::BadSignature, "{header}");
    }
}

#[test]
fn a_public_key_is_nobodys_hmac_secret() {
    for (kid, pem) in [("rsa", RSA_PUBLIC), ("ec", EC_PUBLIC), ("ed", ED_PUBLIC)] {
        for alg in ["HS256", "HS384", "HS512"] {
            for secret in [pem, pem.trim_end(), &pem.replace('\n', "")] {
                for kid in [format!(r#","kid":"{kid}""#), String::new()] {
                    let header = format!(r#"{{"alg":"{alg}"{kid}}}"#);
                    let key = EncodingKey::from_secret(secret.as_bytes());
                    let token = signed(&header, ANN, &key, alg.parse().unwrap());
                    assert_eq!(refused(&token), AuthError::BadSignature, "{header}");
                }
            }
        }
    }
}

#[test]
fn none_is_no_algorithm() {
    for alg in ["none", "None", "NONE", "nOnE", "", "hs256"] {
        let header = base64url(format!(r#"{{"alg":"{alg}"}}"#).as_bytes());
        let claims = base64url(ANN.as_bytes());
        for token in [format!("{header}.{claims}."), format!("{header}.{claims}.AAAA")] {
            assert_eq!(refused(&token), AuthError::Malformed, "{alg}");
        }
    }
}

#[test]
fn a_signature_must_be_there_and_be_ours() {
    let good = hs256(PLAIN, ANN, SECRET.as_bytes());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let other_claims = base64url(br#"{"user_id":"bob"}"#);
    let header = message.split('.').next().unwrap();
    for token in [
        format!("{message}."),
        format!("{message}.{}", &signature[1..]),
        format!("{message}.{signature}="),
        format!("{message}.AAAA"),
        format!("{header}.{other_claims}.{signature}"),
        hs256(PLAIN, ANN, b""),
        hs256(PLAIN, ANN, b"wrong"),
        hs256(PLAIN, ANN, DEVELOPMENT_SECRET.as_bytes()),
    ] {
        assert_eq!(refused(&token), AuthError::BadSignature, "{token}");
    }
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        message,
        &format!("{good}.{signature}"),
        &format!(".{good}"),
        &format!(" {good}"),
        &format!("Bearer {good}"),
        &hs256("[]", ANN, SECRET.as_bytes()),
        &hs256("{}", ANN, SECRET.as_bytes()),
        &hs256(r#"{"alg":"HS256","alg":"HS256"}"#, ANN, SECRET.as_bytes()),
        &hs256(r#"{"alg":"HS256","kid":7}"#, ANN, SECRET.as_bytes()),
    ] {
        assert_eq!(refused(token), AuthError::Malformed, "{token}");
    }
}

#[test]
fn an_unknown_key_is_told_like_a_bad_signature() {
    let long = "k".repeat(65);
    for kid in ["gone", "RSA", "", "../../etc/passwd", "' OR 1=1 --", "hs384\\u0000", &long] {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#);
        let token = hs256(&header, ANN, SECRET.as_bytes());
        assert_eq!(refused(&token), AuthError::BadSignature, "{kid}");
    }
}

#[test]
fn a_key_in_the_token_is_not_looked_at() {
    for extra in [
        r#""jku":"http://127.0.0.1:1/jwks.json""#,
        r#""x5u":"http://127.0.0.1:1/cert.pem""#,
        r#""jwk":{"kty":"oct","k":"d3Jvbmc"}"#,
        r#""x5c":["AAAA"]"#,
    ] {
        let header = format!(r#"{{"alg":"HS256",{extra}}}"#);
        assert_eq!(refused(&hs256(&header, ANN, b"wrong")), AuthError::BadSignature, "{extra}");
        assert!(verifier().verify(&hs256(&header, ANN, SECRET.as_bytes())).is_ok(), "{extra}");
    }
}

#[test]
fn extensions_that_must_be_understood_are_not() {
    for extra in
        [r#""crit":["exp"]"#, r#""crit":["b64"],"b64":false"#, r#""crit":[]"#, r#""b64":false"#]
    {
        let header = format!(r#"{{"alg":"HS256",{extra}}}"#);
        let token = hs256(&header, ANN, SECRET.as_bytes());
        assert_eq!(refused(&token), AuthError::CriticalExtension, "{extra}");
    }
}

#[test]
fn a_long_token_is_not_looked_at() {
    let claims = |bytes: usize| format!(r#"{{"user_id":"ann","x":"{}"}}"#, "x".repeat(bytes));
    assert!(read(&claims(5_900)).is_ok());
    assert_eq!(read(&claims(6_200)).unwrap_err(), AuthError::TooLong);
}

#[test]
fn times_are_kept_with_five_seconds_of_leeway() {
    for (claims, expected) in [
        (json!({ "exp": NOW + 1 }), None),
        (json!({ "exp": NOW }), None),
        (json!({ "exp": NOW - 4 }), None),
        (json!({ "exp": NOW - 5 }), Some(AuthError::Expired)),
        (json!({ "exp": NOW - 6 }), Some(AuthError::Expired)),
        (json!({ "exp": 0 }), Some(AuthError::Expired)),
        (json!({ "exp": u64::MAX }), None),
        (json!({ "nbf": NOW }), None),
        (json!({ "nbf": NOW + 5 }), None),
        (json!({ "nbf": NOW + 6 }), Some(AuthError::NotYetValid)),
        (json!({ "nbf": u64::MAX }), Some(AuthError::NotYetValid)),
        (json!({ "iat": NOW + 5 }), None),
        (json!({ "iat": NOW + 6 }), Some(AuthError::IssuedInFuture)),
        (json!({ "iat": 0, "nbf": 0 }), None),
        (json!({}), None),
    ] {
        assert_eq!(read(&claims.to_string()).err(), expected, "{claims}");
    }
    assert_eq!(AuthError::Expired.reason(), "token-expired");
    assert_eq!(AuthError::NotYetValid.reason(), "bad-token");
    assert_eq!(AuthError::BadSignature.reason(), "bad-token");
}

#[test]
fn the_verifiers_clock_is_the_one_that_counts() {
    let clock = Clock::manual(NOW * 1000);
    let verifier = Verifier::new(&config(), clock.clone()).unwrap();
    let token = hs256(PLAIN, &json!({ "exp": NOW + 10 }).to_string(), SECRET.as_bytes());
    assert!(verifier.verify(&token).is_ok());
    clock.set((NOW + 16) * 1000);
    assert_eq!(verifier.verify(&token).unwrap_err(), AuthError::Expired);
}

#[test]
fn a_claim_of_the_wrong_type_or_size_is_named() {
    let many = |n: usize| vec!["a:b"; n];
    for (claim, value) in [
        ("exp", json!("1900000000")),
        ("exp", json!(1.9e9)),
        ("exp", json!(-1)),
        ("exp", json!([NOW])),
        ("exp", json!(true)),
        ("exp", Value::Null),
        ("nbf", json!("0")),
        ("iat", json!(0.5)),
        ("user_id", json!(7)),
        ("user_id", json!("")),
        ("user_id", Value::Null),
        ("user_id", json!(["ann"])),
        ("user_id", json!("a\nb")),
        ("user_id", json!("a\0b")),
        ("user_id", json!("é".repeat(129))),
        ("name", json!(7)),
        ("name", json!("a\tb")),
        ("name", json!("n".repeat(129))),
        ("room", json!("")),
        ("room", Value::Null),
        ("room", json!("r".repeat(130))),
        ("room", json!(["a:b"])),
        ("call_cids", json!("a:b")),
        ("call_cids", Value::Null),
        ("call_cids", json!(["a:b", 7])),
        ("call_cids", json!([""])),
        ("call_cids", json!(many(101))),
        ("role", json!(7)),
        ("role", json!("")),
        ("role", json!("r".repeat(65))),
        ("is_owner", json!("true")),
        ("is_owner", json!(1)),
        ("permissions", json!(true)),
        ("permissions", json!([])),
    ] {
        let claims = json!({ claim: value }).to_string();
        match read(&claims).unwrap_err() {
            AuthError::BadClaim { claim: named, .. } => assert_eq!(named, claim, "{claims}"),
            // jsonwebtoken itself refuses some forms of the times before we see them.
            AuthError::BadClaims if ["exp", "nbf"].contains(&claim) => {}
            other => panic!("{claims}: {other:?}"),
        }
    }
    assert!(
        read(&json!({ "user_id": "é".repeat(128), "call_cids": many(100) }).to_string()).is_ok()
    );
}

#[test]
fn claims_are_one_object_without_repetition() {
    for claims in [
        "",
        "null",
        "[]",
        "\"ann\"",
        "{",
        r#"{"user_id":"ann"} {}"#,
        r#"{"user_id":"ann","user_id":"bob"}"#,
        r#"{"user_id":"ann","user\u005fid":"bob"}"#,
        r#"{"is_owner":false,"room":"a:b","is_owner":true}"#,
        r#"{"exp":1,"exp":9999999999}"#,
        r#"{"custom":1,"custom":2}"#,
    ] {
        assert_eq!(read(claims).unwrap_err(), AuthError::BadClaims, "{claims}");
    }
    let not_utf8 = {
        let message =
            format!("{}.{}", base64url(PLAIN.as_bytes()), base64url(b"{\"user_id\":\"\xff\"}"));
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        format!("{message}.{}", sign(message.as_bytes(), &key, Algorithm::HS256).unwrap())
    };
    assert_eq!(refused(&not_utf8), AuthError::BadClaims);
}

#[test]
fn what_stream_puts_in_a_token_is_read_or_ignored() {
    let server = read(&json!({ "server": true, "iat": NOW }).to_string()).unwrap();
    assert!(server.is_server());
    for bound in
        [json!({ "call_cids": ["default:x"] }), json!({ "call_cids": [] }), json!({ "room": "x" })]
    {
        assert!(!read(&bound.to_string()).unwrap().is_server(), "{bound}");
    }
    let user = read(
        &json!({ "user_id": "ann", "iat": NOW - 1, "exp": NOW + 3600, "validity_in_seconds": 3600,
                 "channel_cids": ["messaging:x"], "iss": "https://a.b", "sub": "user/ann",
                 "aud": ["x"], "app": { "deep": [1] }, "call_cids": ["default:x"], "role": "host" })
        .to_string(),
    )
    .unwrap();
    assert_eq!(user.user_id.as_deref(), Some("ann"));
    assert_eq!(user.call_cids, Some(vec!["default:x".to_owned()]));
    assert_eq!(
        (user.role.as_deref(), user.exp, user.iat),
        (Some("host"), Some(NOW + 3600), Some(NOW - 1))
    );
}

#[test]
fn a_role_or_ownership_counts_only_beside_a_room() {
    for (claims, role, owner) in [
        (json!({ "role": "host", "is_owner": true }), None, false),
        (json!({ "role": "host", "is_owner": true, "room": "a:b" }), Some("host"), true),
        (json!({ "role": "host", "is_owner": true, "call_cids": ["a:b"] }), Some("host"), true),
        (json!({ "room": "a:b" }), None, false),
    ] {
        let identity = read(&claims.to_string()).unwrap();
        assert_eq!((identity.role.as_deref(), identity.is_owner), (role, owner), "{claims}");
    }
}

#[test]
fn teams_count_only_where_the_server_trusts_tokens_with_them() {
    let claims = json!({ "user_id": "ann", "teams": ["red", "blue"] }).to_string();
    assert!(read(&claims).unwrap().teams.is_empty());
    assert!(read(r#"{"teams":"anything"}"#).unwrap().teams.is_empty());
    let trusting = Config { trust_token_teams: true, ..config() };
    let verifier = Verifier::new(&trusting, Clock::manual(NOW * 1000)).unwrap();
    let read =
        |claims: &Value| verifier.verify(&hs256(PLAIN, &claims.to_string(), SECRET.as_bytes()));
    assert_eq!(read(&json!({ "teams": ["red", "blue"] })).unwrap().teams, ["red", "blue"]);
    for teams in
        [json!("red"), json!([7]), json!([""]), json!(["t".repeat(101)]), json!(vec!["t"; 251])]
    {
        assert!(read(&json!({ "teams": teams })).is_err(), "{teams}");
    }
}

#[test]
fn initial_overrides_are_kept_as_they_are_written() {
    let claims = r#"{"user_id":"ann","permissions":{ "canSend" : ["audio"] }}"#;
    let permissions = read(claims).unwrap().permissions.unwrap();
    assert_eq!(permissions.get(), r#"{ "canSend" : ["audio"] }"#);
}

#[test]
fn a_minted_token_is_read_back() {
    let claims = Claims {
        user_id: Some("ann".to_owned()),
        name: Some("Ann".to_owned()),
        room: Some("lobby:demo".to_owned()),
        is_owner: true,
        iat: NOW,
        exp: Some(NOW + 60),
        ..Claims::default()
    };
    let token = claims.sign(&Secret::new(SECRET)).unwrap();
    let identity = verifier().verify(&token).unwrap();
    assert_eq!((identity.user_id, identity.name), (claims.user_id, claims.name));
    assert_eq!((identity.room, identity.is_owner), (claims.room, true));
    assert_eq!((identity.exp, identity.call_cids), (claims.exp, None));
    let server = Claims { iat: NOW, ..Claims::default() }.sign(&Secret::new(SECRET)).unwrap();
    assert!(verifier().verify(&server).unwrap().is_server());
}

#[test]
fn without_a_secret_only_the_named_keys_are_good() {
    let config = Config { api_secret: None, ..config() };
    let verifier = Verifier::new(&config, Clock::manual(NOW * 1000)).unwrap();
    for secret in [SECRET, "", DEVELOPMENT_SECRET] {
        let token = hs256(PLAIN, ANN, secret.as_bytes());
        assert_eq!(verifier.verify(&token).unwrap_err(), AuthError::BadSignature);
    }
}

#[test]
fn a_public_key_that_does_not_fit_is_refused_at_the_start() {
    let short_ed =
        "-----BEGIN PUBLIC KEY-----\nMBAwBQYDK2VwAwcAAQIDBAUG\n-----END PUBLIC KEY-----\n";
    for (alg, pem) in [
        (KeyAlgorithm::Rs256, EC_PUBLIC),
        (KeyAlgorithm::Rs256, ED_PUBLIC),
        (KeyAlgorithm::Rs256, RSA_PRIVATE),
        (KeyAlgorithm::Es256, RSA_PUBLIC),
        (KeyAlgorithm::Es256, EC384_PUBLIC),
        (KeyAlgorithm::Es256, EC_PRIVATE),
        (KeyAlgorithm::EdDsa, EC_PUBLIC),
        (KeyAlgorithm::EdDsa, ED_PRIVATE),
        (KeyAlgorithm::EdDsa, short_ed),
        (KeyAlgorithm::Hs256, RSA_PUBLIC),
        (KeyAlgorithm::Rs256, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
    ] {
        let config = Config { keys: vec![key("k", alg, public(pem))], ..config() };
        let refused = Verifier::new(&config, Clock::system()).err();
        assert_eq!(refused, Some(KeyError { kid: "k".to_owned() }), "{alg:?} {pem}");
    }
}
