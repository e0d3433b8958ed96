//! Pictures within a drawing. What resvg would decode them by does not know all that there is, nor their colours and
//! orientation.

use crate::image::damage::Tolerance;
use crate::image::decode::options::Decode;
use crate::image::decode::pictures;
use crate::image::error::{broken, not_encoded};
use crate::image::orientation::Orientation;
use crate::image::pixels::{self, Converter, ToneMapper};
use crate::image::raster::{Layout, Raster};
use crate::image::size::Size;
use crate::image::source::{Container, Source};
use crate::image::{Control, DamagePolicy, Error, Limits};

/// The picture of a file, of which nothing is missing, upright and in sRGB as a PNG; it may take so many bytes.
pub(super) fn as_png(file: &[u8], most: u64, control: &Control) -> Result<Vec<u8>, Error> {
    decoded(file, most, control).and_then(|raster| png(&raster)).map_err(|error| match error {
        error @ (Error::Cancelled | Error::Timeout | Error::Internal(_)) => error,
        error => broken(format!("a picture in the drawing: {error}")),
    })
}

fn decoded(file: &[u8], most: u64, control: &Control) -> Result<Raster, Error> {
    let source = Source::read(file)?;
    if matches!(source.kind, Container::Heic(_) | Container::Svg(_)) {
        // What decodes the one needs a process of its own.
        return Err(Error::UnsupportedFormat(source.info.format.name().to_owned()));
    }
    let limits = Limits::default();
    let tolerance = Tolerance::new(DamagePolicy::Strict);
    source.check(&limits, &tolerance)?;
    let size = Size::new(source.info.width, source.info.height);
    let how = Decode::all(size, limits.scans);
    // The raster, and what it becomes.
    let rasters = size.pixels().saturating_mul(8);
    if pictures::working_bytes(&source, &how).saturating_add(rasters) > most {
        return Err(Error::TooManyPixels("no memory for so many pixels".to_owned()));
    }
    let raster = pictures::decode(&source, &how, &tolerance, control)?;
    let raster = pixels::orient(raster, Orientation::upright(source.info.orientation), control)?;
    let converter = source.profile().and_then(|profile| Converter::new(&profile, raster.layout()));
    match (source.hdr().and_then(ToneMapper::new), converter) {
        (Some(mapper), _) => mapper.map(raster, control),
        (None, Some(converter)) => converter.convert(raster, control),
        (None, None) => pixels::naive_rgb(raster, control),
    }
}

fn png(raster: &Raster) -> Result<Vec<u8>, Error> {
    let color = match raster.layout() {
        Layout::L8 => png::ColorType::Grayscale,
        Layout::La8 => png::ColorType::GrayscaleAlpha,
        Layout::Rgb8 => png::ColorType::Rgb,
        Layout::Rgba8 => png::ColorType::Rgba,
        Layout::Cmyk8 => return Err(Error::Internal("no colours for a PNG".to_owned())),
    };
    let Size { width, height } = raster.size();
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(color);
    encoder.set_compression(png::Compression::Fastest);
    let mut writer = encoder.write_header().map_err(not_encoded)?;
    writer.write_image_data(raster.data()).map_err(not_encoded)?;
    writer.finish().map_err(not_encoded)?;
    Ok(out)
}
