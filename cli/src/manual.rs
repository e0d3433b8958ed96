//! `image-gate completions` and `image-gate man`, made of the arguments as they are declared.

use std::fs;
use std::path::PathBuf;

use clap::Command;
use clap_complete::Shell;

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::files;

/// Prints what a shell needs to complete arguments
#[derive(clap::Args)]
pub struct CompletionArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Writes a manual page for each command into a folder
#[derive(clap::Args)]
pub struct ManualArguments {
    /// The folder, which is there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub fn complete(mut command: Command, arguments: &CompletionArguments) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "image-gate", &mut script);
    files::print(&script)
}

pub fn write_pages(command: Command, arguments: &ManualArguments) -> Result<(), CliError> {
    let folder = &arguments.folder;
    let not_written =
        |error| error_with_code(ExitStatus::Output, format_args!("{}: {error}", folder.display()));
    fs::metadata(folder).map_err(not_written)?;
    clap_mangen::generate_to(command, folder).map_err(not_written)
}
