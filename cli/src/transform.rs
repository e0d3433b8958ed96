//! `image-gate transform`

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use clap::builder::{OsStringValueParser, TypedValueParser};
use image_gate_core::image::{Format, Limits, Output, Plan, Setting, Transformed, prepare};

use crate::control::{Busy, Others, control, processors, use_processors};
use crate::error::{CliError, ExitStatus, code_of, error_with_code};
use crate::outputs;
use crate::{files, time, watermark};

/// Transforms images as the module would
#[derive(clap::Args)]
#[command(override_usage = "image-gate transform [OPTIONS] IN OUT [PARAMS]\n       \
                            image-gate transform [OPTIONS] --output PATTERN IN...")]
pub struct Arguments {
    /// The image, where the result goes, and PARAMS; with --output images alone. "-" is standard
    /// input or output; the extension of OUT gives the format where no parameter does
    #[arg(value_name = "IN", required = true,
        value_parser = OsStringValueParser::new().map(PathBuf::from))]
    files: Vec<PathBuf>,
    /// Where the results go, with {stem} for the name of the image without its extension, {ext}
    /// for the extension of the result's format, and {width} for one of --widths
    #[arg(long, short, value_name = "PATTERN")]
    output: Option<String>,
    /// As in image_resize_params: width=300,height=200,fit=crop,quality=75; and what only
    /// directives say, by their names behind "image_resize_": png_compression=best
    #[arg(long, value_name = "PARAMS", default_value = "", requires = "output")]
    params: String,
    /// Several widths of each image at once, as for srcset: 320,640,1280
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', requires = "output",
        value_parser = value("width"))]
    widths: Vec<String>,
    /// How many are made at once; as many as there are processors, where it is not said
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// As time= of image_resize_limit: for how long each of them is worked on, 30s or 5m; 0 for as long as that takes
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = time::parse_span)]
    time: u64,
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
    match (&arguments.output, arguments.files.as_slice()) {
        (Some(pattern), inputs) => batch(arguments, pattern, inputs),
        (None, [input, output]) => single(arguments, input, output, ""),
        (None, [input, output, params]) => {
            let params = params.to_str().ok_or("PARAMS is not UTF-8")?;
            if !params.is_empty() && !params.contains('=') {
                let reason = format!(
                    "\"{params}\" is no list of parameters; several images need -o PATTERN"
                );
                return Err(reason.into());
            }
            single(arguments, input, output, params)
        }
        (None, [_]) => Err("transform IN OUT [PARAMS], or transform --output PATTERN IN...".into()),
        _ => Err("several images need -o PATTERN: transform --output PATTERN IN...".into()),
    }
}

fn single(
    arguments: &Arguments,
    input: &Path,
    output: &Path,
    params: &str,
) -> Result<(), CliError> {
    let plan = plan(arguments, output, output.extension(), params)?;
    let time = arguments.time;
    if let Some(damage) = transform(&files::read_picture(input)?, input, output, &plan, time)? {
        files::print_error(&damage);
    }
    Ok(())
}

fn batch(arguments: &Arguments, pattern: &str, inputs: &[PathBuf]) -> Result<(), CliError> {
    let path = Path::new(pattern);
    let extension = path.extension().filter(|&text| text != "{ext}");
    let plan = plan(arguments, path, extension, &arguments.params)?;
    let mut plans = Vec::new();
    for width in &arguments.widths {
        let mut plan = plan.clone();
        plan.set_params(&format!("width={width}"))?;
        plans.push((Some(width.clone()), plan));
    }
    if plans.is_empty() {
        plans.push((None, plan));
    }
    let outputs = outputs::named(pattern, inputs, &plans)?;
    // It can be read only once.
    let standard = inputs.iter().find(|input| files::is_standard(input));
    let standard = standard.map(|input| files::read_picture(input)).transpose()?;

    let time = arguments.time;
    let progress = Progress { made: Mutex::new(0), of: outputs.len() };
    let make = |output: &outputs::Output<'_>| -> Result<(), ExitStatus> {
        let path = output.path.as_ref().map_err(|(code, reason)| {
            progress.step(Some(reason));
            *code
        })?;
        let made = match &standard {
            Some(bytes) if files::is_standard(output.input) => {
                transform(bytes, output.input, path, output.plan, time)
            }
            _ => files::read_picture(output.input)
                .and_then(|bytes| transform(&bytes, output.input, path, output.plan, time)),
        };
        progress.step(made.as_ref().map_or_else(|error| Some(error.to_string()), Clone::clone));
        made.map(drop).map_err(|error| code_of(&error))
    };
    if let Some(jobs) = arguments.jobs {
        use_processors(jobs.get());
    }
    let jobs = processors();
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.min(outputs.len()) {
            scope.spawn(|| {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(output) = outputs.get(at)
                {
                    if let Err(code) = make(output) {
                        failures.lock().unwrap_or_else(PoisonError::into_inner).push((at, code));
                    }
                }
            });
        }
    });
    progress.end();
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let Some(&(_, code)) = failures.iter().min_by_key(|(at, _)| *at) else { return Ok(()) };
    let reason = format!("{} of {} could not be made", failures.len(), outputs.len());
    Err(error_with_code(code, reason))
}

/// Makes one output in so many seconds. Returns what is damaged in its source.
fn transform(
    input: &[u8],
    path: &Path,
    output: &Path,
    plan: &Plan,
    time: u64,
) -> Result<Option<String>, CliError> {
    let name = files::input_name(path);
    let failed = |error| error_with_code(ExitStatus::Picture, format_args!("{name}: {error}"));
    // One picture at a time may have all the memory that there is.
    let limits = Limits { memory: u64::MAX, ..Limits::default() };
    let prepared = prepare(input, plan, &limits).map_err(failed)?;
    let _busy = Busy::new();
    let control = control(time).spared_by(Others);
    let Transformed { output: made, .. } = prepared.run(&control).map_err(failed)?;
    let bytes = match &made {
        Output::Original => input,
        Output::Stripped(bytes) | Output::Encoded(bytes) => bytes,
    };
    files::write(output, bytes)?;
    Ok(prepared.damage().map(|damage| format!("{name}: damaged: {}", damage.what)))
}

/// How many outputs there are already, for whoever sits at a terminal.
struct Progress {
    made: Mutex<usize>,
    of: usize,
}

impl Progress {
    /// One more is made, or not, and something said about it.
    fn step(&self, said: Option<impl AsRef<str>>) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        *made += 1;
        self.clear();
        if let Some(line) = said {
            files::print_error(line.as_ref());
        }
        if self.is_shown() && *made < self.of {
            let _ = write!(io::stderr(), "{made} of {}", self.of);
        }
    }

    fn end(&self) {
        self.clear();
    }

    /// Removes what it last said.
    fn clear(&self) {
        if self.is_shown() {
            // Back to the start of the line, and erase it (ECMA-48: CR, EL).
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    fn is_shown(&self) -> bool {
        self.of > 1 && io::stderr().is_terminal()
    }
}

/// Returns what the arguments say, of an output with that extension.
fn plan(
    arguments: &Arguments,
    output: &Path,
    extension: Option<&OsStr>,
    params: &str,
) -> Result<Plan, CliError> {
    let Arguments { profile, damaged, interlace, no_orient, no_transparency, .. } = arguments;
    let mut options = vec![format!("profile={profile}"), format!("damaged={damaged}")];
    options.extend(interlace.then(|| "interlace=on".to_owned()));
    options.extend(no_orient.then(|| "orient=off".to_owned()));
    options.extend(no_transparency.then(|| "transparency=off".to_owned()));
    options.extend(arguments.effort.as_ref().map(|effort| format!("effort={effort}")));
    let format = extension.and_then(|extension| {
        Format::written_from_name(extension.to_ascii_lowercase().as_encoded_bytes())
    });
    let mut plan = Plan { format, ..Plan::default() };
    plan.set_params(&options.join(","))?;
    plan.set_params(params)?;
    if let (None, Some(extension)) = (plan.format, extension) {
        let (path, extension) = (output.display(), extension.display());
        return Err(format!("{path}: no format has the extension \"{extension}\"").into());
    }
    if plan.watermark {
        let layers = arguments.watermark.iter().map(|layer| watermark::read(layer, arguments.time));
        plan.marks = layers.collect::<Result<_, _>>()?;
    }
    Ok(plan)
}
