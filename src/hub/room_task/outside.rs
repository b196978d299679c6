//! What is asked of a room from outside. The law decides; this only finds out for whom.

use rolecall_protocol::{
    room::{Actor, Command, Refusal, Reply, may_read},
    team::Caller,
    wire::code::ErrorBody,
};

use super::{RoomTask, asks::outcome_word};
use crate::{
    hub::{
        output::Output,
        outside::{OutsideAsk, Seen},
        refused,
    },
    metrics,
};

impl RoomTask {
    pub(super) fn outside(&mut self, ask: OutsideAsk) {
        let OutsideAsk { who, command, see, listener } = ask;
        // In a room that is to be it is the team it will be of that counts.
        let team = match &command {
            Some(Command::Create(creation)) if self.room.created_at.is_none() => &creation.team,
            _ => &self.room.team,
        };
        let who = who(team.as_ref()).map_err(|refusal| refused(&refusal));
        let (outcome, caller) = match who {
            Ok(caller) => {
                let fits = listener.as_deref().map_or(Ok(()), |one| self.has_room_for(one));
                (fits.and_then(|()| self.outcome(caller.as_ref(), command)), caller)
            }
            Err(error) => (Err(error), None),
        };
        if let Some(listener) = listener.filter(|_| outcome.is_ok()) {
            self.listen(*listener);
        }
        let tell = see(Seen { outcome, room: &self.room, caller: caller.as_ref() });
        self.stage_closings();
        self.outputs.push(Output::Then(tell));
    }

    fn outcome(
        &mut self,
        caller: Option<&Caller>,
        command: Option<Command>,
    ) -> Result<Reply, ErrorBody> {
        let Some(command) = command else {
            let looked = match caller {
                Some(caller) => may_read(&self.room, caller),
                None => self.room.created_at.map(drop).ok_or(Refusal::UnknownRoom),
            };
            return looked.map(|()| Reply::Done {}).map_err(|refusal| refused(&refusal));
        };
        let actor = match caller {
            Some(caller) => Actor::User(Box::new(caller.clone())),
            None => Actor::Server,
        };
        let method = command.name();
        let outcome = self.act(actor, command).map_err(|refusal| refused(&refusal));
        metrics::call(method, outcome_word(&outcome));
        outcome
    }
}
