//! `image-gate`: what the nginx module does, done to files, and what it needs made.

#![forbid(unsafe_code)]

mod control;
mod error;
mod files;
mod info;
mod key;
mod link;
mod manual;
mod migrate;
mod outputs;
mod serve;
mod sign;
mod time;
mod transform;
mod usage;
mod verify;
mod watermark;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use error::code_of;

#[global_allocator]
static MEMORY: image_gate_isolation::Memory = image_gate_isolation::Memory;

/// What the nginx-image-gate module does, done to files.
#[derive(Parser)]
#[command(
    name = "image-gate",
    version,
    after_help = "It ends with 0 when all is done, 1 when the answer is no, 2 for wrong arguments, 3 for \
                  an input that is not there or can't be read, 4 for one that is no picture or above \
                  the limits, 5 for an output that can't be written, and 6 for a link that is refused."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Transform(transform::Arguments),
    Info(info::Arguments),
    Key(key::Arguments),
    Usage(usage::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Migrate(migrate::Arguments),
    Serve(serve::Arguments),
    Completions(manual::CompletionArguments),
    #[command(hide = true)]
    Man(manual::ManualArguments),
}

fn main() -> ExitCode {
    control::start_decoders();
    // Ends with 2 where the arguments are wrong.
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Transform(arguments) => transform::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Key(arguments) => key::run(&arguments),
        Command::Usage(arguments) => usage::run(&arguments),
        Command::Sign(arguments) => sign::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Completions(arguments) => manual::complete(Arguments::command(), &arguments),
        Command::Man(arguments) => manual::write_pages(Arguments::command(), &arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            files::print_error(&failure.to_string());
            ExitCode::from(code_of(&failure) as u8)
        }
    }
}
