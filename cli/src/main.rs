//! `image-gate`: what the nginx module does, done to files, and what it needs made.

#![forbid(unsafe_code)]

mod files;
mod info;
mod key;
mod link;
mod sign;
mod time;
mod transform;
mod verify;
mod watermark;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A failure that one line explains. Where nothing else is said, the arguments are to blame.
type Failure = Box<dyn std::error::Error>;

/// How the program ends.
#[derive(Debug, Clone, Copy)]
enum Code {
    /// The answer to a question is no.
    No = 1,
    /// The arguments are wrong, as clap ends.
    Usage = 2,
    /// An input is not there, or can't be read.
    Input = 3,
    /// An input is no picture, or none that can be shown.
    Picture = 4,
    /// An output can't be written.
    Output = 5,
    /// A link is not let in.
    Link = 6,
}

/// A failure with a code of its own.
#[derive(Debug)]
struct Refusal {
    code: Code,
    reason: String,
}

fn refuse(code: Code, reason: impl std::fmt::Display) -> Failure {
    Box::new(Refusal { code, reason: reason.to_string() })
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

/// What the nginx-image-gate module does, done to files.
#[derive(Parser)]
#[command(name = "image-gate", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Transform(transform::Arguments),
    Info(info::Arguments),
    Key(key::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
}

fn main() -> ExitCode {
    // Ends with 2 where the arguments are wrong.
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Transform(arguments) => transform::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Key(arguments) => key::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            files::note(&failure.to_string());
            let code =
                failure.downcast_ref::<Refusal>().map_or(Code::Usage, |refusal| refusal.code);
            ExitCode::from(code as u8)
        }
    }
}
