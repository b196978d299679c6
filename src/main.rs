//! The program: reads the command line, starts the log and the runtime, and exits with a code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;
use rolecall::{
    cli::{Cli, CliError, Command},
    clock::Clock,
    config::Config,
    logging, server,
};

fn main() -> ExitCode {
    match run(Cli::parse().chosen()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError::Unread) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), CliError> {
    let clock = Clock::system();
    match command {
        Command::Serve(args) => {
            let config = Config::load(&args.sources())?;
            logging::start(&config);
            let runtime = tokio::runtime::Runtime::new()?;
            let serving = async { server::run(config, clock, server::told_to_stop()).await };
            Ok(runtime.block_on(serving)?)
        }
        Command::Token(args) => {
            let config = Config::load(&args.sources())?;
            let token = args.mint(&config, &clock)?;
            Ok(writeln!(io::stdout(), "{token}")?)
        }
        Command::Backup(args) => args.run(),
        Command::Admin(admin) => admin.run(&clock),
    }
}
