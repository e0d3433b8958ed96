//! `image-gate info`

use std::path::PathBuf;

use image_gate_core::image::{Control, Limits, info_json, look_plan, prepare};

use crate::{Failure, files};

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
    let prepared = prepare(&input, &plan, &Limits::default())?;
    let look = prepared.look(&Control::default())?;
    println!("{}", info_json(prepared.info(), true, input.len() as u64, &look).trim_end());
    Ok(())
}
