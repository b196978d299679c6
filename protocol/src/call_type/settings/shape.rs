//! Shapes of JSON documents: which keys there are and what each may hold, and patches laid over
//! them. It must not know what the documents are about.

use serde_json::{Map, Value};

/// An object of named fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape(pub(crate) &'static [Field]);

/// One key of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Bool,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number from … to.
    Whole(u64, u64),
    /// A text of at most so many characters.
    Text(usize),
    /// A list of at most so many texts of at most so many characters.
    Texts(usize, usize),
    /// A list of at most so many of these words.
    Words(usize, &'static [&'static str]),
    /// Any object; the bound of the whole document is its bound.
    Free,
    /// An object, merged key by key.
    Object(Shape),
}

/// A key that may be left out.
pub(crate) const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

/// A key that has to be there where its object is written at all.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

impl Shape {
    /// The object as a patch: what is null is not said. `at`: the path of keys that leads here.
    ///
    /// # Errors
    /// A sentence naming the first key that is unknown, missing or holds what it may not.
    pub(crate) fn read(
        self,
        object: &Map<String, Value>,
        at: &str,
    ) -> Result<Map<String, Value>, String> {
        let path =
            |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        let mut read = Map::new();
        for (name, value) in object {
            let Some(field) = self.0.iter().find(|field| field.name == name) else {
                let shown: String = name.chars().take(80).collect();
                return Err(format!("unknown setting `{}`", path(&shown)));
            };
            if !value.is_null() {
                read.insert(name.clone(), field.kind.read(value, &path(name))?);
            }
        }
        match self.0.iter().find(|field| field.required && !read.contains_key(field.name)) {
            Some(missing) => Err(format!("`{}` is required", path(missing.name))),
            None => Ok(read),
        }
    }
}

impl Kind {
    fn read(self, value: &Value, at: &str) -> Result<Value, String> {
        let must = |what: String| Err(format!("`{at}` must be {what}"));
        let fits = |text: &str, max: usize| text.chars().count() <= max;
        let (holds, what) = match self {
            Self::Bool => (value.is_boolean(), "true or false".to_owned()),
            Self::OneOf(words) => (
                value.as_str().is_some_and(|word| words.contains(&word)),
                format!("one of {}", listed(words)),
            ),
            Self::Whole(min, max) => (
                value.as_u64().is_some_and(|number| (min..=max).contains(&number)),
                format!("a whole number from {min} to {max}"),
            ),
            Self::Text(max) => (
                value.as_str().is_some_and(|text| fits(text, max)),
                format!("a text of at most {max} characters"),
            ),
            Self::Texts(many, max) => (
                value.as_array().is_some_and(|list| {
                    let good = |item: &Value| item.as_str().is_some_and(|text| fits(text, max));
                    list.len() <= many && list.iter().all(good)
                }),
                format!("a list of at most {many} texts of at most {max} characters"),
            ),
            Self::Words(many, words) => (
                value.as_array().is_some_and(|list| {
                    let good = |item: &Value| item.as_str().is_some_and(|t| words.contains(&t));
                    list.len() <= many && list.iter().all(good)
                }),
                format!("a list of at most {many} of {}", listed(words)),
            ),
            Self::Free => (value.is_object(), "an object".to_owned()),
            Self::Object(shape) => match value.as_object() {
                Some(object) => return shape.read(object, at).map(Value::Object),
                None => (false, "an object".to_owned()),
            },
        };
        if holds { Ok(value.clone()) } else { must(what) }
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Lays a patch over a document: objects are merged key by key, all else is replaced.
pub(crate) fn merge(document: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (document.get_mut(name), value) {
            (Some(Value::Object(known)), Value::Object(new)) => merge(known, new),
            _ => {
                document.insert(name.clone(), value.clone());
            }
        }
    }
}
