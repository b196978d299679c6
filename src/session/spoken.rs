//! How those take their seats, and ask from them, who are not spoken to natively. It must not know in
//! which dialect.

use std::sync::Arc;

use rolecall_protocol::{
    dialect::Ear,
    id::{Cid, PeerId, Seq},
    room::{Command, command::Joining},
    wire::{code::ErrorBody, frame::CallId},
};

use super::{Next, Place, Session};
use crate::{
    auth::term::Term,
    hub::{Ask, CallAsk, Fresh, JoinAsk, ReplyIn, ResumeAsk, Resumed, Spoken},
};

impl Session {
    /// Takes a seat. `issued`: when his token was made, in seconds since the epoch.
    ///
    /// # Errors
    /// Why he is not let in.
    pub(super) async fn sit_down(
        &mut self,
        id: CallId,
        cid: Cid,
        joining: Joining,
        spoken: Spoken,
        issued: Option<u64>,
    ) -> Result<(), ErrorBody> {
        let (user_id, exp) = (joining.newcomer.user_id.clone(), joining.newcomer.exp);
        let (seat, session) = (Arc::clone(self.socket.seat()), "".into());
        let spoken = Some(spoken);
        let ask = |answer| {
            Ask::Join(Box::new(JoinAsk { id, joining, seat, session, issued, spoken, answer }))
        };
        let seated = self.house.hub.asked(&cid, ask).await.flatten()?;
        let clock = &self.house.hub.shared().clock;
        let (term, came_s) = (Term::new(exp, clock), clock.now_s());
        self.place = Some(Box::new(Place { cid, seated, user_id, came_s, term, issued }));
        Ok(())
    }

    /// Takes a seat again, if that one is his: whether he has it.
    pub(super) async fn sit_again(
        &mut self,
        cid: &Cid,
        peer_id: &PeerId,
        session_hash: &Arc<str>,
        ear: Ear,
        token: Option<Fresh>,
    ) -> bool {
        let seat = Arc::clone(self.socket.seat());
        let ask = |answer| {
            Ask::Resume(Box::new(ResumeAsk {
                id: CallId::none(),
                peer_id: peer_id.clone(),
                session_hash: Arc::clone(session_hash),
                session: "".into(),
                epoch: String::new(),
                seq: Seq(0),
                seat,
                spoken: Some(Spoken { ear, reply: None }),
                token,
                answer,
            }))
        };
        let answered = self.house.hub.asked(cid, ask).await.flatten();
        let Ok((seated, resumed)) = answered else { return false };
        let term = Term::new(resumed.exp, &self.house.hub.shared().clock);
        let Resumed { user_id, came_s, issued, .. } = resumed;
        let cid = cid.clone();
        self.place = Some(Box::new(Place { cid, seated, user_id, came_s, term, issued }));
        true
    }

    /// Has the room decide what he asks, if he has a seat; `reply` tells him what came of it.
    pub(super) async fn command(&self, id: CallId, command: Command, reply: ReplyIn) -> Next {
        let Some(place) = &self.place else { return Next::Go };
        let from = place.seated.clone();
        let call = CallAsk { id, hash: 0, command, from, reply: Some(reply) };
        let _ = self.house.hub.ask_live(&place.cid, Ask::Call(call)).await;
        Next::Go
    }
}
