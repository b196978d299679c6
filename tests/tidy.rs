//! The house rules that a machine can check: sizes, openings, floors, one owner for each outside
//! thing, and pages that say what is there. It must not know what the code does. What the pure
//! crate must not say, `protocol/tests/tidy.rs` knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Lines of a file, its inline tests left out.
const FILE_LINES_MAX: usize = 500;
/// Lines of the tests within a file; more of them get a file of their own.
const INLINE_TEST_LINES_MAX: usize = 150;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] =
    ["mod.rs", "utils.rs", "util.rs", "helpers.rs", "common.rs", "types.rs"];

/// The floors of `src/`: a module imports only from floors below its own.
const FLOORS: [(&str, u8); 18] = [
    ("main", 11),
    ("cli", 10),
    ("server", 9),
    ("session", 8),
    ("http", 7),
    ("hub", 6),
    ("calls", 5),
    ("directory", 5),
    ("auth", 4),
    ("journal", 4),
    ("logging", 4),
    ("query", 3),
    ("config", 2),
    ("clock", 1),
    ("metrics", 1),
    ("mint", 1),
    ("secret", 1),
    ("lib", 0),
];

/// The floors of `protocol/src/`. The words stand on one floor and know one another.
const PURE_FLOORS: [(&str, u8); 14] = [
    ("dialect", 4),
    ("wire", 3),
    ("room", 2),
    ("directory", 2),
    ("call_type", 1),
    ("capability", 1),
    ("grant", 1),
    ("id", 1),
    ("json", 1),
    ("media", 1),
    ("permissions", 1),
    ("team", 1),
    ("unique", 1),
    ("lib", 0),
];

// Shape.

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["rs", "js", "mjs", "css", "html"]) {
        if is_test(&path) {
            continue;
        }
        let inline = text.find("\n#[cfg(test)]\nmod ").filter(|_| path.ends_with(".rs"));
        let (code, tests) = text.split_at(inline.unwrap_or(text.len()));
        let (code, tests) = (code.lines().count(), tests.lines().count());
        if code > FILE_LINES_MAX {
            wrong.push(format!("{path}: {code} lines, at most {FILE_LINES_MAX}"));
        }
        if tests > INLINE_TEST_LINES_MAX {
            wrong.push(format!("{path}: {tests} lines of inline tests: they want a file"));
        }
    }
    none(&wrong);
}

#[test]
fn every_file_opens_with_its_job() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["rs"]) {
        if !text.starts_with("//! ") {
            wrong.push(format!("{path}: does not open with `//!` and a sentence on its job"));
        }
    }
    for (path, text) in files(&["js", "mjs"]) {
        if !text.starts_with("/** @file ") && !text.starts_with("/**\n * @file ") {
            wrong.push(format!("{path}: does not open with `@file` and a sentence on its job"));
        }
    }
    none(&wrong);
}

#[test]
fn a_file_is_named_after_what_is_in_it() {
    let named = |path: &String| EMPTY_NAMES.iter().any(|name| file_name(path) == *name);
    let wrong: Vec<_> = files(&["rs"]).into_keys().filter(named).collect();
    none(&wrong);
}

// Floors and owners.

#[test]
fn imports_of_the_awaiting_half_point_down() {
    none(&climbing("src", &FLOORS));
}

#[test]
fn imports_of_the_pure_half_point_down() {
    none(&climbing("protocol/src", &PURE_FLOORS));
}

#[test]
fn the_wings_of_the_law_meet_in_decide_only() {
    let asking = ["command", "authorize", "refusal"];
    let telling = ["event", "apply", "notice"];
    let mut wrong = Vec::new();
    for wing in asking {
        let path = format!("protocol/src/room/{wing}.rs");
        let code = without_tests(&read(&path));
        for other in telling {
            if code.contains(&format!("{other}::")) {
                wrong.push(format!("{path}: imports `{other}`, of the telling wing"));
            }
        }
    }
    for wing in ["event", "apply"] {
        let path = format!("protocol/src/room/{wing}.rs");
        let code = without_tests(&read(&path));
        for other in asking {
            if code.contains(&format!("{other}::")) {
                wrong.push(format!("{path}: imports `{other}`, of the asking wing"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn each_outside_thing_has_one_owner() {
    let owners: [(&[&str], &[&str]); 4] = [
        (&["MemoryJournal"], &["src/server.rs", "src/journal/memory.rs"]),
        (&["SystemTime", "std::time::Instant"], &["src/clock.rs"]),
        (&["rand::", "Uuid::", "RandomState"], &["src/mint.rs"]),
        (&["jsonwebtoken"], &["src/auth.rs", "src/auth/"]),
    ];
    for (words, allowed) in owners {
        none(&named_outside("src", words, allowed));
    }
}

/// "Stream" is a word of networking too, and of the journal, so it is not looked for.
#[test]
fn vendors_words_stay_at_the_doors() {
    let doors = [
        "protocol/src/dialect",
        "protocol/src/call_type/",
        "src/http",
        "src/auth",
        // They put the doors in.
        "src/server.rs",
        "src/session.rs",
        // Its sockets, and tokens for them.
        "src/session/hms.rs",
        "src/cli.rs",
    ];
    for folder in ["src", "protocol/src"] {
        none(&named_outside(folder, &["hms", "Hms", "daily", "Daily", "getstream"], &doors));
    }
}

// Pages.

#[test]
fn every_path_the_architecture_page_names_exists() {
    let page = read("docs/ARCHITECTURE.md");
    let named: BTreeSet<&str> = code_spans(&page).filter(|span| is_path(span)).collect();
    assert!(named.len() > 40, "the page names {} paths: are they still in backticks?", named.len());
    let gone = named.iter().filter(|path| !root().join(path).exists());
    none(
        &gone
            .map(|path| format!("docs/ARCHITECTURE.md: `{path}` is not there"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_module_is_on_the_architecture_page() {
    let page = read("docs/ARCHITECTURE.md");
    let top = |path: &&String| {
        let inside = path.strip_prefix("src/").or_else(|| path.strip_prefix("protocol/src/"));
        inside.is_some_and(|inside| !inside.contains('/'))
    };
    let all = files(&["rs"]);
    let missing = all.keys().filter(top).filter(|path| !page.contains(&format!("`{path}`")));
    none(&missing.map(|path| format!("docs/ARCHITECTURE.md: no `{path}`")).collect::<Vec<_>>());
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["md"]) {
        let folder = Path::new(&path).parent().unwrap_or(Path::new(""));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let outside = target.is_empty() || target.contains("://") || target.contains(' ');
            if !outside && !root().join(folder).join(target).exists() {
                wrong.push(format!("{path}: leads to `{target}`, which is not there"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_settings_example_is_good_settings() {
    use rolecall::config::{Config, Sources};
    let mut tried = 0;
    for page in ["README.md", "CONTRIBUTING.md"] {
        let text = read(page);
        for example in text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            tried += 1;
            let file = std::env::temp_dir()
                .join(format!("rolecall-tidy-{}-{tried}.toml", std::process::id()));
            fs::write(&file, example).unwrap();
            let sources = Sources { file: Some(file.clone()), ..Sources::default() };
            let loaded = Config::load(&sources);
            fs::remove_file(&file).unwrap();
            let config = loaded.unwrap_or_else(|error| panic!("{page}: {error}\n{example}"));
            assert!(config.call_types.len() > 9, "{page}: no call type of its own\n{example}");
        }
    }
    assert!(tried >= 1, "README.md shows no settings");
}

#[test]
fn the_readmes_table_of_call_types_is_the_codes() {
    let readme = read("README.md");
    for (name, call_type) in rolecall_protocol::call_type::builtin::all() {
        let start = format!("| `{name}` |");
        let row = readme.lines().find(|line| line.starts_with(&start));
        let row = row.unwrap_or_else(|| panic!("README.md has no row `{start}`"));
        for role in call_type.roles.keys() {
            assert!(row.contains(&format!("`{role}`")), "README.md, `{name}`: no role `{role}`");
        }
        for part in row.split('`').skip(1).step_by(2).skip(1) {
            let known = call_type.roles.keys().any(|role| role.as_str() == part);
            assert!(known, "README.md, `{name}`: has no role `{part}`");
        }
    }
}

#[test]
fn the_vocabulary_has_every_call_and_every_notice() {
    let page = read("docs/VOCABULARY.md");
    let mut missing = Vec::new();
    for file in ["protocol/src/room/command.rs", "protocol/src/room/body.rs"] {
        for line in read(file).lines().filter(|line| line.trim_start().starts_with("Self::")) {
            let Some(word) = line.split("=> \"").nth(1).and_then(|rest| rest.split('"').next())
            else {
                continue;
            };
            if !page.contains(&format!("`{word}`")) {
                missing.push(format!("docs/VOCABULARY.md: no `{word}` of {file}"));
            }
        }
    }
    none(&missing);
}

#[test]
fn nothing_names_a_place_outside_the_repository() {
    let outside = concat!("/wo", "rk/");
    let kinds =
        ["rs", "js", "mjs", "css", "html", "md", "toml", "json", "play", "script", "txt", "lock"];
    let mut all = files(&kinds);
    for extra in ["test", ".ci/run"] {
        if let Ok(text) = fs::read_to_string(root().join(extra)) {
            all.insert(extra.to_owned(), text);
        }
    }
    let wrong: Vec<_> =
        all.into_iter().filter(|(_, text)| text.contains(outside)).map(|(path, _)| path).collect();
    none(&wrong);
}

// Reading the house.

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of these kinds with their text, by their path from the root; what tools put there
/// is left out.
fn files(kinds: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = folder.join(&name);
            let tools = ["target", "node_modules", "rolecall-data", "corpus", "artifacts"];
            if name.starts_with('.') || tools.contains(&name.as_str()) || name == "types" {
                continue;
            }
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if kinds.iter().any(|kind| name.ends_with(&format!(".{kind}"))) {
                let path = path.to_string_lossy().into_owned();
                found.insert(path.clone(), read(&path));
            }
        }
    }
    assert!(!found.is_empty(), "no files of the kinds {kinds:?} under {}", root().display());
    found
}

/// Whether a file is nothing but tests.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| ["test", "tests", "tests.rs"].contains(&part))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Rust files of a folder that are not tests, with their code alone.
fn code_of(folder: &str) -> BTreeMap<String, String> {
    let inside = format!("{folder}/");
    let all = files(&["rs"]).into_iter();
    all.filter(|(path, _)| path.starts_with(&inside) && !is_test(path))
        .map(|(path, text)| (path, without_tests(&text)))
        .collect()
}

/// The text without inline tests, comments and what strings hold.
fn without_tests(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    let mut code = String::new();
    for line in text[..end].lines().filter(|line| !line.trim_start().starts_with("//")) {
        // What stands in a string is data: every other part between quotes.
        let parts = line.split('"').enumerate().filter(|(at, _)| at % 2 == 0);
        parts.for_each(|(_, part)| code.push_str(part));
        code.push('\n');
    }
    code
}

/// Where one of these words stands in a folder's code, outside the files that may say it.
fn named_outside(folder: &str, words: &[&str], allowed: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, code) in code_of(folder) {
        if allowed.iter().any(|may| path.starts_with(may)) {
            continue;
        }
        let said = words.iter().filter(|word| code.contains(**word));
        wrong.extend(said.map(|word| format!("{path}: says `{word}`")));
    }
    wrong
}

/// Imports that do not point to a lower floor, and modules that stand on none.
fn climbing(folder: &str, floors: &[(&str, u8)]) -> Vec<String> {
    let floor_of =
        |module: &str| floors.iter().find(|(name, _)| *name == module).map(|(_, at)| *at);
    // The words of the pure half share a floor; in the awaiting half nobody looks sideways.
    let words = 1;
    let sideways = folder.starts_with("protocol");
    let mut wrong = Vec::new();
    for (path, code) in code_of(folder) {
        let inside = path[folder.len() + 1..].trim_end_matches(".rs");
        let own = inside.split('/').next().unwrap_or(inside);
        let Some(floor) = floor_of(own) else {
            wrong.push(format!("{path}: `{own}` stands on no floor"));
            continue;
        };
        if own == "lib" {
            continue;
        }
        for module in imports(&code, inside.split('/').count()) {
            let Some(other) = floor_of(&module).filter(|_| module != own) else { continue };
            let fits = other < floor || (sideways && other == floor && floor == words);
            if !fits {
                wrong.push(format!("{path}: floor {floor} imports `{module}` of floor {other}"));
            }
        }
    }
    wrong
}

/// The modules at the crate's top that this code names; `depth` is 1 for a file at the top.
fn imports(code: &str, depth: usize) -> BTreeSet<String> {
    let up = "super::".repeat(depth);
    let mut found = BTreeSet::new();
    for start in ["crate::", "rolecall::", up.as_str()] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &code[at + start.len()..];
            match rest.strip_prefix('{') {
                Some(group) => found.extend(heads(group)),
                None => found.extend(word(rest)),
            }
        }
    }
    found
}

/// The first word of each entry of an import group, from behind its opening brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut begins, mut found) = (0, true, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                found.extend(word(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    found
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    Some(word).filter(|word| !word.is_empty())
}

/// What stands between single backticks, code blocks left out.
fn code_spans(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|prose| prose.lines()).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Whether a code span names a file or folder: it has a slash or the ending of a file.
fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let endings = [".rs", ".md", ".toml", ".js", ".mjs", ".html", ".css", ".txt", ".play"];
    let file = endings.iter().any(|ending| span.ends_with(ending));
    span.chars().all(plain) && !span.starts_with('/') && (span.contains('/') || file)
}
