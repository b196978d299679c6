//! Stream's settings, section by section: what may be written, and what holds where nothing is
//! said. It must not know which of them the law heeds.

use serde_json::{Map, Value, json};

use super::shape::{
    Field,
    Kind::{Bool, Free, Object, OneOf, Text, Texts, Whole, Words},
    Shape, field, required,
};

/// What something is that can be switched on, off, or on from the beginning.
const MODES: &[&str] = &["available", "disabled", "auto-on"];
const QUALITIES: &[&str] = &["360p", "480p", "720p", "1080p", "1440p"];
const RECORDED: &[&str] = &[
    "360p",
    "480p",
    "720p",
    "1080p",
    "1440p",
    "portrait-360x640",
    "portrait-480x854",
    "portrait-720x1280",
    "portrait-1080x1920",
    "portrait-1440x2560",
];
const LANGUAGES: &[&str] = &[
    "auto", "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "ms", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv",
    "ta", "th", "tl", "tr", "uk", "zh",
];
const OUTPUTS: &[&str] = &[
    "audio_only",
    "audio_video",
    "screenshare_audio_only",
    "screenshare_audio_video",
    "screenshare_video_only",
    "video_only",
];
const HOUR_MS: u64 = 60 * 60 * 1000;
const DAY_S: u64 = 24 * 60 * 60;
const ADDRESS: usize = 2048;

const LAYOUT: Shape = Shape(&[
    required("name", OneOf(&["spotlight", "grid", "single-participant", "mobile", "custom"])),
    field("external_app_url", Text(ADDRESS)),
    field("external_css_url", Text(ADDRESS)),
    field("detect_orientation", Bool),
    field("options", Free),
]);

const RESOLUTION: Shape = Shape(&[
    required("width", Whole(240, 3840)),
    required("height", Whole(240, 3840)),
    field("bitrate", Whole(1, 100_000_000)),
]);

const SWITCH: Field = field("enabled", Bool);
const ASKING: Field = field("access_request_enabled", Bool);

/// All that may be written.
pub(super) const SECTIONS: Shape = Shape(&[
    field(
        "audio",
        Object(Shape(&[
            ASKING,
            required("default_device", OneOf(&["speaker", "earpiece"])),
            field("hifi_audio_enabled", Bool),
            field("mic_default_on", Bool),
            field("noise_cancellation", Object(Shape(&[required("mode", OneOf(MODES))]))),
            field("opus_dtx_enabled", Bool),
            field("redundant_coding_enabled", Bool),
            field("speaker_default_on", Bool),
        ])),
    ),
    field(
        "backstage",
        Object(Shape(&[SWITCH, field("join_ahead_time_seconds", Whole(0, 7 * DAY_S))])),
    ),
    field(
        "broadcasting",
        Object(Shape(&[
            SWITCH,
            field(
                "hls",
                Object(Shape(&[
                    field("auto_on", Bool),
                    SWITCH,
                    required("quality_tracks", Words(RECORDED.len(), RECORDED)),
                    field("layout", Object(LAYOUT)),
                ])),
            ),
            field(
                "rtmp",
                Object(Shape(&[
                    SWITCH,
                    field("quality", OneOf(RECORDED)),
                    field("layout", Object(LAYOUT)),
                ])),
            ),
        ])),
    ),
    field("encryption", Object(Shape(&[field("mode", OneOf(MODES))]))),
    field(
        "frame_recording",
        Object(Shape(&[
            required("mode", OneOf(MODES)),
            required("capture_interval_in_seconds", Whole(2, 60)),
            field("quality", OneOf(QUALITIES)),
        ])),
    ),
    field("geofencing", Object(Shape(&[field("names", Texts(64, 64))]))),
    field(
        "individual_recording",
        Object(Shape(&[
            required("mode", OneOf(MODES)),
            field("output_types", Words(OUTPUTS.len(), OUTPUTS)),
        ])),
    ),
    field(
        "limits",
        Object(Shape(&[
            field("max_duration_seconds", Whole(0, 30 * DAY_S)),
            field("max_participants", Whole(0, 1_000_000)),
            field("max_participants_exclude_owner", Bool),
            field("max_participants_exclude_roles", Texts(64, 64)),
        ])),
    ),
    field("raw_recording", Object(Shape(&[required("mode", OneOf(MODES))]))),
    field(
        "recording",
        Object(Shape(&[
            field("audio_only", Bool),
            required("mode", OneOf(MODES)),
            field("quality", OneOf(RECORDED)),
            field("layout", Object(LAYOUT)),
        ])),
    ),
    field(
        "ring",
        Object(Shape(&[
            required("auto_cancel_timeout_ms", Whole(0, HOUR_MS)),
            required("incoming_call_timeout_ms", Whole(0, HOUR_MS)),
            field("missed_call_timeout_ms", Whole(0, HOUR_MS)),
        ])),
    ),
    field(
        "screensharing",
        Object(Shape(&[ASKING, SWITCH, field("target_resolution", Object(RESOLUTION))])),
    ),
    field("session", Object(Shape(&[required("inactivity_timeout_seconds", Whole(5, 900))]))),
    field("thumbnails", Object(Shape(&[SWITCH]))),
    field(
        "transcription",
        Object(Shape(&[
            field("mode", OneOf(MODES)),
            field("closed_caption_mode", OneOf(MODES)),
            field("language", OneOf(LANGUAGES)),
        ])),
    ),
    field(
        "video",
        Object(Shape(&[
            ASKING,
            field("camera_default_on", Bool),
            field("camera_facing", OneOf(&["front", "back", "external"])),
            SWITCH,
            field("target_resolution", Object(RESOLUTION)),
        ])),
    ),
]);

/// What holds where nothing is said: Stream's `default`.
pub(super) fn defaults() -> Map<String, Value> {
    let layout = json!({"name": "spotlight", "external_app_url": "", "external_css_url": ""});
    object(json!({
        "audio": {
            "access_request_enabled": true, "default_device": "earpiece",
            "hifi_audio_enabled": false, "mic_default_on": true,
            "noise_cancellation": {"mode": "available"}, "opus_dtx_enabled": true,
            "redundant_coding_enabled": true, "speaker_default_on": true,
        },
        "backstage": {"enabled": false, "join_ahead_time_seconds": 0},
        "broadcasting": {
            "enabled": true,
            "hls": {"auto_on": false, "enabled": true, "quality_tracks": ["720p"], "layout": layout},
            "rtmp": {"enabled": true, "quality": "720p", "layout": layout},
        },
        "encryption": {"mode": "disabled"},
        "frame_recording":
            {"mode": "available", "capture_interval_in_seconds": 5, "quality": "720p"},
        "geofencing": {"names": []},
        "individual_recording": {"mode": "disabled", "output_types": []},
        "limits": {"max_participants_exclude_roles": []},
        "raw_recording": {"mode": "disabled"},
        "recording":
            {"audio_only": false, "mode": "available", "quality": "720p", "layout": layout},
        "ring": {
            "auto_cancel_timeout_ms": 15000, "incoming_call_timeout_ms": 15000,
            "missed_call_timeout_ms": 20000,
        },
        "screensharing": {"access_request_enabled": true, "enabled": true},
        "session": {"inactivity_timeout_seconds": 30},
        "thumbnails": {"enabled": false},
        "transcription":
            {"mode": "available", "closed_caption_mode": "available", "language": "auto"},
        "video": {
            "access_request_enabled": true, "camera_default_on": true, "camera_facing": "front",
            "enabled": true, "target_resolution": {"width": 2560, "height": 1440, "bitrate": 5000000},
        },
    }))
}

/// Where Stream's other call types differ from its `default`.
pub(super) fn differing(call_type: &str) -> Map<String, Value> {
    let full_hd = json!({"width": 1920, "height": 1080, "bitrate": 3000000});
    let quiet_ring = json!({"auto_cancel_timeout_ms": 0, "incoming_call_timeout_ms": 0});
    object(match call_type {
        "development" => json!({"video": {"target_resolution": full_hd}}),
        "audio_room" => json!({
            "audio": {"mic_default_on": false, "default_device": "speaker"},
            "backstage": {"enabled": true},
            "ring": quiet_ring,
            "screensharing": {"access_request_enabled": false, "enabled": false},
            "video": {"access_request_enabled": false, "camera_default_on": false, "enabled": false},
        }),
        "livestream" => json!({
            "audio": {
                "access_request_enabled": false, "mic_default_on": false,
                "default_device": "speaker",
            },
            "backstage": {"enabled": true},
            "ring": quiet_ring,
            "screensharing": {"access_request_enabled": false},
            "video": {"access_request_enabled": false, "target_resolution": full_hd},
        }),
        _ => json!({}),
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
