//! The room itself: creating it, what is given of it, backstage, pins, reactions, and why somebody
//! may what he may. It must not know who comes and goes.

use super::{Decision, Turn};
use crate::call_type::settings::SettingsPatchDocument;
use crate::capability::Capability;
use crate::id::{PeerId, Timestamp, UserId};
use crate::json::{DEPTH_MAX, MessageData, Metadata};
use crate::room::admission::Admission;
use crate::room::authorize::Asker;
use crate::room::command::{Actor, Creation, Explainee, Recipient, Right};
use crate::room::event::Event;
use crate::room::explain::explain;
use crate::room::member::Pin;
use crate::room::refusal::Refusal;
use crate::room::reply::{Relay, Reply};
use crate::room::session_data::SessionDataChange;
use crate::room::state::{PINS_MAX, Room};
use std::sync::Arc;

impl<'a> Turn<'a> {
    /// "getOrCreate": a room that is there stays as it is, and from then on stays.
    pub(super) fn create(self, creation: Creation) -> Result<Decision, Refusal> {
        if self.room.created_at.is_some() {
            let keeps = !self.room.kept && self.asker.holds(Capability::CreateCall);
            let events = if keeps { vec![Event::RoomKept] } else { Vec::new() };
            let reply = Reply::Created { created: false };
            return Ok(Decision { events, reply, relay: None });
        }
        let asked = creation.team.as_ref();
        let (team, created_by) = match self.asker.actor {
            Actor::User(caller) => {
                let team = caller.reach.of_new_room(asked).map_err(|_| Refusal::WrongTeam)?;
                (team, Some(caller.user_id.clone()))
            }
            _ => (creation.team, creation.created_by),
        };
        let call_type = &self.room.call_type;
        let settings = creation.settings.filter(|patch| !patch.is_empty());
        let created = Event::RoomCreated {
            epoch: creation.epoch,
            team,
            created_by,
            custom: creation.custom.unwrap_or_else(Metadata::empty_object),
            backstage: call_type.settings_under(settings.as_ref()).backstage,
            call_type: Arc::clone(call_type),
            settings_override: settings,
            starts_at: creation.starts_at,
            kept: true,
        };
        // Its first members are made as if it were there, by its creator.
        let mut room = self.room.clone();
        crate::room::apply(&mut room, &created, self.at);
        let asker = Asker { room: &room, actor: self.asker.actor };
        let there = Turn { room: &room, asker, at: self.at };
        let mut events = vec![created];
        if let Some(admission) = creation.admission.filter(|it| **it != Admission::default()) {
            events.push(Event::AdmissionSet { admission, by: self.by() });
        }
        events.extend(there.members_set(&creation.members, &Default::default())?);
        Ok(Decision { events, reply: Reply::Created { created: true }, relay: None })
    }

    pub(super) fn update_room(
        self,
        custom: Option<Metadata>,
        settings: Option<SettingsPatchDocument>,
        starts_at: Option<Option<Timestamp>>,
    ) -> Decision {
        let room = self.room;
        let settings_override = match (settings, &room.settings_override) {
            (Some(patch), Some(now)) => Some(now.merged(&patch)),
            (Some(patch), None) => Some(patch).filter(|patch| !patch.is_empty()),
            (None, now) => now.clone(),
        };
        let event = Event::RoomUpdated {
            custom: custom.unwrap_or_else(|| room.custom.clone()),
            settings_override,
            starts_at: starts_at.unwrap_or(room.starts_at),
            by: self.by(),
        };
        let mut next = room.clone();
        crate::room::apply(&mut next, &event, self.at);
        if (Room { updated_at: room.updated_at, ..next.clone() }) == *room {
            return Decision::nothing(Reply::Done {});
        }
        let mut events = vec![event];
        // Where there is no backstage any more, nobody is kept behind it.
        if room.settings.backstage && !next.settings.backstage && next.backstage {
            events.push(Event::BackstageSet { backstage: false, by: self.by() });
        }
        Decision::events(self.resolved_by(events, &next))
    }

    /// Unlocked it is only the session that ends, where there is one, or somebody waits for one. A room
    /// that has ended ends again only where somebody came in since.
    pub(super) fn end(self, reason: Option<String>, lock: bool) -> Decision {
        let Room { ended, peers, waiting, .. } = self.room;
        let by = self.by();
        let event = match lock {
            true if ended.is_none() || !peers.is_empty() => Event::RoomEnded { by, reason },
            false if !peers.is_empty() || !waiting.is_empty() => Event::RoomClosed { by, reason },
            _ => return Decision::nothing(Reply::Done {}),
        };
        Decision::events(vec![event])
    }

    pub(super) fn set_backstage(self, backstage: bool) -> Decision {
        let event = Event::BackstageSet { backstage, by: self.by() };
        Decision::events(if self.room.backstage == backstage { Vec::new() } else { vec![event] })
    }

    pub(super) fn set_pin(
        self,
        user_id: UserId,
        peer_id: PeerId,
        pinned: bool,
    ) -> Result<Decision, Refusal> {
        let pin = Pin { user_id, peer_id };
        if self.room.pins.contains(&pin) == pinned {
            return Ok(Decision::nothing(Reply::Done {}));
        }
        // Pins are told to everybody alike.
        if pinned && !self.asker.sees(&pin.peer_id)?.is_visible() {
            return Err(Refusal::Hidden);
        }
        if pinned && self.room.pins.len() >= PINS_MAX {
            return Err(Refusal::TooMany { what: "pins", max: PINS_MAX });
        }
        Ok(Decision::events(vec![Event::PinSet { pin, pinned, by: self.by() }]))
    }

    /// "The whole, after the change, is at most `session_data_bytes`."
    pub(super) fn set_session_data(
        self,
        change: Box<SessionDataChange>,
    ) -> Result<Decision, Refusal> {
        let (now, max) = (&self.room.session_data, self.room.session_data_max);
        let next = now.changed(&change).filter(|next| next.bytes() <= max);
        let Some(next) = next else { return Err(Refusal::TooLarge { field: "data", max }) };
        if next == *now {
            return Ok(Decision::nothing(Reply::Done {}));
        }
        Ok(Decision::events(vec![Event::SessionDataChanged { change, by: self.by() }]))
    }

    pub(super) fn react(self, data: &Metadata) -> Result<Decision, Refusal> {
        let whole = serde_json::json!({ "type": "reaction", "reaction": data });
        let data = MessageData::new(&whole)
            .map_err(|_| Refusal::TooMany { what: "levels of a reaction", max: DEPTH_MAX - 1 })?;
        let from = self.asker.person();
        Ok(self.relayed(Relay::Message { from, data, to: Recipient::Everybody }))
    }

    pub(super) fn explain(self, whom: &Explainee, right: Right) -> Result<Decision, Refusal> {
        let room = self.room;
        let caller = match (whom, self.asker.actor) {
            (Explainee::User(caller), _) | (Explainee::Own, Actor::User(caller)) => Some(caller),
            _ => None,
        };
        let explanation = match (whom, caller) {
            (Explainee::Peer(id), _) => explain(room, self.asker.sees(id)?, right),
            (_, None) => explain(room, self.asker.peer()?, right),
            (_, Some(caller)) => {
                // Of several peers one who may: what any of them may, he may.
                let mut here =
                    room.peers_of(&caller.user_id).map(|peer| explain(room, peer, right));
                let first = here.next();
                let best =
                    first.into_iter().chain(here).reduce(|a, b| if a.allowed { a } else { b });
                best.unwrap_or_else(|| explain(room, &room.absent(caller), right))
            }
        };
        Ok(Decision::nothing(Reply::Explained(explanation)))
    }
}
