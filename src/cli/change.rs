//! What a change would change: the lines of a value, and the unified diff between two states. It
//! must not know what the values mean.

use serde_json::{Map, Value};
use similar::TextDiff;

/// Unchanged lines around a changed one.
const CONTEXT: usize = 3;

/// The unified diff from `before` to `after` under this name; nothing where they are equal.
#[must_use]
pub(super) fn unified(name: &str, before: &[String], after: &[String]) -> String {
    if before == after {
        return String::new();
    }
    let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let (before, after) = (text(before), text(after));
    let from = if before.is_empty() { "/dev/null" } else { name };
    let to = if after.is_empty() { "/dev/null" } else { name };
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().context_radius(CONTEXT).header(from, to).to_string()
}

/// Lines that only one of the two has: lost, then gained.
#[must_use]
pub(super) fn lost_and_gained(before: &[String], after: &[String]) -> (Vec<String>, Vec<String>) {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    (only(before, after), only(after, before))
}

/// The leaves of a value, `path = value` each, in order of their paths. Lists are leaves; a value
/// that is one itself has no path.
#[must_use]
pub(super) fn leaves(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    collect(value, &mut String::new(), &mut lines);
    lines.sort();
    lines
}

fn collect(value: &Value, path: &mut String, lines: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let length = path.len();
                if length > 0 {
                    path.push('.');
                }
                path.push_str(key);
                collect(value, path, lines);
                path.truncate(length);
            }
        }
        Value::Null | Value::Object(_) if path.is_empty() => {}
        leaf if path.is_empty() => lines.push(leaf.to_string()),
        leaf => lines.push(format!("{path} = {leaf}")),
    }
}

/// `patch` laid over `base`: objects are merged, everything else is replaced, and what is null within
/// is not said.
#[must_use]
pub(super) fn merged(base: &Value, patch: &Value) -> Value {
    let (Value::Object(base), Value::Object(patch)) = (base, patch) else { return patch.clone() };
    let mut whole: Map<String, Value> = base.clone();
    for (key, value) in patch.iter().filter(|(_, value)| !value.is_null()) {
        let value = base.get(key).map_or_else(|| value.clone(), |old| merged(old, value));
        whole.insert(key.clone(), value);
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_diff_is_one_that_patch_reads() {
        let diff = unified("stage/user", &lines("a b c d e f"), &lines("a b c e f g"));
        assert_eq!(
            diff,
            "--- stage/user\n+++ stage/user\n@@ -1,6 +1,6 @@\n a\n b\n c\n-d\n e\n f\n+g\n"
        );
        assert_eq!(unified("x", &lines("a"), &lines("a")), "");
        let begun = unified("x", &[], &lines("a"));
        assert_eq!(begun, "--- /dev/null\n+++ x\n@@ -0,0 +1 @@\n+a\n");
        assert!(unified("x", &lines("a"), &[]).starts_with("--- x\n+++ /dev/null\n"));
        assert_eq!(lost_and_gained(&lines("a b"), &lines("b c")), (lines("a"), lines("c")));
    }

    #[test]
    fn a_patch_reaches_the_leaves_and_replaces_lists() {
        let base =
            json!({ "video": { "enabled": true, "names": ["a", "b"] }, "audio": { "on": 1 } });
        let patch = json!({ "video": { "enabled": false, "names": ["c"], "new": 7, "old": null } });
        let whole = merged(&base, &patch);
        assert_eq!(
            leaves(&whole),
            ["audio.on = 1", "video.enabled = false", "video.names = [\"c\"]", "video.new = 7"]
        );
        assert_eq!(leaves(&json!({})), [""; 0]);
        assert_eq!((leaves(&json!(null)), leaves(&json!("a"))), (Vec::new(), lines("\"a\"")));
        assert_eq!(leaves(&json!({ "custom": {} })), ["custom = {}"]);
    }
}
