//! The Directory of this house: one task writes it, everybody reads it without waiting.
//!
//! What is, is a whole that is replaced at once ([`DirectoryHandle::now`]): a reader holds the one he
//! took for as long as he likes. What is asked goes through one bounded mailbox, is decided by
//! [`rolecall_protocol::directory`], committed to the journal, then published; whom a change
//! concerns has felt it before the asker gets his reply.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use rolecall_protocol::{
    directory::{Actor, Command, Directory, Key, Refusal, Reply},
    id::{CallTypeName, UserId},
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use crate::{
    clock::Clock,
    config::{Configured, Limits},
    journal::Journal,
};

mod task;
pub mod users;

pub use users::UserIndex;

/// The Directory, to be read and to be asked.
#[derive(Clone)]
pub struct DirectoryHandle {
    published: Arc<Published>,
    mailbox: mpsc::Sender<Ask>,
}

/// What the task and its readers share.
struct Published {
    now: ArcSwap<View>,
    concerned: Mutex<Vec<Arc<dyn Concerned>>>,
}

/// What is, and how it is searched: of the same moment.
struct View {
    directory: Arc<Directory>,
    users: UserIndex,
}

/// Something asked of the Directory.
enum Ask {
    /// A command, and who waits for its outcome.
    Command {
        actor: Actor,
        command: Box<Command>,
        answer: oneshot::Sender<Result<Reply, DirectoryError>>,
    },
    /// The house closes: what was published is stored so that the next start is quick.
    Stop(oneshot::Sender<()>),
}

/// Why something asked of the Directory did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The Directory said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be done now; nothing is known to have changed.
    #[error("{0}")]
    Unavailable(&'static str),
}

/// Why the Directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is stored is not what it should be, or is not there to be read.
    #[error("the directory cannot be read: {0}")]
    Unreadable(String),
    /// What is configured cannot be added to what is stored.
    #[error("the configured call type `{0}` cannot be taken over: {1}")]
    Configured(CallTypeName, DirectoryError),
    /// What is configured cannot be stored.
    #[error("the directory cannot be stored: {0}")]
    Unstored(String),
}

/// What was published: the Directory before and after, and what is different.
#[derive(Debug)]
pub struct Change {
    /// As it was.
    pub before: Arc<Directory>,
    /// As it is.
    pub after: Arc<Directory>,
    /// What was touched.
    pub keys: BTreeSet<Key>,
}

impl Change {
    /// The users that were touched.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        self.keys.iter().filter_map(|key| match key {
            Key::User(id) => Some(id),
            _ => None,
        })
    }

    /// The call types that were touched.
    pub fn call_types(&self) -> impl Iterator<Item = &CallTypeName> {
        self.keys.iter().filter_map(|key| match key {
            Key::CallType(name) => Some(name),
            _ => None,
        })
    }

    /// Whether teams are kept apart from now on, or from now on are not.
    #[must_use]
    pub fn is_multi_tenant_switched(&self) -> bool {
        self.before.app.multi_tenant_enabled != self.after.app.multi_tenant_enabled
    }
}

/// Somebody whom changes concern. He is told after they are published; whoever asked for a change
/// waits until he has dealt with it.
pub trait Concerned: Send + Sync {
    /// Deals with what changed.
    fn changed(&self, change: Arc<Change>) -> BoxFuture<'static, ()>;
}

impl DirectoryHandle {
    /// Reads the Directory from the journal, takes over what the configuration says anew, and
    /// starts its task.
    ///
    /// # Errors
    /// [`OpenError`], where what is stored cannot be read.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub async fn open(
        journal: Arc<dyn Journal>,
        clock: Clock,
        limits: &Limits,
        configured: &[Configured],
    ) -> Result<Self, OpenError> {
        let (mailbox, inbox) = mpsc::channel(limits.mailbox);
        let task = task::Task::open(journal, clock, limits, configured).await?;
        let published = task.published();
        tokio::spawn(task.run(inbox));
        Ok(Self { published, mailbox })
    }

    /// The Directory as it is now.
    #[must_use]
    pub fn now(&self) -> Arc<Directory> {
        Arc::clone(&self.published.now.load().directory)
    }

    /// Its users as they are now, to be searched.
    #[must_use]
    pub fn users(&self) -> UserIndex {
        self.published.now.load().users.clone()
    }

    /// Whoever is to be told of changes, from now on.
    pub fn concern(&self, concerned: Arc<dyn Concerned>) {
        self.published.concerned().push(concerned);
    }

    /// Asks something, and waits until it is done and felt by whom it concerns.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn command(&self, actor: Actor, command: Command) -> Result<Reply, DirectoryError> {
        let (answer, outcome) = oneshot::channel();
        let ask = Ask::Command { actor, command: Box::new(command), answer };
        self.mailbox.try_send(ask).map_err(|error| {
            DirectoryError::Unavailable(match error {
                TrySendError::Full(_) => "the directory has too much to do now",
                TrySendError::Closed(_) => "the server is going away",
            })
        })?;
        let fell = DirectoryError::Unavailable("the directory fell while it was asked");
        outcome.await.map_err(|_| fell)?
    }

    /// Takes note that a user was here, now or soon; nobody waits for it.
    pub fn touch(&self, id: &UserId, at: rolecall_protocol::id::Timestamp) {
        use rolecall_protocol::directory::user::SEEN_AGAIN_MS;
        let now = self.published.now.load();
        let Some(user) = now.directory.user(id) else { return };
        if user.last_active.is_some_and(|last| at.since(last) < SEEN_AGAIN_MS) {
            return;
        }
        let (answer, _) = oneshot::channel();
        let command = Box::new(Command::TouchUser { id: id.clone() });
        // Where it has too much to do, the next coming will be noted.
        let _ = self.mailbox.try_send(Ask::Command { actor: Actor::Server, command, answer });
    }

    /// Ends the task, everything stored.
    pub async fn stop(&self) {
        let (answer, done) = oneshot::channel();
        if self.mailbox.send(Ask::Stop(answer)).await.is_ok() {
            let _ = done.await;
        }
    }
}

impl Published {
    fn concerned(&self) -> std::sync::MutexGuard<'_, Vec<Arc<dyn Concerned>>> {
        // A push is all that is done under it.
        self.concerned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
