//! Media: subscribing, signalling, and what subscriptions lose when rights do (`PROTOCOL` 3.10).

use super::{Decision, Turn};
use crate::id::{PeerId, SubscriptionId};
use crate::json::SignalData;
use crate::media::TrackKinds;
use crate::room::event::Event;
use crate::room::refusal::Refusal;
use crate::room::reply::{Relay, Reply};
use crate::room::subscription::Subscription;

impl<'a> Turn<'a> {
    /// "One for each receiver and sender: asked again it replaces the set under the same id."
    pub(super) fn subscribe(
        self,
        peer_id: &PeerId,
        tracks: TrackKinds,
    ) -> Result<Decision, Refusal> {
        let own = self.asker.peer()?;
        let sender = self.asker.sees(peer_id)?;
        if self.asker.is_self(sender) {
            return Err(Refusal::OnSelf);
        }
        if let Some(kind) = tracks.difference(own.receivable(sender)).iter().next() {
            return Err(Refusal::NotReceivable(kind));
        }
        if self.room.is_beyond_mesh() {
            return Err(Refusal::NoMesh(self.room.mesh_max));
        }
        let known = self.room.subscription(own.id(), sender.id());
        let subscription_id = known.map_or_else(
            || SubscriptionId::numbered(self.room.subscriptions_made + 1),
            |known| known.subscription_id.clone(),
        );
        let reply = Reply::Subscribed { subscription_id: subscription_id.clone(), tracks };
        if known.is_some_and(|known| known.tracks == tracks) {
            return Ok(Decision::nothing(reply));
        }
        let (receiver, sender) = (own.id().clone(), sender.id().clone());
        let subscription = Subscription { subscription_id, receiver, sender, tracks };
        Ok(Decision { events: vec![Event::Subscribed { subscription }], reply, relay: None })
    }

    pub(super) fn unsubscribe(self, id: SubscriptionId) -> Result<Decision, Refusal> {
        self.own_subscription(&id)?;
        let over = Event::SubscriptionNarrowed { subscription_id: id, tracks: TrackKinds::NONE };
        Ok(Decision::events(vec![over]))
    }

    pub(super) fn signal_subscription(
        self,
        subscription_id: SubscriptionId,
        data: SignalData,
    ) -> Result<Decision, Refusal> {
        let subscription = self.own_subscription(&subscription_id)?;
        let to = subscription.other_end(self.asker.peer()?.id()).clone();
        Ok(self.relayed(Relay::Subscription { to, subscription_id, data }))
    }

    /// Somebody else's is as unknown as one that is over.
    fn own_subscription(self, id: &SubscriptionId) -> Result<&'a Subscription, Refusal> {
        let own = self.asker.peer()?.id();
        let known = self.room.subscriptions.get(id).filter(|one| one.is_of(own));
        known.ok_or(Refusal::UnknownSubscription)
    }

    /// "On loss of a right the subscription shrinks or ends in the same record": what these events
    /// leave of each. `anyway`: also where they touch no right.
    pub(super) fn narrowed(self, events: &[Event], anyway: bool) -> Vec<Event> {
        let touched = anyway || events.iter().any(Event::touches_media);
        if self.room.subscriptions.is_empty() || !touched {
            return Vec::new();
        }
        let mut next = self.room.clone();
        events.iter().for_each(|event| crate::room::apply(&mut next, event, self.at));
        let narrower = next.subscriptions.values().filter_map(|one| {
            let (subscription_id, tracks) = (one.subscription_id.clone(), next.left_of(one));
            (tracks != one.tracks)
                .then_some(Event::SubscriptionNarrowed { subscription_id, tracks })
        });
        narrower.collect()
    }
}
