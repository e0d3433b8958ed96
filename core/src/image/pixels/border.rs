//! Frames of one colour.

use super::composite::{lay_opaque, lay_over};
use super::flatten::{widen, with_alpha};
use crate::image::raster::{Layout, Raster};
use crate::image::size::Size;
use crate::image::{BorderPlace, Color, Control, Error};

/// A frame that is to be drawn.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct Frame {
    /// How wide it is at the top, on the right, at the bottom and on the left.
    pub(in crate::image) edges: [u32; 4],
    pub(in crate::image) place: BorderPlace,
    pub(in crate::image) color: Color,
    pub(in crate::image) alpha: u8,
}

/// Draws a frame around an image, or over it.
pub(in crate::image) fn border(
    raster: Raster,
    frame: Frame,
    control: &Control,
) -> Result<Raster, Error> {
    if frame.edges == [0; 4] {
        return Ok(raster);
    }
    let Frame { edges: [top, right, bottom, left], place, color: Color { r, g, b }, alpha } = frame;
    let raster = widen(raster, control)?;
    let raster = match place {
        // What shows through is what is behind all.
        BorderPlace::Around if alpha < 255 => with_alpha(raster, control)?,
        BorderPlace::Around | BorderPlace::Over => raster,
    };
    let (inner, channels) = (raster.size(), raster.layout().channels());
    let mut out = match place {
        BorderPlace::Over => raster,
        BorderPlace::Around => {
            let size = Size::new(
                inner.width.saturating_add(left).saturating_add(right),
                inner.height.saturating_add(top).saturating_add(bottom),
            );
            let mut out = Raster::new(size, raster.layout())?;
            let rows = out.rows_mut().skip(top as usize);
            for (to, from) in rows.zip(raster.rows()) {
                control.check()?;
                let to = to.get_mut(left as usize * channels..).unwrap_or_default();
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
            }
            out
        }
    };
    let (size, layout) = (out.size(), out.layout());
    let pixel = [r, g, b, alpha];
    let inside = left.min(size.width) as usize..size.width.saturating_sub(right) as usize;
    let rows = top..size.height.saturating_sub(bottom);
    for (y, row) in (0u32..).zip(out.rows_mut()) {
        control.check()?;
        if rows.contains(&y) && !inside.is_empty() {
            let (before, after) = row.split_at_mut(inside.end * channels);
            let before = before.get_mut(..inside.start * channels).unwrap_or_default();
            paint(before, layout, place, &pixel);
            paint(after, layout, place, &pixel);
        } else {
            paint(row, layout, place, &pixel);
        }
    }
    Ok(out)
}

/// Gives pixels that colour, or lays it over them.
fn paint(pixels: &mut [u8], layout: Layout, place: BorderPlace, color: &[u8; 4]) {
    match (layout, place) {
        (Layout::Rgba8, BorderPlace::Around) => pixels.as_chunks_mut().0.fill(*color),
        (Layout::Rgba8, BorderPlace::Over) => {
            pixels.as_chunks_mut().0.iter_mut().for_each(|pixel| lay_over(pixel, color));
        }
        _ => pixels.as_chunks_mut().0.iter_mut().for_each(|pixel| lay_opaque(pixel, color)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(layout: Layout, data: &[u8], frame: Frame) -> (Layout, Size, Vec<u8>) {
        let size = Size::new(data.len() as u32 / layout.channels() as u32, 1);
        let raster = Raster::from_data(size, layout, data.to_vec()).unwrap();
        let out = border(raster, frame, &Control::default()).unwrap();
        (out.layout(), out.size(), out.data().to_vec())
    }

    const RED: Color = Color { r: 255, g: 0, b: 0 };

    #[test]
    fn around() {
        let frame =
            Frame { edges: [1, 2, 0, 1], place: BorderPlace::Around, color: RED, alpha: 255 };
        let (layout, size, data) = framed(Layout::L8, &[7, 8], frame);
        assert_eq!((layout, size), (Layout::Rgb8, Size::new(5, 2)));
        let red = [255, 0, 0];
        assert_eq!(data, [red, red, red, red, red, red, [7; 3], [8; 3], red, red].concat());
        // What is transparent stays so, and a frame that is lets through what is behind all.
        let (layout, _, data) =
            framed(Layout::Rgba8, &[1, 2, 3, 0], Frame { edges: [0, 1, 0, 0], ..frame });
        assert_eq!((layout, &data[..]), (Layout::Rgba8, &[1, 2, 3, 0, 255, 0, 0, 255][..]));
        let (_, _, data) =
            framed(Layout::L8, &[9], Frame { edges: [0, 1, 0, 0], alpha: 100, ..frame });
        assert_eq!(data, [9, 9, 9, 255, 255, 0, 0, 100]);
    }

    #[test]
    fn over() {
        let frame = Frame { edges: [0, 1, 0, 0], place: BorderPlace::Over, color: RED, alpha: 255 };
        let (layout, size, data) = framed(Layout::L8, &[7, 8], frame);
        assert_eq!((layout, size), (Layout::Rgb8, Size::new(2, 1)));
        assert_eq!(data, [7, 7, 7, 255, 0, 0]);
        let (_, _, data) = framed(Layout::Rgb8, &[0; 6], Frame { alpha: 128, ..frame });
        assert_eq!(data, [0, 0, 0, 128, 0, 0]);
        // Wider than the image, it is all there is.
        for edges in [[0, 9, 0, 9], [5, 0, 0, 0], [0, 2, 0, 0], [u32::MAX; 4]] {
            let (_, _, data) = framed(Layout::Rgb8, &[3; 6], Frame { edges, ..frame });
            assert_eq!(data, [255, 0, 0, 255, 0, 0], "{edges:?}");
        }
    }
}
