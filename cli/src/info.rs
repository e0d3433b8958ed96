//! `image-gate info`

use std::path::PathBuf;

use image_gate_core::image::{Limits, Plan, info_json, prepare, preview_plan};

use crate::control::control;
use crate::error::{CliError, ExitStatus, error_with_code};
use crate::{files, time};

/// Prints what there is to know of an image, as JSON
#[derive(clap::Args)]
pub struct Arguments {
    /// The image, or - for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// As time= of image_resize_limit: for how long it is looked at, 30s or 5m; 0 for as long as that takes
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = time::parse_span)]
    time: u64,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let input = files::read_picture(&arguments.input)?;
    let plan = preview_plan(&Plan::default());
    let name = files::input_name(&arguments.input);
    let failed = |error| error_with_code(ExitStatus::Picture, format_args!("{name}: {error}"));
    let prepared = prepare(&input, &plan, &Limits::default()).map_err(failed)?;
    let preview = prepared.preview(&control(arguments.time)).map_err(failed)?;
    let json = info_json(prepared.info(), true, input.len() as u64, &preview);
    files::print_line(json.trim_end())
}
