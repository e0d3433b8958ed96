//! PNG, still or to be animated: chunks by the `png` crate, filters and the choice of the compression by what is on it.

mod deflate;
mod filter;
mod reduce;
mod rows;

use std::borrow::Cow;

use png::chunk::ChunkType;
use png::text_metadata::ITXtChunk;
use png::{BitDepth, ColorType, Encoder, Info};

use self::deflate::{Compressed, Method, QUICKEST, SHORT_MATCH};
use self::filter::Filter;
use self::rows::{Filters, Rows, Strips};
use super::fallible_buffer::FallibleBuffer;
use super::palette::Indexed;
use crate::image::error::not_encoded;
use crate::image::metadata::OutputMetadata;
use crate::image::raster::{DeepRaster, Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::{Control, Error, Plan, PngCompression};

/// Of 100, what fixed codes may leave of a photo beside matches, which take several times as long, and beside matches
/// of rows as they are, which get on better in the whole than in a sample.
const BESIDE_FILTERED_PERCENT: usize = 108;
const BESIDE_PLAIN_PERCENT: usize = 90;

/// What a sample that fixed codes make smaller than one of so many bytes has is areas of one colour, on which matches
/// take no time.
const AREAS: usize = 10;

/// Of 100, what short matches have to leave of a sample to be taken, of rows as they are and of filtered ones.
const SHORT_PERCENT: usize = 99;
const SHORT_FILTERED_PERCENT: usize = 95;

/// Of 100, what filters by strips may leave for them to be taken: how rows get on that stay as they are is seen late,
/// by what repeats itself far away.
const STRIPS_PERCENT: usize = 90;

/// Bytes for each colour of a file that could do without a palette.
const LITTLE: usize = 16;

/// Bytes around a chunk, and those of the chunks that are always there.
const AROUND_CHUNK: usize = 12;
const SMALL_CHUNKS: usize = 1024;

/// The code points of the colours, for which the crate has no name.
const CICP: ChunkType = ChunkType(*b"cICP");

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

/// What of a raster suits its compression.
enum Content {
    /// It differs from pixel to pixel.
    Photo,
    /// Areas and shapes that repeat themselves as they are, as in screenshots.
    Drawing { short: bool },
    /// Some of it repeats itself once it is filtered, with one filter of [`AMONG`] for all the best of a sample.
    Mixed { short: bool, sampled: Strips },
}

/// Finds matches in not much time: of rows as they are; of filtered ones, where a search takes longer; and in all that
/// it takes.
const QUICK: Method = Method::Matches(6);
const QUICK_FILTERED: Method = Method::Matches(5);
const THOROUGH: Method = Method::Matches(9);

/// The same by short ones, which are found late.
const SHORT: Method = Method::ShortMatches(6);
const SHORT_FILTERED: Method = Method::ShortMatches(3);

/// What the filters of a strip are chosen among, and with more time.
const AMONG: [Filter; 3] = [Filter::None, Filter::Left, Filter::Smallest];
const AMONG_MORE: [Filter; 4] = [Filter::None, Filter::Left, Filter::Smallest, Filter::Plainest];

/// A way to compress a raster.
type Way = (Filters, Method);

/// The ways for a raster. For `balanced` they are those of `fast` and more, and so they are for `best`: as the shortest
/// output counts, more work never makes a longer one.
///
/// What has no pattern gains next to nothing by matches, and loses by the codes that they take.
fn ways(rows: &Rows, compression: PngCompression, control: &Control) -> Result<Vec<Way>, Error> {
    let (filters, quick) = match content(rows, control)? {
        Content::Photo => {
            let ways = [
                (Filter::Smallest, Method::FixedCodes),
                (Filter::Smallest, Method::Runs),
                (Filter::Plainest, Method::Runs),
            ];
            let count = match compression {
                PngCompression::Fast => 1,
                PngCompression::Balanced => 2,
                PngCompression::Best => 3,
            };
            let ways = ways.into_iter().take(count);
            return Ok(ways.map(|(filter, method)| (Filters::All(filter), method)).collect());
        }
        Content::Drawing { short } => {
            (Filters::All(Filter::None), if short { SHORT } else { QUICK })
        }
        Content::Mixed { short, sampled } => {
            let strips = if rows.has_one_strip() { sampled } else { rows.strips(&AMONG, control)? };
            let is_worth_it = strips.percent() < STRIPS_PERCENT;
            let (filters, quick) = match is_worth_it {
                true => (strips.into(), QUICK_FILTERED),
                false => (Filters::All(Filter::None), QUICK),
            };
            (filters, if short { SHORT_FILTERED } else { quick })
        }
    };
    let mut ways = vec![(filters.clone(), quick)];
    if compression != PngCompression::Fast {
        ways.push((filters, THOROUGH));
    }
    if compression == PngCompression::Best {
        ways.push((rows.strips(&AMONG_MORE, control)?.into(), THOROUGH));
    }
    Ok(ways)
}

/// Encodes a raster in the fewest channels that have all of it.
pub(super) fn encode(
    raster: Raster,
    plan: &Plan,
    metadata: &OutputMetadata,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    let profiled = metadata.icc.is_some();
    let raster = reduce::narrow(raster, profiled, control)?;
    let indexed = match reduce::indexed(&raster, profiled, control)? {
        Some(indexed) => {
            let made = encode_palette(&indexed, plan, metadata, control)?;
            if made.len() > LITTLE * indexed.colors.len() {
                return Ok(made);
            }
            // The palette is much of it.
            Some(made)
        }
        None => None,
    };
    let info = info(raster.size(), color_type(raster.layout())?, plan, metadata);
    let made = write(info, compress(&raster, plan, control)?, None, metadata)?;
    Ok(match indexed {
        Some(indexed) if indexed.len() <= made.len() => indexed,
        _ => made,
    })
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
    let made = shortest(&rows, ways(&rows, plan.png_compression, control)?, control)?;
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
    shortest(&rows, ways(&rows, plan.png_compression, control)?, control)
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
    // Passes take single pixels.
    let bits = if plan.interlace { 8 } else { reduce::bits(indexed.colors.len()) };
    let packed = reduce::packed(&indexed.indices, indexed.size.width, bits, control)?;
    info.bit_depth = match bits {
        1 => BitDepth::One,
        2 => BitDepth::Two,
        4 => BitDepth::Four,
        _ => BitDepth::Eight,
    };
    let stride = (indexed.size.width as usize).div_ceil(8 / bits);
    let data = packed.as_ref().unwrap_or(&indexed.indices);
    let rows = Rows { data, stride, channels: 1, interlaced: plan.interlace };
    let made = shortest(&rows, ways(&rows, plan.png_compression, control)?, control)?;
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
fn shortest(rows: &Rows, ways: Vec<Way>, control: &Control) -> Result<Compressed, Error> {
    let mut best = None;
    let mut most = rows.longest();
    for (filters, method) in ways {
        if let Some(made) = rows.compress(&filters, method, most, control)? {
            most = made.len;
            best = Some(made);
        }
    }
    let none = Filters::All(Filter::None);
    let stored = || rows.compress(&none, Method::Stored, usize::MAX, control);
    match best.map_or_else(stored, |best| Ok(Some(best)))? {
        Some(made) => Ok(made),
        None => Err(Error::Internal("a PNG is longer than memory".to_owned())),
    }
}

/// Returns what suits the raster by a sample of it, which is compressed in the quickest of the ways
/// for each.
fn content(rows: &Rows, control: &Control) -> Result<Content, Error> {
    rows.with_sample(|sample| {
        let len = |filter, method| {
            let made = sample.compress(&Filters::All(filter), method, usize::MAX, control)?;
            Ok::<_, Error>(made.map_or(usize::MAX, |made| made.len))
        };
        let photo = len(Filter::Smallest, Method::FixedCodes)?;
        let by_matches = |filter| len(filter, Method::Matches(QUICKEST));
        let (plain, filtered) = (by_matches(Filter::None)?, by_matches(Filter::Smallest)?);
        if photo * AREAS >= sample.data.len()
            && photo * 100 <= plain * BESIDE_PLAIN_PERCENT
            && photo * 100 <= filtered * BESIDE_FILTERED_PERCENT
        {
            return Ok(Content::Photo);
        }
        let left = by_matches(Filter::Left)?;
        let [as_is, by_left, smallest] = AMONG;
        let mut sampled = Strips::default();
        sampled.add(&[(as_is, plain), (by_left, left), (smallest, filtered)]);
        let is_drawing = plain <= filtered.min(left);
        let filter = if is_drawing { Filter::None } else { sampled.first() };
        // One pixel is a short match only where it has that many bytes.
        let (method, percent) = match is_drawing {
            true => (SHORT, SHORT_PERCENT),
            false => (SHORT_FILTERED, SHORT_FILTERED_PERCENT),
        };
        let short = sample.channels == SHORT_MATCH
            && len(filter, method)? * 100 < len(filter, QUICK)? * percent;
        Ok(match is_drawing {
            true => Content::Drawing { short },
            false => Content::Mixed { short, sampled },
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
        let control = Control::default();
        let copy = raster.try_clone(&control).unwrap();
        let bytes = encode(copy, &plan, &OutputMetadata::default(), &control).unwrap();
        let (info, data) = read(&bytes);
        assert_eq!(info.interlaced, interlace);
        assert!(data == rgba_of(raster));
        bytes
    }

    /// What a decoder sees, as RGBA.
    fn read(bytes: &[u8]) -> (Info<'static>, Vec<u8>) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let info = decoder.read_header_info().unwrap().clone();
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut data).unwrap();
        let pixels = data.chunks(frame.color_type.samples());
        let rgba = pixels.flat_map(|pixel| match *pixel {
            [grey] => [grey, grey, grey, 255],
            [grey, alpha] => [grey, grey, grey, alpha],
            [r, g, b] => [r, g, b, 255],
            _ => pixel.try_into().unwrap(),
        });
        (info, rgba.collect())
    }

    fn rgba_of(raster: &Raster) -> Vec<u8> {
        let control = Control::default();
        let rgba =
            crate::image::encode::palette::into_rgba(raster.try_clone(&control).unwrap(), &control);
        rgba.unwrap().as_flattened().to_vec()
    }

    fn seen(raster: &Raster) -> Content {
        let (stride, channels) = (raster.stride(), raster.layout().channels());
        let rows = Rows { data: raster.data(), stride, channels, interlaced: false };
        content(&rows, &Control::default()).unwrap()
    }

    #[test]
    fn content_is_seen_in_all_layouts() {
        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
            for (pixel, content) in [(photo as Pixel, "photo"), (text, "drawing"), (slope, "mixed")]
            {
                let seen = match seen(&raster(SIZE, layout, pixel)) {
                    Content::Photo => "photo",
                    Content::Drawing { .. } => "drawing",
                    Content::Mixed { .. } => "mixed",
                };
                assert_eq!(seen, content, "{layout:?}");
            }
        }
    }

    #[test]
    fn more_work_makes_no_longer_file_of_the_same_pixels() {
        use PngCompression::{Balanced, Best, Fast};

        for layout in [Layout::L8, Layout::La8, Layout::Rgb8, Layout::Rgba8] {
            for pixel in [photo, text, slope, wild, tiles, desktop] {
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

    /// Bars, a curve with soft edges, lines of a grid and numbers on white.
    fn chart(x: u32, y: u32) -> [u8; 4] {
        let bar = noise(x / 40, 7) % 400;
        let (column, depth) = (x % 40, 600u32.saturating_sub(y));
        let curve =
            300.0 + 200.0 * (f64::from(x) / 90.0).sin() + 40.0 * (f64::from(x) / 17.0).cos();
        let cover = (2.5 - (f64::from(y) - curve).abs()).clamp(0.0, 1.0);
        let below = match (x, y) {
            (0..60, _) => text(x, y),
            _ if column < 28 && depth < bar => [59, 120, 196, 255],
            (_, y) if y % 50 == 0 => [208, 212, 218, 255],
            _ => [255; 4],
        };
        let ink = [217, 115, 13];
        let [r, g, b] = [0, 1, 2].map(|at| {
            (f64::from(below[at]) * (1.0 - cover) + f64::from(ink[at]) * cover).round() as u8
        });
        [r, g, b, 255]
    }

    /// Tiles of few colours.
    fn tiles(x: u32, y: u32) -> [u8; 4] {
        let tone = (noise(x / 12, y / 12) % 6) as u8;
        [40 * tone, 200 - 30 * tone, 90, 255]
    }

    /// A slope with one channel of noise at the lowest bit, and shapes on it.
    fn desktop(x: u32, y: u32) -> [u8; 4] {
        if x % 190 < 120 && y % 210 < 90 {
            return [250, 250, 255, 255];
        }
        let tone = |from: u32| (from + (2 * x + y) / 30 + noise(x, y) % 2) as u8;
        [tone(40), tone(60), tone(120), 255]
    }

    #[test]
    fn drawings_are_as_short_as_by_zlib_without_filter() {
        for layout in [Layout::Rgb8, Layout::Rgba8] {
            for pixel in [text, slope, chart, tiles, desktop] {
                let raster = raster(Size::new(900, 600), layout, pixel);
                let level = flate2::Compression::new(6);
                let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
                for row in raster.rows() {
                    zlib.write_all(&[0]).unwrap();
                    zlib.write_all(row).unwrap();
                }
                let made = made(&raster, PngCompression::Fast, false);
                let (made, zlib) = (made.len(), zlib.finish().unwrap().len());
                assert!(made * 100 <= zlib * 105, "{layout:?} {made} {zlib}");
            }
        }
    }

    #[test]
    fn pictures_take_no_more_channels_and_bits_than_they_need() {
        let size = Size::new(90, 60);
        let made = |layout, pixel, interlace| {
            let (info, _) =
                read(&made(&raster(size, layout, pixel), PngCompression::Fast, interlace));
            (info.color_type, info.bit_depth as u8)
        };
        let grey = |x, y| {
            let [r, ..] = photo(x, y);
            [r, r, r, noise(y, x) as u8]
        };
        let opaque = |x, y| {
            let [r, g, b, _] = photo(x, y);
            [r, g, b, 255]
        };
        let two = |x: u32, y: u32| if x / 7 % 2 == y / 7 % 2 { [9, 99, 0, 255] } else { [200; 4] };
        assert_eq!(made(Layout::Rgba8, photo, false), (ColorType::Rgba, 8));
        assert_eq!(made(Layout::Rgba8, opaque, false), (ColorType::Rgb, 8));
        assert_eq!(made(Layout::Rgba8, grey, false), (ColorType::GrayscaleAlpha, 8));
        assert_eq!(made(Layout::Rgb8, grey, true), (ColorType::Grayscale, 8));
        assert_eq!(made(Layout::Rgb8, tiles, false), (ColorType::Indexed, 4));
        assert_eq!(made(Layout::Rgb8, tiles, true), (ColorType::Indexed, 8));
        assert_eq!(made(Layout::Rgba8, two, false), (ColorType::Indexed, 1));
        assert_eq!(made(Layout::L8, two, false), (ColorType::Indexed, 1));
    }

    #[test]
    fn what_no_code_makes_shorter_is_stored() {
        let raster = raster(SIZE, Layout::Rgb8, wild);
        let made = made(&raster, PngCompression::Fast, false);
        assert!(made.len() < raster.data().len() + 1000);
    }
}
