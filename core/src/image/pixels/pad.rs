//! Padding.

use super::flatten::{flatten, widen};
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::{Color, Control, Error};

/// Lays an image at `place` on a canvas of one colour, which shows through where the
/// image is transparent. There is room for it.
pub(in crate::image) fn pad(
    raster: Raster,
    canvas: Size,
    place: (u32, u32),
    background: Color,
    control: &Control,
) -> Result<Raster, Error> {
    if raster.size() == canvas {
        return Ok(raster);
    }
    let Color { r, g, b } = background;
    let mut raster = flatten(raster, background, control)?;
    if !(r == g && g == b) {
        raster = widen(raster, control)?;
    }
    let (layout, channels) = (raster.layout(), raster.layout().channels());
    let color = if layout == Layout::L8 { &[r][..] } else { &[r, g, b][..] };

    let mut row = with_room(canvas.width as usize * channels)?;
    (0..canvas.width).for_each(|_| row.extend_from_slice(color));
    let mut out = Raster::new(canvas, layout)?;
    for to in out.rows_mut() {
        control.check()?;
        to.copy_from_slice(&row);
    }
    let left = place.0 as usize * channels;
    for (to, from) in out.rows_mut().skip(place.1 as usize).zip(raster.rows()) {
        control.check()?;
        if let Some(to) = to.get_mut(left..left + from.len()) {
            to.copy_from_slice(from);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(layout: Layout, data: &[u8], background: Color) -> Raster {
        let raster = Raster::from_data(Size::new(1, 1), layout, data.to_vec()).unwrap();
        pad(raster, Size::new(3, 2), (1, 1), background, &Control::default()).unwrap()
    }

    #[test]
    fn around_an_image() {
        let red = Color { r: 255, g: 0, b: 0 };
        let out = padded(Layout::L8, &[7], Color::WHITE);
        assert_eq!(out.data(), [255, 255, 255, 255, 7, 255]);
        let out = padded(Layout::L8, &[7], red);
        assert_eq!(out.layout(), Layout::Rgb8);
        assert_eq!(out.data()[9..], [255, 0, 0, 7, 7, 7, 255, 0, 0]);
        let out = padded(Layout::Rgba8, &[1, 2, 3, 0], red);
        assert_eq!(out.data(), [255, 0, 0].repeat(6));
    }

    #[test]
    fn nothing_to_add_changes_nothing() {
        let raster = Raster::from_data(Size::new(1, 1), Layout::La8, vec![9, 3]).unwrap();
        let out = pad(raster, Size::new(1, 1), (0, 0), Color::WHITE, &Control::default()).unwrap();
        assert_eq!(out.data(), [9, 3]);
    }
}
