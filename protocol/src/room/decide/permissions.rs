//! Permissions: patches, requests from below, and their answers (`PROTOCOL` 3.6).

use super::{Decision, Effects, Turn};
use crate::id::{PeerId, RequestId};
use crate::media::TrackKinds;
use crate::permissions::{Overrides, PermissionsPatch};
use crate::room::command::Actor;
use crate::room::event::Event;
use crate::room::refusal::Refusal;
use crate::room::reply::{PeerRefused, REFUSED_MAX, Reply};
use crate::room::request::{PermissionRequest, Wanted};
use crate::room::state::{PERMISSION_REQUESTS_PER_PEER_MAX, Peer};
use std::collections::{BTreeMap, BTreeSet};

impl<'a> Turn<'a> {
    /// The peer as the patch would leave him, with his new overrides.
    pub(super) fn patched(
        self,
        target: &Peer,
        patch: &PermissionsPatch,
    ) -> Result<(Peer, Overrides), Refusal> {
        self.asker.touches(target)?;
        let overrides = target.who.overrides.patched(patch, target.permissions.capabilities);
        let next = self.room.with_overrides(target, &overrides);
        self.asker.may_grant(target, &next)?;
        Ok((next, overrides))
    }

    pub(super) fn update_permissions(
        self,
        peer_id: &PeerId,
        patch: &PermissionsPatch,
    ) -> Result<Decision, Refusal> {
        let target = self.asker.sees(peer_id)?;
        let (next, overrides) = self.patched(target, patch)?;
        Ok(Decision::events(self.overridden(target, next, overrides, None)))
    }

    /// The event that gives the peer these overrides, and what follows from it; none if he has them.
    pub(super) fn overridden(
        self,
        target: &Peer,
        next: Peer,
        overrides: Overrides,
        settled: Option<RequestId>,
    ) -> Vec<Event> {
        if next == *target {
            return Vec::new();
        }
        let event =
            Event::PermissionsChanged { peer_id: target.id().clone(), overrides, by: self.by() };
        let effects = Effects { changed: vec![next], settled, ..Effects::default() };
        self.with_consequences(vec![event], &effects)
    }

    pub(super) fn update_many(
        self,
        everybody: Option<&PermissionsPatch>,
        named: &BTreeMap<PeerId, PermissionsPatch>,
    ) -> Decision {
        let by = self.by();
        let own = |peer: &Peer| self.asker.is_self(peer);
        let rest =
            self.room.peers.values().filter(|peer| !own(peer) && !named.contains_key(peer.id()));
        let rest = everybody
            .into_iter()
            .flat_map(|patch| rest.clone().map(move |peer| (peer.id(), patch)));
        let mut events = Vec::new();
        let mut effects = Effects::default();
        let (mut changed, mut skipped, mut refused) = (0, 0, Vec::new());
        for (peer_id, patch) in named.iter().chain(rest) {
            let outcome = self
                .asker
                .sees(peer_id)
                .and_then(|target| Ok((target, self.patched(target, patch)?)));
            match outcome {
                Ok((target, (next, overrides))) => {
                    changed += 1;
                    if next != *target {
                        let peer_id = peer_id.clone();
                        events.push(Event::PermissionsChanged {
                            peer_id,
                            overrides,
                            by: by.clone(),
                        });
                        effects.changed.push(next);
                    }
                }
                Err(refusal) => {
                    skipped += 1;
                    if refused.len() < REFUSED_MAX {
                        refused.push(PeerRefused {
                            peer_id: peer_id.clone(),
                            reason: refusal.reason(),
                        });
                    }
                }
            }
        }
        let events = self.with_consequences(events, &effects);
        Decision { events, reply: Reply::Changed { changed, skipped, refused }, relay: None }
    }

    pub(super) fn request_permissions(
        self,
        permissions: BTreeSet<Wanted>,
    ) -> Result<Decision, Refusal> {
        let own = self.asker.peer()?;
        if permissions.iter().all(|wanted| wanted.is_held(&own.permissions)) {
            return Ok(Decision::nothing(Reply::Done {}));
        }
        let mut pending = self
            .room
            .permission_requests
            .values()
            .filter(|r| r.from.peer_id.as_ref() == Some(own.id()));
        if let Some(same) = pending.clone().find(|request| request.permissions == permissions) {
            let request_id = same.request_id.clone();
            return Ok(Decision::nothing(Reply::PermissionRequested { request_id }));
        }
        if pending.nth(PERMISSION_REQUESTS_PER_PEER_MAX - 1).is_some() {
            return Err(Refusal::RequestPending);
        }
        let request_id = self.fresh_request("permission")?;
        let request = PermissionRequest {
            request_id: request_id.clone(),
            from: own.person(),
            permissions,
            asked: BTreeSet::new(),
        };
        let outside = matches!(self.asker.actor, Actor::User(_));
        let events = vec![Event::PermissionRequested { request, outside }];
        Ok(Decision { events, reply: Reply::PermissionRequested { request_id }, relay: None })
    }

    pub(super) fn answer_permission_request(
        self,
        id: &RequestId,
        grant: bool,
        reason: Option<String>,
    ) -> Result<Decision, Refusal> {
        let request = self
            .room
            .permission_requests
            .get(id)
            .ok_or_else(|| self.no_request("permission", id))?;
        let asker = request.from.peer_id.as_ref().ok_or(Refusal::UnknownPeer)?;
        let target = self.asker.sees(asker)?;
        let mut events = Vec::new();
        if grant {
            self.asker.touches(target)?;
            let mut overrides = target.who.overrides.clone();
            for wanted in request.permissions.iter().filter(|w| !w.is_held(&target.permissions)) {
                if *wanted == Wanted::Presence {
                    overrides.has_presence = Some(true);
                } else {
                    overrides = overrides.sending(wanted.kinds(), TrackKinds::NONE);
                }
            }
            let next = self.room.with_overrides(target, &overrides);
            events = self.overridden(target, next, overrides, Some(id.clone()));
        }
        let request_id = id.clone();
        events.push(Event::PermissionRequestAnswered {
            request_id,
            granted: grant,
            by: self.by(),
            reason,
        });
        Ok(Decision::events(events))
    }
}
