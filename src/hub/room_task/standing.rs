//! What a room takes from the Directory: its call type, and what is known of who comes in or is
//! here. It must not know how the Directory changes.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    call_type::CallType,
    directory::Directory,
    id::{TeamId, UserId},
    room::{Actor, Command, Peer, command::Joining, people::Newcomer},
    team::{Reach, Standing, Teams},
};

use super::RoomTask;
use crate::hub::changes::Anew;

impl RoomTask {
    /// After a start from the journal: the Directory may have changed since.
    pub(super) fn read_directory(&mut self) {
        self.read_anew(&Anew { call_type: true, everybody: true, ..Anew::default() });
    }

    /// Reads again what changed.
    pub(super) fn read_anew(&mut self, anew: &Anew) {
        let directory = self.shared.directory.now();
        if anew.call_type
            && let Some(entry) = directory.call_type(self.cid.call_type())
        {
            self.adopt(&entry.call_type);
        }
        if anew.everybody || !anew.users.is_empty() {
            self.refresh(&directory, anew);
        }
        self.look_at_listeners();
    }

    fn adopt(&mut self, call_type: &Arc<CallType>) {
        if *self.room.call_type == **call_type {
            return;
        }
        if self.room.created_at.is_none() {
            // There is no room yet: what it will begin with is nobody's to be told.
            self.room.call_type = Arc::clone(call_type);
            self.room.settings = call_type.settings;
            return;
        }
        let adopt = Command::AdoptCallType { call_type: Arc::clone(call_type) };
        if let Err(refusal) = self.act(Actor::Server, adopt) {
            tracing::error!(room = %self.cid, %refusal, "a call type was refused in {}", self.cid);
        }
        tracing::info!(room = %self.cid, "{} follows its call type", self.cid);
    }

    /// Whoever is here is what the Directory says he is now.
    fn refresh(&mut self, directory: &Directory, anew: &Anew) {
        let mut stale: BTreeMap<UserId, Standing> = BTreeMap::new();
        for peer in self.room.peers.values() {
            let user = &peer.who.user_id;
            if !anew.everybody && !anew.users.contains(user) {
                continue;
            }
            let mut standing = self.standing(directory, &peer.who, || unmoved(peer));
            standing.banned |= anew.erased.contains(user) && !directory.users.contains_key(user);
            let foreign = !standing.reach.admits(self.room.team.as_ref());
            let same = peer.who.app_role == standing.app_role && peer.who.foreign == foreign;
            if standing.banned || !same {
                stale.insert(user.clone(), standing);
            }
        }
        for (user_id, standing) in stale {
            let refresh = Command::RefreshUser { user_id, standing: Box::new(standing) };
            if let Err(refusal) = self.act(Actor::Server, refresh) {
                tracing::error!(room = %self.cid, %refusal, "a standing was refused in {}", self.cid);
            }
        }
    }

    /// Fills in what the Directory knows of him now; `standing.reach` holds what his token says.
    pub(super) fn know(&self, joining: &mut Joining) {
        let directory = self.shared.directory.now();
        let said = joining.standing.reach.clone();
        joining.standing = self.standing(&directory, &joining.newcomer, || said);
    }

    /// What is known of him. `said`: how far he reaches by his token, which counts where the server
    /// trusts tokens with teams and the Directory has none to tell.
    fn standing(
        &self,
        directory: &Directory,
        who: &Newcomer,
        said: impl FnOnce() -> Reach,
    ) -> Standing {
        // Without a token one's user id is the peer id.
        if who.user_id.as_str() == who.peer_id.as_str() {
            return directory.stranger();
        }
        let mut standing = directory.standing(&who.user_id, self.room.team.as_ref());
        let known =
            directory.app.multi_tenant_enabled && directory.users.contains_key(&who.user_id);
        if self.shared.trust_token_teams && !known {
            standing.reach = said();
        }
        standing
    }
}

/// A reach that leaves a peer where he is: what his token said is not remembered.
fn unmoved(peer: &Peer) -> Reach {
    if !peer.who.foreign {
        return Reach::Everywhere;
    }
    // Of a team that nobody is in: no room is his.
    Reach::Within(TeamId::parse("-").map(|team| Teams::from([team])).unwrap_or_default())
}
