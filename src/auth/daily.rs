//! Tokens of Daily's form, with the short claims of those that people sign themselves. Each is good
//! for one room and is never a server's. It must not know what rooms do with them.

use rolecall_protocol::{
    id::{CallTypeName, Cid, NameError, USER_ID_MAX},
    permissions::PermissionsPatch,
};
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::{
    AuthError, Identity, Stay,
    claims::{Distinct, USER},
};

/// The call type of Daily's rooms: a room `x` of theirs is `daily:x`.
pub const CALL_TYPE: &str = "daily";

/// Longest `d`, which names Daily's customer and is not looked at.
const DOMAIN_MAX: usize = 128;

/// Claims of which one is enough to be of this form. Whoever forgot `r` has not made a token that
/// speaks for the app.
const MARKS: [&str; 6] = ["r", "d", "ud", "u", "o", "p"];
/// Claims of a token whose claims have their whole names.
const OTHERS: [&str; 3] = ["user_id", "room", "call_cids"];

/// The room of that name.
///
/// # Errors
/// [`NameError`] unless the name matches `[A-Za-z0-9_-]{1,64}`.
pub fn room(name: &str) -> Result<Cid, NameError> {
    Cid::new(&CallTypeName::parse(CALL_TYPE)?, name)
}

/// Whether the claims are of this form.
///
/// # Errors
/// A token that says `r` and whole names beside it could be read in two ways, and is not read.
pub(super) fn is_its_own(claims: &Distinct<'_>) -> Result<bool, AuthError> {
    if OTHERS.iter().any(|claim| claims.has(claim)) {
        let expected = "to stand beside `user_id`, `room` or `call_cids`";
        return if claims.has("r") { Err(bad("r", expected)) } else { Ok(false) };
    }
    Ok(MARKS.iter().any(|claim| claims.has(claim)))
}

const fn bad(claim: &'static str, expected: &'static str) -> AuthError {
    AuthError::BadClaim { claim, expected }
}

/// Who such a token says its bearer is.
pub(super) fn identity(claims: &Distinct<'_>) -> Result<Identity, AuthError> {
    const ROOM: &str = "the name of a room: 1 to 64 characters of A-Z a-z 0-9 _ -";
    let name: Option<String> = claims.of_type("r", ROOM)?;
    let cid = name.and_then(|name| room(&name).ok()).ok_or(bad("r", ROOM))?;
    claims.text("d", DOMAIN_MAX, "text of 1 to 128 characters")?;
    let is_owner = claims.flag("o")?.unwrap_or_default();
    let shares = claims.flag("ss")?.unwrap_or(true);
    let permissions: Option<Value> = claims.of_type("p", PERMISSIONS)?;
    let mut patch = permissions.as_ref().map(spelled_out).transpose()?;
    // "Specifies the permissions of a non-owner": owners are not held by them.
    patch = patch.filter(|_| !is_owner);
    let mut no_screenshare = !shares;
    if let Some(Value::Object(patch)) = &mut patch
        && no_screenshare
        && let Some(send) = patch.get_mut("canSend")
    {
        *send = without_screens(send);
        no_screenshare = false;
    }
    let user_id = claims.text("ud", USER_ID_MAX, USER)?;
    let exp = claims.seconds("exp")?;
    let leaves = claims.flag("ejt")? == Some(true);
    Ok(Identity {
        unnamed: user_id.is_none(),
        user_id,
        name: claims.name("u")?,
        room: Some(cid.as_str().to_owned()),
        is_owner,
        knocks: claims.flag("k")?.unwrap_or_default(),
        permissions: patch.map(|patch| raw(&patch)).transpose()?,
        exp,
        // "Users cannot join after this time": who is in stays, unless the token says otherwise.
        stay: Stay { until: exp.filter(|_| leaves), seconds: claims.seconds("eje")? },
        iat: claims.seconds("iat")?,
        no_screenshare,
        ..Identity::default()
    })
}

const PERMISSIONS: &str = "permissions: `hp`, `cs`, `cr` and `ca`";

fn raw(patch: &Value) -> Result<Box<RawValue>, AuthError> {
    to_raw_value(patch).map_err(|_| bad("p", PERMISSIONS))
}

/// The same list of what may be sent, less the kinds of a shared screen.
fn without_screens(send: &Value) -> Value {
    let kept = |name: &&str| !matches!(*name, "screenVideo" | "screenAudio");
    match send {
        Value::Bool(true) => KINDS.iter().map(|(_, name)| *name).filter(kept).collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter(kept).collect(),
        other => other.clone(),
    }
}

/// Pairs of a code, as tokens have it, and the word for it, as APIs do.
type Codes = [(&'static str, &'static str)];

const FIELDS: &Codes =
    &[("hp", "hasPresence"), ("cs", "canSend"), ("cr", "canReceive"), ("ca", "canAdmin")];
const PARTS: &Codes = &[("b", "base"), ("u", "byUserId"), ("p", "byParticipantId")];
const KINDS: &Codes = &[
    ("v", "video"),
    ("a", "audio"),
    ("sv", "screenVideo"),
    ("sa", "screenAudio"),
    ("cv", "customVideo"),
    ("ca", "customAudio"),
];
const GROUPS: &Codes = &[("p", "participants"), ("s", "streaming"), ("t", "transcription")];

/// The claim `p` as a patch of permissions, in the words of APIs.
///
/// # Errors
/// [`AuthError::BadClaim`] where something in it is none of its words.
pub fn spelled_out(claim: &Value) -> Result<Value, AuthError> {
    Turn::ToWords.permissions(claim).filter(is_patch).ok_or(bad("p", PERMISSIONS))
}

/// The claim `p` that says what a patch of permissions does; nothing where it is no patch, or sets
/// something back to what a role says, which a token cannot.
pub fn shortened(patch: &Value) -> Option<Value> {
    Some(patch).filter(|patch| is_patch(patch)).and_then(|patch| Turn::ToCodes.permissions(patch))
}

fn is_patch(value: &Value) -> bool {
    serde_json::from_str::<PermissionsPatch>(&value.to_string()).is_ok()
}

/// From which vocabulary to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    ToWords,
    ToCodes,
}

impl Turn {
    fn word(self, table: &Codes, word: &str) -> Option<&'static str> {
        match self {
            Self::ToWords => table.iter().find(|pair| pair.0 == word).map(|pair| pair.1),
            Self::ToCodes => table.iter().find(|pair| pair.1 == word).map(|pair| pair.0),
        }
    }

    /// The object with its keys turned, and each of its values as `turn` does it by its new key.
    fn object(
        self,
        value: &Value,
        table: &Codes,
        turn: impl Fn(&str, &Value) -> Option<Value>,
    ) -> Option<Value> {
        let turned = value.as_object()?.iter().map(|(key, value)| {
            let key = self.word(table, key)?;
            Some((key.to_owned(), turn(key, value)?))
        });
        turned.collect::<Option<Map<String, Value>>>().map(Value::Object)
    }

    fn permissions(self, value: &Value) -> Option<Value> {
        self.object(value, FIELDS, |field, value| match field {
            "cs" | "canSend" => self.list(value, KINDS),
            "ca" | "canAdmin" => self.list(value, GROUPS),
            "cr" | "canReceive" => self.object(value, PARTS, |part, value| match part {
                "b" | "base" => self.rule(value),
                _ => {
                    let rules = value.as_object()?.iter();
                    let rules = rules.map(|(id, rule)| Some((id.clone(), self.rule(rule)?)));
                    rules.collect::<Option<Map<String, Value>>>().map(Value::Object)
                }
            }),
            _ => value.as_bool().map(Value::Bool),
        })
    }

    /// All, nothing, or some: words in an array, codes between commas.
    fn list(self, value: &Value, table: &Codes) -> Option<Value> {
        match (self, value) {
            (_, Value::Bool(all)) => Some(Value::Bool(*all)),
            (Self::ToWords, Value::String(codes)) => {
                let codes = codes.split(',').map(str::trim).filter(|code| !code.is_empty());
                let words = codes.map(|code| self.word(table, code).map(Value::from));
                words.collect::<Option<Vec<Value>>>().map(Value::Array)
            }
            (Self::ToCodes, Value::Array(words)) => {
                let codes = words.iter().map(|word| self.word(table, word.as_str()?));
                codes.collect::<Option<Vec<&str>>>().map(|codes| Value::from(codes.join(",")))
            }
            _ => None,
        }
    }

    fn rule(self, value: &Value) -> Option<Value> {
        match value {
            Value::Bool(all) => Some(Value::Bool(*all)),
            value => self.object(value, KINDS, |_, value| Some(value.clone())),
        }
    }
}
