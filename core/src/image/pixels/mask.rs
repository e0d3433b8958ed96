//! Shapes that images show in.

use super::flatten::with_alpha;
use crate::image::raster::Raster;
use crate::image::size::Size;
use crate::image::{Control, Error, Mask};

/// Has what is outside of a shape be transparent; its edge is smooth.
pub(in crate::image) fn mask(
    raster: Raster,
    mask: Mask,
    control: &Control,
) -> Result<Raster, Error> {
    let Size { width, height } = raster.size();
    let (half_width, half_height) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let (across, down) = match mask {
        Mask::Off => return Ok(raster),
        Mask::Circle => (half_width.min(half_height), half_width.min(half_height)),
        Mask::Ellipse => (half_width, half_height),
    };
    let mut raster = with_alpha(raster, control)?;
    let channels = raster.layout().channels();
    for (y, row) in (0u32..).zip(raster.rows_mut()) {
        control.check()?;
        let y = f64::from(y) + 0.5 - half_height;
        for (x, pixel) in (0u32..).zip(row.chunks_exact_mut(channels)) {
            let x = f64::from(x) + 0.5 - half_width;
            let covered = (0.5 + inwards(x, y, across, down)).clamp(0.0, 1.0);
            if let Some(alpha) = pixel.last_mut() {
                *alpha = (f64::from(*alpha) * covered + 0.5) as u8;
            }
        }
    }
    Ok(raster)
}

/// How far a point is inside of an ellipse with those half axes, nearly: the equation's value by how
/// steep it is there.
fn inwards(x: f64, y: f64, across: f64, down: f64) -> f64 {
    let (u, v) = (x / across, y / down);
    let distance = u.hypot(v);
    let steep = (u / across).hypot(v / down);
    if steep == 0.0 { across.min(down) } else { (1.0 - distance) * distance / steep }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::raster::Layout;

    /// The opacity of what was opaque.
    fn alphas(width: u32, height: u32, shape: Mask) -> Vec<u8> {
        let size = Size::new(width, height);
        let raster = Raster::from_data(size, Layout::L8, vec![9; size.pixels() as usize]).unwrap();
        let masked = mask(raster, shape, &Control::default()).unwrap();
        assert_eq!(masked.layout(), Layout::La8);
        masked.data().chunks(2).map(|pixel| pixel[1]).collect()
    }

    #[test]
    fn shapes_have_their_areas() {
        for (width, height, shape, area) in [
            (200, 100, Mask::Circle, 50.0 * 50.0),
            (200, 100, Mask::Ellipse, 100.0 * 50.0),
            (51, 301, Mask::Ellipse, 25.5 * 150.5),
            (30, 30, Mask::Circle, 15.0 * 15.0),
        ] {
            let alphas = alphas(width, height, shape);
            let sum: f64 = alphas.iter().map(|&alpha| f64::from(alpha) / 255.0).sum();
            let area = area * std::f64::consts::PI;
            assert!((sum - area).abs() < area / 200.0, "{width}x{height} {shape:?}: {sum} {area}");
            let at = |x: u32, y: u32| alphas[(y * width + x) as usize];
            assert_eq!((at(0, 0), at(width - 1, height - 1)), (0, 0));
            assert_eq!(at(width / 2, height / 2), 255);
        }
        // The circle lies in the middle.
        let alphas = alphas(200, 100, Mask::Circle);
        assert_eq!([alphas[50 * 200 + 48], alphas[50 * 200 + 52]], [0, 255]);
    }

    #[test]
    fn small_ones_and_none() {
        assert_eq!(alphas(1, 1, Mask::Circle).len(), 1);
        assert!(alphas(2, 1, Mask::Ellipse)[0] > 0);
        let raster = Raster::from_data(Size::new(1, 1), Layout::L8, vec![9]).unwrap();
        let same = mask(raster, Mask::Off, &Control::default()).unwrap();
        assert_eq!(same.layout(), Layout::L8);
    }
}
