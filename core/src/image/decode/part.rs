//! What of an image has to be decoded where the rest of it is cut away.

use super::scale::Scale;
use crate::image::size::{Rect, Size};
use crate::image::source::{Container, Source};

/// How far the filter of the resize reaches, in pixels of its output.
const REACH: f64 = 3.0;

/// Pixels of a raster at its edges that may differ from those of a larger one: the chroma beyond
/// them is not known.
const EDGE: f64 = 2.0;

/// The part of the stored image that the window of a scaled region depends on, as the decoder can
/// have it; all of the image where that is not much more.
pub(super) fn part(
    source: &Source,
    region: Rect,
    scaled: Size,
    window: Rect,
    scale: Scale,
) -> Rect {
    let stored = Size::new(source.info.width, source.info.height);
    let all = Rect { x: 0, y: 0, size: stored };
    let Some((columns, rows)) = steps(source, scale) else { return all };
    let [(_, across), (_, down)] = scale.of(stored, stored);
    let (x, width) = span(
        (window.x, window.size.width),
        scaled.width,
        (region.x, region.size.width, stored.width),
        across,
        columns,
    );
    let (y, height) = span(
        (window.y, window.size.height),
        scaled.height,
        (region.y, region.size.height, stored.height),
        down,
        rows,
    );
    let part = Rect { x, y, size: Size::new(width, height) };
    if part.size.pixels() * 10 <= stored.pixels() * 9 { part } else { all }
}

/// What the corners of a part have to be multiples of; `None` where there are no parts.
fn steps(source: &Source, scale: Scale) -> Option<(u32, u32)> {
    match &source.kind {
        Container::Jpeg(jpeg) => jpeg.mcu(),
        // What the file ends within is judged as a whole.
        Container::Webp(webp) if !matches!(scale, Scale::Boxes(_)) => {
            webp.still().filter(|still| !still.is_cut).map(|_| (2, 2))
        }
        Container::Png(_)
        | Container::Gif(_)
        | Container::Webp(_)
        | Container::Avif(_)
        | Container::Bitmap(_)
        | Container::Tiff(_)
        | Container::Jxl(_)
        | Container::Heic(_)
        | Container::Svg(_) => None,
    }
}

/// Where the stored pixels begin, and how many they are, that so many of a scaled side depend on
/// from there on, which has come from a region's of those that are stored. Of each comes `decoded`
/// of a pixel before that is scaled.
fn span(
    (at, len): (u32, u32),
    scaled: u32,
    (first, region, stored): (u32, u32, u32),
    decoded: f64,
    step: u32,
) -> (u32, u32) {
    let ratio = f64::from(region) / f64::from(scaled);
    let reach = REACH * ratio.max(1.0 / decoded) + EDGE / decoded;
    // At the edges of a region too chroma comes of pixels beyond them.
    let edge = EDGE / decoded;
    let start = (f64::from(at) * ratio - reach).max(-edge);
    let end = ((f64::from(at) + f64::from(len)) * ratio + reach).min(f64::from(region) + edge);
    let start = (f64::from(first) + start).max(0.0) as u32 / step * step;
    let end = ((f64::from(first) + end).ceil() as u32).next_multiple_of(step).min(stored);
    (start, end - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_what_the_filter_reaches() {
        // All of a side.
        assert_eq!(span((0, 300), 300, (0, 3000, 3000), 0.5, 16), (0, 3000));
        // 1000 - 30 - 4 is in the MCU at 960, and 2000 + 30 + 4 ends in that at 2032.
        assert_eq!(span((100, 100), 300, (0, 3000, 3000), 0.5, 16), (960, 1088));
        // Enlarged, the filter reaches pixels of the source.
        assert_eq!(span((1000, 500), 3000, (0, 300, 300), 1.0, 1), (95, 60));
        // Not beyond the edges.
        assert_eq!(span((1, 298), 300, (0, 3000, 3000), 0.5, 16), (0, 3000));
        // A region, and what its edges need: 1000 - 4 is in the MCU at 992, 1500 + 4 ends one.
        assert_eq!(span((0, 50), 50, (1000, 500, 3000), 0.5, 16), (992, 512));
        assert_eq!(span((0, 500), 500, (2600, 400, 3000), 1.0, 1), (2598, 402));
    }
}
