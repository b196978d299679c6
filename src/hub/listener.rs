//! Somebody outside of a room who hears what becomes of it. It must not know why he listens, nor
//! the words in which he is told.

use std::sync::Arc;

use rolecall_protocol::{
    dialect::stream::ear::Heard,
    id::{Cid, TeamId, UserId},
    room::Refusal,
    team::Caller,
};
use tokio::sync::oneshot;

use super::{Ask, Hub, Knowing, seat::Seat};

/// Who somebody is to a room of that team, as of now; nobody: the server side.
pub type WhoNow = Arc<dyn Fn(Option<&TeamId>) -> Result<Option<Caller>, Refusal> + Send + Sync>;
/// How something heard is written. Whichever listener's it is, the text is the same.
pub type Say = Arc<dyn Fn(&Heard) -> String + Send + Sync>;

/// Somebody outside of a room who hears what becomes of it, for as long as he may read it.
pub struct Listener {
    /// By which he is known; another of the same id takes his place.
    pub id: Arc<str>,
    /// Whose rights count.
    pub user_id: UserId,
    /// Who he is to the room.
    pub who: WhoNow,
    /// How it is written.
    pub say: Say,
    /// Where it is written to.
    pub seat: Arc<Seat>,
    /// Dropped once he listens no more.
    pub held: Box<dyn Send>,
}

impl Hub {
    /// Who of those who listen to a room sees which of these users there; behind all that they were told
    /// before. Nobody, where it does not live.
    pub async fn who_know(&self, cid: &Cid, users: Vec<UserId>) -> Knowing {
        let (answer, answered) = oneshot::channel();
        if self.ask_live(cid, Ask::WhoKnow { users, answer }).await.is_err() {
            return Knowing::new();
        }
        // Where it falls, whoever listened comes back and reads all anew.
        answered.await.unwrap_or_default()
    }

    /// He listens no more; his seat is closed already, so that he is not let in again behind this.
    pub async fn unlisten(&self, cid: &Cid, id: &Arc<str>) {
        let _ = self.ask_live(cid, Ask::Unlisten { id: Arc::clone(id) }).await;
    }
}
