//! The composition root: builds the house from its parts, starts it and stops it.

use std::{
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use rolecall_protocol::{
    id::{CallTypeName, Cid, Timestamp},
    room::{Command, Creation},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::Instant,
};

use crate::{
    auth::{Claims, KeyError, Verifier},
    clock::Clock,
    config::{Config, Durability},
    directory::{self, DirectoryHandle},
    http::{
        self, BindError, Door, Readiness,
        daily::{Daily, Turns},
        hms::{self, Hms},
        rate::Rates,
        rooms::Rooms,
        stream::{Stream, connections::Connections, sfu::Sfu, tasks::Tasks, user_news::UserNews},
    },
    hub::{Hub, Shared, changes, whereabouts::Whereabouts},
    journal::{
        Journal, ReadError,
        memory::MemoryJournal,
        sqlite::{self, Options, SqliteJournal},
    },
    metrics, mint,
    session::{Revocations, Sessions},
};

pub use crate::journal::sqlite::{BackupError, OpenError};

/// The rooms of the demo, one of each template; its links lead to the first.
const DEMO_ROOMS: [&str; 4] = ["lobby:demo", "stage:demo", "breakout:demo", "classroom:demo"];
/// The exit status of a process whose disk failed, as that of one whose journal cannot be used.
const EXIT_OF_A_LOST_DISK: i32 = 3;
/// How long the link to the owner's page is good.
const DEMO_TOKEN_TERM: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A configured key is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nothing listens.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Directory(#[from] directory::OpenError),
    /// A setting cannot stand.
    #[error("{0}")]
    Setting(String),
    /// The journal on disk cannot be used.
    #[error(transparent)]
    Disk(#[from] OpenError),
    /// What the journal has cannot be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
}

/// A server that listens but does not serve yet.
pub struct Server {
    addr: SocketAddr,
    listener: TcpListener,
    door: Arc<Door>,
    sessions: Arc<Sessions>,
    rooms: Arc<Rooms>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Builds everything and listens; who connects now waits for [`Server::serve`].
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn bind(config: Config, clock: Clock) -> Result<Self, ServeError> {
        let journal = journal(&config, &clock)?;
        Self::bind_with(config, clock, journal)
    }

    /// The same over a journal of the caller's own.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn bind_with(
        config: Config,
        clock: Clock,
        journal: Arc<dyn Journal>,
    ) -> Result<Self, ServeError> {
        let config = Arc::new(config);
        let verifier = Arc::new(Verifier::new(&config, clock.clone())?);
        let listener = http::bind(config.listen)?;
        let addr =
            listener.local_addr().map_err(|error| BindError::Refused(config.listen, error))?;
        let default_call_type = CallTypeName::parse(&config.default_call_type)
            .map_err(|error| ServeError::Setting(error.to_string()))?;
        // Nobody is served yet: nothing else waits while it is read.
        let directory = futures::executor::block_on(DirectoryHandle::open(
            Arc::clone(&journal),
            clock.clone(),
            &config.limits,
            &config.configured_call_types(),
        ))?;
        let shared = Shared {
            journal,
            clock: clock.clone(),
            limits: config.limits.clone(),
            mesh_max: config.media.mesh_max,
            grace: config.grace,
            calls: Arc::default(),
            directory: directory.clone(),
            started: Timestamp(clock.now_ms()),
            whereabouts: Whereabouts::default(),
            trust_token_teams: config.trust_token_teams,
        };
        let hub = Arc::new(Hub::new(shared));
        directory.concern(Arc::new(changes::Rooms(Arc::downgrade(&hub))));
        let (revocations, revoked) = Revocations::new();
        directory.concern(Arc::new(revocations));
        let (stop, closing) = watch::channel(false);
        let sessions = Arc::new(Sessions {
            hub: Arc::clone(&hub),
            verifier: Arc::clone(&verifier),
            config: Arc::clone(&config),
            default_call_type: default_call_type.clone(),
            closing,
            revoked,
        });
        let rooms =
            Rooms { hub: Arc::clone(&hub), verifier: Arc::clone(&verifier), default_call_type };
        let door = Arc::new(Door {
            config,
            clock,
            verifier,
            readiness: Readiness::default(),
            recorder: metrics::recorder(),
            sockets: Arc::new(Arc::clone(&sessions)),
        });
        Ok(Self { addr, listener, door, sessions, rooms: Arc::new(rooms), stop })
    }

    /// The address it listens on, its port picked.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The Directory it serves.
    #[must_use]
    pub fn directory(&self) -> DirectoryHandle {
        self.sessions.hub.shared().directory.clone()
    }

    /// Looks through everything the journal has, and wakes the rooms that somebody was in: their
    /// seats are kept for the grace from now on.
    ///
    /// # Errors
    /// [`ServeError::Journal`] where something of it is not what was written.
    pub async fn wake(&self) -> Result<(), ServeError> {
        let hub = &self.sessions.hub;
        let begun = Instant::now();
        let found = hub.wake(|room| hub.shared().calls.publish(room)).await?;
        tracing::info!(
            rooms = found.rooms, woken = found.woken, took = ?begun.elapsed(),
            "{} rooms are remembered, somebody was in {} of them", found.rooms, found.woken
        );
        Ok(())
    }

    /// Serves until `shutdown` ends, then stops in good order.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, door, sessions, rooms, stop, .. } = self;
        let api = api(Arc::clone(&door), rooms, stop.subscribe());
        let stopped = stop.subscribe();
        let router = http::router(Arc::clone(&door), api);
        if door.config.demo {
            open_demo(&sessions.hub, &door.config).await;
        }
        door.readiness.set(true);
        let serving = http::serve(listener, router, &door.config.limits, stopped);
        let stopping = async {
            shutdown.await;
            tracing::info!("stopping");
            door.readiness.set(false);
            let _ = stop.send(true);
            // Sockets are told to come back; seats are kept for the grace.
            sessions.hub.stop().await;
            sessions.hub.shared().directory.stop().await;
            linger(&sessions).await;
        };
        tokio::join!(serving, stopping);
        sessions.hub.shared().journal.close().await;
        tracing::info!("stopped");
    }

    /// The lines for whoever started it: where it listens, and the demo's links.
    fn greeting(&self) -> String {
        let config = &self.door.config;
        let mut greeting = format!("listening on http://{}\n", self.addr);
        if config.demo {
            let base = format!("http://{}", reachable(self.addr));
            let token =
                self.demo_token().map(|token| format!("#token={token}")).unwrap_or_default();
            let room = DEMO_ROOMS[0];
            greeting.push_str(&format!(
                "owner page        {base}/owner.html?room={room}{token}\n\
                 participant page  {base}/participant.html?room={room}\n"
            ));
        }
        greeting
    }

    /// The demo owner's token; there is none where the settings give no secret to sign it with.
    fn demo_token(&self) -> Option<String> {
        let iat = self.door.clock.now_s();
        let claims = Claims {
            user_id: Some("owner".to_owned()),
            name: Some("Owner".to_owned()),
            call_cids: DEMO_ROOMS.map(str::to_owned).to_vec(),
            is_owner: true,
            iat,
            exp: Some(iat + DEMO_TOKEN_TERM.as_secs()),
            ..Claims::default()
        };
        claims.sign(self.door.config.api_secret.as_ref()?).ok()
    }
}

/// What serves the REST APIs over the same rooms. They share their rates.
fn api(door: Arc<Door>, rooms: Arc<Rooms>, closing: watch::Receiver<bool>) -> Router<Arc<Door>> {
    let rates = Arc::new(Rates::new(&door.config.limits));
    let daily = Daily {
        config: Arc::clone(&door.config),
        clock: door.clock.clone(),
        verifier: Arc::clone(&door.verifier),
        hub: Arc::clone(&rooms.hub),
        rates: Arc::clone(&rates),
        turns: Turns::default(),
    };
    let directory = rooms.hub.shared().directory.clone();
    let connections = Arc::new(Connections::new(door.clock.clone()));
    let concerned: Arc<dyn directory::Concerned> = Arc::clone(&connections) as _;
    directory.concern(concerned);
    let stream = Arc::new(Stream {
        config: Arc::clone(&door.config),
        clock: door.clock.clone(),
        verifier: Arc::clone(&door.verifier),
        hub: Arc::clone(&rooms.hub),
        default_call_type: rooms.default_call_type.clone(),
        directory,
        rates: Arc::clone(&rates),
        tasks: Tasks::default(),
        connections,
        closing,
    });
    stream.directory.concern(Arc::new(UserNews(Arc::downgrade(&stream))));
    let sfu = Sfu { door: Arc::clone(&door), stream: Arc::clone(&stream) };
    let active = hms::api::Api {
        config: Arc::clone(&door.config),
        clock: door.clock.clone(),
        verifier: Arc::clone(&door.verifier),
        hub: Arc::clone(&rooms.hub),
        rates,
        default_call_type: rooms.default_call_type.clone(),
    };
    let hms = Hms {
        directory: rooms.hub.shared().directory.clone(),
        default_call_type: rooms.default_call_type.clone(),
        door,
    };
    http::api(rooms, stream, Arc::new(daily), Arc::new(hms), Arc::new(sfu), Arc::new(active))
}

/// The journal that the settings ask for.
fn journal(config: &Config, clock: &Clock) -> Result<Arc<dyn Journal>, OpenError> {
    let limits = &config.limits;
    if config.is_in_memory() {
        let journal = MemoryJournal::new(limits.journal_records_kept, limits.rooms_remembered);
        return Ok(Arc::new(journal));
    }
    let journal = SqliteJournal::open(Options {
        directory: config.data.clone(),
        power: config.durability == Durability::Power,
        // Never less than a room may have to look back.
        audit_kept: config.audit_kept.max(config.remembered()),
        bytes_max: limits.journal_bytes as u64,
        rooms_max: limits.rooms_remembered,
        trails_max: limits.trails_kept,
        clock: clock.clone(),
        lost: disk_lost,
    })?;
    Ok(Arc::new(journal))
}

/// Ends the process: what is acknowledged from now on might not be there after a power cut, and
/// asking the disk once more would not bring it back.
fn disk_lost(problem: &str) {
    tracing::error!(problem, "the disk did not take what it was given; stopping at once");
    let _ = writeln!(
        io::stderr(),
        "error: the disk did not take what it was given ({problem}); nothing that was acknowledged \
         is known to be lost, and nothing more is acknowledged"
    );
    std::process::exit(EXIT_OF_A_LOST_DISK);
}

/// Copies the journal on disk to a file that is not there yet; its size in bytes.
///
/// # Errors
/// [`BackupError`].
pub fn backup(config: &Config, to: &Path) -> Result<u64, BackupError> {
    sqlite::backup(&config.data, to)
}

/// Creates the demo's rooms, so that its links work in any order.
async fn open_demo(hub: &Hub, config: &Config) {
    let Ok(default) = CallTypeName::parse(&config.default_call_type) else { return };
    for room in DEMO_ROOMS {
        let Ok(cid) = Cid::parse(room, &default) else { continue };
        let creation = Creation { epoch: mint::epoch(), ..Creation::default() };
        let command = Command::Create(Box::new(creation));
        if let Err(error) = hub.command(&cid, command).await {
            tracing::warn!(
                reason = error.reason(),
                room,
                "a room of the demo could not be created"
            );
        }
    }
}

/// Waits until the sockets have said goodbye, for a while.
async fn linger(sessions: &Arc<Sessions>) {
    let term = sessions.config.limits.shutdown_timeout;
    // Each open socket holds one; beside them this function's caller and the door.
    let gone = async {
        while Arc::strong_count(sessions) > 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(term, gone).await;
}

/// `addr` as whoever is on this machine reaches it.
pub(crate) fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), addr.port()),
        _ => addr,
    }
}

/// Runs a server to its end, and says on stdout where it listens.
pub async fn run(
    config: Config,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    raise_file_limit(config.limits.connections);
    let server = Server::bind(config, clock)?;
    server.wake().await?;
    tracing::info!(addr = %server.addr, "listening on {}", server.addr);
    let mut stdout = io::stdout().lock();
    // A closed stdout is no reason not to serve.
    let _ = stdout.write_all(server.greeting().as_bytes()).and_then(|()| stdout.flush());
    drop(stdout);
    server.serve(shutdown).await;
    Ok(())
}

/// Raises the soft limit of open files, often 1,024, as far as the system allows: a connection is
/// a file. Says so where that is fewer than the settings allow connections.
fn raise_file_limit(connections: usize) {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) if files < connections as u64 => tracing::info!(
            files,
            connections,
            "the system allows {files} open files, fewer than the {connections} connections of the settings"
        ),
        Ok(files) => tracing::debug!(files, "up to {files} files may be open"),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}

/// Ends when the process is told to: by SIGTERM, or by SIGINT (Ctrl-C). It listens to both from
/// now on, awaited or not: a server that says it is ready must not die of the first of them.
///
/// # Panics
/// Outside of a runtime.
pub fn told_to_stop() -> impl Future<Output = ()> {
    let told = |kind| {
        let signal = signal(kind);
        async move {
            match signal {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(error) => {
                    tracing::error!(%error, "cannot hear signals");
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    let (terminate, interrupt) = (told(SignalKind::terminate()), told(SignalKind::interrupt()));
    async {
        tokio::select! {
            () = terminate => {}
            () = interrupt => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::IN_MEMORY;

    fn free_port() -> Config {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config { listen, data: IN_MEMORY.into(), ..Config::default() }
    }

    #[tokio::test]
    async fn the_demos_owner_link_holds_a_token_for_its_rooms() {
        let clock = Clock::manual(1_800_000_000_000);
        let server = Server::bind(free_port(), clock).unwrap();
        let greeting = server.greeting();
        let lines: Vec<_> = greeting.lines().collect();
        let addr = server.addr();
        assert_eq!(lines[0], format!("listening on http://{addr}"));
        let (link, token) = lines[1].split_once("#token=").unwrap();
        assert_eq!(link, format!("owner page        http://{addr}/owner.html?room=lobby:demo"));
        let owner = server.door.verifier.verify(token).unwrap();
        assert_eq!(owner.user_id.as_deref(), Some("owner"));
        let rooms = DEMO_ROOMS.map(str::to_owned).to_vec();
        assert_eq!((owner.room, owner.call_cids, owner.is_owner), (None, Some(rooms), true));
        assert_eq!(owner.exp, Some(1_800_000_000 + 86_400));
        let page = format!("participant page  http://{addr}/participant.html?room=lobby:demo");
        assert_eq!(lines[2..], [page.as_str()]);
    }

    #[tokio::test]
    async fn without_the_demo_only_the_address_is_said() {
        let config = Config { demo: false, ..free_port() };
        let server = Server::bind(config, Clock::system()).unwrap();
        assert_eq!(server.greeting(), format!("listening on http://{}\n", server.addr()));
    }

    #[tokio::test]
    async fn a_busy_port_is_said_to_be_busy() {
        let first = Server::bind(free_port(), Clock::system()).unwrap();
        let config = Config { listen: first.addr(), ..free_port() };
        let error = Server::bind(config, Clock::system()).err().unwrap().to_string();
        assert!(error.starts_with(&format!("the address `{}` is already in use", first.addr())));
    }

    #[test]
    fn a_link_to_every_address_is_one_to_this_machine() {
        for (addr, expected) in [
            ("0.0.0.0:7400", "127.0.0.1:7400"),
            ("[::]:7400", "127.0.0.1:7400"),
            ("192.168.1.2:7400", "192.168.1.2:7400"),
        ] {
            assert_eq!(reachable(addr.parse().unwrap()).to_string(), expected);
        }
    }
}
