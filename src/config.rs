//! Settings: defaults, then `rolecall.toml`, then the environment, then the flags.

mod call_types;
mod keys;
mod layers;
mod limits;
mod media;
mod origins;
mod settings;
mod units;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use figment::{
    Figment, Provider,
    error::{Actual, Kind},
    providers::{Format, Serialized, Toml},
    value::Value,
};
use rolecall_protocol::id::CallTypeName;
use serde::{Deserialize, Serialize};

pub use self::{
    call_types::{CallTypes, Configured},
    keys::{KeyAlgorithm, KeyMaterial, TokenKey},
    layers::Flags,
    limits::Limits,
    media::{IceServer, Media, Turn},
    origins::AllowedOrigins,
};
pub(crate) use self::{keys::is_kid, origins::normalize, units::parse_duration};
use self::{
    layers::{ENVIRONMENT, FLAGS, Layer},
    settings::Settings,
};
use crate::secret::Secret;

/// The public pair used where nothing is configured; anybody can sign tokens with it.
pub const DEVELOPMENT_KEY: &str = "devkey";
/// See [`DEVELOPMENT_KEY`].
pub const DEVELOPMENT_SECRET: &str = "devsecret-devsecret-devsecret-devsecret";
/// As `data`: a journal that ends with the process.
pub const IN_MEMORY: &str = ":memory:";
/// The file read where none is named, if it is there.
pub const DEFAULT_FILE: &str = "rolecall.toml";
/// A shorter secret draws a warning: HS256 wants 32 bytes.
const SECRET_BYTES_MIN: usize = 32;

/// Everything the server was told, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The address to listen on; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The directory of the journal on disk, or [`IN_MEMORY`].
    pub data: PathBuf,
    /// What the journal outlives.
    pub durability: Durability,
    /// How long the journal keeps what nothing starts from any more.
    pub audit_kept: Duration,
    /// The app's public name, as Stream's SDKs send it.
    pub api_key: String,
    /// The secret of tokens without a `kid` (HS256). `None` where only `keys` are configured.
    pub api_secret: Option<Secret>,
    /// Further keys, found by `kid`.
    pub keys: Vec<TokenKey>,
    /// Whether a token's `teams` claim counts.
    pub trust_token_teams: bool,
    /// Which web pages besides our own may connect.
    pub allowed_origins: AllowedOrigins,
    /// The call type of a bare room id.
    pub default_call_type: String,
    /// How long a dropped peer keeps its seat.
    pub grace: Duration,
    /// Whether to serve the demo, create its rooms and print its links.
    pub demo: bool,
    /// What to log, as `tracing` filter directives.
    pub log: String,
    /// How to write the log.
    pub log_format: LogFormat,
    /// Every bound of the server.
    pub limits: Limits,
    /// How media flows from peer to peer.
    pub media: Media,
    /// The built-in call types and those of `[call_types.NAME]`.
    pub call_types: CallTypes,
    /// A hash of each table `[call_types.NAME]`.
    pub call_type_hashes: BTreeMap<CallTypeName, Arc<str>>,
    /// Whether tokens are signed with the public development pair.
    pub development: bool,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is in the journal when somebody is told that it was done. Who may do what, and what an
/// operator set, outlives the machine's power in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// The rest outlives the process.
    #[default]
    Process,
    /// The rest outlives the machine's power, too.
    Power,
}

impl Config {
    /// How long a room must know what was told and what was called: until nobody can come back
    /// whose socket was lost, and nobody sends a call again.
    #[must_use]
    pub fn remembered(&self) -> Duration {
        self.limits.remembered(self.grace)
    }

    /// Whether the journal is to end with the process.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.data.as_os_str() == IN_MEMORY
    }
}

/// Where settings are looked for.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config`; without it `ROLECALL_CONFIG`, then `./rolecall.toml` if it is there.
    pub file: Option<PathBuf>,
    /// The environment; variables that do not begin with `ROLECALL_` are not looked at.
    pub environment: Vec<(OsString, OsString)>,
    /// The flags.
    pub flags: Flags,
}

impl Sources {
    /// The process's own environment beside `file` and `flags`.
    pub fn of_process(file: Option<PathBuf>, flags: Flags) -> Self {
        Self { file, environment: std::env::vars_os().collect(), flags }
    }
}

/// A setting that cannot stand: which, why, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{key}`: {problem} (from {origin})")]
pub struct ConfigError {
    /// The setting, such as `limits.mailbox`.
    pub key: String,
    /// What is wrong, the offending value included unless it is a secret.
    pub problem: String,
    /// The file, variable or flag that set it.
    pub origin: String,
}

impl Default for Config {
    /// What nobody configured: the development pair on loopback.
    fn default() -> Self {
        let origins = Origins { figment: &Figment::new(), file: None };
        Self::check(Settings::default(), &origins).expect("the defaults are good settings")
    }
}

impl Config {
    /// Reads all sources; the first thing that is wrong is the error.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let file = find_file(sources)?;
        let defaults = Settings::default();
        let known = Value::serialize(&defaults).ok().and_then(Value::into_dict).unwrap_or_default();
        let mut figment = Figment::from(Serialized::defaults(&defaults));
        if let Some(path) = &file {
            figment = figment.merge(read_file(path)?);
        }
        let dict = layers::environment(&sources.environment, &known)?;
        figment = figment.merge(Layer { name: ENVIRONMENT, dict });
        let flags = Value::serialize(&sources.flags).ok().and_then(Value::into_dict);
        figment = figment.merge(Layer { name: FLAGS, dict: flags.unwrap_or_default() });

        let origins = Origins { figment: &figment, file: file.as_deref() };
        let settings: Settings = figment.extract().map_err(|error| origins.explain(&error))?;
        Self::check(settings, &origins)
    }

    /// Gives the settings their meaning.
    fn check(settings: Settings, origins: &Origins<'_>) -> Result<Self, ConfigError> {
        let refuse = |key: &str, problem: String| origins.refuse(key, problem);
        let listen = parse_listen(&settings.listen).map_err(|problem| refuse("listen", problem))?;
        if settings.data.is_empty() {
            return Err(refuse("data", "empty; it names a directory".to_owned()));
        }
        if settings.api_key.is_empty() || settings.api_key.chars().any(char::is_control) {
            return Err(refuse("api_key", "empty, or holds control characters".to_owned()));
        }
        let base = origins.file.and_then(Path::parent).unwrap_or(Path::new(""));
        let mut keys: Vec<TokenKey> = Vec::new();
        for (at, key) in settings.keys.into_iter().enumerate() {
            let key = TokenKey::parse(key, base)
                .map_err(|(field, problem)| refuse(&format!("keys[{at}].{field}"), problem))?;
            if keys.iter().any(|other| other.kid == key.kid) {
                let problem = format!("`{}` names two keys", key.kid);
                return Err(refuse(&format!("keys[{at}].kid"), problem));
            }
            keys.push(key);
        }
        let api_secret = match settings.api_secret {
            Some(secret) if secret.expose().is_empty() => {
                return Err(refuse("api_secret", "empty".to_owned()));
            }
            Some(secret) if keys::is_pem(secret.expose()) => {
                return Err(refuse("api_secret", "a PEM key is no secret: use `[[keys]]`".into()));
            }
            None if keys.is_empty() => Some(Secret::new(DEVELOPMENT_SECRET)),
            secret => secret,
        };
        let is_development = |secret: &Secret| secret.expose() == DEVELOPMENT_SECRET;
        let development = api_secret.as_ref().is_some_and(is_development)
            || keys.iter().any(
                |key| matches!(&key.material, KeyMaterial::Secret(secret) if is_development(secret)),
            );
        if development && !listen.ip().is_loopback() {
            let problem = format!(
                "`{listen}` is reachable from other machines, and everybody knows the development \
                 secret: set `api_secret` (ROLECALL_API_SECRET) to a secret of your own, or listen \
                 on 127.0.0.1"
            );
            return Err(refuse("listen", problem));
        }
        let allowed_origins = AllowedOrigins::parse(&settings.allowed_origins)
            .map_err(|problem| refuse("allowed_origins", problem))?;
        if !is_name(&settings.default_call_type) {
            let problem = not_a_name(&settings.default_call_type);
            return Err(refuse("default_call_type", problem));
        }
        for (name, table) in &settings.call_types {
            let key = format!("call_types.{name}");
            if !is_name(name) {
                return Err(refuse(&key, not_a_name(name)));
            }
            if !table.is_object() {
                return Err(refuse(&key, format!("`{table}` is not a table")));
            }
        }
        let call_types = call_types::build(&settings.call_types)
            .map_err(|(key, problem)| refuse(&key, problem))?;
        if !call_types.contains_key(settings.default_call_type.as_str()) {
            let problem = format!("there is no call type `{}`", settings.default_call_type);
            return Err(refuse("default_call_type", problem));
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&settings.log) {
            let problem = format!("`{}` is not a log filter: {error}", settings.log);
            return Err(refuse("log", problem));
        }
        limits::check(&settings.limits)
            .map_err(|(limit, problem)| refuse(&format!("limits.{limit}"), problem))?;
        let media = Media::parse(settings.media)
            .map_err(|(field, problem)| refuse(&format!("media.{field}"), problem))?;
        Ok(Self {
            listen,
            data: PathBuf::from(settings.data),
            durability: settings.durability,
            audit_kept: settings.audit_kept,
            api_key: settings.api_key,
            api_secret,
            keys,
            trust_token_teams: settings.trust_token_teams,
            allowed_origins,
            default_call_type: settings.default_call_type,
            grace: settings.grace,
            demo: settings.demo.unwrap_or(development),
            log: settings.log,
            log_format: settings.log_format,
            limits: settings.limits,
            media,
            call_types,
            call_type_hashes: call_types::hashes(&settings.call_types),
            development,
        })
    }

    /// What an operator should be told at the start, a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.is_in_memory() {
            warnings.push(format!(
                "`data` is `{IN_MEMORY}`: rooms, blocks and users end with this process"
            ));
        }
        if self.development {
            warnings.push(format!(
                "tokens are signed with the public development pair `{DEVELOPMENT_KEY}` / \
                 `{DEVELOPMENT_SECRET}`: anybody on this machine can make one; set ROLECALL_API_SECRET \
                 before others connect"
            ));
        }
        let mut short = |name: String, secret: &Secret| {
            let bytes = secret.expose().len();
            if bytes < SECRET_BYTES_MIN {
                warnings.push(format!(
                    "{name} has {bytes} bytes; a secret of less than {SECRET_BYTES_MIN} can be guessed"
                ));
            }
        };
        if let Some(secret) = &self.api_secret {
            short("`api_secret`".to_owned(), secret);
        }
        for key in &self.keys {
            if let KeyMaterial::Secret(secret) = &key.material {
                short(format!("the secret of key `{}`", key.kid), secret);
            }
        }
        warnings
    }
}

/// The file to read: the named one must be there, the default one may be.
fn find_file(sources: &Sources) -> Result<Option<PathBuf>, ConfigError> {
    let variable = || {
        let found = sources.environment.iter().find(|(name, _)| name == "ROLECALL_CONFIG");
        found.map(|(_, path)| PathBuf::from(path))
    };
    let (path, origin) = match (&sources.file, variable()) {
        (Some(path), _) => (path.clone(), "the flag `--config`"),
        (None, Some(path)) => (path, "the environment variable `ROLECALL_CONFIG`"),
        (None, None) => {
            let path = PathBuf::from(DEFAULT_FILE);
            return Ok(path.exists().then_some(path));
        }
    };
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(Some(path)),
        found => Err(ConfigError {
            key: "config".to_owned(),
            problem: match found {
                Ok(_) => format!("`{}` is not a file", path.display()),
                Err(error) => format!("cannot read `{}`: {error}", path.display()),
            },
            origin: origin.to_owned(),
        }),
    }
}

/// The file as a layer. An error here is one of TOML: it says where, but does not show the line,
/// which may hold a secret.
fn read_file(path: &Path) -> Result<figment::providers::Data<Toml>, ConfigError> {
    let layer = Toml::file_exact(path);
    layer.data().map_err(|error| {
        let text = error.kind.to_string();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let place = lines.next().unwrap_or_default();
        let reason = lines.next_back().map(|line| format!(": {line}")).unwrap_or_default();
        ConfigError {
            key: "config".to_owned(),
            problem: format!("{place}{reason}"),
            origin: format!("`{}`", path.display()),
        }
    })?;
    Ok(layer)
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    match port {
        Some(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => text.parse().map_err(|_| {
            format!("`{text}` is not an address such as `127.0.0.1:7400` or `0.0.0.0:7400`")
        }),
    }
}

/// A call type's name: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn not_a_name(name: &str) -> String {
    format!("`{name}` is not 1 to 64 characters of A-Z a-z 0-9 _ -")
}

/// Knows which layer a setting came from.
struct Origins<'a> {
    figment: &'a Figment,
    file: Option<&'a Path>,
}

impl Origins<'_> {
    fn refuse(&self, key: &str, problem: String) -> ConfigError {
        ConfigError { key: key.to_owned(), problem, origin: self.origin(key) }
    }

    /// The layer that set `key`, in words.
    fn origin(&self, key: &str) -> String {
        let place = key.split('[').next().unwrap_or(key);
        match self.figment.find_metadata(place).map(|layer| &*layer.name) {
            Some(ENVIRONMENT) => format!("the environment variable `{}`", layers::variable(key)),
            Some(FLAGS) => format!("the flag `--{}`", key.replace('_', "-")),
            Some(name) if name.contains("TOML") => match self.file {
                Some(path) => format!("`{}`", path.display()),
                None => "the file".to_owned(),
            },
            _ => "the defaults".to_owned(),
        }
    }

    /// A type error of figment in the words of the house.
    fn explain(&self, error: &figment::Error) -> ConfigError {
        let mut path = error.path.clone();
        match &error.kind {
            Kind::UnknownField(name, _) if path.last() != Some(name) => path.push(name.clone()),
            Kind::MissingField(name) => path.push(name.to_string()),
            _ => {}
        }
        let mut key = String::new();
        for part in &path {
            match part.parse::<usize>() {
                Ok(index) => key.push_str(&format!("[{index}]")),
                Err(_) if key.is_empty() => key.push_str(part),
                Err(_) => key.push_str(&format!(".{part}")),
            }
        }
        let hidden = path.last().is_some_and(|name| name.contains("secret"));
        let problem = match &error.kind {
            Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) if hidden => {
                format!("the value is not {}", in_words(expected))
            }
            Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
                format!("{} is not {}", shown(actual), in_words(expected))
            }
            Kind::UnknownField(..) => "no such setting".to_owned(),
            Kind::UnknownVariant(name, known) => {
                format!("`{name}` is not one of {}", known.join(", "))
            }
            Kind::MissingField(_) => "missing".to_owned(),
            Kind::ISizeOutOfRange(number) => format!("`{number}` is out of range"),
            Kind::USizeOutOfRange(number) => format!("`{number}` is out of range"),
            Kind::Message(message) => message.clone(),
            other => other.to_string(),
        };
        self.refuse(&key, problem)
    }
}

/// The offending value as the user wrote it.
fn shown(actual: &Actual) -> String {
    match actual {
        Actual::Bool(value) => format!("`{value}`"),
        Actual::Unsigned(value) => format!("`{value}`"),
        Actual::Signed(value) => format!("`{value}`"),
        Actual::Float(value) => format!("`{value}`"),
        Actual::Char(value) => format!("`{value}`"),
        Actual::Str(value) => format!("`{value}`"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// What was expected, without the names of Rust's types.
fn in_words(expected: &str) -> &str {
    match expected {
        "u32" | "u64" | "usize" => "a whole number",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list",
        "a string" => "text",
        "a map" => "a table",
        other if other.starts_with("struct") => "a table",
        other => other,
    }
}

#[cfg(test)]
mod tests;
