//! The golden vectors of 100ms's wire (`vectors/hms/`): frames of a client and what is read of them, and
//! what the people of the native scenarios would hear in its words. Its decoders meet nonsense, too.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rolecall_protocol::dialect::{
    hms::call::{self, Frame},
    sdp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    golden::Golden,
    vectors::{SCENARIOS, Scenario, play},
};

#[derive(Serialize, Deserialize)]
struct Read {
    frame: String,
    /// What it is, or why it is refused.
    reads: Option<String>,
}

#[test]
fn frames_are_read_as_they_should_be() {
    let mut golden: Golden<Vec<Read>> = Golden::in_folder("hms", "calls");
    assert!(golden.content.len() > 40);
    for vector in &mut golden.content {
        vector.reads = Some(match call::read(&vector.frame) {
            Ok(Frame::Request { request: Ok(request), .. }) => format!("{request:?}"),
            Ok(Frame::Request { request: Err(error), .. }) => {
                format!("refused {} {}", error.http_status(), error.reason())
            }
            Ok(Frame::Said(said)) => format!("{said:?}"),
            Err(error) => format!("nothing: {}", error.reason()),
        });
    }
    golden.check();
}

#[test]
fn everybody_hears_what_he_should() {
    for name in SCENARIOS {
        let scenario: Scenario = Golden::of(name).content;
        let heard = play(&scenario).heard.remove("hms").unwrap();
        assert!(heard.values().any(|frames| frames.len() > 3), "{name} says something");
        Golden::<BTreeMap<String, Vec<Value>>>::produced_in("hms", name, heard).check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_is_read_without_a_fall(text in "\\PC{0,200}", offer in "(v=0\r\n)?([a-z]=[ -~]{0,30}\r\n){0,12}") {
        let _ = call::read(&text);
        let _ = sdp::silent_answer(&offer, 1);
    }

    #[test]
    fn spoiled_frames_are_read_without_a_fall(which in any::<usize>(), at in any::<usize>(), with in "\\PC{0,3}") {
        let golden: Golden<Vec<Read>> = Golden::in_folder("hms", "calls");
        let mut frame = golden.content[which % golden.content.len()].frame.clone();
        let places: Vec<usize> = frame.char_indices().map(|(at, _)| at).collect();
        if let Some(place) = places.get(at % places.len().max(1)) {
            let end = frame[*place..].chars().next().map_or(*place, |c| place + c.len_utf8());
            frame.replace_range(*place..end, &with);
        }
        let _ = call::read(&frame);
    }
}
