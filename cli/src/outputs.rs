//! The names of outputs, and which image becomes which of them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use image_gate_core::image::{ContentCodings, Error, Plan, probe};

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::files;

/// An output that is to be made.
pub struct Output<'a> {
    /// The image.
    pub input: &'a Path,
    /// Where the result goes; or why that is not known.
    pub path: Result<PathBuf, (ExitStatus, String)>,
    /// What is done to it.
    pub plan: &'a Plan,
}

/// Returns the outputs that a pattern asks for of every image: one for each plan, the width of
/// which is beside it.
///
/// # Errors
/// Where two images would get one name, or an output the name of another image.
pub fn named<'a>(
    pattern: &str,
    inputs: &'a [PathBuf],
    plans: &'a [(Option<String>, Plan)],
) -> Result<Vec<Output<'a>>, CliError> {
    let mut outputs = Vec::new();
    for input in inputs {
        for (width, plan) in plans {
            let path = match fill(pattern, input, width.as_deref(), plan) {
                Ok(path) => Ok(path),
                Err(Unnamed::Image(code, reason)) => Err((code, reason)),
                Err(Unnamed::Pattern(reason)) => return Err(reason.into()),
            };
            outputs.push(Output { input, path, plan });
        }
    }
    check(inputs, &outputs)?;
    Ok(outputs)
}

/// Why an output has no name: by the image, or for all of them.
enum Unnamed {
    Image(ExitStatus, String),
    Pattern(String),
}

fn fill(pattern: &str, input: &Path, width: Option<&str>, plan: &Plan) -> Result<PathBuf, Unnamed> {
    let wrong = |reason: &str| Unnamed::Pattern(format!("--output {pattern}: {reason}"));
    let (mut name, mut rest) = (OsString::new(), pattern);
    while let Some((before, behind)) = rest.split_once('{') {
        let (placeholder, after) =
            behind.split_once('}').ok_or_else(|| wrong("a brace is not closed"))?;
        name.push(before);
        match placeholder {
            "stem" => {
                let stem = input.file_stem().filter(|_| !files::is_standard(input));
                name.push(stem.ok_or_else(|| {
                    wrong(&format!("{} has no name for {{stem}}", files::input_name(input)))
                })?);
            }
            "width" => name.push(width.ok_or_else(|| wrong("{width} needs --widths"))?),
            "ext" => name.push(extension(input, plan)?),
            _ => return Err(wrong("there is {stem}, {width} and {ext}")),
        }
        rest = after;
    }
    name.push(rest);
    let path = PathBuf::from(name);
    if path.is_dir() {
        return Err(wrong("that is a folder; name what is made in it, as {stem}.{ext}"));
    }
    Ok(path)
}

/// Returns the extension of what becomes of an image: that of its own format, where the plan
/// names none.
fn extension(input: &Path, plan: &Plan) -> Result<&'static str, Unnamed> {
    if let Some(format) = plan.format {
        return Ok(format.extension());
    }
    let name = files::input_name(input);
    if files::is_standard(input) {
        return Err(Unnamed::Pattern(format!("{name}: {{ext}} needs format= in --params")));
    }
    let head =
        files::head(input).map_err(|error| Unnamed::Image(ExitStatus::Input, error.to_string()))?;
    let (format, _) = ContentCodings::default().sniff(&head).ok_or_else(|| {
        Unnamed::Image(ExitStatus::Picture, format!("{name}: {}", Error::NotImage))
    })?;
    if format.is_written() {
        return Ok(format.extension());
    }
    // What such a file becomes is in more of its headers.
    let input = files::read_picture(input)
        .map_err(|error| Unnamed::Image(ExitStatus::Input, error.to_string()))?;
    let info = probe(&input)
        .map_err(|error| Unnamed::Image(ExitStatus::Picture, format!("{name}: {error}")))?;
    Ok(info.own_output().extension())
}

fn check(inputs: &[PathBuf], outputs: &[Output<'_>]) -> Result<(), CliError> {
    let mut known = HashMap::new();
    let mut widths = HashMap::<&Path, usize>::new();
    for Output { input, path, .. } in outputs {
        let Ok(path) = path else { continue };
        *widths.entry(input).or_default() += 1;
        if let Some(other) = known.insert(path, input) {
            let (input, other) = (files::input_name(input), files::input_name(other));
            let reason = format!("{} would be made twice: of {other} and {input}", path.display());
            return Err(reason.into());
        }
    }
    // All are made at once: one must not be read once it is another.
    let sources: HashMap<PathBuf, &Path> =
        inputs.iter().filter_map(|input| Some((fs::canonicalize(input).ok()?, &**input))).collect();
    for Output { input, path, .. } in outputs {
        let Ok(path) = path else { continue };
        let Some(source) = fs::canonicalize(path).ok().and_then(|path| sources.get(&path)) else {
            continue;
        };
        if source != input || widths.get(input).is_some_and(|&outputs| outputs > 1) {
            let (path, input) = (path.display(), files::input_name(input));
            return Err(error_with_code(
                ExitStatus::Usage,
                format_args!("{path} is an input, and would be made of {input}"),
            ));
        }
    }
    Ok(())
}
