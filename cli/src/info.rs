//! `image-gate info`

use std::path::PathBuf;

use image_gate_core::image::{Control, Limits, info_json, look_plan, prepare};

use crate::failure::{Code, Failure, refuse};
use crate::files;

/// Prints what there is to know of an image, as JSON
#[derive(clap::Args)]
pub struct Arguments {
    /// The image, or - for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = files::read(&arguments.input)?;
    let plan = look_plan(true);
    let name = files::input_name(&arguments.input);
    let failed = |error| refuse(Code::Picture, format_args!("{name}: {error}"));
    let prepared = prepare(&input, &plan, &Limits::default()).map_err(failed)?;
    let look = prepared.look(&Control::default()).map_err(failed)?;
    let json = info_json(prepared.info(), true, input.len() as u64, &look);
    files::print_line(json.trim_end())
}
