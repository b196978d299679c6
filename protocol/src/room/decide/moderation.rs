//! Tracks, muting, asking to unmute, removing, blocking, messages and signals (`PROTOCOL` 3.7).

use std::collections::BTreeMap;

use super::{Decision, Turn};
use crate::id::{PeerId, UserId};
use crate::media::TrackKinds;
use crate::room::command::{Recipient, Whom};
use crate::room::event::{Event, LeftReason};
use crate::room::refusal::Refusal;
use crate::room::reply::{Relay, Reply};
use crate::room::state::{BLOCKED_MAX, Peer};

impl<'a> Turn<'a> {
    pub(super) fn set_tracks(self, on: TrackKinds, off: TrackKinds) -> Result<Decision, Refusal> {
        let own = self.asker.peer()?;
        if let Some(kind) = on.difference(own.sendable()).iter().next() {
            return Err(Refusal::TrackBlocked(kind));
        }
        let next = own.on.union(on).difference(off);
        Ok(Decision::events(self.tracks_changed(own, next).into_iter().collect()))
    }

    pub(super) fn tracks_changed(self, peer: &Peer, on: TrackKinds) -> Option<Event> {
        (peer.on != on).then(|| Event::TracksChanged {
            peer_id: peer.id().clone(),
            on,
            by: self.by(),
        })
    }

    pub(super) fn mute(self, whom: &Whom, tracks: TrackKinds) -> Result<Decision, Refusal> {
        let mut muted = 0;
        let mut events = Vec::new();
        for peer in self.concerned(whom)? {
            muted += peer.on.intersection(tracks).len();
            events.extend(self.tracks_changed(peer, peer.on.difference(tracks)));
        }
        Ok(Decision { events, reply: Reply::Muted { muted }, relay: None })
    }

    /// Of each only what he could turn on, and has not: who is asked for nothing hears nothing.
    pub(super) fn request_unmute(
        self,
        whom: &Whom,
        tracks: TrackKinds,
    ) -> Result<Decision, Refusal> {
        let off = |peer: &Peer| peer.sendable().difference(peer.on).intersection(tracks);
        let all = self.concerned(whom)?.map(|peer| (peer.id().clone(), off(peer)));
        let asked: BTreeMap<PeerId, TrackKinds> = all.filter(|(_, off)| !off.is_empty()).collect();
        let reply = Reply::Asked { asked: asked.values().map(|tracks| tracks.len()).sum() };
        let by_name = matches!(whom, Whom::Peer(_));
        let from = self.asker.person();
        let relay = (!asked.is_empty()).then_some(Relay::Unmute { from, asked, by_name });
        Ok(Decision { events: Vec::new(), reply, relay })
    }

    fn concerned(self, whom: &Whom) -> Result<impl Iterator<Item = &'a Peer>, Refusal> {
        if let Whom::Roles(roles) = whom {
            roles.iter().try_for_each(|role| self.known_role(role))?;
        }
        let own = move |peer: &Peer| self.asker.is_self(peer);
        Ok(self.room.peers.values().filter(move |peer| match whom {
            Whom::Peer(id) => peer.id() == id,
            Whom::Roles(roles) => !own(peer) && roles.contains(&peer.role),
            Whom::Users(users) => users.contains(&peer.who.user_id),
            Whom::Everybody => !own(peer),
        }))
    }

    pub(super) fn remove(
        self,
        peer_id: &PeerId,
        block: bool,
        note: Option<String>,
    ) -> Result<Decision, Refusal> {
        let target = self.asker.sees(peer_id)?;
        if self.asker.is_self(target) {
            return Err(Refusal::OnSelf);
        }
        if block {
            return self.block(&target.who.user_id, note);
        }
        Ok(Decision::events(self.departures(
            std::slice::from_ref(peer_id),
            LeftReason::Removed,
            note,
        )))
    }

    /// Every peer of the user goes.
    pub(super) fn kick(
        self,
        user_id: &UserId,
        block: bool,
        note: Option<String>,
    ) -> Result<Decision, Refusal> {
        if block {
            return self.block(user_id, note);
        }
        if self.asker.is_user(user_id) {
            return Err(Refusal::OnSelf);
        }
        let peers = self.peers_of(user_id);
        Ok(Decision::events(self.departures(&peers, LeftReason::Removed, note)))
    }

    fn peers_of(self, user_id: &UserId) -> Vec<PeerId> {
        self.room.peers_of(user_id).map(|peer| peer.id().clone()).collect()
    }

    pub(super) fn block(self, user_id: &UserId, note: Option<String>) -> Result<Decision, Refusal> {
        if self.asker.is_user(user_id) {
            return Err(Refusal::OnSelf);
        }
        let peers = self.peers_of(user_id);
        let mut events = Vec::new();
        if !self.room.blocked.contains(user_id) {
            if self.room.blocked.len() >= BLOCKED_MAX {
                return Err(Refusal::TooMany { what: "blocked users", max: BLOCKED_MAX });
            }
            events.push(Event::UserBlocked { user_id: user_id.clone(), by: self.by() });
            events.extend(self.waiting_of(|waits| waits == user_id, false));
        }
        events.extend(self.departures(&peers, LeftReason::Removed, note));
        Ok(Decision::events(events))
    }

    pub(super) fn unblock(self, user_id: UserId) -> Decision {
        let blocked = self.room.blocked.contains(&user_id);
        let event = Event::UserUnblocked { user_id, by: self.by() };
        Decision::events(if blocked { vec![event] } else { Vec::new() })
    }

    pub(super) fn knows_roles(self, to: &Recipient) -> Result<(), Refusal> {
        match to {
            Recipient::Roles(roles) => roles.iter().try_for_each(|role| self.known_role(role)),
            Recipient::Peer(_) | Recipient::Everybody => Ok(()),
        }
    }

    /// "Relayed only if each may see the other and the sender may send or the receiver may receive
    /// something". A viewer asking a sender for his media counts too, whatever the sender receives.
    pub(super) fn may_signal(self, to: &PeerId) -> Result<(), Refusal> {
        let target = self.asker.sees(to)?;
        let Ok(own) = self.asker.peer() else { return Ok(()) };
        if own.id() == target.id() {
            return Err(Refusal::OnSelf);
        }
        let receives = |a: &Peer, b: &Peer| {
            a.permissions.can_receive.allows_any(b.id(), &b.who.user_id, &b.role)
        };
        let flows = !own.sendable().is_empty()
            || receives(target, own)
            || (!target.sendable().is_empty() && receives(own, target));
        if target.sees(own) && flows { Ok(()) } else { Err(Refusal::NoMediaBetween) }
    }
}
