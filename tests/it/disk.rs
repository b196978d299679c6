//! The journal on disk: what it refuses, what it survives, and how large it gets.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rolecall::{
    clock::Clock,
    journal::{
        AppendError, Journal, Loaded,
        sqlite::{BackupError, OpenError, Options, SqliteJournal, backup},
    },
};
use rolecall_protocol::id::{Seq, Timestamp};
use tokio::time::timeout;

use crate::{
    house::PATIENCE,
    journal::{LATE, at, cid, directory_record, record, room, seqs},
};

/// A directory of a test's own, gone when it ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("data-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::SeqCst));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where the journal of this directory is.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// Another with the same files, as they are now.
    fn copied(&self) -> Self {
        let copy = Self::new();
        fs::create_dir_all(copy.data()).unwrap();
        for (name, bytes) in self.contents() {
            fs::write(copy.file(&name), bytes).unwrap();
        }
        copy
    }

    /// All of the journal's files but what only helps to find one's way in them.
    fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.data()).unwrap().map(|file| file.unwrap().path());
        let named = files.map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        });
        named.filter(|(name, _)| !name.ends_with("-shm") && !name.ends_with(".lock")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn options(folder: &Folder) -> Options {
    Options {
        directory: folder.data(),
        power: false,
        audit_kept: Duration::from_secs(3600),
        bytes_max: 1 << 30,
        rooms_max: 1000,
        trails_max: 1000,
        clock: Clock::manual(at(0).0),
        lost: |problem| panic!("the disk is lost: {problem}"),
    }
}

pub(crate) fn open(folder: &Folder, change: impl FnOnce(&mut Options)) -> Arc<SqliteJournal> {
    let mut options = options(folder);
    change(&mut options);
    Arc::new(SqliteJournal::open(options).unwrap_or_else(|error| panic!("{error}")))
}

/// Why it is not opened, in words; nothing of it was changed.
#[track_caller]
fn refused(folder: &Folder) -> String {
    let before = folder.contents();
    let error = SqliteJournal::open(options(folder)).err().expect("it was opened");
    assert!(folder.contents() == before, "something was changed, though it was refused");
    error.to_string()
}

/// Appends records up to `to`, each on its own.
async fn append(journal: &dyn Journal, name: &str, from: u64, to: u64) {
    for seq in from + 1..=to {
        journal.append(&cid(name), Seq(seq - 1), vec![record(seq)]).await.unwrap();
    }
}

async fn load(journal: &dyn Journal, name: &str) -> Loaded {
    journal.load(&cid(name), LATE).await.unwrap()
}

/// Some rooms and a directory, closed.
async fn filled() -> Folder {
    let folder = Folder::new();
    let journal = open(&folder, |_| {});
    for name in ["stage:a", "stage:b", "lobby:x"] {
        append(&*journal, name, 0, 40).await;
        journal.snapshot(room(name, 10), at(10)).await.unwrap();
    }
    journal.append_directory(Seq(0), vec![directory_record(1)]).await.unwrap();
    journal.close().await;
    folder
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let folder = filled().await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder.data()), mode(folder.file("rolecall.db"))), (0o700, 0o600));
    let journal = open(&folder, |_| {});
    let loaded = load(&*journal, "stage:a").await;
    assert_eq!(*loaded.snapshot.unwrap(), *room("stage:a", 10));
    assert_eq!(loaded.records, (11..=40).map(record).collect::<Vec<_>>());
    assert_eq!(journal.load_directory().await.unwrap().records.len(), 1);
    let again = journal.append(&cid("stage:a"), Seq(39), vec![record(40)]).await.unwrap_err();
    assert!(matches!(again, AppendError::Conflict { at: Seq(40) }));
    append(&*journal, "stage:a", 40, 41).await;
    // Without a word, as when the process is killed: another process finds what was acknowledged.
    let copy = folder.copied();
    assert!(fs::metadata(copy.file("rolecall.db-wal")).unwrap().len() > 0);
    assert_eq!(load(&*open(&copy, |_| {}), "stage:a").await.records.last(), Some(&record(41)));
}

#[tokio::test]
async fn what_is_closed_takes_nothing_more() {
    let folder = Folder::new();
    let journal = open(&folder, |_| {});
    journal.close().await;
    let refused = journal.append(&cid("stage:a"), Seq(0), vec![record(1)]).await.unwrap_err();
    assert!(matches!(refused, AppendError::Failed(_)), "{refused}");
    assert!(journal.load(&cid("stage:a"), LATE).await.is_err());
    journal.close().await;
}

#[tokio::test]
async fn a_directory_is_one_processs() {
    let folder = Folder::new();
    let journal = open(&folder, |_| {});
    append(&*journal, "stage:a", 0, 3).await;
    let expected = format!(
        "the data directory `{}` is in use by another rolecall (process {})",
        folder.data().display(),
        std::process::id()
    );
    assert_eq!(refused(&folder), expected);
    append(&*journal, "stage:a", 3, 4).await;
    journal.close().await;
    assert_eq!(load(&*open(&folder, |_| {}), "stage:a").await.records.len(), 4);
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let folder = filled().await;
    let edit = |sql: &str| {
        let connection = rusqlite::Connection::open(folder.file("rolecall.db")).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    edit("PRAGMA user_version = 7");
    let said = refused(&folder);
    let expected = "was written by a newer rolecall: its format is 7, and this one knows 2";
    assert!(said.contains(expected), "{said}");
    edit("PRAGMA user_version = 2; PRAGMA application_id = 5");
    let said = refused(&folder);
    assert!(said.ends_with("is no journal of rolecall; nothing was changed"), "{said}");
    fs::write(folder.file("rolecall.db"), "a file of somebody's own, of some length".repeat(99))
        .unwrap();
    assert!(refused(&folder).contains("is damaged"), "{}", refused(&folder));
    let other = Folder::new();
    fs::write(other.data(), "no directory").unwrap();
    let error = SqliteJournal::open(options(&other)).err().unwrap();
    assert!(matches!(error, OpenError::Directory { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_not_touched() {
    let folder = filled().await;
    let path = folder.file("rolecall.db");
    let sound = fs::read(&path).unwrap();
    let pages = sound.len() / 4096;
    assert!(pages > 10, "{pages} pages");
    let damage = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let said = refused(&folder);
        assert!(said.contains("is damaged: ") && said.contains("nothing was changed"), "{said}");
    };
    let flipped = |at: usize, count: usize| {
        let mut bytes = sound.clone();
        bytes[at..at + count].iter_mut().for_each(|byte| *byte ^= 0xff);
        bytes
    };
    // The header, what follows it on the first page, and each other page.
    damage(&flipped(0, 16));
    damage(&flipped(100, 8));
    (1..pages).for_each(|page| damage(&flipped(page * 4096, 8)));
    damage(&sound[..sound.len() / 2]);
    damage(&sound[..sound.len() - 4096]);
    damage(&sound[..100]);
    damage(&[]);
    fs::remove_file(&path).unwrap();
    fs::write(folder.file("rolecall.db-wal"), "a log without its file").unwrap();
    assert!(refused(&folder).contains("it is missing, but its log is there"));
    fs::remove_file(folder.file("rolecall.db-wal")).unwrap();
    fs::write(&path, &sound).unwrap();
    let journal = open(&folder, |_| {});
    assert_eq!(load(&*journal, "stage:a").await.records.len(), 30);
    // With a log beside it, which is not touched either.
    append(&*journal, "stage:a", 40, 45).await;
    let copy = folder.copied();
    assert!(fs::metadata(copy.file("rolecall.db-wal")).unwrap().len() > 0);
    fs::write(copy.file("rolecall.db"), flipped((pages - 1) * 4096, 8)).unwrap();
    assert!(refused(&copy).contains("is damaged: "), "{}", refused(&copy));
}

#[tokio::test]
async fn a_record_that_the_disk_changed_is_not_believed() {
    let folder = filled().await;
    let path = folder.file("rolecall.db");
    let mut bytes = fs::read(&path).unwrap();
    let word = b"\"reply 31\"";
    let places: Vec<_> =
        (0..bytes.len() - word.len()).filter(|at| bytes[*at..].starts_with(word)).collect();
    assert_eq!(places.len(), 3);
    // One letter of one record: SQLite itself has no way to tell.
    bytes[places[0] + 1] = b'R';
    fs::write(&path, &bytes).unwrap();
    let journal = open(&folder, |_| {});
    let mut failed = 0;
    for name in ["stage:a", "stage:b", "lobby:x"] {
        match journal.load(&cid(name), LATE).await {
            Ok(loaded) => assert_eq!(loaded.records.len(), 30),
            Err(error) => {
                failed += 1;
                assert!(error.to_string().contains("is not what was written"), "{error}");
            }
        }
    }
    assert_eq!(failed, 1);
    assert!(journal.states(None, 10).await.is_err());
}

#[tokio::test]
async fn a_full_journal_stores_nothing_more_and_nothing_half() {
    let folder = Folder::new();
    let journal = open(&folder, |options| options.bytes_max = 1 << 20);
    // Something that can go again.
    append(&*journal, "stage:gone", 0, 100).await;
    let mut last = 0;
    let full = loop {
        let two = vec![record(last + 1), record(last + 2)];
        match journal.append(&cid("stage:a"), Seq(last), two).await {
            Ok(()) => last += 2,
            Err(full) => break full,
        }
        assert!(last < 100_000, "it is never full");
    };
    assert!(matches!(&full, AppendError::Failed(problem) if problem.contains("full")), "{full}");
    let size = fs::metadata(folder.file("rolecall.db")).unwrap().len();
    assert!(size <= 1 << 20, "{size} bytes");
    for _ in 0..3 {
        let refused = journal.append(&cid("stage:new"), Seq(0), vec![record(1)]).await;
        if let Ok(()) = refused {
            // A record for which there was still a place on a page.
            journal.erase(&cid("stage:new"), Seq(1), at(0)).await.unwrap();
        }
    }
    assert_eq!(load(&*journal, "stage:a").await.records.len() as u64, last);
    assert_eq!(load(&*journal, "stage:gone").await.records.len(), 100);
    // Space comes back, and with it the journal.
    journal.erase(&cid("stage:gone"), Seq(100), at(0)).await.unwrap();
    append(&*journal, "stage:a", last, last + 20).await;
    journal.close().await;
    let journal = open(&folder, |options| options.bytes_max = 1 << 20);
    assert_eq!(load(&*journal, "stage:a").await.records.len() as u64, last + 20);
}

#[tokio::test]
async fn a_hundred_thousand_records_go_through_a_bounded_file() {
    let folder = Folder::new();
    let clock = Clock::manual(at(0).0);
    let journal = open(&folder, |options| {
        options.clock = clock.clone();
        options.audit_kept = Duration::from_millis(2_000);
    });
    // A record is made each millisecond, so two thousand are to be kept; a snapshot after each
    // thousand leaves two thousand more at most.
    let (mut largest, mut most) = (0, 0);
    for thousand in 0..100u64 {
        for hundred in 0..10 {
            let from = thousand * 1000 + hundred * 100;
            let records = (from + 1..=from + 100).map(record).collect();
            journal.append(&cid("stage:a"), Seq(from), records).await.unwrap();
        }
        let seq = thousand * 1000 + 1000;
        clock.set(at(seq).0);
        journal.snapshot(room("stage:a", seq), at(seq)).await.unwrap();
        if thousand % 20 == 19 {
            // What is over goes in the background; meanwhile everything works.
            let oldest = async {
                loop {
                    let page = journal.read(&cid("stage:a"), Seq(0), 1).await.unwrap();
                    let oldest = page.records[0].seq.0;
                    if oldest > seq - 2_001 {
                        break oldest;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let oldest = timeout(PATIENCE, oldest).await.expect("nothing goes");
            assert!(oldest <= seq - 1_999, "the trail begins at {oldest} of {seq}");
            let trail = journal.read(&cid("stage:a"), Seq(0), 10_000).await.unwrap();
            assert_eq!(seqs(&trail.records), (oldest..=seq).collect::<Vec<_>>());
            most = most.max(trail.records.len());
            largest = largest.max(fs::metadata(folder.file("rolecall.db")).unwrap().len());
        }
    }
    assert!(most <= 2_001, "{most} records");
    // Twenty thousand records wait to go at most; a hundred thousand would be five times that.
    assert!(largest < 12 << 20, "the file grew to {largest} bytes");
    let given_back = async {
        while fs::metadata(folder.file("rolecall.db")).unwrap().len() > 6 << 20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, given_back).await.expect("no space is given back");
    let loaded = load(&*journal, "stage:a").await;
    assert_eq!((loaded.snapshot.unwrap().seq, loaded.records.len()), (Seq(100_000), 0));
    // A room with a long past is forgotten as quickly as any, and what can be read of it still
    // goes with time.
    journal.forget(&cid("stage:a"), Seq(100_000), at(100_000)).await.unwrap();
    assert!(load(&*journal, "stage:a").await.snapshot.is_none());
    let trail = journal.read(&cid("stage:a"), Seq(0), 10_000).await.unwrap();
    assert!(trail.records.len() >= 2_000, "{}", trail.records.len());
    clock.set(at(101_000).0);
    eventually("the first half goes", async || {
        let trail = journal.read(&cid("stage:a"), Seq(0), 10_000).await.unwrap();
        seqs(&trail.records) == (99_000..=100_000).collect::<Vec<_>>()
    })
    .await;
    clock.set(at(102_001).0);
    eventually("all of it goes", async || {
        journal.read(&cid("stage:a"), Seq(0), 1).await.unwrap().records.is_empty()
    })
    .await;
    // The name is kept a little for who may be beginning anew.
    assert_eq!(load(&*journal, "stage:a").await.from, Seq(100_000));
    clock.set(at(100_000).0 + 60_001);
    eventually("the name goes", async || load(&*journal, "stage:a").await.from == Seq(0)).await;
}

/// Waits until that is so.
async fn eventually(what: &str, so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not so: {what}"));
}

#[tokio::test]
async fn what_was_forgotten_outlives_a_restart_and_counts_for_nothing() {
    let folder = filled().await;
    let journal = open(&folder, |_| {});
    for name in ["stage:a", "stage:b"] {
        journal.forget(&cid(name), Seq(40), at(41)).await.unwrap();
    }
    append(&*journal, "stage:b", 40, 45).await;
    journal.close().await;
    let journal = open(&folder, |options| options.rooms_max = 2);
    assert_eq!(journal.rooms(None, 10).await.unwrap(), [cid("lobby:x"), cid("stage:b")]);
    assert!(!journal.is_full(&cid("stage:b")) && journal.is_full(&cid("stage:a")));
    let trail = journal.read(&cid("stage:a"), Seq(0), 100).await.unwrap();
    assert_eq!(seqs(&trail.records), (1..=40).collect::<Vec<_>>());
    let trail = journal.read(&cid("stage:b"), Seq(0), 100).await.unwrap();
    assert_eq!(seqs(&trail.records), (1..=45).collect::<Vec<_>>());
    let loaded = load(&*journal, "stage:b").await;
    assert_eq!((loaded.from, seqs(&loaded.records)), (Seq(40), vec![41, 42, 43, 44, 45]));
    assert_eq!(load(&*journal, "stage:a").await.from, Seq(40));
}

#[tokio::test]
async fn of_too_many_trails_the_oldest_go_first() {
    let folder = Folder::new();
    let clock = Clock::manual(at(0).0 + 100_000);
    let journal = open(&folder, |options| {
        options.clock = clock.clone();
        options.trails_max = 3;
    });
    for (age, name) in (0..).zip(["stage:e", "stage:d", "stage:c", "stage:b", "stage:a"]) {
        append(&*journal, name, 0, 5).await;
        journal.forget(&cid(name), Seq(5), at(age)).await.unwrap();
    }
    append(&*journal, "stage:f", 0, 5).await;
    let read = async |name: &str| journal.read(&cid(name), Seq(0), 9).await.unwrap().records.len();
    eventually("two are gone", async || read("stage:e").await == 0 && read("stage:d").await == 0)
        .await;
    // What is kept is kept for good, as long as it is not too old.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for name in ["stage:a", "stage:b", "stage:c", "stage:f"] {
        assert_eq!(read(name).await, 5, "{name}");
    }
    assert_eq!(records_in(&folder), 20);
}

fn records_in(folder: &Folder) -> i64 {
    let connection = rusqlite::Connection::open(folder.file("rolecall.db")).unwrap();
    connection.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_file_of_the_first_format_becomes_one_of_today() {
    let folder = filled().await;
    {
        let connection = rusqlite::Connection::open(folder.file("rolecall.db")).unwrap();
        connection
            .execute_batch(
                "DROP INDEX rooms_living; DROP INDEX rooms_over; DROP TABLE erased;
                 ALTER TABLE rooms DROP COLUMN living; ALTER TABLE rooms DROP COLUMN over;
                 ALTER TABLE rooms DROP COLUMN over_at;
                 CREATE TABLE forgotten (room INTEGER PRIMARY KEY) STRICT;
                 INSERT INTO forgotten SELECT id FROM rooms WHERE cid = 'lobby:x';
                 DELETE FROM snapshots WHERE room = (SELECT room FROM forgotten);
                 DELETE FROM rooms WHERE id = (SELECT room FROM forgotten);
                 PRAGMA user_version = 1;",
            )
            .unwrap();
    }
    let journal = open(&folder, |_| {});
    assert_eq!(journal.rooms(None, 10).await.unwrap(), [cid("stage:a"), cid("stage:b")]);
    let loaded = load(&*journal, "stage:a").await;
    assert_eq!((loaded.snapshot.unwrap().seq, loaded.records.len()), (Seq(10), 30));
    append(&*journal, "stage:a", 40, 41).await;
    journal.forget(&cid("stage:b"), Seq(40), at(41)).await.unwrap();
    assert_eq!(journal.rooms(None, 10).await.unwrap(), [cid("stage:a")]);
    assert_eq!(journal.read(&cid("stage:b"), Seq(0), 100).await.unwrap().records.len(), 40);
    eventually("what was forgotten then goes", async || records_in(&folder) == 81).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_writing_is_a_whole_journal() {
    let folder = Folder::new();
    let journal = open(&folder, |_| {});
    append(&*journal, "stage:a", 0, 500).await;
    journal.append_directory(Seq(0), vec![directory_record(1)]).await.unwrap();
    let writing = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move { append(&*journal, "stage:a", 500, 2000).await }
    });
    let (directory, to) = (folder.data(), folder.path().join("backup.db"));
    let made = tokio::task::spawn_blocking({
        let (directory, to) = (directory.clone(), to.clone());
        move || backup(&directory, &to)
    });
    let bytes = made.await.unwrap().unwrap();
    assert_eq!(bytes, fs::metadata(&to).unwrap().len());
    writing.await.unwrap();
    let again = backup(&directory, &to).unwrap_err();
    assert!(matches!(again, BackupError::Exists(_)), "{again}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    let restored = Folder::new();
    let nothing = backup(&restored.data(), &folder.path().join("other.db")).unwrap_err();
    assert!(matches!(nothing, BackupError::Nothing(_)), "{nothing}");
    fs::create_dir_all(restored.data()).unwrap();
    fs::copy(&to, restored.file("rolecall.db")).unwrap();
    let restored = open(&restored, |_| {});
    let had = load(&*restored, "stage:a").await.records;
    let last = had.last().unwrap().seq.0;
    assert!((500..=2000).contains(&last), "{last}");
    assert_eq!(had, (1..=last).map(record).collect::<Vec<_>>());
    assert_eq!(restored.load_directory().await.unwrap().records.len(), 1);
    append(&*restored, "stage:a", last, last + 10).await;
}

#[tokio::test]
async fn call_types_lie_there_once_and_are_shared() {
    use rolecall_protocol::room::Event;
    let folder = Folder::new();
    let journal = open(&folder, |_| {});
    let call_type = Arc::clone(&room("stage:a", 0).call_type);
    for number in 0..50 {
        // Each its own copy, as rooms that were loaded have.
        let copy = Arc::new(call_type.as_ref().clone());
        let mut created = record(1).as_ref().clone();
        created.events = vec![Event::CallTypeAdopted { call_type: copy }];
        let name = cid(&format!("stage:{number}"));
        journal.append(&name, Seq(0), vec![Arc::new(created)]).await.unwrap();
    }
    let mut read = Vec::new();
    for (_, loaded) in journal.states(None, 100).await.unwrap() {
        match &loaded.records[0].events[0] {
            Event::CallTypeAdopted { call_type } => read.push(Arc::clone(call_type)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read.len(), 50);
    assert!(read.iter().all(|other| **other == *call_type));
    journal.close().await;
    let size = serde_json::to_string(&call_type).unwrap().len() as u64;
    let file = fs::metadata(folder.file("rolecall.db")).unwrap().len();
    assert!(file < 50 * size, "{file} bytes for 50 of {size}");
    // Nor are there many of them in memory once they are read from the file.
    let journal = open(&folder, |_| {});
    let states = journal.states(None, 100).await.unwrap();
    let of = |loaded: &Loaded| match &loaded.records[0].events[0] {
        Event::CallTypeAdopted { call_type } => Arc::clone(call_type),
        other => panic!("{other:?}"),
    };
    let first = of(&states[0].1);
    assert!(states.iter().all(|(_, loaded)| Arc::ptr_eq(&of(loaded), &first)));
    assert_eq!(*first, *call_type);
    assert_eq!(states[0].1.records[0].at, Timestamp(at(1).0));
}
