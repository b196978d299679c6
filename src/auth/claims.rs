//! The claims of a token whose signature is good: types, bounds and times.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{AuthError, CALL_CIDS_MAX, Identity, LEEWAY_S, Stay, TEAMS_MAX, daily, hms};
use rolecall_protocol::id::{DISPLAY_NAME_MAX, NAME_MAX, TEAM_MAX, USER_ID_MAX};

/// Reads `text`. Claims we do not know are ignored, as Stream's SDKs send some; one that we know
/// is of its type or the token is refused, `null` included: a `user_id` that somebody forgot to
/// fill in must not become a server token.
pub(super) fn read(
    text: &str,
    trust_teams: bool,
    api_key: &str,
    now_s: u64,
) -> Result<Identity, AuthError> {
    let claims: Distinct<'_> = serde_json::from_str(text).map_err(|_| AuthError::BadClaims)?;
    // It names neither a user nor rooms: it must not pass for a server's.
    if hms::is_management(&claims) {
        return Err(hms::NOT_HERE);
    }
    let identity = if hms::is_its_own(&claims)? {
        hms::identity(&claims, api_key)?
    } else if daily::is_its_own(&claims)? {
        daily::identity(&claims)?
    } else {
        identity(&claims, trust_teams)?
    };
    in_time(&claims, identity, now_s)
}

/// Reads the claims of a token that is to be of 100ms's form and of a back end.
pub(super) fn read_management(
    text: &str,
    api_key: &str,
    now_s: u64,
) -> Result<Identity, AuthError> {
    let claims: Distinct<'_> = serde_json::from_str(text).map_err(|_| AuthError::BadClaims)?;
    in_time(&claims, hms::management(&claims, api_key)?, now_s)
}

fn in_time(claims: &Distinct<'_>, identity: Identity, now_s: u64) -> Result<Identity, AuthError> {
    let nbf = claims.seconds("nbf")?;
    let soonest = now_s.saturating_add(LEEWAY_S);
    if identity.is_expired(now_s) {
        return Err(AuthError::Expired);
    }
    if nbf.is_some_and(|nbf| nbf > soonest) {
        return Err(AuthError::NotYetValid);
    }
    if identity.iat.is_some_and(|iat| iat > soonest) {
        return Err(AuthError::IssuedInFuture);
    }
    Ok(identity)
}

/// Who a token says its bearer is whose claims have their whole names.
fn identity(claims: &Distinct<'_>, trust_teams: bool) -> Result<Identity, AuthError> {
    let room = claims.text("room", CID_MAX, CID)?;
    let call_cids = claims.texts("call_cids", CALL_CIDS_MAX, CID_MAX, CIDS)?;
    let bound = room.is_some() || call_cids.is_some();
    let role = claims.text("role", NAME_MAX, "text of 1 to 64 characters")?;
    let is_owner = claims.flag("is_owner")?.unwrap_or_default();
    let exp = claims.seconds("exp")?;
    Ok(Identity {
        user_id: claims.text("user_id", USER_ID_MAX, USER)?,
        name: claims.name("name")?,
        room,
        call_cids,
        role: role.filter(|_| bound),
        is_owner: is_owner && bound,
        teams: match trust_teams {
            true => claims.texts("teams", TEAMS_MAX, TEAM_MAX, TEAMS)?.unwrap_or_default(),
            false => Vec::new(),
        },
        permissions: claims.object("permissions")?,
        exp,
        stay: Stay { until: exp, seconds: None },
        iat: claims.seconds("iat")?,
        ..Identity::default()
    })
}

/// What a user's id must be.
pub(super) const USER: &str = "text of 1 to 128 characters";
/// `type:id`, both of the longest.
pub(super) const CID_MAX: usize = 2 * NAME_MAX + 1;
pub(super) const CID: &str = "text of 1 to 129 characters";
const CIDS: &str = "a list of at most 100 room ids of 1 to 129 characters";
const TEAMS: &str = "a list of at most 250 team names of 1 to 100 characters";

/// A JSON object no key of which is given twice, however it is escaped.
pub(super) struct Distinct<'a>(BTreeMap<String, &'a RawValue>);

impl Distinct<'_> {
    /// Whether a claim is there, whatever it says.
    pub(super) fn has(&self, claim: &str) -> bool {
        self.0.contains_key(claim)
    }

    pub(super) fn of_type<'s, T: Deserialize<'s>>(
        &'s self,
        claim: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, AuthError> {
        let Some(raw) = self.0.get(claim) else { return Ok(None) };
        let read = serde_json::from_str(raw.get());
        read.map(Some).map_err(|_| AuthError::BadClaim { claim, expected })
    }

    pub(super) fn flag(&self, claim: &'static str) -> Result<Option<bool>, AuthError> {
        self.of_type(claim, "true or false")
    }

    pub(super) fn seconds(&self, claim: &'static str) -> Result<Option<u64>, AuthError> {
        self.of_type(claim, "a whole number of seconds since 1970")
    }

    pub(super) fn text(
        &self,
        claim: &'static str,
        chars_max: usize,
        expected: &'static str,
    ) -> Result<Option<String>, AuthError> {
        let text: Option<String> = self.of_type(claim, expected)?;
        match text {
            Some(text) if !is_word(&text, chars_max) => {
                Err(AuthError::BadClaim { claim, expected })
            }
            text => Ok(text),
        }
    }

    /// An empty name is no name.
    pub(super) fn name(&self, claim: &'static str) -> Result<Option<String>, AuthError> {
        const EXPECTED: &str = "text of at most 128 characters";
        let name: Option<String> = self.of_type(claim, EXPECTED)?;
        match name {
            Some(name) if name.is_empty() => Ok(None),
            Some(name) if !is_word(&name, DISPLAY_NAME_MAX) => {
                Err(AuthError::BadClaim { claim, expected: EXPECTED })
            }
            name => Ok(name),
        }
    }

    fn texts(
        &self,
        claim: &'static str,
        items_max: usize,
        chars_max: usize,
        expected: &'static str,
    ) -> Result<Option<Vec<String>>, AuthError> {
        let texts: Option<Vec<String>> = self.of_type(claim, expected)?;
        let fits = |texts: &[String]| {
            texts.len() <= items_max && texts.iter().all(|text| is_word(text, chars_max))
        };
        match texts {
            Some(texts) if !fits(&texts) => Err(AuthError::BadClaim { claim, expected }),
            texts => Ok(texts),
        }
    }

    fn object(&self, claim: &'static str) -> Result<Option<Box<RawValue>>, AuthError> {
        match self.0.get(claim) {
            Some(raw) if raw.get().starts_with('{') => Ok(Some((*raw).to_owned())),
            Some(_) => Err(AuthError::BadClaim { claim, expected: "an object" }),
            None => Ok(None),
        }
    }
}

/// Whether `text` is 1 to `chars_max` characters without control characters.
fn is_word(text: &str, chars_max: usize) -> bool {
    let mut chars = 0;
    for c in text.chars() {
        chars += 1;
        if c.is_control() || chars > chars_max {
            return false;
        }
    }
    chars > 0
}

impl<'de: 'a, 'a> Deserialize<'de> for Distinct<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = BTreeMap<String, &'de RawValue>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut claims = BTreeMap::new();
                while let Some(claim) = map.next_key::<String>()? {
                    match claims.entry(claim) {
                        Entry::Vacant(entry) => entry.insert(map.next_value()?),
                        Entry::Occupied(_) => return Err(de::Error::custom("a claim given twice")),
                    };
                }
                Ok(claims)
            }
        }
        deserializer.deserialize_map(Object).map(Self)
    }
}
