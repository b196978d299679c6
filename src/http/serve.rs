//! The accept loop: bounded connections, bounded heads, bounded time, and an orderly end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tower::ServiceExt as _;

use crate::{
    config::Limits,
    metrics::{self, Counted},
};

/// Connections the kernel may hold for us to accept; a storm of reconnects fills them at once.
const ACCEPT_BACKLOG: u32 = 4096;
/// How long to wait when the process can open no more files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The least that hyper wants for its buffer.
const BUFFER_BYTES_MIN: usize = 8 * 1024;
/// What a connection too many is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else does.
    #[error(
        "the address `{0}` is already in use; stop who uses it, or choose another with --listen"
    )]
    InUse(SocketAddr),
    /// The system refuses.
    #[error("cannot listen on `{0}`: {1}")]
    Refused(SocketAddr, io::Error),
}

/// Listens on `addr`; port 0 picks a free one.
pub fn bind(addr: SocketAddr) -> Result<TcpListener, BindError> {
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(ACCEPT_BACKLOG)
    };
    listen().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(addr),
        _ => BindError::Refused(addr, error),
    })
}

/// A connection's place among the bounded number of them, given back when the last clone goes.
#[derive(Clone, Debug)]
pub struct Guard {
    _place: Arc<(OwnedSemaphorePermit, Counted)>,
}

impl Guard {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { _place: Arc::new((permit, Counted::connection())) }
    }
}

/// Beside every request: the connection it came over.
#[derive(Clone, Debug)]
pub struct Inbound {
    from: SocketAddr,
    guard: Guard,
}

impl Inbound {
    /// The other end's address.
    pub const fn addr(&self) -> SocketAddr {
        self.from
    }

    /// The connection's place, to be held for as long as its socket is used.
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }
}

/// Serves `router` until `stop` says true, then lets requests under way end, for a while.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(permit) => {
                        let inbound = Inbound { from, guard: Guard::new(permit) };
                        let connection = Connection {
                            inbound,
                            router: router.clone(),
                            lifetime: limits.connection_lifetime,
                            last_answer: limits.request_timeout,
                            stop: stop.clone(),
                        };
                        connections.spawn(connection.run(stream, builder(limits)));
                    }
                    Err(_) => {
                        metrics::handshake_refused("full");
                        let _ = stream.try_write(FULL);
                    }
                },
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections for now");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.shutdown_timeout, all_ended).await.is_err() {
        tracing::warn!(left = connections.len(), "gave up waiting for requests under way");
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake_timeout)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes.max(BUFFER_BYTES_MIN));
    builder
}

/// Whether the error concerns the connection that was about to be accepted, not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Returns once `stop` says true, or can no longer say it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// One connection while it speaks HTTP; as a WebSocket it lives on elsewhere.
struct Connection {
    inbound: Inbound,
    router: Router,
    lifetime: Duration,
    last_answer: Duration,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream, builder: http1::Builder) {
        let Self { inbound, router, lifetime, last_answer, mut stop } = self;
        let from = inbound.from;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%from, %error, "a connection went before it was served");
            return;
        }
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(inbound.clone());
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = async {
                tokio::select! {
                    () = sleep(lifetime) => {}
                    () = stopped(&mut stop) => {}
                }
            } => {
                connection.as_mut().graceful_shutdown();
                timeout(last_answer, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%from, %error, "a connection ended badly");
        }
    }
}
