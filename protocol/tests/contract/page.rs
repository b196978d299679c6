//! The contract's page (`README.md`) taken apart: its JSON blocks and its tables. It must not know
//! what they ought to say.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::golden::at;

/// One ```` ```json ```` block, or one `<!-- … -->` between them.
pub(crate) struct Block {
    /// Where, for messages.
    pub(crate) line: usize,
    /// The words behind `json`; of a comment, its own.
    pub(crate) words: Vec<String>,
    /// What it holds; null for a comment.
    pub(crate) json: Value,
}

pub(crate) fn text() -> String {
    std::fs::read_to_string(at("README.md")).unwrap()
}

/// The part of the page from a heading to the next of its rank or a higher one.
pub(crate) fn section(heading: &str) -> String {
    let text = text();
    let start = text.find(&format!("\n{heading}")).unwrap_or_else(|| panic!("{heading}"));
    let rest = &text[start + 1..];
    let level = heading.chars().take_while(|c| *c == '#').count();
    let ends = (1..=level).filter_map(|n| rest.find(&format!("\n{} ", "#".repeat(n))));
    let end = ends.min().unwrap_or(rest.len());
    rest[..end].to_owned()
}

/// Every block of a part of the page, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Vec<String>, String)> = None;
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (i, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let kind = info.strip_prefix("json ").unwrap_or_else(|| panic!("{i}: `{info}`"));
                open = Some((i + 1, words(kind), String::new()));
            }
            (Some(_), Some(_)) => {
                let (line, words, text) = open.take().unwrap();
                let json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
                blocks.push(Block { line, words, json });
            }
            (Some((_, _, text)), None) => text.push_str(line),
            (None, None) => {
                if let Some((_, rest)) = line.split_once("<!--") {
                    let comment = rest.split_once("-->").unwrap().0;
                    blocks.push(Block { line: i, words: words(comment), json: Value::Null });
                }
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The table whose head begins with that cell, row by row: its first cell's names (between
/// backticks, or the bare text) to the other cells.
pub(crate) fn table(head: &str) -> BTreeMap<String, Vec<String>> {
    let text = text();
    let start = text.find(&format!("\n| {head} |")).unwrap_or_else(|| panic!("{head}"));
    let rows = text[start + 1..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
        let named = names(&cells[0]);
        let named = if named.is_empty() { vec![cells[0].clone()] } else { named };
        for name in named {
            assert!(table.insert(name, cells[1..].to_vec()).is_none(), "twice: {row}");
        }
    }
    table
}

/// What stands between backticks, in order.
pub(crate) fn names(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
