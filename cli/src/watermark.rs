//! The layers of a watermark, as `image_resize_watermark` has them.

use std::path::Path;
use std::sync::Arc;

use image_gate_core::image::{
    Color, Font, Fraction, Limits, Position, Watermark, WatermarkContent, WatermarkPicture,
    WatermarkStyle, WatermarkText, Words as _, values,
};

use crate::control::control;
use crate::error::{CliError, ExitStatus, error_with_code};
use crate::files;

/// Reads a layer in so many seconds: the parameters of the directive, separated by spaces, those in quotes that
/// hold some.
///
/// # Errors
/// [`ExitStatus::Usage`] for a wrong parameter, [`ExitStatus::Input`] for a file that cannot be
/// read and [`ExitStatus::Picture`] for one that cannot be shown.
pub fn read(layer: &str, time: u64) -> Result<Watermark, CliError> {
    let (mut file, mut text, mut font) = (None, None, None);
    let (mut size, mut color) = (24, Color::WHITE);
    let mut style = WatermarkStyle::default();
    for parameter in words(layer)? {
        let bad = || format!("--watermark: {parameter:?} is no valid parameter");
        let Some((name, value)) = parameter.split_once('=') else {
            if file.replace(parameter.clone()).is_some() {
                return Err(bad().into());
            }
            continue;
        };
        let bytes = value.as_bytes();
        match name {
            "text" => text = Some(value.to_owned()),
            "font" => font = Some(value.to_owned()),
            "size" => size = values::text_size(bytes).ok_or_else(bad)?,
            "color" => color = Color::parse(bytes).ok_or_else(bad)?,
            "position" => style.position = Position::from_word(bytes).ok_or_else(bad)?,
            "offset" => style.offset = values::offset(bytes).ok_or_else(bad)?,
            "opacity" => style.opacity = Fraction::parse(bytes).ok_or_else(bad)?,
            "scale" => style.scale = Some(values::scale(bytes).ok_or_else(bad)?),
            "tile" => style.tile = values::switch(bytes).ok_or_else(bad)?,
            "rotate" => style.rotate = values::degrees(bytes).ok_or_else(bad)?,
            _ => return Err(bad().into()),
        }
    }
    let content = match (file, text, font) {
        (Some(file), None, None) => {
            let bytes = files::read(Path::new(&file))?;
            let picture = WatermarkPicture::decode(&bytes, &Limits::default(), &control(time));
            WatermarkContent::Picture(Arc::new(picture.map_err(|error| {
                error_with_code(ExitStatus::Picture, format_args!("{file}: {error}"))
            })?))
        }
        (None, Some(text), Some(font)) => {
            let bytes = files::read(Path::new(&font))?;
            let font = Font::parse(bytes).map_err(|error| format!("{font}: {error}"))?;
            WatermarkContent::Text(WatermarkText::new(&text, Arc::new(font), size, color))
        }
        _ => return Err("--watermark: it is a file, or text= and font=".into()),
    };
    Ok(Watermark { content, style })
}

/// The words of a line.
fn words(line: &str) -> Result<Vec<String>, CliError> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("--watermark: a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}
