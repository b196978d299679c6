//! The table in `docs/VOCABULARY.md` and the tests name each other, one to one.

use std::{collections::BTreeSet, fs, path::Path};

/// The table's part of the page.
const SECTION: &str = "## What one tongue cannot say";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The last cell of each row of the table.
fn named() -> Vec<String> {
    let page = read("docs/VOCABULARY.md");
    let section = page.split_once(SECTION).unwrap().1.split("\n## ").next().unwrap().to_owned();
    let rows = section.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    rows.map(|row| row.trim_end_matches("` |").rsplit('`').next().unwrap().to_owned()).collect()
}

/// The names of the tests of these modules, and of the SDK's.
fn tests() -> Vec<String> {
    let mut all = Vec::new();
    for module in ["reading", "joined", "writing"] {
        let text = read(&format!("protocol/tests/vocabulary/{module}.rs"));
        let of_rust = text
            .split("#[test]")
            .skip(1)
            .map(|rest| rest.split_once("fn ").unwrap().1.split('(').next().unwrap().to_owned());
        all.extend(of_rust);
    }
    let text = read("sdk/test/vocabulary.test.js");
    all.extend(
        text.split("\ntest(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
    );
    all
}

#[test]
fn rows_and_tests_name_each_other() {
    let (rows, tests) = (named(), tests());
    let (row_set, test_set): (BTreeSet<_>, BTreeSet<_>) =
        (rows.iter().collect(), tests.iter().collect());
    assert_eq!((rows.len(), tests.len()), (row_set.len(), test_set.len()), "each of them once");
    assert!(rows.len() > 30, "{rows:?}");
    let untested: Vec<_> = row_set.difference(&test_set).collect();
    let untold: Vec<_> = test_set.difference(&row_set).collect();
    assert!(untested.is_empty() && untold.is_empty(), "no test: {untested:?}; no row: {untold:?}");
}
