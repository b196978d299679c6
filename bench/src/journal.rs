//! What the journal on disk does in a second, and how long a server needs to start over many rooms.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use rolecall::{
    clock::Clock,
    journal::{
        Journal, Record,
        sqlite::{Options, SqliteJournal},
    },
};
use rolecall_protocol::{
    call_type::{CallType, builtin},
    id::{CallTypeName, Cid, PeerId, Seq, Timestamp, UserId},
    json::Metadata,
    room::{
        Event,
        people::{Doer, Newcomer},
    },
};
use tokio::{runtime::Runtime, time::Instant};

use crate::{ServerArgs, peer::Peer, say};

/// Rooms that append at the same time.
const WRITERS: [usize; 3] = [1, 16, 256];
/// How long a woken server may take to have all rooms alive.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Args, Debug)]
pub(crate) struct JournalArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Where to make the journals; the disk that is measured is the one this is on
    #[arg(long, value_name = "DIR", default_value = ".")]
    disk: PathBuf,
    /// How many seconds each kind of append is repeated
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// How many rooms the server starts over
    #[arg(long, default_value_t = 20_000)]
    rooms: usize,
}

/// A directory that goes with this.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Measures, and says what came out; there is no bound.
pub(crate) fn run(args: &JournalArgs) -> Result<bool> {
    let folder = Folder(args.disk.join(format!("rolecall-bench-journal-{}", std::process::id())));
    fs::create_dir(&folder.0).with_context(|| format!("cannot create `{}`", folder.0.display()))?;
    let runtime = Runtime::new()?;
    say("journal: appends of one record each, by so many rooms at once");
    for (kind, power, flushed) in [
        ("not flushed", false, false),
        ("flushed (blocks, members, roles)", false, true),
        ("all flushed (durability = \"power\")", true, false),
    ] {
        for writers in WRITERS {
            let directory = folder.0.join(format!("{power}-{flushed}-{writers}"));
            let term = Duration::from_secs(args.seconds);
            let mut took = runtime.block_on(appends(&directory, power, flushed, writers, term))?;
            took.sort_unstable();
            let at = |part: usize| took.get(took.len() * part / 1000).copied().unwrap_or_default();
            say(&format!(
                "  {kind:<36} {writers:>4} rooms {:>8} a second   median {:>8.2?}   99 % {:>8.2?}   99.9 % {:>8.2?}",
                took.len() as u64 / args.seconds,
                at(500),
                at(990),
                at(999)
            ));
        }
    }
    start(args, &folder.0.join("start"), &runtime)?;
    Ok(true)
}

fn open(directory: &Path, power: bool) -> Result<Arc<SqliteJournal>> {
    let journal = SqliteJournal::open(Options {
        directory: directory.to_owned(),
        power,
        audit_kept: Duration::from_secs(3600),
        bytes_max: 1 << 40,
        rooms_max: 1_000_000,
        trails_max: 1_000_000,
        clock: Clock::system(),
        lost: |problem| panic!("the disk failed: {problem}"),
    })?;
    Ok(Arc::new(journal))
}

/// How long each append took.
async fn appends(
    directory: &Path,
    power: bool,
    flushed: bool,
    writers: usize,
    term: Duration,
) -> Result<Vec<Duration>> {
    let journal = open(directory, power)?;
    let end = Instant::now() + term;
    let mut writing = Vec::new();
    for number in 0..writers {
        let (journal, cid) = (Arc::clone(&journal), cid(number)?);
        let peer: PeerId = format!("peer-{number}").parse()?;
        writing.push(tokio::spawn(async move {
            let mut took = Vec::new();
            let mut seq = 0;
            while Instant::now() < end {
                let event = if flushed {
                    Event::UserBlocked { user_id: user(seq)?, by: Doer::Server }
                } else {
                    let raised = seq.is_multiple_of(2);
                    Event::HandRaised { peer_id: peer.clone(), raised, by: None }
                };
                let begun = Instant::now();
                journal.append(&cid, Seq(seq), vec![record(seq + 1, vec![event])]).await?;
                took.push(begun.elapsed());
                seq += 1;
            }
            anyhow::Ok(took)
        }));
    }
    let mut took = Vec::new();
    for one in writing {
        took.extend(one.await??);
    }
    journal.close().await;
    Ok(took)
}

/// Fills a journal with rooms, somebody in every second one, and starts over it.
fn start(args: &JournalArgs, directory: &Path, runtime: &Runtime) -> Result<()> {
    let call_type = builtin::all().remove("stage").context("no such call type")?;
    let rooms = args.rooms;
    runtime.block_on(async {
        let journal = open(directory, false)?;
        for number in 0..rooms {
            let records = life(number, &call_type)?;
            journal.append(&cid(number)?, Seq(0), records).await?;
        }
        journal.close().await;
        anyhow::Ok(())
    })?;
    let size = fs::metadata(directory.join("rolecall.db"))?.len();
    say(&format!(
        "journal: starting over {rooms} rooms, somebody in every second one, {:.0} MiB",
        size as f64 / f64::from(1 << 20)
    ));
    let begun = Instant::now();
    let journal = open(directory, false)?;
    say(&format!("  opened and checked          {:>8.2?}", begun.elapsed()));
    let begun = Instant::now();
    let seen = runtime.block_on(async {
        let (mut after, mut seen): (Option<Cid>, usize) = (None, 0);
        loop {
            let page = journal.states(after.as_ref(), 500).await?;
            let Some((last, _)) = page.last() else { return anyhow::Ok(seen) };
            after = Some(last.clone());
            seen += page.len();
        }
    })?;
    say(&format!("  {seen} states were read     {:>8.2?}", begun.elapsed()));
    runtime.block_on(journal.close());
    drop(journal);
    let data = directory.canonicalize()?;
    let begun = Instant::now();
    let server = Peer::server(&args.server, &format!("grace = \"10m\"\ndata = {data:?}\n"))?;
    say(&format!("  the server listens after    {:>8.2?}", begun.elapsed()));
    while server.metric("rolecall_peers")? < rooms as u64 / 2 {
        if begun.elapsed() > PATIENCE {
            return Err(anyhow!("the rooms do not wake"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    say(&format!("  and all seats are kept after{:>8.2?}", begun.elapsed()));
    say(&format!(
        "  the server then has         {:>8.1} MiB",
        server.resident_bytes()? as f64 / f64::from(1 << 20)
    ));
    Ok(())
}

/// What was done in a room: it was created, and somebody came and raised his hand a few times.
fn life(number: usize, call_type: &Arc<CallType>) -> Result<Vec<Arc<Record>>> {
    let created = Event::RoomCreated {
        epoch: format!("epoch-{number}").into(),
        team: None,
        created_by: None,
        custom: Metadata::new(&serde_json::json!({ "topic": format!("Topic {number}") }))
            .map_err(|problem| anyhow!(problem))?,
        backstage: false,
        call_type: Arc::clone(call_type),
        settings_override: None,
        starts_at: None,
        kept: true,
    };
    let mut records = vec![record(1, vec![created])];
    if number.is_multiple_of(2) {
        let peer_id: PeerId = format!("peer-{number}").parse()?;
        let newcomer = Box::new(Newcomer {
            peer_id: peer_id.clone(),
            user_id: user(number as u64)?,
            name: "Somebody".into(),
            metadata: Metadata::empty_object(),
            owner: false,
            app_role: "user".parse()?,
            token_role: None,
            assigned: None,
            overrides: Default::default(),
            session: "0".repeat(64).into(),
            exp: None,
            foreign: false,
        });
        records.push(record(3, vec![Event::PeerJoined { newcomer }]));
        for seq in 4..8 {
            let event =
                Event::HandRaised { peer_id: peer_id.clone(), raised: seq % 2 == 0, by: None };
            records.push(record(seq, vec![event]));
        }
    }
    Ok(records)
}

fn record(seq: u64, events: Vec<Event>) -> Arc<Record> {
    let at = Timestamp(Clock::system().now_ms());
    let (by, method) = (Doer::Server, "bench".into());
    Arc::new(Record { seq: Seq(seq), at, by, method, events, call: None })
}

fn cid(number: usize) -> Result<Cid> {
    Ok(Cid::new(&CallTypeName::parse("stage")?, &format!("room-{number}"))?)
}

fn user(number: u64) -> Result<UserId> {
    Ok(UserId::parse(&format!("user-{number}"))?)
}
