//! PNG, still or to be animated: chunks by the `png` crate, filters and the choice of the compression by what is on it.

mod deflate;
mod filter;
mod rows;

use std::borrow::Cow;

use png::chunk::ChunkType;
use png::text_metadata::ITXtChunk;
use png::{BitDepth, ColorType, Encoder, Info};

use self::deflate::{Compressed, Method};
use self::filter::Filter;
use self::rows::Rows;
use super::fallible_buffer::FallibleBuffer;
use super::palette::Indexed;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::raster::{DeepRaster, Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::{Control, Error, Plan, PngCompression};

/// Of 100, what matches have to leave of a sample for them to be worth their time: several times that
/// of fixed codes.
const WORTH_PERCENT: usize = 98;

/// Bytes around a chunk, and those of the chunks that are always there.
const AROUND_CHUNK: usize = 12;
const SMALL_CHUNKS: usize = 1024;

/// The code points of the colours, for which the crate has no name.
const CICP: ChunkType = ChunkType(*b"cICP");

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// What of a raster suits its compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// It differs from pixel to pixel.
    Photo,
    /// Areas and shapes that repeat themselves as they are, as in screenshots; indices of colours.
    Drawing,
    /// Its slopes repeat themselves, once they are filtered.
    Smooth,
}

/// A way to compress a raster.
type Way = (Filter, Method);

/// The ways for each kind of content, and how many of them are gone for `fast`, `balanced` and
/// `best`: as the shortest output counts, more work never makes a longer one.
///
/// What has no pattern gains next to nothing by matches, and loses by the codes that they take.
fn ways(content: Content, compression: PngCompression) -> impl Iterator<Item = Way> {
    let ways: [Way; 3] = match content {
        Content::Photo => [
            (Filter::Smallest, Method::FixedCodes),
            (Filter::Smallest, Method::Runs),
            (Filter::Plainest, Method::Runs),
        ],
        Content::Drawing => [
            (Filter::None, Method::Matches(3)),
            (Filter::None, Method::Matches(6)),
            (Filter::None, Method::Matches(9)),
        ],
        Content::Smooth => [
            (Filter::Smallest, Method::Matches(3)),
            (Filter::Smallest, Method::Matches(6)),
            (Filter::Plainest, Method::Matches(9)),
        ],
    };
    ways.into_iter().take(match compression {
        PngCompression::Fast => 1,
        PngCompression::Balanced => 2,
        PngCompression::Best => 3,
    })
}

pub(super) fn encode(
    raster: &Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let info = info(raster.size(), color_type(raster.layout())?, plan, metadata);
    let made = compress(raster, plan, control)?;
    write(info, made, None, metadata)
}

/// Encodes all 16 bits of a raster, in the colours of these code points.
pub(super) fn encode_deep(
    mut raster: DeepRaster,
    code_points: Option<(u8, u8)>,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let stride = raster.stride();
    for row in raster.data.chunks_exact_mut(stride) {
        control.check()?;
        for sample in row.as_chunks_mut::<2>().0 {
            *sample = u16::from_ne_bytes(*sample).to_be_bytes();
        }
    }
    let color_type = match raster.channels {
        1 => ColorType::Grayscale,
        2 => ColorType::GrayscaleAlpha,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    };
    let mut info = info(raster.size, color_type, plan, metadata);
    info.bit_depth = BitDepth::Sixteen;
    let rows = rows(&raster.data, raster.size, raster.pixel(), plan);
    let made = shortest(&rows, ways(content(&rows, control)?, plan.png_compression), control)?;
    write(info, made, code_points, metadata)
}

/// The beginning of an animation, up to where its frames come.
pub(super) fn animation_head(
    size: Size,
    layout: Layout,
    plan: &Plan,
    metadata: &OutputMetadata,
) -> Result<Vec<u8>, Error> {
    let info = info(size, color_type(layout)?, plan, metadata);
    let mut head = write(info, Compressed::default(), None, metadata)?;
    // It has its end already.
    head.truncate(head.len().saturating_sub(AROUND_CHUNK));
    Ok(head)
}

/// The data of a raster.
pub(super) fn compress(
    raster: &Raster,
    plan: &Plan,
    control: &Control,
) -> Result<Compressed, Error> {
    let rows = rows(raster.data(), raster.size(), raster.layout().channels(), plan);
    shortest(&rows, ways(content(&rows, control)?, plan.png_compression), control)
}

fn rows<'a>(data: &'a [u8], size: Size, channels: usize, plan: &Plan) -> Rows<'a> {
    Rows { data, stride: size.width as usize * channels, channels, interlaced: plan.interlace }
}

fn color_type(layout: Layout) -> Result<ColorType, Error> {
    Ok(match layout {
        Layout::L8 => ColorType::Grayscale,
        Layout::La8 => ColorType::GrayscaleAlpha,
        Layout::Rgb8 => ColorType::Rgb,
        Layout::Rgba8 => ColorType::Rgba,
        Layout::Cmyk8 => return Err(Error::Internal("CMYK for PNG".to_owned())),
    })
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
    let rows = rows(&indexed.indices, indexed.size, 1, plan);
    let made = shortest(&rows, ways(Content::Drawing, plan.png_compression), control)?;
    write(info, made, None, metadata)
}

fn info<'a>(
    size: Size,
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
    made: Compressed,
    code_points: Option<(u8, u8)>,
    metadata: &OutputMetadata,
) -> Result<Vec<u8>, Error> {
    if let Some(xmp) = metadata.xmp.as_deref().and_then(|xmp| std::str::from_utf8(xmp).ok()) {
        info.utf8_text.push(ITXtChunk::new(XMP_KEYWORD, xmp));
    }
    let room = made.len + made.pieces.len() * AROUND_CHUNK + SMALL_CHUNKS;
    let mut sink = FallibleBuffer(with_room(room)?);
    let encoder = Encoder::with_info(&mut sink, info).map_err(not_encoded)?;
    let mut writer = encoder.write_header().map_err(not_encoded)?;
    if let Some((primaries, curve)) = code_points {
        // RGB of the full range.
        writer.write_chunk(CICP, &[primaries, curve, 0, 1]).map_err(not_encoded)?;
    }
    for piece in made.pieces {
        writer.write_chunk(png::chunk::IDAT, &piece).map_err(not_encoded)?;
    }
    writer.finish().map_err(not_encoded)?;
    Ok(sink.0)
}

/// Returns the shortest of what the ways make, which is no longer than if nothing were compressed.
fn shortest(
    rows: &Rows,
    ways: impl Iterator<Item = Way>,
    control: &Control,
) -> Result<Compressed, Error> {
    let mut best = None;
    let mut most = rows.longest();
    for way in ways {
        if let Some(made) = rows.compress(way, most, control)? {
            most = made.len;
            best = Some(made);
        }
    }
    let stored = || rows.compress((Filter::None, Method::Stored), usize::MAX, control);
    match best.map_or_else(stored, |best| Ok(Some(best)))? {
        Some(made) => Ok(made),
        None => Err(Error::Internal("a PNG is longer than memory".to_owned())),
    }
}

/// Returns what suits the raster by a sample of it, which is compressed in the quickest of the ways
/// for each.
fn content(rows: &Rows, control: &Control) -> Result<Content, Error> {
    rows.with_sample(|sample| {
        let len = |way| {
            let made = sample.compress(way, usize::MAX, control)?;
            Ok::<_, Error>(made.map_or(usize::MAX, |made| made.len))
        };
        let photo = len((Filter::Smallest, Method::FixedCodes))?;
        let drawing = len((Filter::None, Method::Matches(2)))?;
        let smooth = len((Filter::Smallest, Method::Matches(2)))?;
        Ok(if drawing.min(smooth) * 100 >= photo * WORTH_PERCENT {
            Content::Photo
        } else if drawing < smooth {
            Content::Drawing
        } else {
            Content::Smooth
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const SIZE: Size = Size { width: 300, height: 200 };

    /// A number that nothing else tells.
    fn noise(x: u32, y: u32) -> u32 {
        let mixed = (x + 1).wrapping_mul(0x9e37_79b1) ^ (y + 1).wrapping_mul(0x85eb_ca77);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x2c1b_3c6d);
        let mixed = (mixed ^ mixed >> 12).wrapping_mul(0x297a_2d39);
        mixed ^ mixed >> 15
    }

    fn rgba([r, g, b]: [u8; 3]) -> [u8; 4] {
        [r, g, b, 255 - r / 2]
    }

    /// Slopes with the grain of a sensor.
    fn photo(x: u32, y: u32) -> [u8; 4] {
        // Of two dice, so that little of it is far from the middle.
        let grain = |channel| {
            let dice = noise(x + 977 * channel, y);
            dice % 4 + (dice >> 8) % 4
        };
        rgba([0, 1, 2].map(|channel| ((x + channel * y) / 3 + grain(channel)) as u8))
    }

    /// Lines of a text in few letters, with soft edges.
    fn text(x: u32, y: u32) -> [u8; 4] {
        let letter = noise(x / 8, y / 20) % 24;
        let dot = noise(letter * 8 + x % 8, y % 20);
        let ink = if letter < 18 && y % 20 < 12 && dot.is_multiple_of(3) { dot >> 8 } else { 0 };
        rgba([255 - ink as u8; 3])
    }

    fn slope(x: u32, y: u32) -> [u8; 4] {
        rgba([(x * 255 / 300) as u8, (y * 255 / 200) as u8, ((x + y) / 2) as u8])
    }

    fn wild(x: u32, y: u32) -> [u8; 4] {
        rgba([0, 1, 2].map(|channel| noise(x + 977 * channel, y) as u8))
    }

    type Pixel = fn(u32, u32) -> [u8; 4];

    fn raster(size: Size, layout: Layout, pixel: Pixel) -> Raster {
        let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
        let pixels = places.map(|(x, y)| pixel(x, y));
        let data = pixels.flat_map(|[r, g, b, a]| match layout {
            Layout::L8 => vec![g],
            Layout::La8 => vec![g, a],
            Layout::Rgb8 => vec![r, g, b],
            _ => vec![r, g, b, a],
        });
        Raster::from_data(size, layout, data.collect()).unwrap()
    }

    fn made(raster: &Raster, png_compression: PngCompression, interlace: bool) -> Vec<u8> {
        let plan = Plan { png_compression, interlace, ..Plan::default() };
        let bytes = encode(raster, &plan, &OutputMetadata::default(), &Control::default()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        assert_eq!(reader.info().interlaced, interlace);
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut data).unwrap();
        assert!(data == raster.data());
        bytes
    }

    fn seen(raster: &Raster) -> Content {
        let (stride, channels) = (raster.stride(), raster.layout().channels());
        let rows = Rows { data: raster.data(), stride, channels, interlaced: false };
        content(&rows, &Control::default()).unwrap()
    }

    #[test]
    fn content_is_seen_in_all_layouts() {
        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
            for (pixel, content) in [
                (photo as Pixel, Content::Photo),
                (text, Content::Drawing),
                (slope, Content::Smooth),
            ] {
                assert_eq!(seen(&raster(SIZE, layout, pixel)), content, "{layout:?}");
            }
        }
    }

    #[test]
    fn more_work_makes_no_longer_file_of_the_same_pixels() {
        use PngCompression::{Balanced, Best, Fast};

        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
            for pixel in [photo, text, slope, wild] {
                for (width, height) in [(300, 200), (1, 9), (700, 3), (13, 1)] {
                    let raster = raster(Size::new(width, height), layout, pixel);
                    for interlace in [false, true] {
                        let len = |compression| made(&raster, compression, interlace).len();
                        let (fast, balanced, best) = (len(Fast), len(Balanced), len(Best));
                        assert!(best <= balanced && balanced <= fast, "{layout:?} {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn drawings_are_as_short_as_by_zlib_without_filter() {
        for pixel in [text, slope] {
            let raster = raster(Size::new(900, 600), Layout::Rgb8, pixel);
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
            for row in raster.rows() {
                zlib.write_all(&[0]).unwrap();
                zlib.write_all(row).unwrap();
            }
            let (made, zlib) = (made(&raster, PngCompression::Fast, false), zlib.finish().unwrap());
            assert!(made.len() * 100 <= zlib.len() * 105, "{} {}", made.len(), zlib.len());
        }
    }

    #[test]
    fn what_no_code_makes_shorter_is_stored() {
        let raster = raster(SIZE, Layout::Rgb8, wild);
        let made = made(&raster, PngCompression::Fast, false);
        assert!(made.len() < raster.data().len() + 1000);
    }
}
