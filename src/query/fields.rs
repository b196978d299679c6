//! A catalogue of fields: what each holds, what may be asked of it, and a record's values in them.
//! It must not know whose fields they are.

use std::{collections::BTreeSet, sync::Arc};

use rolecall_protocol::id::Timestamp;
use serde_json::Value as Json;

use super::value::Key;

/// How the path of a custom value begins.
pub const CUSTOM: &str = "custom.";
/// Most custom values of one record that can be asked for, in the order of their paths.
pub const CUSTOM_VALUES_MAX: usize = 64;
/// Longest path of a custom value, in characters.
pub const CUSTOM_PATH_MAX: usize = 256;
/// Deepest custom value that can be asked for.
const CUSTOM_DEPTH_MAX: usize = 8;
/// Most words of one text that it is found by.
const WORDS_MAX: usize = 16;
/// Longest beginning of a word that counts, in characters.
const WORD_MAX: usize = 64;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text or nothing.
    Text,
    /// Several texts or none.
    Texts,
    /// A moment or nothing.
    Time,
    /// Yes or no.
    Bool,
    /// A number or nothing.
    Number,
    /// Whatever people wrote there.
    Any,
}

impl Kind {
    /// Whether a record has at most one value of it.
    #[must_use]
    pub const fn is_single(self) -> bool {
        !matches!(self, Self::Texts | Self::Any)
    }
}

/// What may be asked of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// It is that.
    Eq,
    /// It is one of those.
    In,
    /// It is greater, or later.
    Gt,
    /// It is that, greater, or later.
    Gte,
    /// It is less, or earlier.
    Lt,
    /// It is that, less, or earlier.
    Lte,
    /// It is there, or is not.
    Exists,
    /// Each of these words begins a word of it.
    Autocomplete,
    /// That is among its texts.
    Contains,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Eq,
        Self::In,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Exists,
        Self::Autocomplete,
        Self::Contains,
    ];
    /// Of what has an order.
    pub const ORDERED: &[Self] =
        &[Self::Eq, Self::In, Self::Gt, Self::Gte, Self::Lt, Self::Lte, Self::Exists];
    /// Of an ordered text that is found by its words too.
    pub const WORDS: &[Self] = &[
        Self::Eq,
        Self::In,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Exists,
        Self::Autocomplete,
    ];
    /// Of several texts.
    pub const SEVERAL: &[Self] = &[Self::Eq, Self::In, Self::Contains, Self::Exists];
    /// Of yes or no.
    pub const EQUAL: &[Self] = &[Self::Eq];
    /// Of a custom value.
    pub const CUSTOM: &[Self] = &[
        Self::Eq,
        Self::In,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::Exists,
        Self::Contains,
    ];

    /// Its name in a filter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "$eq",
            Self::In => "$in",
            Self::Gt => "$gt",
            Self::Gte => "$gte",
            Self::Lt => "$lt",
            Self::Lte => "$lte",
            Self::Exists => "$exists",
            Self::Autocomplete => "$autocomplete",
            Self::Contains => "$contains",
        }
    }
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in filters and sorts.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What may be asked of it; empty: it is the house's own, and nobody may name it.
    pub ops: &'static [Op],
    /// Whether one may sort by it.
    pub sortable: bool,
}

/// All fields of one kind of record.
#[derive(Debug)]
pub struct Fields {
    /// Those that every record has.
    pub fields: &'static [Field],
    /// Whether one may ask for `custom.…`.
    pub custom: bool,
    /// Whether one may sort by `custom.…`.
    pub custom_sortable: bool,
}

/// A field found by its name.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where its values stand.
    pub slot: Slot,
    /// What it holds.
    pub kind: Kind,
    /// What may be asked of it.
    pub ops: &'static [Op],
    /// Whether one may sort by it.
    pub sortable: bool,
}

/// Where the values of a field stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A field of the catalogue, by its place there.
    Fixed(u8),
    /// The words of such a field, in small letters.
    Words(u8),
    /// A custom value, by its path.
    Custom(Arc<str>),
}

impl Slot {
    /// The least slot that is greater.
    #[must_use]
    pub fn successor(&self) -> Self {
        match self {
            Self::Fixed(at) => Self::Fixed(at.saturating_add(1)),
            Self::Words(at) => Self::Words(at.saturating_add(1)),
            Self::Custom(path) => Self::Custom(format!("{path}\0").into()),
        }
    }

    /// Whether every record has a value there, be it nothing.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }
}

impl Fields {
    /// The field of that name, one of the house's own included.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Found> {
        if let Some(path) = name.strip_prefix(CUSTOM).filter(|_| self.custom) {
            let slot = Slot::Custom(path.into());
            let sortable = self.custom_sortable;
            let fits = !path.is_empty() && path.chars().count() <= CUSTOM_PATH_MAX;
            return fits.then_some(Found { slot, kind: Kind::Any, ops: Op::CUSTOM, sortable });
        }
        let at = self.fields.iter().position(|field| field.name == name)?;
        let Field { kind, ops, sortable, .. } = self.fields[at];
        Some(Found { slot: Slot::Fixed(u8::try_from(at).ok()?), kind, ops, sortable })
    }

    /// The names that somebody may ask for, or sort by.
    #[must_use]
    pub fn names(&self, sortable: bool) -> String {
        let fields = self.fields.iter();
        let fits = |field: &&Field| if sortable { field.sortable } else { !field.ops.is_empty() };
        let mut names: Vec<&str> = fields.filter(fits).map(|field| field.name).collect();
        if self.custom && (self.custom_sortable || !sortable) {
            names.push("custom.<path>");
        }
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

/// One value of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Facet {
    /// Where.
    pub slot: Slot,
    /// What.
    pub key: Key,
}

/// The values of one record; what it does not say of a field is nothing.
#[derive(Debug)]
pub struct Facets {
    fields: &'static Fields,
    all: Vec<Facet>,
}

impl Facets {
    /// A record of such fields, nothing known yet.
    #[must_use]
    pub const fn of(fields: &'static Fields) -> Self {
        Self { fields, all: Vec::new() }
    }

    /// It has that text there.
    #[must_use]
    pub fn text(mut self, name: &'static str, text: &str) -> Self {
        if let Some(Found { slot: Slot::Fixed(at), ops, .. }) = self.fields.find(name) {
            self.all.push(Facet { slot: Slot::Fixed(at), key: Key::text(text) });
            if ops.contains(&Op::Autocomplete) {
                let words = words(text).take(WORDS_MAX);
                self.all.extend(
                    words.map(|word| Facet { slot: Slot::Words(at), key: Key::Text(word.into()) }),
                );
            }
        }
        self
    }

    /// It has those texts there.
    #[must_use]
    pub fn texts<'a>(
        mut self,
        name: &'static str,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        if let Some(Found { slot, .. }) = self.fields.find(name) {
            let facet = |text| Facet { slot: slot.clone(), key: Key::text(text) };
            self.all.extend(texts.into_iter().map(facet));
        }
        self
    }

    /// It has that moment there, where there is one.
    #[must_use]
    pub fn time(self, name: &'static str, at: Option<Timestamp>) -> Self {
        self.key(name, Key::time(at))
    }

    /// It is so, or is not.
    #[must_use]
    pub fn flag(self, name: &'static str, is: bool) -> Self {
        self.key(name, Key::Bool(is))
    }

    /// It has that value there.
    #[must_use]
    pub fn key(mut self, name: &'static str, key: Key) -> Self {
        if let Some(Found { slot, .. }) = self.fields.find(name) {
            self.all.push(Facet { slot, key });
        }
        self
    }

    /// It has those custom values: the scalars of that object and of the lists in it, each under
    /// its path, the first [`CUSTOM_VALUES_MAX`] of them.
    #[must_use]
    pub fn custom(mut self, object: &str) -> Self {
        let most = self.all.len() + CUSTOM_VALUES_MAX;
        if object != "{}"
            && let Ok(Json::Object(object)) = serde_json::from_str(object)
        {
            for (name, value) in &object {
                self.spread(name.clone(), value, 1, most);
            }
        }
        self
    }

    fn spread(&mut self, path: String, value: &Json, depth: usize, most: usize) {
        if self.all.len() >= most || path.chars().count() > CUSTOM_PATH_MAX {
            return;
        }
        if let Json::Object(object) = value {
            if depth < CUSTOM_DEPTH_MAX {
                for (name, value) in object {
                    self.spread(format!("{path}.{name}"), value, depth + 1, most);
                }
            }
            return;
        }
        let values = match value {
            Json::Array(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        let slot = Slot::Custom(path.into());
        let keys = values.iter().filter_map(scalar).map(|key| Facet { slot: slot.clone(), key });
        let room = most - self.all.len();
        self.all.extend(keys.take(room));
    }

    /// All values in order, nothing where a field was not spoken of.
    #[must_use]
    pub fn finish(mut self) -> Vec<Facet> {
        let said: BTreeSet<u8> = self.all.iter().filter_map(|facet| fixed(&facet.slot)).collect();
        let all = (0..).take(self.fields.fields.len());
        for at in all.filter(|at| !said.contains(at)) {
            self.all.push(Facet { slot: Slot::Fixed(at), key: Key::Null });
        }
        self.all.sort_unstable();
        self.all.dedup();
        self.all
    }
}

const fn fixed(slot: &Slot) -> Option<u8> {
    match slot {
        Slot::Fixed(at) => Some(*at),
        _ => None,
    }
}

/// A custom value that can be asked for: neither null nor nested further.
fn scalar(value: &Json) -> Option<Key> {
    match value {
        Json::Bool(is) => Some(Key::Bool(*is)),
        Json::Number(number) => Some(Key::number(number)),
        Json::String(text) => Some(Key::text(text)),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The words of a text in small letters, each cut where it is long.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.to_lowercase().chars().take(WORD_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    static FIELDS: Fields = Fields {
        fields: &[
            Field { name: "name", kind: Kind::Text, ops: Op::WORDS, sortable: true },
            Field { name: "teams", kind: Kind::Texts, ops: Op::SEVERAL, sortable: false },
            Field { name: "own", kind: Kind::Bool, ops: &[], sortable: false },
        ],
        custom: true,
        custom_sortable: false,
    };

    #[test]
    fn a_record_has_a_value_in_every_field_and_a_key_for_each_word() {
        let facets = Facets::of(&FIELDS).text("name", "Ana  O'Hara").finish();
        let said: Vec<String> =
            facets.iter().map(|facet| format!("{:?} {:?}", facet.slot, facet.key)).collect();
        let expected = [
            "Fixed(0) Text(\"Ana  O'Hara\")",
            "Fixed(1) Null",
            "Fixed(2) Null",
            "Words(0) Text(\"ana\")",
            "Words(0) Text(\"hara\")",
            "Words(0) Text(\"o\")",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn custom_values_are_found_under_their_paths_and_are_bounded() {
        let custom = r#"{"a":{"b":[1,"x",null,{"no":1}],"c":true},"d":null}"#;
        let facets = Facets::of(&FIELDS).custom(custom).finish();
        let paths: Vec<String> = facets
            .iter()
            .filter(|facet| !facet.slot.is_complete())
            .map(|facet| format!("{:?} {:?}", facet.slot, facet.key))
            .collect();
        assert_eq!(
            paths,
            [
                "Custom(\"a.b\") Number(1.0)",
                "Custom(\"a.b\") Text(\"x\")",
                "Custom(\"a.c\") Bool(true)"
            ]
        );
        let many = serde_json::json!({"list": (0..500).collect::<Vec<_>>(), "z": 1});
        let facets = Facets::of(&FIELDS).custom(&many.to_string()).finish();
        assert_eq!(facets.len(), FIELDS.fields.len() + CUSTOM_VALUES_MAX);
    }

    #[test]
    fn the_houses_own_fields_are_not_offered() {
        assert_eq!(FIELDS.names(false), "`name`, `teams`, `custom.<path>`");
        assert_eq!(FIELDS.names(true), "`name`");
        assert!(FIELDS.find("own").is_some_and(|found| found.ops.is_empty()));
        assert!(FIELDS.find("custom.").is_none());
    }
}
