//! `image-gate transform`

use std::path::{Path, PathBuf};

use image_gate_core::image::{
    Control, Format, Limits, Output, Plan, Setting, Transformed, prepare,
};

use crate::error::{CliError, ExitStatus, error_with_code};
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
    /// As in image_resize_params: width=300,height=200,fit=crop,quality=75; and what only
    /// directives say, by their names behind "image_resize_": png_compression=best
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
    #[arg(long, default_value = "srgb", value_parser = value("profile"))]
    profile: String,
    /// As image_resize_damaged
    #[arg(long, default_value = "lenient", value_parser = value("damaged"))]
    damaged: String,
    /// As effort= of image_resize_webp_quality
    #[arg(long, value_name = "0-6", value_parser = value("effort"))]
    effort: Option<String>,
    /// As image_resize_watermark, its parameters separated by spaces; once for each layer
    #[arg(long, value_name = "LAYER")]
    watermark: Vec<String>,
}

/// Reads a value of that setting.
fn value(name: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| {
        let setting = Setting::find(name).ok_or("no setting")?;
        let expected = || format!("it must be {}", setting.expected());
        setting.read(text.as_bytes()).map(|_| text.to_owned()).ok_or_else(expected)
    }
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let plan = plan(arguments)?;
    let input = files::read(&arguments.input)?;
    let name = files::input_name(&arguments.input);
    let failed = |error| error_with_code(ExitStatus::Picture, format_args!("{name}: {error}"));
    let prepared = prepare(&input, &plan, &Limits::default()).map_err(failed)?;
    let Transformed { output, .. } = prepared.run(&Control::default()).map_err(failed)?;
    if let Some(damage) = prepared.damage() {
        files::print_error(&format!("{name}: damaged: {}", damage.what));
    }
    let bytes = match &output {
        Output::Original => &input,
        Output::Stripped(bytes) | Output::Encoded(bytes) => bytes,
    };
    files::write(&arguments.output, bytes)
}

fn plan(arguments: &Arguments) -> Result<Plan, CliError> {
    let Arguments { profile, damaged, interlace, no_orient, no_transparency, .. } = arguments;
    let mut options = vec![format!("profile={profile}"), format!("damaged={damaged}")];
    options.extend(interlace.then(|| "interlace=on".to_owned()));
    options.extend(no_orient.then(|| "orient=off".to_owned()));
    options.extend(no_transparency.then(|| "transparency=off".to_owned()));
    options.extend(arguments.effort.as_ref().map(|effort| format!("effort={effort}")));
    let mut plan = Plan { format: format_of(&arguments.output), ..Plan::default() };
    plan.set_params(&options.join(","))?;
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
