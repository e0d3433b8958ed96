//! How much memory encoders take, as far as can be told before.

use super::palette;
use crate::image::Format;
use crate::image::size::Size;

/// Bytes that writing an animation takes at most, the picture at hand not counted, the output
/// counted.
pub(in crate::image) fn animation_bytes(size: Size, format: Format, frames: u32) -> u64 {
    let before = match format {
        // The picture before, the one before that and what is new.
        Format::Gif => 12,
        // More references than of a picture alone, and a second encoder for alpha: 90 of all were seen. And a copy
        // where it is encoded.
        Format::Avif => 44,
        // The picture before, and such a copy.
        Format::Jxl => 12,
        // The picture before.
        _ => 8,
    };
    let before = size.pixels().saturating_mul(before);
    // Noise is as long as its pixels in PNG, and at the best quality nearly that in AVIF and JPEG XL: 3.2 and 3.6
    // bytes a pixel with alpha were seen.
    let bytes = match format {
        Format::Png | Format::Avif | Format::Jxl => 4,
        _ => 2,
    };
    let output = size.pixels().saturating_mul(frames.into()).saturating_mul(bytes);
    let palette = format == Format::Gif;
    working_bytes(size, format, palette).saturating_add(before).saturating_add(output)
}

/// Bytes that encoding takes at most, the raster not counted, the output counted.
pub(in crate::image) fn working_bytes(size: Size, format: Format, palette: bool) -> u64 {
    // Tables and buffers that do not depend on the size.
    const FIXED: u64 = 1 << 20;
    let of_palette = palette || format == Format::Gif;
    let histogram = if of_palette { palette::looking_bytes(size) } else { 0 };
    FIXED
        + histogram
        + size.pixels()
            * match format {
                // Coefficients for a progressive scan, and the output twice.
                Format::Jpeg => 8,
                // Pixels as RGBA, what is cut out of them, indices, and the output twice.
                Format::Gif => 12,
                Format::Png if palette => 12,
                // The output may be as large as the pixels, and is copied once.
                Format::Png => 9,
                // ARGB and YUV planes, macroblock info, tokens and output.
                Format::Webp => 16,
                // Planes, those of the references, and what is known of each block: 17 were seen.
                Format::Avif => 24,
                Format::Jxl => return FIXED.saturating_add(jxl_bytes(size)),
                Format::Bmp
                | Format::Heic
                | Format::Ico
                | Format::Pnm
                | Format::Qoi
                | Format::Svg
                | Format::Tiff => 0,
            }
}

/// Those of libjxl: planes of 32 bits before and behind the transform, and tokens, of which 53 bytes a pixel were
/// seen in all; and tables for each group of 256 by 256 pixels, however few of them it has: 0.9 MiB were seen.
fn jxl_bytes(size: Size) -> u64 {
    const SIDE: u32 = 256;
    const OF_GROUP: u64 = 1 << 20;
    let groups = u64::from(size.width.div_ceil(SIDE)) * u64::from(size.height.div_ceil(SIDE));
    let of_few = size.pixels().saturating_mul(48).saturating_add(groups.saturating_mul(OF_GROUP));
    size.pixels().saturating_mul(64).max(of_few)
}
