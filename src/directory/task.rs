//! The one writer of the Directory: decides what waits in its mailbox, commits all of it with one
//! append, publishes, and answers once everybody concerned has dealt with it.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use rolecall_protocol::{
    directory::{Actor, Command, Directory, Event, Key, Reply, replay, turn},
    id::{Seq, Timestamp},
};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{Ask, Change, DirectoryError, OpenError, Published, UserIndex, View};
use crate::{
    clock::Clock,
    config::{Configured, Limits},
    journal::{AppendError, DirectoryRecord, Journal},
};

/// What changed is stored as it is then after so many records, so that a start replays few.
const SNAPSHOT_EVERY: usize = 500;
/// Nothing waits longer than this for time to pass.
const FAR: Duration = Duration::from_secs(3600);

const NOT_STORED: DirectoryError =
    DirectoryError::Unavailable("the directory could not store it; it may or may not be done");
const NOT_READ: DirectoryError = DirectoryError::Unavailable("the directory cannot be read now");

const FELL: DirectoryError = DirectoryError::Unavailable("the directory fell over it");

type Outcome = Result<Reply, DirectoryError>;
type Answer = oneshot::Sender<Outcome>;

/// The task's own.
pub(super) struct Task {
    journal: Arc<dyn Journal>,
    clock: Clock,
    limits: Limits,
    published: Arc<Published>,
    /// As it will be once `records` are committed.
    next: Directory,
    records: Vec<Arc<DirectoryRecord>>,
    /// What those touch.
    touched: BTreeSet<Key>,
    /// Where the journal is.
    committed: Seq,
    /// What was touched since it was last stored as it is.
    unstored: BTreeSet<Key>,
    since_snapshot: usize,
    /// Whether `committed` is where the journal is, as far as is known.
    sound: bool,
    /// The last moment anything was decided; time never goes back.
    last: Timestamp,
}

impl Task {
    pub(super) async fn open(
        journal: Arc<dyn Journal>,
        clock: Clock,
        limits: &Limits,
        configured: &[Configured],
    ) -> Result<Self, OpenError> {
        let mut task = Self {
            journal,
            clock,
            limits: limits.clone(),
            published: Arc::new(Published {
                now: ArcSwap::from_pointee(View {
                    directory: Arc::new(Directory::new()),
                    users: UserIndex::default(),
                }),
                concerned: Mutex::default(),
            }),
            next: Directory::new(),
            records: Vec::new(),
            touched: BTreeSet::new(),
            committed: Seq(0),
            unstored: BTreeSet::new(),
            since_snapshot: 0,
            sound: true,
            last: Timestamp(0),
        };
        task.next = task.load().await.map_err(OpenError::Unreadable)?;
        task.committed = task.next.seq;
        for Configured { call_type, hash } in configured {
            let name = call_type.name.clone();
            let adopt =
                Command::AdoptCallType { call_type: Arc::clone(call_type), hash: Arc::clone(hash) };
            let before = task.records.len();
            task.act(&Actor::Server, adopt)
                .map_err(|error| OpenError::Configured(name.clone(), error))?;
            if task.records.len() > before {
                tracing::info!(call_type = %name, "call type {name} is taken from the configuration");
            }
        }
        task.append().await.map_err(|error| OpenError::Unstored(error.to_string()))?;
        let users = UserIndex::of(&task.next);
        let view = View { directory: Arc::new(task.next.clone()), users };
        task.published.now.store(Arc::new(view));
        task.touched.clear();
        Ok(task)
    }

    pub(super) fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published)
    }

    /// Runs until the house closes or nobody can ask any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Ask>) {
        let mut drained = Vec::new();
        loop {
            let wake = self.next_wake();
            tokio::select! {
                taken = inbox.recv_many(&mut drained, self.limits.drain) => {
                    if taken == 0 {
                        break self.snapshot().await;
                    }
                }
                () = sleep_until(wake) => {}
            }
            let mut stopped = None;
            let mut answers = Vec::new();
            if !self.sound {
                self.recover().await;
            }
            self.pass_time();
            for ask in drained.drain(..) {
                match ask {
                    Ask::Command { actor, command, answer } => {
                        let outcome = if self.sound {
                            let method = command.name();
                            let outcome = self.act(&actor, *command);
                            tracing::debug!(%actor, method, ok = outcome.is_ok(), "{actor} asked {method}");
                            outcome
                        } else {
                            Err(NOT_READ)
                        };
                        answers.push((answer, outcome));
                    }
                    Ask::Stop(answer) => stopped = Some(answer),
                }
            }
            self.settle(answers).await;
            if let Some(answer) = stopped {
                inbox.close();
                self.snapshot().await;
                let _ = answer.send(());
                return;
            }
            if self.since_snapshot >= SNAPSHOT_EVERY {
                self.snapshot().await;
            }
        }
    }

    /// Decides a command; its events wait to be committed.
    fn act(&mut self, actor: &Actor, command: Command) -> Outcome {
        let method = command.name();
        self.last = self.last.max(Timestamp(self.clock.now_ms()));
        let at = self.last;
        // It works on a copy: if it falls, nothing has happened.
        let decided = catch_unwind(AssertUnwindSafe(|| turn(&self.next, actor, command, at)));
        let Ok(decision) = decided else {
            tracing::error!(%actor, method, "the directory fell over {method}");
            return Err(FELL);
        };
        let decision = decision?;
        if !decision.events.is_empty() {
            let written: Result<Vec<_>, _> = decision.events.iter().map(to_raw_value).collect();
            let Ok(events) = written else {
                tracing::error!(method, "events of the directory cannot be written");
                return Err(NOT_STORED);
            };
            let by = actor.to_string().into();
            let seq = decision.next.seq;
            self.records.push(Arc::new(DirectoryRecord {
                seq,
                at,
                by,
                method: method.into(),
                events,
            }));
            self.touched.extend(decision.events.iter().map(Event::key));
            self.next = decision.next;
        }
        Ok(decision.reply)
    }

    /// Does what time does: ends bans.
    fn pass_time(&mut self) {
        let now = Timestamp(self.clock.now_ms());
        let due = self.next.next_deadline().is_some_and(|deadline| deadline <= now);
        if self.sound
            && due
            && let Err(error) = self.act(&Actor::Timer, Command::Tick)
        {
            tracing::error!(%error, "time was refused in the directory");
        }
    }

    fn next_wake(&self) -> Instant {
        let now = Timestamp(self.clock.now_ms());
        let due =
            self.next.next_deadline().map(|deadline| Duration::from_millis(deadline.since(now)));
        Instant::now() + due.unwrap_or(FAR).min(FAR)
    }

    /// Commits what was decided, publishes it, and answers.
    async fn settle(&mut self, answers: Vec<(Answer, Outcome)>) {
        if self.records.is_empty() {
            for (answer, outcome) in answers {
                let _ = answer.send(outcome);
            }
            return;
        }
        if let Err(error) = self.append().await {
            tracing::error!(%error, "the directory could not commit");
            // What was refused may have been refused because of what did not come to be.
            for (answer, _) in answers {
                let _ = answer.send(Err(NOT_STORED));
            }
            self.sound = false;
            self.touched.clear();
            self.next = Directory::clone(&self.published.now.load().directory);
            return;
        }
        let keys = std::mem::take(&mut self.touched);
        self.publish(keys, answers);
    }

    async fn append(&mut self) -> Result<(), AppendError> {
        let records = std::mem::take(&mut self.records);
        if records.is_empty() {
            return Ok(());
        }
        let many = records.len();
        self.journal.append_directory(self.committed, records).await?;
        self.committed = self.next.seq;
        self.since_snapshot += many;
        self.unstored.extend(self.touched.iter().cloned());
        Ok(())
    }

    /// Lets everybody read what is, tells whom it concerns, and answers when they have dealt with
    /// it. The next commands do not wait for that: who is concerned reads what is then.
    fn publish(&self, keys: BTreeSet<Key>, answers: Vec<(Answer, Outcome)>) {
        let after = Arc::new(self.next.clone());
        let change = {
            let was = self.published.now.load();
            let mut users = was.users.clone();
            for key in &keys {
                if let Key::User(id) = key {
                    users.renew(id, &after);
                }
            }
            self.published.now.store(Arc::new(View { directory: Arc::clone(&after), users }));
            Arc::new(Change { before: Arc::clone(&was.directory), after, keys })
        };
        let concerned = self.published.concerned().clone();
        let told = concerned.iter().map(|one| one.changed(Arc::clone(&change)));
        let told = futures::future::join_all(told);
        let patience = self.limits.request_timeout;
        tokio::spawn(async move {
            if tokio::time::timeout(patience, told).await.is_err() {
                tracing::warn!("a change of the directory is not felt everywhere yet");
            }
            for (answer, outcome) in answers {
                let _ = answer.send(outcome);
            }
        });
    }

    /// Reads the Directory anew, after an append of which it is not known what became.
    async fn recover(&mut self) {
        let loaded = match self.load().await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::error!(error, "the directory cannot be read again");
                return;
            }
        };
        tracing::warn!("the directory was read again from its journal");
        self.sound = true;
        self.committed = loaded.seq;
        self.next = loaded;
        let keys = differences(&self.published.now.load().directory, &self.next);
        if !keys.is_empty() {
            self.publish(keys, Vec::new());
        }
    }

    /// The Directory as the journal has it.
    async fn load(&mut self) -> Result<Directory, String> {
        let loaded = self.journal.load_directory().await.map_err(|error| error.to_string())?;
        let entities = loaded.entities.iter().map(|entity| (&*entity.key, entity.body.get()));
        let mut directory = Directory::from_entities(entities, loaded.seq)?;
        directory.users_max = self.limits.users_max;
        for record in &loaded.records {
            let events: Result<Vec<Event>, _> =
                record.events.iter().map(|event| serde_json::from_str(event.get())).collect();
            let events = events.map_err(|error| format!("record {}: {error}", record.seq))?;
            replay(&mut directory, &events, record.at);
            if directory.seq != record.seq {
                return Err(format!("record {} does not follow the one before", record.seq));
            }
            self.unstored.extend(events.iter().map(Event::key));
            self.last = self.last.max(record.at);
        }
        self.since_snapshot = loaded.records.len();
        Ok(directory)
    }

    /// Stores what was touched as it is now.
    async fn snapshot(&mut self) {
        if self.unstored.is_empty() || !self.sound {
            return;
        }
        let mut changed: Vec<(String, Option<Box<RawValue>>)> = Vec::new();
        for key in &self.unstored {
            let body = match self.next.entity(key).map(|body| to_raw_value(&body)).transpose() {
                Ok(body) => body,
                Err(error) => return tracing::error!(%key, %error, "{key} cannot be written"),
            };
            changed.push((key.to_string(), body));
        }
        match self.journal.snapshot_directory(self.committed, changed).await {
            Ok(()) => {
                self.unstored.clear();
                self.since_snapshot = 0;
            }
            Err(error) => {
                tracing::warn!(%error, "no snapshot of the directory was taken");
                // Not at each command: the records hold everything meanwhile.
                self.since_snapshot = 0;
            }
        }
    }
}

/// What is different between the two.
fn differences(a: &Directory, b: &Directory) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    if a.app != b.app {
        keys.insert(Key::App);
    }
    for (one, other) in [(a, b), (b, a)] {
        let users = one.users.iter().filter(|(id, user)| other.users.get(*id) != Some(*user));
        keys.extend(users.map(|(id, _)| Key::User(id.clone())));
        let roles = one.roles.iter().filter(|(name, role)| other.roles.get(*name) != Some(*role));
        keys.extend(roles.map(|(name, _)| Key::Role(name.clone())));
        let types = one.call_types.iter();
        let types = types.filter(|(name, entry)| other.call_types.get(*name) != Some(*entry));
        keys.extend(types.map(|(name, _)| Key::CallType(name.clone())));
    }
    keys
}
