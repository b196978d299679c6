//! Golden files, and the names that stand in the crate's own source. It must not know what the
//! files mean.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// One file under `vectors/`: what it holds, and what it ought to hold.
pub(crate) struct Golden<T> {
    path: PathBuf,
    pub(crate) content: T,
}

impl<T: Serialize + DeserializeOwned> Golden<T> {
    /// A file of which the inputs are written by hand.
    pub(crate) fn of(name: &str) -> Self {
        Self::in_folder("native", name)
    }

    /// The same of another dialect.
    pub(crate) fn in_folder(dialect: &str, name: &str) -> Self {
        let path = at(&format!("vectors/{dialect}/{name}.json"));
        let content = serde_json::from_str(&fs::read_to_string(&path).unwrap());
        Self { content: content.unwrap_or_else(|e| panic!("{}: {e}", path.display())), path }
    }

    /// A file that is produced whole.
    pub(crate) fn produced(name: &str, content: T) -> Self {
        Self::produced_in("native", name, content)
    }

    /// The same of another dialect.
    pub(crate) fn produced_in(dialect: &str, name: &str, content: T) -> Self {
        Self { path: at(&format!("vectors/{dialect}/{name}.json")), content }
    }

    /// Compares the content with the file, or writes it there.
    pub(crate) fn check(&self) {
        check(&self.path, &laid_out(&serde_json::to_value(&self.content).unwrap()));
    }
}

/// JSON with a frame, a step or anything else that is short or deep on a line of its own.
pub(crate) fn laid_out(value: &Value) -> String {
    fn write(out: &mut String, value: &Value, depth: usize) {
        let plain = value.to_string();
        let parts: Vec<(String, &Value)> = match value {
            Value::Object(map) => {
                map.iter().map(|(k, v)| (format!("{}: ", Value::from(k.as_str())), v)).collect()
            }
            Value::Array(items) => items.iter().map(|item| (String::new(), item)).collect(),
            _ => Vec::new(),
        };
        if depth == 3 || plain.len() <= 100 || parts.is_empty() {
            return out.push_str(&plain);
        }
        let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
        out.push(open);
        for (i, (key, part)) in parts.iter().enumerate() {
            out.push_str(if i > 0 { ",\n" } else { "\n" });
            out.push_str(&"  ".repeat(depth + 1));
            out.push_str(key);
            write(out, part, depth + 1);
        }
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
        out.push(close);
    }
    let mut out = String::new();
    write(&mut out, value, 0);
    out.push('\n');
    out
}

/// Compares a JSON text with a file's, whatever the order of their keys, or writes it there.
pub(crate) fn check(path: &PathBuf, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        // Other tests may be reading the file just now.
        let fresh = path.with_extension("fresh");
        fs::write(&fresh, text).unwrap();
        return fs::rename(fresh, path).unwrap();
    }
    let lines = |text: &str| {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        serde_json::to_string_pretty(&value).unwrap()
    };
    let (kept, new) = (lines(&fs::read_to_string(path).unwrap_or_default()), lines(text));
    let differs = kept.lines().zip(new.lines()).find(|(a, b)| a != b);
    assert!(
        kept == new,
        "{}: {differs:?}, as it is and as it ought to be; UPDATE_GOLDEN=1 writes it anew",
        path.display(),
    );
}

/// A path within the crate.
pub(crate) fn at(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a source file puts between two marks, wherever the first one stands.
pub(crate) fn between(source: &str, start: &str, end: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(at(source)).unwrap();
    let hits = text.split(start).skip(1).filter_map(|rest| rest.split_once(end));
    hits.map(|(name, _)| name.trim().to_owned()).collect()
}

/// The text of every Rust file in a folder.
pub(crate) fn sources(folder: &str) -> Vec<String> {
    let (mut texts, mut folders) = (Vec::new(), vec![at(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push(fs::read_to_string(&path).unwrap());
            }
        }
    }
    texts
}

/// As [`between`], in every file of a folder.
pub(crate) fn between_all(folder: &str, start: &str, end: &str) -> BTreeSet<String> {
    let texts = sources(folder);
    let hits = texts.iter().flat_map(|text| text.split(start).skip(1));
    hits.filter_map(|rest| rest.split_once(end)).map(|(name, _)| name.trim().to_owned()).collect()
}

/// The methods that the crate reads, from its source.
pub(crate) fn methods() -> BTreeSet<String> {
    let arms = between("src/dialect/native/call.rs", "\n        \"", "\" =>");
    assert!(arms.contains("join") && arms.iter().all(|name| name.chars().all(char::is_alphabetic)));
    arms
}

/// The notices that the crate writes, from its source.
pub(crate) fn notices() -> BTreeSet<String> {
    let mut names = between("src/room/body.rs", "=> \"", "\",");
    names.extend(between("src/dialect/native.rs", "frame::notice(\"", "\""));
    assert!(names.contains("ROLE_UPDATED") && names.contains("token-expiring"));
    names
}
