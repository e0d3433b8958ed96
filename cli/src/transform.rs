//! `image-gate transform`

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use image_gate_core::image::{
    Control, DamagePolicy, Format, Limits, Output, Plan, ProfilePolicy, Transformed, prepare,
};

use crate::failure::{Code, Failure, refuse};
use crate::{files, watermark};

/// Transforms an image as the module would
#[derive(clap::Args)]
pub struct Arguments {
    /// The image, or - for standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where the result goes, or - for standard output; its extension gives the
    /// format where no parameter does
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// As in image_resize_params: width=300,height=200,fit=crop,quality=75
    #[arg(value_name = "PARAMS", default_value = "")]
    params: String,
    /// As image_resize_interlace
    #[arg(long)]
    interlace: bool,
    /// As image_resize_orient off
    #[arg(long)]
    no_orient: bool,
    /// As image_resize_transparency off
    #[arg(long)]
    no_transparency: bool,
    /// As image_resize_profile
    #[arg(long, value_enum, default_value = "srgb")]
    profile: Profile,
    /// As image_resize_damaged
    #[arg(long, value_enum, default_value = "lenient")]
    damaged: Damaged,
    /// As effort= of image_resize_webp_quality
    #[arg(long, value_name = "0-6", value_parser = clap::value_parser!(u8).range(0..=6))]
    effort: Option<u8>,
    /// As image_resize_watermark, its parameters separated by spaces; once for each layer
    #[arg(long, value_name = "LAYER")]
    watermark: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    Srgb,
    Keep,
    Strip,
}

#[derive(Clone, Copy, ValueEnum)]
enum Damaged {
    Lenient,
    Strict,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = plan(arguments)?;
    let input = files::read(&arguments.input)?;
    let name = files::input_name(&arguments.input);
    let failed = |error| refuse(Code::Picture, format_args!("{name}: {error}"));
    let prepared = prepare(&input, &plan, &Limits::default()).map_err(failed)?;
    let Transformed { output, .. } = prepared.run(&Control::default()).map_err(failed)?;
    if let Some(damage) = prepared.damage() {
        files::note(&format!("{name}: damaged: {}", damage.what));
    }
    let bytes = match &output {
        Output::Original => &input,
        Output::Stripped(bytes) | Output::Encoded(bytes) => bytes,
    };
    files::write(&arguments.output, bytes)
}

fn plan(arguments: &Arguments) -> Result<Plan, Failure> {
    let mut plan = Plan {
        format: format_of(&arguments.output),
        interlace: arguments.interlace,
        orient: !arguments.no_orient,
        transparency: !arguments.no_transparency,
        profile: match arguments.profile {
            Profile::Srgb => ProfilePolicy::Srgb,
            Profile::Keep => ProfilePolicy::Keep,
            Profile::Strip => ProfilePolicy::Strip,
        },
        damaged: match arguments.damaged {
            Damaged::Lenient => DamagePolicy::Lenient,
            Damaged::Strict => DamagePolicy::Strict,
        },
        ..Plan::default()
    };
    if let Some(effort) = arguments.effort {
        plan.webp_effort = effort;
    }
    plan.set_params(&arguments.params)?;
    if plan.format.is_none()
        && let Some(extension) = arguments.output.extension()
    {
        let (path, extension) = (arguments.output.display(), extension.display());
        return Err(format!("{path}: no format has the extension \"{extension}\"").into());
    }
    if plan.watermark {
        let layers = arguments.watermark.iter().map(|layer| watermark::read(layer));
        plan.marks = layers.collect::<Result<_, _>>()?;
    }
    Ok(plan)
}

fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_ascii_lowercase();
    Format::from_name(extension.as_encoded_bytes())
}
