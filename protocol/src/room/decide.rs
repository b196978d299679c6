//! What follows from a command that was let through: events, a reply, and what is merely relayed.
//! It must not change the room, nor know who is told.

mod admission;
mod calls;
mod coming;
mod ends;
mod media;
mod members;
mod moderation;
mod permissions;
mod roles;
mod waiting;

use super::authorize::{Asker, Authorized};
use super::command::{Command, Recipient};
use super::event::{Event, Outcome};
use super::people::{Doer, Person};
use super::refusal::Refusal;
use super::reply::{Relay, Reply};
use super::state::{Peer, Room};
use std::sync::Arc;

use crate::id::{PeerId, RequestId, Timestamp};
use crate::json::Metadata;

/// What follows from one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Facts to commit, in order; all of them or none.
    pub events: Vec<Event>,
    /// What the caller is told.
    pub reply: Reply,
    /// What is passed on without being committed.
    pub relay: Option<Relay>,
}

impl Decision {
    fn nothing(reply: Reply) -> Self {
        Self { events: Vec::new(), reply, relay: None }
    }

    fn events(events: Vec<Event>) -> Self {
        Self { events, reply: Reply::Done {}, relay: None }
    }
}

/// Decides an authorized command on the room it was authorized on.
///
/// # Errors
/// A [`Refusal`]; then nothing follows.
pub fn decide(room: &Room, authorized: Authorized, at: Timestamp) -> Result<Decision, Refusal> {
    let (actor, command) = authorized.into_parts();
    let turn = Turn { room, asker: Asker { room, actor: &actor }, at };
    // Time looks at all subscriptions: the house's bound may be another since the last start.
    let anyway = matches!(command, Command::Tick);
    let mut decision = turn.decided(command)?;
    let narrowed = turn.narrowed(&decision.events, anyway);
    decision.events.extend(narrowed);
    Ok(decision)
}

/// One command being decided.
#[derive(Clone, Copy)]
struct Turn<'a> {
    room: &'a Room,
    asker: Asker<'a>,
    at: Timestamp,
}

/// What a command does to peers, from which the ends of pending requests follow.
#[derive(Default)]
struct Effects {
    /// Peers as they will be.
    changed: Vec<Peer>,
    /// Those of them whose role changes.
    role_changed: Vec<PeerId>,
    /// Who will be out.
    left: Vec<PeerId>,
    /// A request that ends in its own way.
    settled: Option<RequestId>,
}

impl<'a> Turn<'a> {
    /// What follows from the command itself.
    fn decided(self, command: Command) -> Result<Decision, Refusal> {
        match command {
            Command::Create(creation) => self.create(*creation),
            Command::UpdateRoom { custom, settings, starts_at } => {
                Ok(self.update_room(custom, settings, starts_at))
            }
            Command::Delete => Ok(Decision::events(vec![Event::RoomDeleted { by: self.by() }])),
            Command::Join(joining) => self.join(*joining),
            Command::Leave => self.leave(),
            Command::Drop { until } => {
                self.own(|own| Some(Event::PeerDropped { peer_id: own.id().clone(), until }))
            }
            Command::Return => self.own(|own| {
                own.dropped_until.map(|_| Event::PeerReturned { peer_id: own.id().clone() })
            }),
            Command::Tick => Ok(self.tick()),
            Command::ChangeRole { peer_id, role, force } => {
                self.change_role(&peer_id, &role, force)
            }
            Command::ChangeRoles { of_roles, to_role } => self.change_roles(&of_roles, &to_role),
            Command::AcceptRole { request_id } => self.accept_role(&request_id),
            Command::RejectRole { request_id, reason } => self.reject_role(&request_id, reason),
            Command::CancelRole { request_id } => self.cancel_role(&request_id),
            Command::UpdatePermissions { peer_id, patch } => {
                self.update_permissions(&peer_id, &patch)
            }
            Command::UpdateManyPermissions { everybody, named } => {
                Ok(self.update_many(everybody.as_deref(), &named))
            }
            Command::RequestPermissions { permissions } => self.request_permissions(permissions),
            Command::AnswerPermissionRequest { request_id, grant, reason } => {
                self.answer_permission_request(&request_id, grant, reason)
            }
            Command::SetTracks { on, off } => self.set_tracks(on, off),
            Command::TellTracks { on, off } => {
                let sendable = self.asker.peer()?.sendable();
                self.set_tracks(on.intersection(sendable), off)
            }
            Command::Mute { whom, tracks } => self.mute(&whom, tracks),
            Command::RequestUnmute { whom, tracks } => self.request_unmute(&whom, tracks),
            Command::RemovePeer { peer_id, reason, block } => self.remove(&peer_id, block, reason),
            Command::KickUser { user_id, block, reason } => self.kick(&user_id, block, reason),
            Command::BlockUser { user_id } => self.block(&user_id, None),
            Command::UnblockUser { user_id } => Ok(self.unblock(user_id)),
            Command::EndRoom { reason, lock } => Ok(self.end(reason, lock)),
            Command::SetBackstage { backstage } => Ok(self.set_backstage(backstage)),
            Command::SetPin { user_id, peer_id, pinned } => self.set_pin(user_id, peer_id, pinned),
            Command::GrantUser { user_id, grant, revoke } => {
                self.grant_user(user_id, &grant, &revoke)
            }
            Command::UpdateMembers { set, remove } => self.update_members(&set, &remove),
            Command::RefreshUser { user_id, standing } => {
                Ok(self.refresh_user(&user_id, &standing))
            }
            Command::Renew { exp } => self.own(|own| {
                let peer_id = own.id().clone();
                (own.who.exp != exp).then_some(Event::TermRenewed { peer_id, exp })
            }),
            Command::SetName { name } => Ok(self.set_name(self.asker.peer()?, name)),
            Command::SetNameOf { peer_id, name } => {
                Ok(self.set_name(self.asker.sees(&peer_id)?, name))
            }
            Command::SetMetadata { metadata } => {
                Ok(self.set_metadata(self.asker.peer()?, metadata))
            }
            Command::SetMetadataOf { peer_id, metadata } => {
                Ok(self.set_metadata(self.asker.sees(&peer_id)?, metadata))
            }
            Command::RaiseHand { raised } => Ok(self.raise_hand(self.asker.peer()?, raised)),
            Command::RaiseHandOf { peer_id, raised } => {
                Ok(self.raise_hand(self.asker.sees(&peer_id)?, raised))
            }
            Command::SendMessage { data, to, speaker } => {
                self.knows_roles(&to)?;
                if let Recipient::Peer(to) = &to
                    && self.asker.is_self(self.asker.sees(to)?)
                {
                    return Err(Refusal::OnSelf);
                }
                let from = match speaker {
                    Some(speaker) => self.as_here(*speaker),
                    None => self.asker.person(),
                };
                Ok(self.relayed(Relay::Message { from, data, to }))
            }
            Command::Knock { joining, waiting_max } => self.knock(&joining, waiting_max),
            Command::Access { joining } => {
                Ok(Decision::nothing(Reply::Access(self.access(&joining))))
            }
            Command::AnswerWaiting { waiting_id, admit } => self.answer_waiting(waiting_id, admit),
            Command::StopWaiting { waiting_id } => Ok(self.stop_waiting(waiting_id)),
            Command::ForgetWaiting => Ok(self.forget_waiting()),
            Command::SetAdmission { patch } => Ok(self.set_admission(&patch)),
            Command::SetSessionData { change } => self.set_session_data(change),
            Command::SendReaction { data } => self.react(&data),
            Command::Signal { to, data } => {
                self.may_signal(&to)?;
                Ok(self.relayed(Relay::Signal { from: self.asker.person(), data, to }))
            }
            Command::Explain { whom, right } => self.explain(&whom, right),
            Command::Subscribe { peer_id, tracks } => self.subscribe(&peer_id, tracks),
            Command::Unsubscribe { subscription_id } => self.unsubscribe(subscription_id),
            Command::SignalSubscription { subscription_id, data } => {
                self.signal_subscription(subscription_id, data)
            }
            Command::AdoptCallType { call_type } => Ok(self.adopt(call_type)),
        }
    }

    fn by(self) -> Doer {
        self.asker.doer()
    }

    /// What becomes of the asking peer, if anything.
    fn own(self, event: impl FnOnce(&Peer) -> Option<Event>) -> Result<Decision, Refusal> {
        Ok(Decision::events(event(self.asker.peer()?).into_iter().collect()))
    }

    fn set_name(self, target: &Peer, name: Arc<str>) -> Decision {
        let (peer_id, by) = (target.id().clone(), self.by_another(target));
        let differs = target.who.name != name;
        Decision::events(
            differs.then_some(Event::NameChanged { peer_id, name, by }).into_iter().collect(),
        )
    }

    fn set_metadata(self, target: &Peer, metadata: Metadata) -> Decision {
        let (peer_id, by) = (target.id().clone(), self.by_another(target));
        let differs = target.who.metadata != metadata;
        let changed = Event::MetadataChanged { peer_id, metadata, by };
        Decision::events(differs.then_some(changed).into_iter().collect())
    }

    fn raise_hand(self, target: &Peer, raised: bool) -> Decision {
        let (peer_id, by) = (target.id().clone(), self.by_another(target));
        let differs = target.hand_raised != raised;
        Decision::events(
            differs.then_some(Event::HandRaised { peer_id, raised, by }).into_iter().collect(),
        )
    }

    /// Who does it to a peer, where that is not he himself.
    fn by_another(self, target: &Peer) -> Option<Doer> {
        (!self.asker.is_self(target)).then(|| self.by())
    }

    /// Somebody as he is known here: as a peer, where he is one.
    fn as_here(self, somebody: Person) -> Person {
        let peer = somebody.user_id.as_ref().and_then(|id| self.room.named_peer_of(id));
        let here = peer.map(Peer::person);
        here.unwrap_or(somebody)
    }

    const fn relayed(self, relay: Relay) -> Decision {
        Decision { events: Vec::new(), reply: Reply::Done {}, relay: Some(relay) }
    }
}

fn ended(id: &RequestId, outcome: Outcome, reason: Option<String>) -> Event {
    Event::RoleRequestEnded { request_id: id.clone(), outcome, reason }
}
