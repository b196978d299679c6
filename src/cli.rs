//! The command line: `rolecall serve`, `rolecall token`, and the commands that talk to a running
//! server, one file each.

pub mod app;
pub mod backup;
pub mod call_types;
mod change;
pub mod explain;
mod remote;
pub mod roles;
pub mod rooms;
mod screen;
mod table;
pub mod users;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};

pub use self::remote::RemoteError;
use crate::{
    auth::{self, Claims, KeyError, SignError},
    clock::Clock,
    config::{Config, ConfigError, Flags, LogFormat, Sources, parse_duration},
    directory,
    http::BindError,
    journal::ReadError,
    mint,
    server::{BackupError, OpenError, ServeError},
};

/// A self-hosted real-time room state server: who is in a room, in which role, and what each may do.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

const EXAMPLES: &str = "\
Examples:
  rolecall                                    try it: a demo on http://127.0.0.1:7400
  rolecall serve --listen 0.0.0.0:7400        for others, with ROLECALL_API_SECRET set
  rolecall token --user ann                   a token for ann, good for every room
  rolecall token --user ann --room stage:keynote --role speaker
  rolecall token --server                     a token for your backend
  rolecall rooms ls                           which rooms live on the server that runs
  rolecall call-types set default --ungrant user=screenshare --dry-run

Settings come from rolecall.toml, then from the environment (ROLECALL_LISTEN and so on),
then from flags. rolecall.example.toml in the repository lists them all.

Exit status: 0 done, 1 failed while running, 2 wrong settings or flags, 3 the journal on disk
cannot be used: another server has it, or it is damaged, newer or on a disk that fails.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server (also without any subcommand)
    Serve(ServeArgs),
    /// Print a token signed with the server's secret
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(TokenArgs),
    /// Copy the journal on disk to a file, also while a server runs
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(backup::BackupArgs),
    /// Anything that is asked of a running server.
    #[command(flatten)]
    Admin(Admin),
}

/// What is asked of a running server, over HTTP.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Call types: what each role may do, and changing it
    CallTypes(call_types::CallTypesArgs),
    /// Users: their roles and teams, bans
    Users(users::UsersArgs),
    /// Roles: the built-in ones, and your own
    Roles(roles::RolesArgs),
    /// Rooms: who is in them, and what was done there
    Rooms(rooms::RoomsArgs),
    /// The app: whether teams keep apart
    App(app::AppArgs),
    /// Why somebody may do something in a room, or may not
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(explain::ExplainArgs),
}

const EXPLAIN_EXAMPLES: &str = "\
What speaks for it (+) and against it (-), in the order in which it counts: the later overrules.

Examples:
  rolecall explain stage:keynote --user ann --capability mute-users
  rolecall explain stage:keynote --peer 01a2015c-993b-7000-8000-000000000000 --track audio";

const BACKUP_EXAMPLES: &str = "\
The copy is of one moment, complete and checked; nothing is overwritten. To go back to it: stop the
server, move the data directory away, and put the copy into a new one as `rolecall.db`.

Examples:
  rolecall backup --to /var/backups/rolecall-$(date +%F).db
  rolecall backup --data /var/lib/rolecall --to rolecall.db";

const TOKEN_EXAMPLES: &str = "\
The token is signed with `api_secret` from the settings that `serve` reads; without one,
with the public development secret.

Examples:
  rolecall token --user ann --name \"Ann B.\"
  rolecall token --user ann --room lobby:demo --owner
  rolecall token --hms --user ann --room stage:keynote --role speaker
  rolecall token --hms-management --ttl 24h
  rolecall token --user ann --call-cid default:a --call-cid default:b --role host
  curl -H \"Authorization: Bearer $(rolecall token --server)\" localhost:7400/v1/rooms";

/// Flags of `serve`.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The address to listen on; port 0 picks a free one [default: 127.0.0.1:7400]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The settings file [default: ./rolecall.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the journal, or `:memory:` for none [default: ./rolecall-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Web origins that may connect besides this server's own, or `*`; may be repeated
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',')]
    allowed_origins: Option<Vec<String>>,
    /// Whether to serve the demo [default: true with the development secret only]
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        hide_possible_values = true
    )]
    demo: Option<bool>,
    /// What to log: error, warn, info, debug, trace or a filter [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How to write the log: text or json [default: text]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    log_format: Option<LogFormat>,
}

/// Flags of `token`.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// The user it is for
    #[arg(long, value_name = "ID", required_unless_present_any = ["server", "hms_management"])]
    user: Option<String>,
    /// A server token, for your backend: it may do everything but join
    #[arg(long, conflicts_with_all = ["user", "name", "room", "call_cid", "role", "owner"])]
    server: bool,
    /// The only room it is good for: `type:id`, or an id of the default type
    #[arg(long, value_name = "CID")]
    room: Option<String>,
    /// A room it is good for, as Stream's tokens say it; may be repeated
    #[arg(long, value_name = "CID")]
    call_cid: Vec<String>,
    /// The user's role in those rooms
    #[arg(long)]
    role: Option<String>,
    /// Make the user an owner of those rooms
    #[arg(long)]
    owner: bool,
    /// The name to show
    #[arg(long)]
    name: Option<String>,
    /// A token of 100ms's form, for its SDKs; they bring the name themselves
    #[arg(long, requires_all = ["user", "room", "role"], conflicts_with_all = ["server", "name", "call_cid", "owner"])]
    hms: bool,
    /// A management token of 100ms's form, for your backend: it is good for `/v2` alone
    #[arg(long, conflicts_with_all = ["user", "server", "name", "room", "call_cid", "role", "owner", "hms"])]
    hms_management: bool,
    /// How long it is good
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    ttl: Duration,
    /// The settings file [default: ./rolecall.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Why the command did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A configured key is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The flags do not go together.
    #[error("{0}")]
    Usage(String),
    /// Nothing listens.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What is stored cannot be read, or leaves no room for what is configured.
    #[error(transparent)]
    Directory(#[from] directory::OpenError),
    /// The journal on disk cannot be used.
    #[error(transparent)]
    Disk(#[from] OpenError),
    /// The journal on disk cannot be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
    /// There is no backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// There is no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The runtime did not start.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// The server that runs did not do it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// It was not done, or what is there is not what should be.
    #[error("{0}")]
    Failed(String),
    /// Whoever was asked said no.
    #[error("nothing was sent")]
    Declined,
    /// Nothing can be read or said.
    #[error("cannot speak: {0}")]
    Speechless(std::io::Error),
    /// Whoever read what is said has gone, as `head` does; that is no failure.
    #[error("nobody reads on")]
    Unread,
}

impl CliError {
    /// 2 for what the caller must set otherwise, 3 for a journal on disk that cannot be used, 1 for
    /// what else went wrong, 0 for what did not.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Key(_) | Self::Usage(_) => 2,
            Self::Disk(_) | Self::Journal(_) | Self::Directory(_) => 3,
            Self::Bind(_) | Self::Sign(_) | Self::Start(_) | Self::Remote(_) => 1,
            Self::Backup(_) => 1,
            Self::Failed(_) | Self::Declined | Self::Speechless(_) => 1,
            Self::Unread => 0,
        }
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Key(error) => Self::Key(error),
            ServeError::Bind(error) => Self::Bind(error),
            ServeError::Directory(error) => Self::Directory(error),
            ServeError::Setting(problem) => Self::Usage(problem),
            ServeError::Disk(error) => Self::Disk(error),
            ServeError::Journal(error) => Self::Journal(error),
        }
    }
}

impl Cli {
    /// What to do; nothing said is `serve`.
    pub fn chosen(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

impl Admin {
    /// Asks the server, and says what it answers.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn run(self, clock: &Clock) -> Result<(), CliError> {
        match self {
            Self::CallTypes(args) => args.run(clock),
            Self::Users(args) => args.run(clock),
            Self::Roles(args) => args.run(clock),
            Self::Rooms(args) => args.run(clock),
            Self::App(args) => args.run(clock),
            Self::Explain(args) => args.run(clock),
        }
    }
}

impl ServeArgs {
    /// Where these flags say the settings are.
    pub fn sources(self) -> Sources {
        let Self { listen, config, data, allowed_origins, demo, log, log_format } = self;
        Sources::of_process(config, Flags { listen, data, allowed_origins, demo, log, log_format })
    }
}

impl TokenArgs {
    /// Where the secret is.
    pub fn sources(&self) -> Sources {
        Sources::of_process(self.config.clone(), Flags::default())
    }

    /// The token.
    pub fn mint(self, config: &Config, clock: &Clock) -> Result<String, CliError> {
        self.check()?;
        let Some(secret) = &config.api_secret else {
            let message = "there is no `api_secret` to sign with: only `keys` are configured";
            return Err(CliError::Usage(message.to_owned()));
        };
        let iat = clock.now_s();
        if self.hms_management {
            let (jti, ttl_s) = (mint::peer_id().to_string(), self.ttl.as_secs());
            let claims = auth::hms::ManagementClaims::new(config.api_key.clone(), jti, iat, ttl_s);
            return Ok(auth::sign(&claims, secret)?);
        }
        let exp = Some(iat.saturating_add(self.ttl.as_secs()));
        if let (true, Some(user_id), Some(room_id), Some(role)) =
            (self.hms, &self.user, &self.room, &self.role)
        {
            let claims = auth::hms::Claims {
                access_key: config.api_key.clone(),
                r#type: "app",
                version: 2,
                room_id: room_id.clone(),
                user_id: user_id.clone(),
                role: role.clone(),
                jti: String::new(),
                iat,
                nbf: iat,
                exp,
            };
            return Ok(auth::hms::sign(claims, secret, || mint::peer_id().to_string())?);
        }
        let claims = Claims {
            user_id: self.user,
            name: self.name,
            room: self.room,
            call_cids: self.call_cid,
            role: self.role,
            is_owner: self.owner,
            iat,
            exp,
        };
        Ok(claims.sign(secret)?)
    }

    /// Refuses what would make a token that says less than its flags.
    fn check(&self) -> Result<(), CliError> {
        let refuse = |message: String| Err(CliError::Usage(message));
        let bound = self.room.is_some() || !self.call_cid.is_empty();
        for (flag, given) in [("--role", self.role.is_some()), ("--owner", self.owner)] {
            if given && !bound {
                return refuse(format!(
                    "{flag} counts only for named rooms: add --room or --call-cid"
                ));
            }
        }
        for cid in self.room.iter().chain(&self.call_cid) {
            if !is_cid(cid) {
                return refuse(format!(
                    "`{cid}` is not a room: `type:id` or `id`, each 1 to 64 characters of \
                     A-Z a-z 0-9 _ -"
                ));
            }
        }
        for (flag, text, chars_max) in
            [("--user", &self.user, 128), ("--name", &self.name, 128), ("--role", &self.role, 64)]
        {
            let Some(text) = text else { continue };
            let chars = text.chars().count();
            if chars == 0 || chars > chars_max || text.chars().any(char::is_control) {
                return refuse(format!(
                    "{flag} `{}` is not 1 to {chars_max} characters without control characters",
                    text.escape_debug()
                ));
            }
        }
        if self.ttl.as_secs() == 0 {
            return refuse("--ttl must be a second or more".to_owned());
        }
        Ok(())
    }
}

/// Whether `cid` is `type:id` or `id`.
fn is_cid(cid: &str) -> bool {
    let is_part = |part: &str| {
        (1..=64).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    };
    match cid.split_once(':') {
        Some((call_type, id)) => is_part(call_type) && is_part(id),
        None => is_part(cid),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::auth::Verifier;

    fn command(line: &str) -> Command {
        Cli::try_parse_from(line.split(' ')).unwrap().chosen()
    }

    fn mint(line: &str) -> Result<String, CliError> {
        match command(line) {
            Command::Token(args) => args.mint(&Config::default(), &Clock::manual(1_000_000)),
            _ => panic!("`{line}` is no token command"),
        }
    }

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_said_is_serve() {
        for line in ["rolecall --listen 1 --demo", "rolecall serve --listen 1 --demo=true"] {
            match command(line) {
                Command::Serve(args) => {
                    assert_eq!((args.listen.as_deref(), args.demo), (Some("1"), Some(true)));
                }
                _ => panic!("`{line}` is no serve command"),
            }
        }
        assert!(matches!(command("rolecall"), Command::Serve(_)));
        let line = ["rolecall", "--allowed-origins", "https://a.b,https://c.d"];
        match Cli::try_parse_from(line).unwrap().chosen() {
            Command::Serve(args) => {
                let origins = args.sources().flags.allowed_origins.unwrap();
                assert_eq!(origins, ["https://a.b", "https://c.d"]);
            }
            _ => panic!("flags alone are no other command"),
        }
    }

    #[test]
    fn a_token_says_what_its_flags_said() {
        let token = mint(
            "rolecall token --user ann --name Ann --room stage:x --call-cid stage:x \
             --role speaker --owner --ttl 2m",
        )
        .unwrap();
        let verifier = Verifier::new(&Config::default(), Clock::manual(1_000_000)).unwrap();
        let identity = verifier.verify(&token).unwrap();
        assert_eq!(identity.user_id.as_deref(), Some("ann"));
        assert_eq!(identity.name.as_deref(), Some("Ann"));
        assert_eq!(identity.room.as_deref(), Some("stage:x"));
        assert_eq!(identity.call_cids, Some(vec!["stage:x".to_owned()]));
        assert_eq!((identity.role.as_deref(), identity.is_owner), (Some("speaker"), true));
        assert_eq!((identity.iat, identity.exp), (Some(1_000), Some(1_120)));
        let server = verifier.verify(&mint("rolecall token --server").unwrap()).unwrap();
        assert!(server.is_server());
        assert_eq!(server.exp, Some(1_000 + 3_600));
    }

    #[test]
    fn a_token_that_would_say_less_is_refused() {
        for (line, part) in [
            ("rolecall token --user ann --owner", "--owner counts only"),
            ("rolecall token --user ann --role host", "--role counts only"),
            ("rolecall token --user ann --room a:b:c", "`a:b:c` is not a room"),
            ("rolecall token --user ann --call-cid a/b", "`a/b` is not a room"),
            ("rolecall token --user a\tb", "--user `a\\tb`"),
            ("rolecall token --user ann --ttl 0s", "--ttl"),
        ] {
            let error = mint(line).unwrap_err();
            assert!(error.to_string().contains(part), "{line}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
        for line in [
            "rolecall token",
            "rolecall token --server --user ann",
            "rolecall token --user ann --ttl soon",
            "rolecall --listen 1 token --user ann",
            "rolecall tokens",
        ] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
