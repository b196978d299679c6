//! Text for people: aligned columns, wrapped lists, moments, and foreign text made harmless. It
//! must not know where the text came from or goes to.

use std::borrow::Cow;

use rolecall_protocol::id::Timestamp;
use serde_json::Value;

/// Columns that wrapped text keeps to.
const WIDTH: usize = 100;
/// What stands where there is nothing.
pub(super) const NOTHING: &str = "–";

/// Rows under their headings, each column as wide as its widest cell; the last is not padded.
#[must_use]
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Names and what they are, one a line, the values aligned.
#[must_use]
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    facts.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// A heading and the words behind it, wrapped, the further lines indented.
#[must_use]
pub(super) fn paragraph(heading: &str, words: &[String]) -> String {
    const INDENT: &str = "    ";
    let mut text = format!("  {heading}\n");
    let mut line = INDENT.to_owned();
    for word in words {
        if line.len() > INDENT.len() && line.chars().count() + word.chars().count() >= WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = INDENT.to_owned();
        }
        line.push_str(word);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    if line.trim().is_empty() {
        text.push_str(INDENT);
        text.push_str("(none)");
    }
    text.push('\n');
    text
}

/// `text` without anything that a terminal would obey or that turns the reading direction.
#[must_use]
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}');
        !c.is_control() && !turns
    };
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().fold(String::new(), |mut escaped, c| {
        if harmless(c) {
            escaped.push(c);
        } else {
            escaped.extend(c.escape_default());
        }
        escaped
    });
    Cow::Owned(escaped)
}

/// A value as a cell: text as it is, nothing as a dash, the rest as JSON.
#[must_use]
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) if text.is_empty() => NOTHING.to_owned(),
        Value::String(text) => plain(text).into_owned(),
        Value::Array(items) if items.is_empty() => NOTHING.to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        Value::Object(fields) if fields.is_empty() => NOTHING.to_owned(),
        other => plain(&other.to_string()).into_owned(),
    }
}

/// A moment to the second: nanoseconds since 1970 as `/api/v2` says them, or RFC 3339. What is built
/// in was made at the very beginning, which is no moment.
#[must_use]
pub(super) fn moment(value: &Value) -> String {
    let millis = match value {
        Value::Number(nanos) => nanos.as_u64().map(|nanos| Timestamp(nanos / 1_000_000)),
        Value::String(_) => serde_json::from_value(value.clone()).ok(),
        _ => None,
    };
    let Some(at) = millis else { return cell(value) };
    if at == Timestamp(0) {
        return NOTHING.to_owned();
    }
    let text = at.to_string();
    text.split_once('.')
        .map_or(text.clone(), |(seconds, _)| format!("{}Z", seconds.replace('T', " ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_have_no_tail() {
        let rows =
            [vec!["ann".to_owned(), "host".to_owned()], vec!["bartholomäus".into(), String::new()]];
        assert_eq!(
            table(&["ID", "ROLE"], &rows),
            "ID            ROLE\nann           host\nbartholomäus\n"
        );
        assert_eq!(
            facts(&[("name", "a".into()), ("created", "b".into())]),
            "name     a\ncreated  b\n"
        );
    }

    #[test]
    fn a_long_list_is_wrapped() {
        let words: Vec<String> = (0..30).map(|at| format!("send-audio-{at}")).collect();
        let text = paragraph("user", &words);
        assert!(text.lines().count() > 3 && text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.split_whitespace().skip(1).collect::<Vec<_>>(), words);
        assert_eq!(paragraph("user", &[]), "  user\n    (none)\n");
    }

    #[test]
    fn foreign_text_moves_no_cursor_and_turns_no_line() {
        assert_eq!(plain("a\u{1b}[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\n");
        assert_eq!(plain("Ana Müller"), "Ana Müller");
        assert_eq!(cell(&json!({ "a": "\u{7f}" })), "{\"a\":\"\\u{7f}\"}");
    }

    #[test]
    fn moments_are_read_in_both_dialects() {
        for at in [json!(1_767_225_600_123_456_789_u64), json!("2026-01-01T00:00:00.123Z")] {
            assert_eq!(moment(&at), "2026-01-01 00:00:00Z");
        }
        assert_eq!(moment(&json!(0)), NOTHING);
        assert_eq!(
            (moment(&json!(null)), moment(&json!("soon"))),
            (NOTHING.to_owned(), "soon".to_owned())
        );
    }
}
