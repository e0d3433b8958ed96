//! Averages of boxes of pixels, made row by row, so that a large image never is in
//! memory as a whole.

use crate::image::Error;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;

/// The largest side of a box: the sum of so many samples still fits.
pub(in crate::image) const LARGEST: u32 = 128;

/// An image whose pixels are the averages of boxes of another's, which has no
/// alpha. At the far edges the boxes are cut.
#[derive(Debug)]
pub(in crate::image) struct Shrink {
    side: usize,
    out: Raster,
    /// Rows that came.
    rows: usize,
    /// The sums of the columns of a row of boxes.
    sums: Vec<u16>,
}

impl Shrink {
    /// For an image of that size, by boxes of `side`, from 1 to [`LARGEST`].
    pub(in crate::image) fn new(size: Size, layout: Layout, side: u32) -> Result<Shrink, Error> {
        let side = side.clamp(1, LARGEST);
        let small = Size::new(size.width.div_ceil(side), size.height.div_ceil(side));
        let len = size.width as usize * layout.channels();
        let mut sums = with_room(len)?;
        sums.resize(len, 0);
        Ok(Shrink { side: side as usize, out: Raster::new(small, layout)?, rows: 0, sums })
    }

    /// Takes the next row.
    pub(in crate::image) fn push(&mut self, row: &[u8]) {
        for (sum, &sample) in self.sums.iter_mut().zip(row) {
            *sum += u16::from(sample);
        }
        self.rows += 1;
        if self.rows.is_multiple_of(self.side) {
            self.put(self.side);
        }
    }

    /// The image, when all rows were taken.
    pub(in crate::image) fn finish(mut self) -> Raster {
        let rest = self.rows % self.side;
        if rest > 0 {
            self.put(rest);
        }
        self.out
    }

    /// Makes a row of averages of so many rows.
    fn put(&mut self, rows: usize) {
        let at = (self.rows - 1) / self.side;
        let channels = self.out.layout().channels();
        let columns = self.sums.chunks(self.side * channels);
        let Some(row) = self.out.rows_mut().nth(at) else { return };
        match channels {
            1 => averages::<1>(row, columns, rows),
            2 => averages::<2>(row, columns, rows),
            3 => averages::<3>(row, columns, rows),
            _ => averages::<4>(row, columns, rows),
        }
        self.sums.fill(0);
    }
}

/// Makes a row of the averages of boxes of so many rows, of which the sums of the
/// columns are given.
fn averages<'a, const N: usize>(
    row: &mut [u8],
    boxes: impl Iterator<Item = &'a [u16]>,
    rows: usize,
) {
    let (mut counted, mut part) = (0, 0);
    for (pixel, columns) in row.as_chunks_mut::<N>().0.iter_mut().zip(boxes) {
        let count = (columns.len() / N * rows) as u64;
        if count != counted {
            // At most 128 times 128 pixels: 32 bits behind the point are plenty.
            (counted, part) = (count, (1 << 32) / count + 1);
        }
        let mut total = [count / 2; N];
        for column in columns.as_chunks::<N>().0 {
            total.iter_mut().zip(column).for_each(|(total, &sum)| *total += u64::from(sum));
        }
        *pixel = total.map(|total| ((total * part) >> 32) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shrunk(size: Size, layout: Layout, side: u32, data: &[u8]) -> Raster {
        let mut shrink = Shrink::new(size, layout, side).unwrap();
        data.chunks(data.len() / size.height as usize).for_each(|row| shrink.push(row));
        shrink.finish()
    }

    #[test]
    fn averages_of_boxes_and_of_what_is_left_of_them() {
        let out = shrunk(Size::new(3, 3), Layout::L8, 2, &[1, 2, 10, 3, 4, 21, 50, 60, 200]);
        assert_eq!(out.size(), Size::new(2, 2));
        assert_eq!(out.data(), [3, 16, 55, 200]);
        let out = shrunk(Size::new(2, 1), Layout::Rgb8, 2, &[0, 10, 255, 2, 20, 255]);
        assert_eq!(out.data(), [1, 15, 255]);
    }

    #[test]
    fn the_largest_box_holds() {
        let size = Size::new(LARGEST, LARGEST);
        let data = vec![255; size.pixels() as usize * 4];
        assert_eq!(shrunk(size, Layout::Cmyk8, LARGEST, &data).data(), [255; 4]);
        // Whatever else is asked for.
        assert_eq!(shrunk(size, Layout::Cmyk8, 1000, &data).data(), [255; 4]);
    }
}
