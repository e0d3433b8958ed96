//! `image-gate info`

use std::path::PathBuf;

use image_gate_core::image::{Info, probe};

use crate::{Failure, files};

/// Prints what the headers of an image say, as JSON
#[derive(clap::Args)]
pub struct Arguments {
    /// The image, or - for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let input = files::read(&arguments.input)?;
    println!("{}", json(&probe(&input)?, input.len()));
    Ok(())
}

fn json(info: &Info, bytes: usize) -> String {
    let (width, height) = info.displayed(true);
    format!(
        "{{ \"type\": \"{}\", \"width\": {width}, \"height\": {height}, \"orientation\": {}, \
         \"frames\": {}, \"alpha\": {}, \"bits\": {}, \"has_profile\": {}, \"progressive\": {}, \
         \"bytes\": {bytes} }}",
        info.format.name(),
        info.orientation,
        info.frames,
        info.alpha,
        info.bits,
        info.has_profile,
        info.progressive,
    )
}
