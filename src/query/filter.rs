//! Filters as people write them in JSON, read into conditions on stretches of keys. It must not
//! know how records are found.
//!
//! A condition is a literal, or an object of operators that are all asked of one and the same
//! value; `{}` is none. `$and` and `$or` nest. What is not known is refused by its name.

use std::collections::BTreeSet;

use rolecall_protocol::team::Teams;
use serde_json::{Map, Value as Json};

use super::{
    QueryError,
    fields::{Facet, Fields, Found, Kind, Op, Slot, words},
    value::{Key, Span, Spans, TEXT_MAX},
};

/// Deepest nesting of `$and` and `$or`.
pub const DEPTH_MAX: usize = 8;
/// Most conditions of one filter.
pub const CONDITIONS_MAX: usize = 100;
/// Most values in all the `$in` of one filter.
pub const VALUES_MAX: usize = 1000;

/// What is asked of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub(super) node: Node,
    mentioned: BTreeSet<String>,
}

/// What a record must fulfil.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    /// All of them.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
    /// One of its values there is in these stretches.
    Has(Slot, Spans, Single),
    /// It has no value there.
    Lacks(Slot),
}

/// Whether records have at most one value there, so that two conditions on it are one.
type Single = bool;

impl Node {
    /// All of these, in one order whichever way they were written.
    fn all(nodes: impl IntoIterator<Item = Self>) -> Self {
        let mut flat: Vec<Self> = Vec::new();
        for node in nodes {
            match node {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        flat.sort_unstable();
        let mut merged: Vec<Self> = Vec::with_capacity(flat.len());
        for node in flat {
            match (merged.last_mut(), &node) {
                (Some(Self::Has(slot, spans, true)), Self::Has(same, more, true))
                    if slot == same =>
                {
                    *spans = spans.and(more);
                }
                (Some(last), node) if last == node => {}
                _ => merged.push(node),
            }
        }
        if merged.len() == 1 { merged.remove(0) } else { Self::All(merged) }
    }

    fn any(mut nodes: Vec<Self>) -> Self {
        nodes.sort_unstable();
        nodes.dedup();
        if nodes.len() == 1 { nodes.remove(0) } else { Self::Any(nodes) }
    }

    /// Whether a record of those values, in order, fulfils it.
    pub(super) fn admits(&self, facets: &[Facet]) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.admits(facets)),
            Self::Any(nodes) => nodes.iter().any(|node| node.admits(facets)),
            Self::Has(slot, spans, _) => keys_of(facets, slot).any(|key| spans.has(key)),
            Self::Lacks(slot) => keys_of(facets, slot).next().is_none(),
        }
    }
}

/// The values there of a record whose values, in order, are these.
pub(super) fn keys_of<'a>(facets: &'a [Facet], slot: &'a Slot) -> impl Iterator<Item = &'a Key> {
    let start = facets.partition_point(|facet| facet.slot < *slot);
    facets[start..].iter().take_while(move |facet| facet.slot == *slot).map(|facet| &facet.key)
}

impl Filter {
    /// Every record.
    #[must_use]
    pub const fn everything() -> Self {
        Self { node: Node::All(Vec::new()), mentioned: BTreeSet::new() }
    }

    /// Reads a filter; `null` is none.
    ///
    /// # Errors
    /// [`QueryError`] naming the place, and what is wrong there.
    pub fn parse(filter: &Json, fields: &Fields) -> Result<Self, QueryError> {
        let object = match filter {
            Json::Null => return Ok(Self::everything()),
            Json::Object(object) => object,
            _ => return Err(QueryError::new("", "a filter is an object")),
        };
        let mut reader =
            Reader { fields, mentioned: BTreeSet::new(), conditions: 0, values: 0, place: vec![] };
        let node = reader.object(object, 0)?;
        Ok(Self { node, mentioned: reader.mentioned })
    }

    /// Whether the filter speaks of that field, be it without a condition.
    #[must_use]
    pub fn mentions(&self, field: &str) -> bool {
        self.mentioned.contains(field)
    }

    /// What fulfils both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mentioned = self.mentioned.into_iter().chain(other.mentioned).collect();
        Self { node: Node::all([self.node, other.node]), mentioned }
    }

    /// What fulfils one of the two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mentioned = self.mentioned.into_iter().chain(other.mentioned).collect();
        Self { node: Node::any(vec![self.node, other.node]), mentioned }
    }

    /// Only what has one of these texts there, where texts are; of a text that nobody has, nothing.
    /// The house's own fields may be named.
    #[must_use]
    pub fn one_of<'a>(
        fields: &Fields,
        field: &str,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::has(fields, field, texts.into_iter().map(|text| Span::only(Key::text(text))))
    }

    /// Only what is so there. The house's own fields may be named.
    #[must_use]
    pub fn flag(fields: &Fields, field: &str, is: bool) -> Self {
        Self::has(fields, field, [Span::only(Key::Bool(is))])
    }

    /// Only what is of one of these teams there; for the teamless only what is of none.
    #[must_use]
    pub fn of_teams(fields: &Fields, field: &str, teams: &Teams) -> Self {
        if teams.is_empty() {
            return Self::has(fields, field, [Span::only(Key::Null)]);
        }
        Self::one_of(fields, field, teams.iter().map(|team| team.as_str()))
    }

    fn has(fields: &Fields, field: &str, spans: impl IntoIterator<Item = Span>) -> Self {
        let spans = Spans::new(spans.into_iter().collect());
        let node = match fields.find(field) {
            Some(found) => Node::Has(found.slot, spans, found.kind.is_single()),
            None => Node::Any(Vec::new()),
        };
        Self { node, mentioned: BTreeSet::new() }
    }

    /// Whether a record of those values fulfils it.
    #[must_use]
    pub fn admits(&self, facets: &[Facet]) -> bool {
        self.node.admits(facets)
    }
}

struct Reader<'a> {
    fields: &'a Fields,
    mentioned: BTreeSet<String>,
    conditions: usize,
    values: usize,
    /// Where the reading is, for errors.
    place: Vec<String>,
}

impl Reader<'_> {
    fn refuse<T>(&self, problem: impl Into<String>) -> Result<T, QueryError> {
        Err(QueryError::new(&self.place.join("."), problem))
    }

    fn at<T>(
        &mut self,
        step: &str,
        read: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.place.push(shown(step));
        let read = read(self)?;
        self.place.pop();
        Ok(read)
    }

    fn object(&mut self, object: &Map<String, Json>, depth: usize) -> Result<Node, QueryError> {
        let mut nodes = Vec::new();
        for (name, value) in object {
            let node = match name.as_str() {
                "$and" => self.at(name, |reader| reader.parts(value, depth)).map(Node::all)?,
                "$or" => {
                    let parts = self.at(name, |reader| reader.parts(value, depth))?;
                    if parts.is_empty() {
                        return self.refuse("`$or` needs a part");
                    }
                    Node::any(parts)
                }
                other if other.starts_with('$') => {
                    let other = shown(other);
                    return self
                        .refuse(format!("unknown operator `{other}`; known: `$and`, `$or`"));
                }
                field => {
                    let Some(found) = self.fields.find(field).filter(|found| !found.ops.is_empty())
                    else {
                        let (field, known) = (shown(field), self.fields.names(false));
                        return self.refuse(format!("unknown field `{field}`; known: {known}"));
                    };
                    self.mentioned.insert(field.to_owned());
                    self.at(field, |reader| reader.condition(&found, value))?
                }
            };
            nodes.push(node);
        }
        Ok(Node::all(nodes))
    }

    fn parts(&mut self, parts: &Json, depth: usize) -> Result<Vec<Node>, QueryError> {
        if depth + 1 > DEPTH_MAX {
            return self.refuse(format!("nested deeper than {DEPTH_MAX}"));
        }
        let Json::Array(parts) = parts else {
            return self.refuse("must be a list of filters");
        };
        let mut nodes = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            // An empty part is counted too, or they would be free.
            self.count()?;
            let Json::Object(part) = part else {
                return self.at(&at.to_string(), |reader| reader.refuse("a filter is an object"));
            };
            nodes.push(self.at(&at.to_string(), |reader| reader.object(part, depth + 1))?);
        }
        Ok(nodes)
    }

    fn count(&mut self) -> Result<(), QueryError> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return self.refuse(format!("more than {CONDITIONS_MAX} conditions"));
        }
        Ok(())
    }

    fn condition(&mut self, field: &Found, value: &Json) -> Result<Node, QueryError> {
        let Json::Object(operators) = value else {
            return self.operator(field, Op::Eq, value);
        };
        let mut nodes = Vec::new();
        // The comparisons of one object are asked of one value: they are one stretch of keys.
        let mut compared: Option<Spans> = None;
        for (name, value) in operators {
            let op = Op::ALL.into_iter().find(|op| op.name() == name);
            let Some(op) = op.filter(|op| field.ops.contains(op)) else {
                let known: Vec<_> = field.ops.iter().map(|op| format!("`{}`", op.name())).collect();
                let (name, known) = (shown(name), known.join(", "));
                return self.refuse(format!("unknown operator `{name}`; known here: {known}"));
            };
            match self.at(name, |reader| reader.operator(field, op, value))? {
                Node::Has(slot, spans, _)
                    if slot == field.slot && field.kind != Kind::Texts && op != Op::Contains =>
                {
                    compared = Some(compared.map_or_else(|| spans.clone(), |all| all.and(&spans)));
                }
                node => nodes.push(node),
            }
        }
        nodes.extend(compared.map(|spans| has(field, spans)));
        Ok(Node::all(nodes))
    }

    fn operator(&mut self, field: &Found, op: Op, value: &Json) -> Result<Node, QueryError> {
        self.count()?;
        match op {
            Op::Eq | Op::Contains if value.is_null() => Ok(nothing(field)),
            Op::Eq | Op::Contains => {
                let spans = self.equal(field.kind, value)?;
                Ok(has(field, Spans::new(spans.into_iter().collect())))
            }
            Op::In => self.one_of(field, value),
            Op::Exists => match value {
                Json::Bool(true) => Ok(has(field, Spans::new(vec![Span::present()]))),
                Json::Bool(false) => Ok(nothing(field)),
                _ => self.refuse("must be true or false"),
            },
            Op::Autocomplete => {
                let Json::String(text) = value else { return self.refuse("must be a text") };
                self.bounded(text)?;
                let Slot::Fixed(at) = field.slot else { return self.refuse("has no words") };
                Ok(Node::all(words(text).map(|word| {
                    let spans = Spans::new(vec![Span::beginning(&word)]);
                    Node::Has(Slot::Words(at), spans, false)
                })))
            }
            Op::Gt | Op::Gte | Op::Lt | Op::Lte => {
                let Some(Exactly { key, exact }) = self.key(field.kind, value)? else {
                    return self.refuse("must not be null");
                };
                if matches!(key, Key::Bool(_)) {
                    return self.refuse("must be a number or a text");
                }
                // A moment between two milliseconds lies behind the one it was cut to.
                let behind = match op {
                    Op::Gt | Op::Lte => true,
                    _ => !exact,
                };
                let edge = if behind { key.successor() } else { key.clone() };
                let span = match op {
                    Op::Gt | Op::Gte => Span { from: edge, to: key.behind() },
                    _ => Span { from: key.least(), to: Some(edge) },
                };
                Ok(has(field, Spans::new(vec![span])))
            }
        }
    }

    fn one_of(&mut self, field: &Found, value: &Json) -> Result<Node, QueryError> {
        let Json::Array(values) = value else { return self.refuse("must be a list") };
        self.values += values.len();
        if self.values > VALUES_MAX {
            return self.refuse(format!("more than {VALUES_MAX} values"));
        }
        let mut spans = Vec::new();
        for (at, value) in values.iter().enumerate().filter(|(_, value)| !value.is_null()) {
            spans.extend(self.at(&at.to_string(), |reader| reader.equal(field.kind, value))?);
        }
        let spans = Spans::new(spans);
        if !values.contains(&Json::Null) {
            return Ok(has(field, spans));
        }
        match nothing(field) {
            Node::Has(slot, nothing, single) => {
                let both = spans.iter().chain(nothing.iter()).cloned().collect();
                Ok(Node::Has(slot, Spans::new(both), single))
            }
            lacks => Ok(Node::any(vec![lacks, has(field, spans)])),
        }
    }

    /// Exactly that value; nothing for a moment that no record can have.
    fn equal(&self, kind: Kind, value: &Json) -> Result<Option<Span>, QueryError> {
        let key = self.key(kind, value)?;
        Ok(key.filter(|key| key.exact).map(|key| Span::only(key.key)))
    }

    /// A value of that kind; nothing for null.
    fn key(&self, kind: Kind, value: &Json) -> Result<Option<Exactly>, QueryError> {
        let key = match (kind, value) {
            (_, Json::Null) => return Ok(None),
            (Kind::Text | Kind::Texts | Kind::Any, Json::String(text)) => {
                self.bounded(text)?;
                Key::text(text)
            }
            (Kind::Bool | Kind::Any, Json::Bool(is)) => Key::Bool(*is),
            (Kind::Number | Kind::Any, Json::Number(number)) => Key::number(number),
            (Kind::Time, Json::String(text)) => {
                let Ok(moment) = text.parse::<jiff::Timestamp>() else {
                    return self.refuse(TIME_WANTED);
                };
                let cut = moment.as_nanosecond().div_euclid(1_000_000);
                let exact = moment.as_nanosecond().rem_euclid(1_000_000) == 0;
                let key = Key::Time(i64::try_from(cut).unwrap_or(i64::MAX));
                return Ok(Some(Exactly { key, exact }));
            }
            (Kind::Text | Kind::Texts, _) => return self.refuse("must be a text"),
            (Kind::Time, _) => return self.refuse(TIME_WANTED),
            (Kind::Bool, _) => return self.refuse("must be true or false"),
            (Kind::Number, _) => return self.refuse("must be a number"),
            (Kind::Any, _) => return self.refuse("must be a text, a number, true or false"),
        };
        Ok(Some(Exactly { key, exact: true }))
    }

    fn bounded(&self, text: &str) -> Result<(), QueryError> {
        if text.chars().count() > TEXT_MAX {
            return self.refuse(format!("longer than {TEXT_MAX} characters"));
        }
        Ok(())
    }
}

const TIME_WANTED: &str = "must be a time like `2026-01-31T09:30:00Z`";

/// A value, and whether it is exactly that or was cut.
struct Exactly {
    key: Key,
    exact: bool,
}

fn has(field: &Found, spans: Spans) -> Node {
    Node::Has(field.slot.clone(), spans, field.kind.is_single())
}

/// There is nothing in that field.
fn nothing(field: &Found) -> Node {
    if field.slot.is_complete() {
        has(field, Spans::new(vec![Span::only(Key::Null)]))
    } else {
        Node::Lacks(field.slot.clone())
    }
}

/// A name somebody gave, as errors show it.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}
