//! One pixel over another.

/// Lays a pixel over an opaque one.
#[inline]
pub(in crate::image) fn lay_opaque(pixel: &mut [u8; 3], &[r, g, b, alpha]: &[u8; 4]) {
    let alpha = u32::from(alpha);
    for (below, above) in pixel.iter_mut().zip([r, g, b]) {
        *below = divide_by_255(u32::from(above) * alpha + u32::from(*below) * (255 - alpha));
    }
}

/// Source over destination, neither premultiplied (Porter and Duff, "Compositing Digital Images").
#[inline]
pub(in crate::image) fn lay_over(pixel: &mut [u8; 4], &[r, g, b, alpha]: &[u8; 4]) {
    let (above_alpha, below_alpha) = (u32::from(alpha), u32::from(pixel[3]));
    // In units of 1/255² of a pixel.
    let above_part = above_alpha * 255;
    let below_part = below_alpha * (255 - above_alpha);
    let whole = above_part + below_part;
    if whole == 0 {
        return;
    }
    for (below, above) in pixel.iter_mut().zip([r, g, b]) {
        let sum = u32::from(above) * above_part + u32::from(*below) * below_part;
        *below = ((sum + whole / 2) / whole) as u8;
    }
    pixel[3] = divide_by_255(whole);
}

/// A 255th, rounded.
#[inline]
pub(in crate::image) fn divide_by_255(value: u32) -> u8 {
    ((value + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_what_is_opaque() {
        let mut pixel = [200, 100, 0];
        lay_opaque(&mut pixel, &[0, 0, 0, 0]);
        assert_eq!(pixel, [200, 100, 0]);
        lay_opaque(&mut pixel, &[255, 255, 255, 128]);
        assert_eq!(pixel, [228, 178, 128]);
        lay_opaque(&mut pixel, &[1, 2, 3, 255]);
        assert_eq!(pixel, [1, 2, 3]);
    }

    #[test]
    fn over_what_is_transparent() {
        let over = |mut pixel: [u8; 4], mark: [u8; 4]| {
            lay_over(&mut pixel, &mark);
            pixel
        };
        // Nothing of a transparent pixel's colour shows.
        assert_eq!(over([255, 0, 0, 0], [0, 0, 255, 128]), [0, 0, 255, 128]);
        assert_eq!(over([255, 0, 0, 7], [0, 0, 255, 0]), [255, 0, 0, 7]);
        assert_eq!(over([9, 9, 9, 0], [1, 1, 1, 0]), [9, 9, 9, 0]);
        assert_eq!(over([255, 0, 0, 255], [0, 0, 255, 128]), [127, 0, 128, 255]);
        // Half over half: three quarters, of which the upper one is two thirds.
        assert_eq!(over([255, 0, 0, 128], [0, 0, 255, 128]), [85, 0, 170, 192]);
    }
}
