//! The pure crate stays pure and readable: what it may depend on, what its sources may not say,
//! how long they may grow.
#![expect(clippy::unwrap_used, reason = "what cannot go on says so by falling")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// All it may depend on; none of them reads a clock, rolls dice or waits.
const DEPENDENCIES: &[&str] =
    &["imbl", "jiff", "prost", "serde", "serde_json", "serde_path_to_error", "thiserror"];

/// What the sources may not say.
const BANNED: &[&str] = &[
    "tokio",
    "futures::",
    "async fn",
    "async move",
    ".await",
    "HashMap",
    "HashSet",
    "SystemTime",
    "Instant::",
    "Timestamp::now",
    "Zoned::now",
    "rand::",
    "getrandom",
    "Uuid::new",
    "std::thread",
    "std::net",
    "std::fs",
    "std::env",
    "static mut",
    "thread_local!",
    "unsafe ",
];

/// Most lines of a source, its tests left out; and of its tests.
const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 150;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn each(folder: &str, check: impl Fn(&str, &str) -> Vec<String>) {
    let mut paths = Vec::new();
    sources(&here().join(folder), &mut paths);
    paths.sort();
    assert!(!paths.is_empty());
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(here()).unwrap().display().to_string();
        wrong.extend(check(&name, &text).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The source and its inline tests.
fn parts(text: &str) -> (&str, &str) {
    text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((text, ""))
}

#[test]
fn it_depends_on_nothing_that_awaits_reads_a_clock_or_rolls_dice() {
    let manifest = fs::read_to_string(here().join("Cargo.toml")).unwrap();
    let section = manifest.split_once("[dependencies]\n").unwrap().1;
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let named = lines.map(|line| line.split(['.', ' ', '=']).next().unwrap());
    assert_eq!(named.collect::<Vec<_>>(), DEPENDENCIES);
    assert!(!manifest.contains("[target"), "no dependency by target");
    let jiff = section.lines().find(|line| line.starts_with("jiff")).unwrap();
    assert!(jiff.contains("default-features = false"), "{jiff}");
    assert!(jiff.contains(r#"features = ["alloc"]"#), "its `std` feature can read the clock");
}

#[test]
fn its_sources_name_no_clock_no_dice_no_hash_map_and_never_await() {
    each("src", |_, text| {
        let (source, _) = parts(text);
        let lines = source.lines().enumerate();
        let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
        let said = code.flat_map(|(number, line)| {
            let banned = BANNED.iter().filter(|word| line.contains(**word));
            banned.map(move |word| format!("line {}: `{word}`", number + 1))
        });
        said.collect()
    });
}

#[test]
fn every_file_says_its_job_and_stays_short() {
    each("src", |name, text| {
        let (source, tests) = parts(text);
        let mut wrong = Vec::new();
        if name.ends_with("/tests.rs") {
            return wrong;
        }
        if !text.starts_with("//! ") {
            wrong.push("opens with one sentence on its job".to_owned());
        }
        let (lines, of_tests) = (source.lines().count(), tests.lines().count());
        if lines > LINES_MAX {
            wrong.push(format!("{lines} lines, at most {LINES_MAX}"));
        }
        if of_tests > TEST_LINES_MAX {
            wrong.push(format!("{of_tests} lines of tests, at most {TEST_LINES_MAX}"));
        }
        wrong
    });
    each("tests", |_, text| {
        let opens = text.starts_with("//! ");
        if opens { Vec::new() } else { vec!["opens with one sentence on its job".to_owned()] }
    });
}

#[test]
fn modules_stand_beside_their_folders() {
    each("src", |name, _| {
        let beside = !name.ends_with("mod.rs");
        if beside { Vec::new() } else { vec!["`foo.rs` beside `foo/`, never `mod.rs`".to_owned()] }
    });
}
