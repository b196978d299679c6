//! A process under measurement: a real server, or the bare loop, as a child of this one.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{ServerArgs, ceiling::CeilingArgs, listening, process, tokens};

/// A child that listens, killed when this goes.
pub(crate) struct Peer {
    child: Child,
    addr: SocketAddr,
    /// An empty directory of its own, so that no settings of somebody else apply.
    home: PathBuf,
}

impl Peer {
    /// Starts a server with its default settings, and `settings` (TOML) on top.
    pub(crate) fn server(args: &ServerArgs, settings: &str) -> Result<Self> {
        let binary = match &args.server {
            Some(binary) => binary.canonicalize(),
            None => env::current_exe().map(|this| this.with_file_name("rolecall")),
        };
        let binary = binary.context("cannot find the server's binary; name it with --server")?;
        let mut command = Command::new(&binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--demo=false", "--log", "warn"])
            .env("ROLECALL_API_SECRET", tokens::SECRET);
        Self::start(command, settings).with_context(|| format!("cannot run `{}`", binary.display()))
    }

    /// Starts the bare loop.
    pub(crate) fn ceiling(args: &CeilingArgs) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("ceiling-each").args(args.as_flags());
        Self::start(command, "").context("cannot run the bare loop")
    }

    fn start(mut command: Command, settings: &str) -> Result<Self> {
        let home = home()?;
        fs::write(home.join("rolecall.toml"), settings)?;
        let mut child = command.current_dir(&home).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take();
        // From here on an early return kills the child.
        let mut peer = Self { child, addr: SocketAddr::from(([127, 0, 0, 1], 0)), home };
        let mut line = String::new();
        BufReader::new(stdout.context("no stdout")?).read_line(&mut line)?;
        peer.addr = listening(&line)?;
        Ok(peer)
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        process::resident_bytes(self.child.id())
    }

    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        process::cpu_seconds(self.child.id())
    }

    /// The value of the one metric of that name.
    pub(crate) fn metric(&self, name: &str) -> Result<u64> {
        let mut stream = TcpStream::connect(self.addr)?;
        let request =
            format!("GET /metrics HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.addr);
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let mut lines = answer.lines().filter_map(|line| line.split_once(' '));
        let Some((_, value)) = lines.find(|(metric, _)| *metric == name) else {
            bail!("the server shows no metric `{name}`")
        };
        Ok(value.trim().parse()?)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn home() -> Result<PathBuf> {
    for number in 0..1000 {
        let home = env::temp_dir().join(format!("rolecall-bench-{}-{number}", std::process::id()));
        match fs::create_dir(&home) {
            Ok(()) => return Ok(home),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create `{}`", home.display()));
            }
        }
    }
    bail!("too many directories of this bench in `{}`", env::temp_dir().display())
}
