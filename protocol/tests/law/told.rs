//! Replies, refusals, notices and peers in words, as plays show them.

use std::fmt::Write;

use rolecall_protocol::{
    capability::Capabilities,
    id::PeerId,
    media::{TrackKind, TrackKinds, TrackState},
    room::{Body, Caller, Notice, Peer, Refusal, Reply, Room, may_read, rights_of},
};
use serde::Serialize;

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

/// `-> {…}`
pub(crate) fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Joined => "-> joined".to_owned(),
        other => format!("-> {}", json(other)),
    }
}

/// `!! 403 escalation lacks ["end-call"]`
pub(crate) fn refusal(refusal: &Refusal) -> String {
    let mut data = refusal.data();
    let data = data.as_object_mut().unwrap();
    assert_eq!(data.remove("reason").unwrap(), refusal.reason());
    let mut text = format!("!! {} {}", refusal.code(), refusal.reason());
    for (key, value) in data {
        write!(text, " {key} {value}").unwrap();
    }
    text
}

/// `ann bo < participant-left cy: hidden`
pub(crate) fn notice(heard: &[PeerId], notice: &Notice) -> String {
    let heard: Vec<&str> = heard.iter().map(PeerId::as_str).collect();
    let method = notice.body.method();
    let what = match &notice.body {
        Body::ParticipantJoined { participant } => participant.id().to_string(),
        Body::ParticipantUpdated { participant, changed, by } => {
            format!("{}: {} by {}", participant.id(), changed.join(" "), json(by))
        }
        Body::ParticipantLeft { peer_id, reason, .. } => format!("{peer_id}: {}", json(reason)),
        Body::RoleUpdated { peer_id, from, to, by, forced } => {
            let how = if *forced { "forced" } else { "agreed" };
            format!("{peer_id}: {from} to {to} by {}, {how}", json(by))
        }
        Body::CountsUpdated(counts) => {
            format!("{} present, {} hidden", counts.present, counts.hidden)
        }
        Body::RoomUpdated { room, changed } => {
            let values = changed.iter().map(|key| format!("{key} {}", room[*key]));
            values.collect::<Vec<_>>().join(", ")
        }
        other => json(other),
    };
    format!("{} < {method} {what}", heard.join(" "))
}

/// One part of the room itself.
pub(crate) fn of_room(room: &Room, what: &str) -> String {
    match what {
        "data" => json(&room.session_data),
        "members" => json(&room.members),
        "admission" => json(&room.admission),
        "waiting" => {
            let each = room.waiting.values();
            let each = each.map(|w| match w.admitted_until {
                None => format!("{} as {} since {}", w.waiting_id, w.user_id, w.since),
                Some(until) => format!("{} may come until {until}", w.waiting_id),
            });
            let each: Vec<_> = each.collect();
            if each.is_empty() { "nobody".to_owned() } else { each.join(", ") }
        }
        "session" => json(&room.session),
        "pins" => json(&room.pins),
        "media" => {
            let each = room.subscriptions.values();
            let each = each.map(|s| {
                format!(
                    "{}: {} of {} to {}",
                    s.subscription_id,
                    kinds(s.tracks),
                    s.sender,
                    s.receiver
                )
            });
            let each: Vec<_> = each.collect();
            if each.is_empty() { "nothing".to_owned() } else { each.join(", ") }
        }
        "sends" => {
            let each = room.user_overrides.iter();
            let each = each
                .map(|(user, o)| format!("{user}: +{} -{}", kinds(o.granted), kinds(o.revoked)));
            let each: Vec<_> = each.collect();
            if each.is_empty() { "nothing".to_owned() } else { each.join(", ") }
        }
        "room" => format!(
            "team {}, by {}, custom {}, starts {}, settings {}, {}{}{}{}",
            json(&room.team),
            json(&room.created_by),
            room.custom.as_str(),
            json(&room.starts_at),
            json(&room.settings_override),
            if room.backstage { "backstage" } else { "live" },
            room.live_since.map_or_else(String::new, |since| format!(" since {since}")),
            room.updated_at.map_or_else(String::new, |at| format!(", updated {at}")),
            if room.is_forgettable() { ", forgettable" } else { "" },
        ),
        _ => panic!("show what?"),
    }
}

/// What a user may over REST, in one line.
pub(crate) fn rights(room: &Room, caller: &Caller) -> String {
    if let Err(refused) = may_read(room, caller) {
        return refusal(&refused);
    }
    let all = rights_of(room, caller).all_capabilities();
    if all == Capabilities::ALL { "all".to_owned() } else { json(&all) }
}

/// A peer as he is, in one line.
pub(crate) fn peer(peer: &Peer) -> String {
    let mut text = peer.role.to_string();
    if peer.who.owner {
        text.push_str(", owner");
    }
    text.push_str(if peer.is_visible() { ", seen" } else { ", hidden" });
    let p = &peer.permissions;
    write!(text, ", sends {}", kinds(p.can_send)).unwrap();
    write!(text, ", receives {}", json(&p.can_receive)).unwrap();
    if p.all_capabilities().union(Capabilities::MEDIA) == Capabilities::ALL {
        text.push_str(", rules all");
        return tracks(text, peer);
    }
    write!(text, ", admin {}", json(&p.can_admin())).unwrap();
    let rest = p.capabilities.difference(
        p.can_admin().iter().fold(Capabilities::NONE, |all, g| all.union(g.capabilities())),
    );
    let rest: Vec<_> =
        rest.intersection(Capabilities::ADMINISTRATIVE).iter().map(|c| c.as_str()).collect();
    if !rest.is_empty() {
        write!(text, " {}", rest.join(" ")).unwrap();
    }
    tracks(text, peer)
}

fn tracks(mut text: String, peer: &Peer) -> String {
    let of = |state: TrackState| -> String {
        let kinds: TrackKinds =
            TrackKind::ALL.into_iter().filter(|k| peer.track(*k) == state).collect();
        self::kinds(kinds)
    };
    write!(text, "; on {}, off {}, blocked ", of(TrackState::On), of(TrackState::Off)).unwrap();
    text.push_str(&of(TrackState::Blocked));
    if peer.hand_raised {
        text.push_str("; hand up");
    }
    if peer.dropped_until.is_some() {
        text.push_str("; away");
    }
    text
}

fn kinds(kinds: TrackKinds) -> String {
    if kinds == TrackKinds::ALL {
        return "all".to_owned();
    }
    if kinds.is_empty() {
        return "nothing".to_owned();
    }
    kinds.iter().map(TrackKind::as_str).collect::<Vec<_>>().join(" ")
}
