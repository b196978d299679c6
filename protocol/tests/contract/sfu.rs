//! The golden vectors of the wire by which Stream's SDK is a participant (`vectors/sfu/`): what the
//! people of the native scenarios would hear in its words, and what is read of its frames and remote
//! calls. Its decoders meet nonsense, too.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rolecall_protocol::dialect::stream::sfu::ask;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    golden::Golden,
    vectors::{SCENARIOS, Scenario, play},
};

#[derive(Serialize, Deserialize)]
struct Read {
    /// A frame, in hexadecimal digits; or the name of a remote call, and its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frame: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// What it is, or why it is none.
    reads: Option<String>,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

#[test]
fn frames_and_calls_are_read_as_they_should_be() {
    let mut golden: Golden<Vec<Read>> = Golden::in_folder("sfu", "asks");
    assert!(golden.content.len() > 15);
    for vector in &mut golden.content {
        vector.reads = Some(match (&vector.frame, &vector.method, &vector.body) {
            (Some(frame), None, None) => match ask::read(&bytes(frame)) {
                Ok(said) => format!("{said:?}"),
                Err(why) => format!("nothing: {why}"),
            },
            (None, Some(method), Some(body)) => match ask::call(method, body.as_bytes()) {
                Ok(call) => format!("{call:?}"),
                Err(why) => format!("nothing: {why:?}"),
            },
            _ => panic!("a vector is a frame or a call"),
        });
    }
    golden.check();
}

#[test]
fn everybody_hears_what_he_should() {
    for name in SCENARIOS {
        let scenario: Scenario = Golden::of(name).content;
        let heard = play(&scenario).heard.remove("sfu").unwrap();
        assert!(heard.values().any(|frames| frames.len() > 3), "{name} says something");
        Golden::<BTreeMap<String, Vec<Value>>>::produced_in("sfu", name, heard).check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_is_read_without_a_fall(frame in proptest::collection::vec(any::<u8>(), 0..200), body in "\\PC{0,200}") {
        let _ = ask::read(&frame);
        for method in ["SetPublisher", "UpdateMuteStates", "SendStats", &body] {
            let _ = ask::call(method, body.as_bytes());
            let _ = ask::call(method, &frame);
        }
    }

    #[test]
    fn spoiled_frames_are_read_without_a_fall(which in any::<usize>(), at in any::<usize>(), with in any::<u8>(), cut in any::<bool>()) {
        let golden: Golden<Vec<Read>> = Golden::in_folder("sfu", "asks");
        let frames: Vec<Vec<u8>> = golden.content.iter().filter_map(|vector| vector.frame.as_deref()).map(bytes).collect();
        let mut frame = frames[which % frames.len()].clone();
        if !frame.is_empty() {
            let at = at % frame.len();
            if cut { frame.truncate(at) } else { frame[at] = with }
        }
        let _ = ask::read(&frame);
    }
}
