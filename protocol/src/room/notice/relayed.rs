//! Who is told what of a relay, which is passed on and leaves no trace. It must not look at events.

use std::collections::BTreeMap;

use super::Notice;
use crate::{
    id::{PeerId, Timestamp},
    media::TrackKinds,
    room::{
        audience::Audience,
        body::Body,
        command::Recipient,
        people::Person,
        reply::Relay,
        state::{Peer, Room},
    },
};

/// What a relay says, and to whom.
#[must_use]
pub fn relayed(room: &Room, relay: &Relay, at: Timestamp) -> Vec<Notice> {
    let told = match relay {
        Relay::Message { from, data, to } => {
            let others = |peer: &&Peer| from.peer_id.as_ref() != Some(peer.id());
            let (audience, shown) = match to {
                Recipient::Peer(id) => (Audience::only([id.clone()]), serde_json::json!(id)),
                Recipient::Roles(roles) => {
                    let of_roles =
                        room.peers.values().filter(others).filter(|p| roles.contains(&p.role));
                    let audience = Audience::only(of_roles.map(|peer| peer.id().clone()));
                    (audience, serde_json::json!({ "roles": roles }))
                }
                Recipient::Everybody => {
                    let audience =
                        Audience { except: from.peer_id.clone(), ..Audience::everybody() };
                    (audience, serde_json::json!("*"))
                }
            };
            let (from, data) = (from.clone(), data.clone());
            vec![(audience, Body::AppMessage { from, data, to: shown })]
        }
        Relay::Signal { from, data, to } => {
            let (from, data) = (from.clone(), data.clone());
            vec![(Audience::only([to.clone()]), Body::Signal { from, data })]
        }
        Relay::Unmute { from, asked, by_name } => unmute_requests(from, asked, *by_name),
        Relay::Subscription { to, subscription_id, data } => {
            let (subscription_id, data) = (subscription_id.clone(), data.clone());
            let body = Body::SubscriptionSignal { subscription_id, data };
            vec![(Audience::only([to.clone()]), body)]
        }
    };
    let notices = told.into_iter().map(|(audience, body)| Notice { seq: None, at, audience, body });
    notices.collect()
}

/// Each hears what he himself is asked for; those who are asked for the same, by the same text.
fn unmute_requests(
    from: &Person,
    asked: &BTreeMap<PeerId, TrackKinds>,
    by_name: bool,
) -> Vec<(Audience, Body)> {
    let mut alike: BTreeMap<TrackKinds, Vec<PeerId>> = BTreeMap::new();
    for (peer_id, tracks) in asked {
        alike.entry(*tracks).or_default().push(peer_id.clone());
    }
    let each = alike.into_iter().map(|(tracks, peers)| {
        (Audience::only(peers), Body::UnmuteRequest { from: from.clone(), tracks, by_name })
    });
    each.collect()
}
