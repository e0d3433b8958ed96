//! PNG by the `png` crate.

use std::borrow::Cow;
use std::io::Write;

use png::text_metadata::ITXtChunk;
use png::{BitDepth, ColorType, Compression, DeflateCompression, Encoder, Filter, Info};

use super::adam7;
use super::fallible_buffer::FallibleBuffer;
use super::palette::Indexed;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::raster::{Layout, Raster};
use crate::image::{Control, Error, Plan, PngCompression};

/// Bytes that are compressed in a little while.
const FEW_BYTES: usize = 8 << 20;

/// Bytes of a chunk of an image that comes row by row, and rows between two looks at the
/// [`Control`].
const PIECE: usize = 1 << 20;
const BATCH: usize = 16;

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// Why work on the way to a file ended.
fn stopped(control: &Control, error: std::io::Error) -> Error {
    control.check().err().unwrap_or_else(|| not_encoded(error))
}

/// The level of deflate for palette indices: they hardly ever gain by filters, and the fast
/// compressor is made for filtered rows only.
fn index_level(compression: PngCompression) -> u8 {
    match compression {
        PngCompression::Fast => 4,
        PngCompression::Balanced => 6,
        PngCompression::Best => 9,
    }
}

pub(super) fn encode(
    raster: &Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let color_type = match raster.layout() {
        Layout::L8 => ColorType::Grayscale,
        Layout::La8 => ColorType::GrayscaleAlpha,
        Layout::Rgb8 => ColorType::Rgb,
        Layout::Rgba8 => ColorType::Rgba,
        Layout::Cmyk8 => return Err(Error::Internal("CMYK for PNG".to_owned())),
    };
    let info = info(raster.size(), color_type, plan, metadata);
    write(info, raster.data(), raster.layout().channels(), plan.png_compression, metadata, control)
}

pub(super) fn encode_palette(
    indexed: &Indexed,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let mut info = info(indexed.size, ColorType::Indexed, plan, metadata);
    let rgb: Vec<u8> = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    info.palette = Some(Cow::Owned(rgb));
    if let Some(last) = indexed.colors.iter().rposition(|color| color[3] < 255) {
        let alphas = indexed.colors.iter().take(last + 1).map(|color| color[3]);
        info.trns = Some(Cow::Owned(alphas.collect()));
    }
    write(info, &indexed.indices, 1, plan.png_compression, metadata, control)
}

fn info<'a>(
    size: crate::image::size::Size,
    color_type: ColorType,
    plan: &Plan,
    metadata: &'a OutputMetadata,
) -> Info<'a> {
    let mut info = Info::with_size(size.width, size.height);
    info.color_type = color_type;
    info.bit_depth = BitDepth::Eight;
    info.interlaced = plan.interlace;
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    info
}

fn write(
    mut info: Info,
    data: &[u8],
    channels: usize,
    compression: PngCompression,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    if let Some(xmp) = metadata.xmp.as_deref().and_then(|xmp| std::str::from_utf8(xmp).ok()) {
        info.utf8_text.push(ITXtChunk::new(XMP_KEYWORD, xmp));
    }
    let (width, interlaced, indexed) =
        (info.width as usize, info.interlaced, info.color_type == ColorType::Indexed);

    let mut sink = FallibleBuffer::default();
    let mut encoder = Encoder::with_info(&mut sink, info).map_err(not_encoded)?;
    if indexed {
        encoder.set_deflate_compression(DeflateCompression::Level(index_level(compression)));
        encoder.set_filter(Filter::NoFilter);
    } else {
        encoder.set_compression(match compression {
            PngCompression::Fast => Compression::Fast,
            PngCompression::Balanced => Compression::Balanced,
            PngCompression::Best => Compression::High,
        });
    }
    let mut writer = encoder.write_header().map_err(not_encoded)?;
    if interlaced {
        // The crate reads interlaced images but does not write them.
        let passes = adam7::compress(data, width, channels, !indexed, compression, control);
        let passes = passes.map_err(|error| stopped(control, error))?;
        writer.write_chunk(png::chunk::IDAT, &passes).map_err(not_encoded)?;
    } else if data.len() <= FEW_BYTES {
        writer.write_image_data(data).map_err(not_encoded)?;
    } else {
        let mut stream = writer.stream_writer_with_size(PIECE).map_err(not_encoded)?;
        for rows in data.chunks(width * channels * BATCH) {
            control.check()?;
            stream.write_all(rows).map_err(not_encoded)?;
        }
        stream.finish().map_err(not_encoded)?;
    }
    writer.finish().map_err(not_encoded)?;
    Ok(sink.0)
}
