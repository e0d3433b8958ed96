//! What is new in a picture, in blocks that are laid over the one before.

use std::ops::Range;

use crate::image::raster::{Layout, Raster, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error};

/// Pixels of a side of a block.
const BLOCK: usize = 8;

/// Pixels of the smallest window of which it is worth it to say what is there.
const LEAST: u64 = 2048;

/// How far alpha is off that differs at all.
const FAR: u8 = 255;

/// When a patch is worth it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    /// How far a channel may be off in blocks that stay, and how many of a hundred those are at least.
    pub(super) near: u8,
    pub(super) kept: usize,
    /// How many have not changed at all: where there are none, what is near is noise that changes everywhere.
    pub(super) same: usize,
}

/// Of a window, outside of which nothing differs from what is shown, the part with all blocks in which something is
/// new; the others are transparent. Both pictures are in colour and of one layout. Notes what is shown then.
///
/// `None` where that is not worth it, or would leave what is to vanish.
///
/// A block that is near stays until it is not near any more to what it was when it was last new: what creeps in
/// stops there.
pub(super) fn patch(
    shown: &mut Raster,
    after: &Raster,
    window: Rect,
    worth: Worth,
    control: &Control,
) -> Result<Option<(Rect, Raster)>, Error> {
    if window.size.pixels() < LEAST {
        return Ok(None);
    }
    match after.layout() {
        Layout::Rgb8 => patched::<3>(shown, after, window, worth, control),
        _ => patched::<4>(shown, after, window, worth, control),
    }
}

fn patched<const N: usize>(
    shown: &mut Raster,
    after: &Raster,
    window: Rect,
    Worth { near, kept, same }: Worth,
    control: &Control,
) -> Result<Option<(Rect, Raster)>, Error> {
    let across = (window.size.width as usize).div_ceil(BLOCK);
    let blocks = across * (window.size.height as usize).div_ceil(BLOCK);
    // By how much each block is off.
    let mut off = zeroed(blocks)?;
    for (y, (before, row)) in rows::<N>(shown, window).zip(rows::<N>(after, window)).enumerate() {
        control.check()?;
        let band = off.get_mut(y / BLOCK * across..).unwrap_or_default();
        let blocks = before.chunks(BLOCK).zip(row.chunks(BLOCK));
        for (off, (before, row)) in band.iter_mut().zip(blocks) {
            *off = distance(before, row).max(*off);
        }
    }
    let share = |most: u8| off.iter().filter(|off| **off <= most).count() * 100 / blocks;
    if share(near) < kept || share(0) < same {
        return Ok(None);
    }

    let new = new_blocks(&off, across, near);
    let part = part(window, &new);
    // Of a row of that part the blocks that it is in.
    let band = |y: usize| {
        let start = (new.rows.start + y / BLOCK) * across;
        off.get(start + new.columns.start..start + new.columns.end).unwrap_or_default()
    };
    let mut patch = Raster::new(part.size, Layout::Rgba8)?;
    for (y, (to, row)) in patch.rows_mut().zip(rows::<N>(after, part)).enumerate() {
        control.check()?;
        let blocks = to.as_chunks_mut::<4>().0.chunks_mut(BLOCK).zip(row.chunks(BLOCK));
        for ((to, row), _) in blocks.zip(band(y)).filter(|(_, off)| **off > near) {
            for (to, pixel) in to.iter_mut().zip(row) {
                if N == 4 && pixel.last() != Some(&255) {
                    return Ok(None);
                }
                *to = [255; 4];
                to.iter_mut().zip(pixel).for_each(|(to, from)| *to = *from);
            }
        }
    }
    for (y, (shown, row)) in rows_mut::<N>(shown, part).zip(rows::<N>(after, part)).enumerate() {
        let blocks = shown.chunks_mut(BLOCK).zip(row.chunks(BLOCK));
        for ((shown, row), _) in blocks.zip(band(y)).filter(|(_, off)| **off > near) {
            shown.copy_from_slice(row);
        }
    }
    Ok(Some((part, patch)))
}

/// Rows and columns of blocks.
struct Blocks {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// What is around all blocks that are further off, or one where none is.
fn new_blocks(off: &[u8], across: usize, near: u8) -> Blocks {
    let places = off.iter().enumerate().filter(|(_, off)| **off > near);
    let places = places.map(|(at, _)| (at / across, at % across));
    let around = |around: Option<Blocks>, (row, column): (usize, usize)| {
        let grown = |range: Range<usize>, at: usize| range.start.min(at)..range.end.max(at + 1);
        let Blocks { rows, columns } =
            around.unwrap_or(Blocks { rows: row..row, columns: column..column });
        Some(Blocks { rows: grown(rows, row), columns: grown(columns, column) })
    };
    places.fold(None, around).unwrap_or(Blocks { rows: 0..1, columns: 0..1 })
}

/// The part of a window that some of its blocks make.
fn part(window: Rect, blocks: &Blocks) -> Rect {
    let side = |at: u32, len: u32, blocks: &Range<usize>| {
        let from = (blocks.start * BLOCK) as u32;
        let to = ((blocks.end * BLOCK) as u32).min(len);
        (at + from, to - from)
    };
    let (x, width) = side(window.x, window.size.width, &blocks.columns);
    let (y, height) = side(window.y, window.size.height, &blocks.rows);
    Rect { x, y, size: Size::new(width, height) }
}

/// How far the channel is off that differs most; alpha is the last of four.
fn distance<const N: usize>(a: &[[u8; N]], b: &[[u8; N]]) -> u8 {
    let off = a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| a.abs_diff(*b));
    let off = off.fold(0, u8::max);
    let is_far = N == 4 && off > 0 && a.iter().zip(b).any(|(a, b)| a.last() != b.last());
    if is_far { FAR } else { off }
}

/// The rows of a window, as pixels.
fn rows<const N: usize>(raster: &Raster, window: Rect) -> impl Iterator<Item = &[[u8; N]]> {
    let (left, right) = (window.x as usize, (window.x + window.size.width) as usize);
    let rows = raster.rows().skip(window.y as usize).take(window.size.height as usize);
    rows.filter_map(move |row| row.as_chunks().0.get(left..right))
}

fn rows_mut<const N: usize>(
    raster: &mut Raster,
    window: Rect,
) -> impl Iterator<Item = &mut [[u8; N]]> {
    let (left, right) = (window.x as usize, (window.x + window.size.width) as usize);
    let rows = raster.rows_mut().skip(window.y as usize).take(window.size.height as usize);
    rows.filter_map(move |row| row.as_chunks_mut().0.get_mut(left..right))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 84, height: 50 };
    const ALL: Rect = Rect { x: 0, y: 0, size: SIZE };

    fn picture(layout: Layout, alpha: u8) -> Raster {
        let pixel = |i: u32| [(i % 251) as u8, (i % 83 * 3) as u8, (i / 9 % 99) as u8, alpha];
        let data =
            (0..SIZE.pixels() as u32).flat_map(|i| pixel(i).into_iter().take(layout.channels()));
        Raster::from_data(SIZE, layout, data.collect()).unwrap()
    }

    fn change(raster: &mut Raster, x: usize, y: usize, by: u8) {
        let at = y * raster.stride() + x * raster.layout().channels();
        raster.data_mut()[at] = raster.data()[at].wrapping_add(by);
    }

    fn made(shown: &mut Raster, after: &Raster) -> Option<(Rect, Raster)> {
        let worth = Worth { near: 3, kept: 75, same: 25 };
        patch(shown, after, ALL, worth, &Control::default()).unwrap()
    }

    #[test]
    fn blocks_that_changed_are_there() {
        for layout in [Layout::Rgb8, Layout::Rgba8] {
            let (mut shown, mut after) = (picture(layout, 255), picture(layout, 255));
            change(&mut after, 83, 49, 9);
            change(&mut after, 17, 3, 4);
            change(&mut after, 4, 20, 3);
            let (part, patch) = made(&mut shown, &after).unwrap();
            assert_eq!(part, Rect { x: 16, y: 0, size: Size::new(68, 50) });
            for (i, pixel) in patch.data().as_chunks::<4>().0.iter().enumerate() {
                let (x, y) = (i % 68 + 16, i / 68);
                let is_there = [(10, 6), (2, 0)].contains(&(x / 8, y / 8));
                let at = (y * 84 + x) * layout.channels();
                let [r, g, b] = [0, 1, 2].map(|channel| after.data()[at + channel]);
                assert_eq!(*pixel, if is_there { [r, g, b, 255] } else { [0; 4] }, "{x} {y}");
            }
            // What was near is still what it was, and counts once it is further off.
            assert!(shown.data() != after.data());
            assert_eq!(made(&mut shown, &after).unwrap().0.size, Size::new(8, 8));
            assert!(shown.data() != after.data());
            change(&mut after, 4, 20, 1);
            let (part, patch) = made(&mut shown, &after).unwrap();
            assert_eq!(part, Rect { x: 0, y: 16, size: Size::new(8, 8) });
            assert!(patch.data().iter().skip(3).step_by(4).all(|alpha| *alpha == 255));
            assert!(shown.data() == after.data());
        }
    }

    #[test]
    fn what_is_not_worth_it_or_vanishes_is_no_patch() {
        let (mut shown, mut after) = (picture(Layout::Rgb8, 255), picture(Layout::Rgb8, 255));
        // Noise, which is near everywhere.
        (0..SIZE.height as usize).for_each(|y| (0..84).for_each(|x| change(&mut after, x, y, 1)));
        assert!(made(&mut shown, &after).is_none());
        let small = Rect { size: Size::new(40, 50), ..ALL };
        let worth = Worth { near: 0, kept: 0, same: 0 };
        assert!(patch(&mut shown, &after, small, worth, &Control::default()).unwrap().is_none());

        let (mut shown, mut after) = (picture(Layout::Rgba8, 255), picture(Layout::Rgba8, 255));
        after.data_mut()[3] = 254;
        assert!(made(&mut shown, &after).is_none());
        assert!(shown.data() == picture(Layout::Rgba8, 255).data());
        // What is there before does not matter.
        let mut shown = picture(Layout::Rgba8, 254);
        let mut after = picture(Layout::Rgba8, 254);
        after.data_mut()[..8 * 4].iter_mut().skip(3).step_by(4).for_each(|alpha| *alpha = 255);
        assert!(made(&mut shown, &after).is_none());
    }
}
