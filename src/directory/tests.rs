//! The Directory's task over a journal that fails when told to.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use rolecall_protocol::{
    call_type::builtin,
    directory::{
        call_types::CallTypeInput,
        user::{Ban, UserInput},
    },
    id::{CallTypeName, Cid, RoleName, Seq, Timestamp},
    room::Room,
};
use serde_json::{json, value::RawValue};

use super::*;
use crate::{
    config::Config,
    journal::{
        AppendError, DirectoryPage, DirectoryRecord, Loaded, LoadedDirectory, Page, ReadError,
        Record, memory::MemoryJournal,
    },
    query::{Filter, Paging},
};

/// What becomes of the next append.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Goes,
    /// Fails, and nothing is stored.
    Fails,
    /// Is stored, and says that it failed.
    Lies,
}

/// A journal of the Directory alone.
struct Wayward {
    inner: MemoryJournal,
    append: Mutex<Next>,
    unreadable: AtomicUsize,
    snapshots: AtomicUsize,
}

impl Wayward {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryJournal::new(10_000, 10),
            append: Mutex::new(Next::Goes),
            unreadable: AtomicUsize::new(0),
            snapshots: AtomicUsize::new(0),
        })
    }

    fn next(&self, next: Next) {
        *self.append.lock().unwrap() = next;
    }
}

fn not_asked<T>() -> Result<T, ReadError> {
    Err(ReadError("only the directory's stream is here".to_owned()))
}

#[async_trait]
impl Journal for Wayward {
    async fn append(&self, _: &Cid, at: Seq, _: Vec<Arc<Record>>) -> Result<(), AppendError> {
        Err(AppendError::Conflict { at })
    }
    async fn load(&self, _: &Cid, _: Timestamp) -> Result<Loaded, ReadError> {
        not_asked()
    }
    async fn read(&self, _: &Cid, _: Seq, _: usize) -> Result<Page, ReadError> {
        not_asked()
    }
    async fn snapshot(&self, _: Arc<Room>, _: Timestamp) -> Result<(), ReadError> {
        not_asked()
    }
    async fn forget(&self, _: &Cid, _: Seq, _: Timestamp) -> Result<(), ReadError> {
        not_asked()
    }
    async fn erase(&self, _: &Cid, _: Seq, _: Timestamp) -> Result<(), ReadError> {
        not_asked()
    }
    fn is_full(&self, _: &Cid) -> bool {
        true
    }
    async fn rooms(&self, _: Option<&Cid>, _: usize) -> Result<Vec<Cid>, ReadError> {
        not_asked()
    }
    async fn states(&self, _: Option<&Cid>, _: usize) -> Result<Vec<(Cid, Loaded)>, ReadError> {
        not_asked()
    }

    async fn append_directory(
        &self,
        expected: Seq,
        records: Vec<Arc<DirectoryRecord>>,
    ) -> Result<(), AppendError> {
        let next = std::mem::replace(&mut *self.append.lock().unwrap(), Next::Goes);
        if next == Next::Fails {
            return Err(AppendError::Failed("the disk is full".to_owned()));
        }
        self.inner.append_directory(expected, records).await?;
        match next {
            Next::Lies => Err(AppendError::Failed("the disk went away".to_owned())),
            Next::Goes | Next::Fails => Ok(()),
        }
    }
    async fn load_directory(&self) -> Result<LoadedDirectory, ReadError> {
        let left =
            self.unreadable.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_ok() {
            Err(ReadError("the disk is away".to_owned()))
        } else {
            self.inner.load_directory().await
        }
    }
    async fn snapshot_directory(
        &self,
        seq: Seq,
        changed: Vec<(String, Option<Box<RawValue>>)>,
    ) -> Result<(), ReadError> {
        self.snapshots.fetch_add(1, Ordering::SeqCst);
        self.inner.snapshot_directory(seq, changed).await
    }
    async fn read_directory(&self, after: Seq, limit: usize) -> Result<DirectoryPage, ReadError> {
        self.inner.read_directory(after, limit).await
    }
}

fn clock() -> Clock {
    Clock::manual(1_800_000_000_000)
}

async fn open(journal: &Arc<Wayward>) -> DirectoryHandle {
    let journal: Arc<dyn Journal> = journal.clone();
    DirectoryHandle::open(journal, clock(), &Limits::default(), &[]).await.unwrap()
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn upsert(id: &str) -> Command {
    Command::UpsertUsers { users: vec![UserInput::of(user(id))] }
}

fn role(name: &str) -> Command {
    Command::CreateRole { name: RoleName::parse(name).unwrap() }
}

/// What the handle's Directory is when read again from the journal.
async fn reread(journal: &Arc<Wayward>) -> Arc<Directory> {
    open(journal).await.now()
}

#[tokio::test]
async fn what_was_answered_is_read_found_and_there_after_a_restart() {
    let journal = Wayward::new();
    let house = open(&journal).await;
    let reply = house.command(Actor::Server, upsert("ann")).await.unwrap();
    assert!(matches!(reply, Reply::Users(users) if users[0].id == user("ann")));
    house.command(Actor::Server, role("nurse")).await.unwrap();
    assert!(house.now().user(&user("ann")).is_some());
    let filter = || Filter::parse(&json!({"id": "ann"}), &users::USERS).unwrap();
    let paging = Paging::Offset { limit: 10, offset: 0 };
    let sort = UserIndex::default_sort();
    assert_eq!(house.users().query(filter(), &sort, paging, false).unwrap().records.len(), 1);
    assert_eq!(reread(&journal).await, house.now(), "from its records");
    house.stop().await;
    assert!(journal.snapshots.load(Ordering::SeqCst) >= 1);
    let again = open(&journal).await;
    assert_eq!(again.now(), house.now(), "from what was stored");
    assert_eq!(again.users().query(filter(), &sort, paging, false).unwrap().records.len(), 1);
    let error = house.command(Actor::Server, upsert("bo")).await.unwrap_err();
    assert_eq!(error, DirectoryError::Unavailable("the server is going away"));
    let erase = Command::DeleteUsers { ids: vec![user("ann")], hard: true };
    again.command(Actor::Server, erase).await.unwrap();
    again.stop().await;
    let third = open(&journal).await;
    assert_eq!(third.now(), again.now());
    assert!(third.now().users.is_empty());
}

#[tokio::test]
async fn what_is_refused_or_changes_nothing_is_no_record() {
    let journal = Wayward::new();
    let house = open(&journal).await;
    house.command(Actor::Server, role("nurse")).await.unwrap();
    let refused = house.command(Actor::Server, role("nurse")).await.unwrap_err();
    assert!(matches!(refused, DirectoryError::Refused(Refusal::RoleExists(_))));
    house.command(Actor::Server, upsert("ann")).await.unwrap();
    house.command(Actor::Server, upsert("ann")).await.unwrap();
    house.touch(&user("ann"), Timestamp(1_800_000_000_000));
    house.touch(&user("ann"), Timestamp(1_800_000_000_000));
    house.touch(&user("nobody"), Timestamp(1_800_000_000_000));
    house.command(Actor::Server, role("cook")).await.unwrap();
    house.touch(&user("ann"), Timestamp(1_800_000_000_000));
    let page = journal.read_directory(Seq(0), 100).await.unwrap();
    let methods: Vec<_> = page.records.iter().map(|record| &*record.method).collect();
    assert_eq!(methods, ["createRole", "updateUsers", "touch", "createRole"]);
    assert!(page.records.iter().all(|record| &*record.by == "server"));
    assert!(house.now().user(&user("ann")).unwrap().last_active.is_some());
}

#[tokio::test]
async fn an_append_that_fails_changes_nothing() {
    let journal = Wayward::new();
    let house = open(&journal).await;
    house.command(Actor::Server, upsert("ann")).await.unwrap();
    let before = house.now();
    journal.next(Next::Fails);
    let error = house.command(Actor::Server, upsert("bo")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Unavailable(_)), "{error}");
    assert_eq!(house.now(), before);
    house.command(Actor::Server, upsert("cy")).await.unwrap();
    assert_eq!(house.now().users.keys().collect::<Vec<_>>(), [&user("ann"), &user("cy")]);
    assert_eq!(reread(&journal).await, house.now());
}

#[tokio::test]
async fn an_append_that_may_have_happened_is_looked_up() {
    let journal = Wayward::new();
    let house = open(&journal).await;
    let told = Told::by(&house);
    journal.next(Next::Lies);
    house.command(Actor::Server, upsert("bo")).await.unwrap_err();
    assert!(house.now().users.is_empty(), "not before it is known");
    house.command(Actor::Server, upsert("cy")).await.unwrap();
    assert_eq!(house.now().users.len(), 2);
    assert_eq!(*told.keys.lock().unwrap(), ["user/bo", "user/cy"]);
    assert_eq!(reread(&journal).await, house.now());
}

#[tokio::test]
async fn somebody_else_who_spoke_first_is_heard() {
    let journal = Wayward::new();
    let (one, other) = (open(&journal).await, open(&journal).await);
    other.command(Actor::Server, role("nurse")).await.unwrap();
    one.command(Actor::Server, role("cook")).await.unwrap_err();
    let error = one.command(Actor::Server, role("nurse")).await.unwrap_err();
    assert!(matches!(error, DirectoryError::Refused(Refusal::RoleExists(_))), "{error}");
    one.command(Actor::Server, role("cook")).await.unwrap();
    assert_eq!(one.now().roles.len(), 2);
    assert_eq!(reread(&journal).await, one.now());
}

#[tokio::test]
async fn while_the_journal_cannot_be_read_it_is_read_only() {
    let journal = Wayward::new();
    let house = open(&journal).await;
    house.command(Actor::Server, upsert("ann")).await.unwrap();
    journal.next(Next::Fails);
    house.command(Actor::Server, upsert("bo")).await.unwrap_err();
    journal.unreadable.store(1, Ordering::SeqCst);
    let error = house.command(Actor::Server, upsert("bo")).await.unwrap_err();
    assert_eq!(error, DirectoryError::Unavailable("the directory cannot be read now"));
    assert_eq!(house.now().users.len(), 1);
    house.command(Actor::Server, upsert("bo")).await.unwrap();
    assert_eq!(house.now().users.len(), 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_opened() {
    let journal = Wayward::new();
    let entity = RawValue::from_string("{}".to_owned()).unwrap();
    journal.snapshot_directory(Seq(1), vec![("user/ann".to_owned(), Some(entity))]).await.unwrap();
    let shared: Arc<dyn Journal> = journal;
    let error = DirectoryHandle::open(shared, clock(), &Limits::default(), &[]).await;
    let error = error.err().unwrap().to_string();
    assert!(error.starts_with("the directory cannot be read: `user/ann`"), "{error}");
}

/// Remembers what it was told, and takes its time.
struct Told {
    keys: Mutex<Vec<String>>,
    done: AtomicUsize,
}

impl Told {
    fn by(house: &DirectoryHandle) -> Arc<Self> {
        let told = Arc::new(Self { keys: Mutex::default(), done: AtomicUsize::new(0) });
        house.concern(Arc::new(Arc::clone(&told)));
        told
    }
}

impl Concerned for Arc<Told> {
    fn changed(&self, change: Arc<Change>) -> BoxFuture<'static, ()> {
        let told = Self::clone(self);
        told.keys.lock().unwrap().extend(change.keys.iter().map(Key::to_string));
        Box::pin(async move {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            told.done.fetch_add(1, Ordering::SeqCst);
        })
    }
}

#[tokio::test]
async fn whom_it_concerns_has_dealt_with_it_before_the_reply() {
    let journal = Wayward::new();
    let house = open(&journal).await;
    let told = Told::by(&house);
    house.command(Actor::Server, upsert("ann")).await.unwrap();
    assert_eq!(told.done.load(Ordering::SeqCst), 1);
    house.command(Actor::Server, role("x")).await.unwrap();
    house.command(Actor::Server, role("x")).await.unwrap_err();
    assert_eq!(*told.keys.lock().unwrap(), ["user/ann", "role/x"]);
}

#[tokio::test]
async fn a_ban_ends_when_its_time_comes() {
    let journal = Wayward::new();
    let clock = clock();
    let shared: Arc<dyn Journal> = journal.clone();
    let house =
        DirectoryHandle::open(shared, clock.clone(), &Limits::default(), &[]).await.unwrap();
    house.command(Actor::Server, upsert("ann")).await.unwrap();
    let until = Some(Timestamp(clock.now_ms() + 30));
    let ban = Box::new(Ban { until, ..Ban::default() });
    house.command(Actor::Server, Command::BanUser { id: user("ann"), ban }).await.unwrap();
    assert!(house.now().user(&user("ann")).unwrap().is_banned());
    clock.advance(std::time::Duration::from_millis(31));
    let patience = tokio::time::Instant::now();
    while house.now().user(&user("ann")).unwrap().is_banned() {
        assert!(patience.elapsed().as_secs() < 10, "he is still banned");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_configured_call_type_holds_until_rest_says_more_and_again_when_it_is_another() {
    let journal = Wayward::new();
    let configured = |hash: &str, from: &str| {
        let name = CallTypeName::parse("clinic").unwrap();
        let call_type = builtin::all()[from].as_ref().clone();
        let call_type = Arc::new(rolecall_protocol::call_type::CallType { name, ..call_type });
        [Configured { call_type, hash: hash.into() }]
    };
    let start = async |configured: &[Configured]| {
        let journal: Arc<dyn Journal> = journal.clone();
        DirectoryHandle::open(journal, clock(), &Limits::default(), configured).await.unwrap()
    };
    let clinic =
        |house: &DirectoryHandle| house.now().call_type("clinic").unwrap().call_type.clone();
    let house = start(&configured("one", "stage")).await;
    assert!(clinic(&house).roles.contains_key("speaker"));
    let input = Box::new(CallTypeInput { open: Some(true), ..CallTypeInput::default() });
    let name = CallTypeName::parse("clinic").unwrap();
    house.command(Actor::Server, Command::UpdateCallType { name, input }).await.unwrap();
    assert!(clinic(&start(&configured("one", "stage")).await).open, "what REST said stays");
    let house = start(&configured("two", "classroom")).await;
    assert!(clinic(&house).roles.contains_key("teacher") && !clinic(&house).open);
    assert!(clinic(&start(&[]).await).roles.contains_key("teacher"), "one no longer configured");
    assert!(Config::default().configured_call_types().is_empty());
}

#[tokio::test]
async fn more_than_its_mailbox_holds_is_turned_away() {
    let journal = Wayward::new();
    let shared: Arc<dyn Journal> = journal;
    let limits = Limits { mailbox: 1, ..Limits::default() };
    let house = DirectoryHandle::open(shared, clock(), &limits, &[]).await.unwrap();
    // All ask before the task, on the same thread, can take one.
    let asks = (0..5).map(|n| house.command(Actor::Server, role(&format!("r{n}"))));
    let outcomes = futures::future::join_all(asks).await;
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(done, 1, "{outcomes:?}");
    let full = DirectoryError::Unavailable("the directory has too much to do now");
    assert_eq!(outcomes[4].as_ref().unwrap_err(), &full);
    assert_eq!(house.now().roles.len(), 1);
}
