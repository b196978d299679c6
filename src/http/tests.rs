//! Tests of the door over real sockets, with requests written by hand.

use std::net::SocketAddr;

use futures::FutureExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use super::*;
use crate::config::Limits;

const PATIENCE: Duration = Duration::from_secs(10);
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Hands every socket to the test.
struct Caught(mpsc::Sender<Socket>);

impl Sockets for Caught {
    fn run(&self, socket: Socket) -> BoxFuture<'static, ()> {
        let caught = self.0.clone();
        async move { drop(caught.send(socket).await) }.boxed()
    }
}

struct House {
    addr: SocketAddr,
    sockets: mpsc::Receiver<Socket>,
    readiness: Readiness,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl House {
    fn open(limits: Limits) -> Self {
        Self::open_with(Config { limits, ..Config::default() })
    }

    fn open_with(mut config: Config) -> Self {
        config.listen.set_port(0);
        let listener = bind(config.listen).unwrap();
        let addr = listener.local_addr().unwrap();
        let (caught, sockets) = mpsc::channel(8);
        let clock = Clock::system();
        let verifier = Arc::new(Verifier::new(&config, clock.clone()).unwrap());
        let readiness = Readiness::default();
        let limits = config.limits.clone();
        let door = Arc::new(Door {
            config: Arc::new(config),
            clock,
            verifier,
            readiness: readiness.clone(),
            recorder: metrics::recorder(),
            sockets: Arc::new(Caught(caught)),
        });
        let api = Router::new().route(
            "/slow",
            get(async || std::future::pending::<()>().await).post(async |body: String| body),
        );
        let (stop, stopped) = watch::channel(false);
        let router = router(door, api);
        let serving = tokio::spawn(async move { serve(listener, router, &limits, stopped).await });
        Self { addr, sockets, readiness, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// Sends one request and returns all that comes back until the server closes.
    async fn ask(&self, head: &str) -> String {
        let mut stream = self.connect().await;
        let head = format!("{head}\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr);
        stream.write_all(head.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is an end too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the server closes");
    String::from_utf8(bytes).unwrap()
}

/// Reads up to the end of the answer's head.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(timeout(PATIENCE, stream.read_u8()).await.expect("an answer comes").unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

fn short(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[tokio::test]
async fn health_readiness_and_metrics_are_there() {
    let house = House::open(Limits::default());
    assert!(house.ask("GET /healthz HTTP/1.1").await.starts_with("HTTP/1.1 200 OK"));
    assert!(house.ask("GET /readyz HTTP/1.1").await.starts_with("HTTP/1.1 503"));
    house.readiness.set(true);
    assert!(house.ask("GET /readyz HTTP/1.1").await.starts_with("HTTP/1.1 200 OK"));
    let metrics = house.ask("GET /metrics HTTP/1.1").await;
    assert!(metrics.contains("rolecall_http_requests_total{status=\"503\"}"), "{metrics}");
    assert!(metrics.contains("# TYPE rolecall_rooms gauge"), "{metrics}");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let house = House::open(Limits::default());
    let answer = house.ask("GET /nowhere?token=hush HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.contains(r#""reason":"not-found""#) && !answer.contains("hush"), "{answer}");
    let answer = house.ask("POST /healthz HTTP/1.1\r\nContent-Length: 0").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(answer.contains(r#""reason":"method-not-allowed""#), "{answer}");
}

#[tokio::test]
async fn without_the_demo_the_root_is_a_plain_page() {
    let house = House::open_with(Config { demo: false, ..Config::default() });
    let page = house.ask("GET / HTTP/1.1").await;
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("Rolecall"), "{page}");
    assert!(house.ask("GET /owner.html HTTP/1.1").await.starts_with("HTTP/1.1 404"));
    let head = house.ask("HEAD / HTTP/1.1").await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn the_demos_pages_ask_for_what_they_cannot_know_and_for_a_code_of_a_link() {
    let house = House::open_with(Config { api_key: "public".to_owned(), ..Config::default() });
    let about = house.ask("GET /demo/about HTTP/1.1").await;
    assert!(about.ends_with("{\"apiKey\":\"public\"}"), "on loopback there is no host: {about}");
    let code = house.ask("GET /demo/qr.svg?text=http%3A%2F%2Fa%2Fb%3Fc HTTP/1.1").await;
    assert!(code.starts_with("HTTP/1.1 200 OK") && code.contains("image/svg+xml"), "{code}");
    assert!(code.contains("default-src 'none'") && code.contains("</svg>"), "{code}");
    for query in ["", "?text=", "?word=a", &format!("?text={}", "x".repeat(513))] {
        let answer = house.ask(&format!("GET /demo/qr.svg{query} HTTP/1.1")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains(r#""reason":"bad-request""#), "{answer}");
    }
    let off = House::open_with(Config { demo: false, ..Config::default() });
    for path in ["/demo/about", "/demo/qr.svg?text=a"] {
        let answer = off.ask(&format!("GET {path} HTTP/1.1")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

#[tokio::test]
async fn a_plain_get_of_the_socket_is_told_to_upgrade() {
    let house = House::open(Limits::default());
    let answer = house.ask("GET /v1/connect HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13"), "{answer}");
    assert!(answer.contains(r#""reason":"upgrade-required""#), "{answer}");
}

#[tokio::test]
async fn another_origin_is_refused_before_the_upgrade() {
    let mut house = House::open(Limits::default());
    let mut stream = house.connect().await;
    let head = format!(
        "GET /v1/connect HTTP/1.1\r\nHost: h\r\nOrigin: http://evil.example\r\n{UPGRADE}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(house.sockets.try_recv().is_err());
}

#[tokio::test]
async fn an_upgraded_socket_is_handed_over_with_what_was_read_ahead() {
    let mut house = House::open(Limits::default());
    let mut stream = house.connect().await;
    let head = format!(
        "GET /v1/connect?x=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abc\r\n\
         Sec-WebSocket-Protocol: rolecall.v1\r\n{UPGRADE}\r\nahead"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 101 Switching Protocols"), "{answer}");
    assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    assert!(answer.contains("sec-websocket-protocol: rolecall.v1"), "{answer}");
    let mut socket = timeout(PATIENCE, house.sockets.recv()).await.unwrap().unwrap();
    assert_eq!(socket.bearer.as_ref().map(|token| token.expose()), Some("abc"));
    assert_eq!(socket.from, stream.local_addr().unwrap());
    assert_eq!(&socket.read_ahead[..], b"ahead");
    stream.write_all(b"later").await.unwrap();
    let mut later = [0; 5];
    socket.stream.read_exact(&mut later).await.unwrap();
    assert_eq!(&later, b"later");
    socket.stream.write_all(b"back").await.unwrap();
    let mut back = [0; 4];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"back");
}

#[tokio::test]
async fn a_head_that_trickles_is_given_up() {
    let house = House::open(Limits { handshake_timeout: short(200), ..Limits::default() });
    let mut stream = house.connect().await;
    let begun = Instant::now();
    let trickle = async {
        for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: ".iter().chain([b'x'; 100].iter()) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(short(40)).await;
        }
    };
    timeout(PATIENCE, trickle).await.expect("the server closes");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let house = House::open(Limits { handshake_timeout: short(200), ..Limits::default() });
    let mut stream = house.connect().await;
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_large_head_is_refused_even_before_it_ends() {
    let house = House::open(Limits::default());
    for head in [
        format!("GET /healthz HTTP/1.1\r\nX-Large: {}", "x".repeat(20_000)),
        format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000)),
    ] {
        let mut stream = house.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(
            answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414"),
            "{answer}"
        );
    }
    let fits = format!("GET /healthz HTTP/1.1\r\nX-Large: {}", "x".repeat(12_000));
    assert!(house.ask(&fits).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_large_body_and_a_slow_answer_are_refused() {
    let limits = Limits { body_bytes: 10, request_timeout: short(200), ..Limits::default() };
    let house = House::open(limits);
    let answer = house.ask("GET /slow HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let mut stream = house.connect().await;
    let post = "POST /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 11\r\n\r\n01234567890";
    stream.write_all(post.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let mut stream = house.connect().await;
    let trickle = "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n0";
    stream.write_all(trickle.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_a_socket_keeps_its_place() {
    let mut house = House::open(Limits { connections: 1, ..Limits::default() });
    let mut first = house.connect().await;
    let head = format!("GET /v1/connect HTTP/1.1\r\nHost: h\r\n{UPGRADE}\r\n");
    first.write_all(head.as_bytes()).await.unwrap();
    read_head(&mut first).await;
    let socket = timeout(PATIENCE, house.sockets.recv()).await.unwrap().unwrap();
    let mut second = house.connect().await;
    let answer = read_to_end(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    drop(socket);
    // The handshake's own task lets go a moment later.
    let served = async {
        while !house.ask("GET /healthz HTTP/1.1").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(short(10)).await;
        }
    };
    timeout(PATIENCE, served).await.expect("the place is free again");
}

#[tokio::test]
async fn stopping_lets_requests_end_and_idle_connections_go() {
    let limits = Limits { request_timeout: short(600), ..Limits::default() };
    let house = House::open(limits);
    let mut idle = house.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(read_head(&mut idle).await.starts_with("HTTP/1.1 200"));
    let mut busy = house.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    tokio::time::sleep(short(100)).await;
    house.stop.send(true).unwrap();
    read_to_end(&mut idle).await;
    assert!(read_to_end(&mut busy).await.starts_with("HTTP/1.1 408"));
    timeout(PATIENCE, house.serving).await.expect("serving ends").unwrap();
    assert!(TcpStream::connect(house.addr).await.is_err());
}

#[tokio::test]
async fn a_connection_that_is_no_socket_ends_after_its_lifetime() {
    let house = House::open(Limits { connection_lifetime: short(200), ..Limits::default() });
    let mut stream = house.connect().await;
    let keep_asking = async {
        loop {
            if stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").await.is_err() {
                return;
            }
            let mut answer = [0; 1024];
            if stream.read(&mut answer).await.unwrap_or(0) == 0 {
                return;
            }
            tokio::time::sleep(short(20)).await;
        }
    };
    timeout(PATIENCE, keep_asking).await.expect("the server closes");
}
