//! Values as the index orders them, and stretches of that order. It must not know fields or records.

use std::{fmt, sync::Arc};

use rolecall_protocol::id::Timestamp;

/// Longest text that is told apart, in characters; what is longer is cut there, one mark behind.
pub const TEXT_MAX: usize = 256;
/// Stands behind a text that was cut, so that no text that was not is equal to it.
const CUT: char = '\u{10ffff}';

/// One value of a field. The order is by kind, then by value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Nothing is there.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Milliseconds since the epoch.
    Time(i64),
    /// A text, at most [`TEXT_MAX`] characters and a mark.
    Text(Arc<str>),
}

impl Key {
    /// A text, cut where it is too long.
    #[must_use]
    pub fn text(text: &str) -> Self {
        match text.char_indices().nth(TEXT_MAX) {
            None => Self::Text(text.into()),
            Some((end, _)) => Self::Text(format!("{}{CUT}", &text[..end]).into()),
        }
    }

    /// A moment; nothing where there is none.
    #[must_use]
    pub fn time(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, |at| Self::Time(i64::try_from(at.0).unwrap_or(i64::MAX)))
    }

    /// A number of JSON.
    #[must_use]
    pub fn number(number: &serde_json::Number) -> Self {
        Self::Number(Number::new(number.as_f64().unwrap_or(f64::MAX)))
    }

    /// The least key that is greater.
    #[must_use]
    pub fn successor(&self) -> Self {
        match self {
            Self::Null => Self::Bool(false),
            Self::Bool(false) => Self::Bool(true),
            Self::Bool(true) => Self::Number(Number(0)),
            Self::Number(Number(bits)) => {
                bits.checked_add(1).map_or(Self::Time(i64::MIN), |bits| Self::Number(Number(bits)))
            }
            Self::Time(at) => at.checked_add(1).map_or(Self::Text("".into()), Self::Time),
            Self::Text(text) => Self::Text(format!("{text}\0").into()),
        }
    }

    /// The least key of the same kind.
    #[must_use]
    pub fn least(&self) -> Self {
        match self {
            Self::Null => Self::Null,
            Self::Bool(_) => Self::Bool(false),
            Self::Number(_) => Self::Number(Number(0)),
            Self::Time(_) => Self::Time(i64::MIN),
            Self::Text(_) => Self::Text("".into()),
        }
    }

    /// The least key of the kind behind; none behind the last.
    #[must_use]
    pub fn behind(&self) -> Option<Self> {
        match self {
            Self::Null => Some(Self::Bool(false)),
            Self::Bool(_) => Some(Self::Number(Number(0))),
            Self::Number(_) => Some(Self::Time(i64::MIN)),
            Self::Time(_) => Some(Self::Text("".into())),
            Self::Text(_) => None,
        }
    }
}

/// A number in an order of bits; there is no "not a number", and one zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u64);

const SIGN: u64 = 1 << 63;

impl Number {
    /// Takes a number over; what is none counts as 0.
    #[must_use]
    pub fn new(number: f64) -> Self {
        let number = if number.is_nan() || number == 0.0 { 0.0 } else { number };
        let bits = number.to_bits();
        Self(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }

    /// As bits in its order: text would lose the last of them.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// From such bits.
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(if self.0 & SIGN == 0 { !self.0 } else { self.0 & !SIGN })
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A stretch of keys: from one on, up to another, which is not in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first that may be in it.
    pub from: Key,
    /// The first behind it; unset: no end.
    pub to: Option<Key>,
}

impl Span {
    /// That key and no other.
    #[must_use]
    pub fn only(key: Key) -> Self {
        let to = Some(key.successor());
        Self { from: key, to }
    }

    /// Everything but nothing.
    #[must_use]
    pub fn present() -> Self {
        Self { from: Key::Bool(false), to: None }
    }

    /// Every text that begins so.
    #[must_use]
    pub fn beginning(prefix: &str) -> Self {
        let from = Key::Text(prefix.into());
        let mut end: Vec<char> = prefix.chars().collect();
        // The next text that does not begin so: its last character counted up.
        while let Some(last) = end.pop() {
            let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
            if let Some(next) = next {
                end.push(next);
                let to = end.into_iter().collect::<String>();
                return Self { from, to: Some(Key::Text(to.into())) };
            }
        }
        Self { from, to: None }
    }

    fn has(&self, key: &Key) -> bool {
        self.from <= *key && self.to.as_ref().is_none_or(|to| key < to)
    }

    fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// Stretches in order, none touching another.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// Puts them in order and joins those that touch.
    #[must_use]
    pub fn new(mut spans: Vec<Span>) -> Self {
        spans.retain(|span| !span.is_empty());
        spans.sort_unstable();
        let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match joined.last_mut() {
                Some(last) if last.to.as_ref().is_none_or(|to| span.from <= *to) => {
                    if last.to.is_some() && (span.to.is_none() || span.to > last.to) {
                        last.to = span.to;
                    }
                }
                _ => joined.push(span),
            }
        }
        Self(joined)
    }

    /// Each of them, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Span> {
        self.0.iter()
    }

    /// Whether that key is in one of them.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        let at = self.0.partition_point(|span| span.to.as_ref().is_some_and(|to| to <= key));
        self.0.get(at).is_some_and(|span| span.has(key))
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            let to = match (&a.to, &b.to) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.as_ref().or(b.as_ref()),
            };
            let from = (&a.from).max(&b.from);
            both.push(Span { from: from.clone(), to: to.cloned() });
            // Whichever ends first has nothing more to give.
            let mine_ends = match (&a.to, &b.to) {
                (Some(a), Some(b)) => a <= b,
                (a, _) => a.is_some(),
            };
            if mine_ends {
                mine.next();
            } else {
                theirs.next();
            }
        }
        Self::new(both)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            Just(Key::Null),
            any::<bool>().prop_map(Key::Bool),
            (-3i32..3).prop_map(|n| Key::Number(Number::new(f64::from(n) / 2.0))),
            (-3i64..3).prop_map(Key::Time),
            "[a-c]{0,2}".prop_map(|text| Key::text(&text)),
        ]
    }

    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        let span =
            (any_key(), prop::option::of(any_key())).prop_map(|(from, to)| Span { from, to });
        prop::collection::vec(span, 0..4)
    }

    proptest! {
        #[test]
        fn spans_hold_what_their_parts_hold(a in any_spans(), b in any_spans(), key in any_key()) {
            let in_any = |spans: &[Span]| spans.iter().any(|span| span.has(&key));
            let (one, two) = (Spans::new(a.clone()), Spans::new(b.clone()));
            prop_assert_eq!(one.has(&key), in_any(&a));
            prop_assert_eq!(one.and(&two).has(&key), in_any(&a) && in_any(&b));
            prop_assert!(one.0.windows(2).all(|two| two[0].to.as_ref() < Some(&two[1].from)));
        }

        #[test]
        fn nothing_is_between_a_key_and_its_successor(a in any_key(), b in any_key()) {
            prop_assert!(a < a.successor());
            prop_assert!(b <= a || b >= a.successor());
            prop_assert!(a.least() <= a && a.behind().is_none_or(|behind| a < behind));
        }

        #[test]
        fn numbers_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            let (one, two) = (Number::new(a), Number::new(b));
            prop_assert_eq!(one.cmp(&two), a.partial_cmp(&b).unwrap());
            prop_assert_eq!(one.get(), a);
        }

        #[test]
        fn a_prefix_spans_what_begins_so(prefix in "[a-b\u{10ffff}]{0,2}", text in "[a-b\u{10ffff}]{0,3}") {
            prop_assert_eq!(Span::beginning(&prefix).has(&Key::text(&text)), text.starts_with(&prefix));
        }
    }

    #[test]
    fn a_long_text_is_cut_and_equal_to_no_other() {
        let (long, longest) = ("x".repeat(TEXT_MAX), "x".repeat(TEXT_MAX + 1));
        assert!(Key::text(&long) < Key::text(&longest));
        assert_eq!(Key::text(&longest), Key::text(&"x".repeat(9000)));
        assert!(Span::beginning("xx").has(&Key::text(&longest)));
    }
}
