//! A channel that is scaled while its rows come, so that it is never there as a whole.
//!
//! Rows are scaled to fewer or more of them, and then across, four rows at once as if they were the channels
//! of one: of a single channel that would take twice as long.

use image_gate_codecs::Band;
use image_gate_codecs::cpu::{self, Kernel};
use image_gate_resample::{Part, Pixels, Resizer};

use super::orient::orient;
use super::resize::{Placed, internal, lanczos3, resize, working_bytes};
use crate::image::orientation::Orientation;
use crate::image::raster::{Layout, Raster, with_room, zeroed};
use crate::image::size::{Rect, Size};
use crate::image::{Control, Error};

/// How far the filter reaches, in samples of what comes out.
const REACH: f64 = 3.0;

/// What is less than that many samples is due to fractions that are rounded.
const NOTHING: f64 = 1e-6;

/// Rows that come between two steps of the vertical scaling.
const STEP: f64 = 64.0;

/// The most rows that are made in one of them.
const MOST: u32 = 128;

/// Rows that are scaled across at once.
const ROWS: u32 = 4;

/// What has as many channels, and no alpha.
const FOUR: Layout = Layout::Cmyk8;

/// What of a side of a plane is scaled, and to how many samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::image) struct Span {
    /// The first sample that counts, and how many do.
    first: u32,
    count: u32,
    /// How often the first and the last of the plane are there once more, as what comes out may begin
    /// before it, and end behind it.
    before: u32,
    after: u32,
    /// Where what comes out begins, counted from the first sample, repeated ones included.
    start: f64,
    /// How many samples there are to one that comes out.
    ratio: f64,
    /// How many come out.
    made: u32,
}

impl Span {
    /// Of so many samples those from `start` on, `ratio` for each of `made`.
    pub(in crate::image) fn new(samples: u32, start: f64, ratio: f64, made: u32) -> Span {
        let end = start + f64::from(made) * ratio;
        let before = (-start - NOTHING).ceil().max(0.0) as u32;
        let after = (end - f64::from(samples) - NOTHING).ceil().max(0.0) as u32;
        let reach = REACH * ratio.max(1.0);
        let first = ((start - reach).floor().max(0.0) as u32).min(samples.saturating_sub(1));
        let last = ((end + reach).ceil() as u32).clamp(first + 1, samples.max(first + 1));
        let start = (start - f64::from(first) + f64::from(before)).max(0.0);
        Span { first, count: last - first, before, after, start, ratio, made }
    }

    /// What of a side of a plane becomes which of another: of a side of the image it has a part, of so many pixels
    /// from one on, and a sample for `step` of them. The image's `pixels` are scaled to `scaled`, of which those
    /// are made that `len` come of from `at` on, `made` to a sample.
    ///
    /// Samples lie in the middle of their pixels. Of a side that is mirrored the first sample is made
    /// of the last pixels.
    pub(in crate::image) fn scaled(
        (pixels, scaled): (u32, u32),
        (first, there, step): (u32, u32, u8),
        (at, len): (u32, u32),
        made: u8,
        mirrored: bool,
    ) -> Span {
        let ratio = f64::from(pixels) / f64::from(scaled);
        let count = len.div_ceil(made.into());
        let beyond = count * u32::from(made) - len;
        let start = f64::from(at) - if mirrored { f64::from(beyond) } else { 0.0 };
        let samples = there.div_ceil(step.into());
        let step = f64::from(step);
        let start = (start * ratio - f64::from(first)) / step;
        Span::new(samples, start, f64::from(made) * ratio / step, count)
    }

    /// How many samples come out.
    pub(in crate::image) fn made(&self) -> u32 {
        self.made
    }

    /// Behind the last sample that counts.
    pub(in crate::image) fn end(&self) -> u32 {
        self.first + self.count
    }

    /// The first sample of those that all stay as they are.
    fn same(&self) -> Option<u32> {
        let start = self.start as u32;
        let is_same = self.ratio == 1.0
            && f64::from(start) == self.start
            && self.before == 0
            && start.saturating_add(self.made) <= self.count;
        is_same.then_some(self.first + start)
    }

    /// Samples, repeated ones included.
    fn len(&self) -> u32 {
        self.before + self.count + self.after
    }

    fn reach(&self) -> f64 {
        REACH * self.ratio.max(1.0)
    }

    /// How many samples are made in a step.
    fn step(&self) -> u32 {
        let rows = (STEP / self.ratio).clamp(1.0, MOST.into()) as u32;
        rows.next_multiple_of(ROWS)
    }

    /// The samples that the filter reaches for those that come out from `from` to `to`.
    fn needed(&self, from: u32, to: u32) -> (u32, u32) {
        let at = |made: u32| self.start + f64::from(made) * self.ratio;
        let start = (at(from) - self.reach()).floor().max(0.0) as u32;
        let end = (at(to) + self.reach()).ceil().max(0.0) as u32;
        (start.min(self.len()), end.min(self.len()))
    }

    /// The most samples that are held for a step.
    fn held(&self) -> u32 {
        let most = f64::from(self.step()) * self.ratio + 2.0 * self.reach();
        (most.ceil() as u32).saturating_add(4).min(self.len())
    }
}

/// Bytes that a plane takes until it is scaled, and the result with it.
fn bytes_of_one(across: &Span, down: &Span) -> u64 {
    let held = Size::new(across.len(), down.held() + down.step()).pixels();
    let rows = down.made.div_ceil(ROWS);
    let (between, made) = (Size::new(across.len(), rows), Size::new(across.made, rows));
    // The result is there in fours and by itself, and may be turned.
    held + 4 * between.pixels() + 8 * made.pixels() + working_bytes(between, FOUR, made)
}

/// Luma and both chromas on their way.
#[derive(Debug)]
pub(in crate::image) struct PlaneScalers([Scaler; 3]);

impl PlaneScalers {
    /// By what becomes of them across and down.
    pub(in crate::image) fn new(
        luma: (Span, Span),
        chroma: (Span, Span),
    ) -> Result<PlaneScalers, Error> {
        let scaler = |(across, down): (Span, Span)| Scaler::new(across, down);
        Ok(PlaneScalers([scaler(luma)?, scaler(chroma)?, scaler(chroma)?]))
    }

    /// Takes the next rows.
    pub(in crate::image) fn push(&mut self, bands: [Band<'_>; 3]) -> Result<(), Error> {
        self.0.iter_mut().zip(bands).try_for_each(|(scaler, band)| {
            band.samples.chunks_exact(band.stride).try_for_each(|row| scaler.push(row))
        })
    }

    /// The planes, all of whose rows came, turned.
    pub(in crate::image) fn finish(
        self,
        orientation: Orientation,
        control: &Control,
    ) -> Result<[Raster; 3], Error> {
        control.check()?;
        let finish = |scaler: Scaler| scaler.finish(orientation, control);
        let [luma, blue, red] = self.0;
        Ok([finish(luma)?, finish(blue)?, finish(red)?])
    }
}

/// What becomes of a plane.
#[derive(Debug)]
enum Scaler {
    Same(SamePlane),
    Other(Box<PlaneScaler>),
}

impl Scaler {
    fn new(across: Span, down: Span) -> Result<Scaler, Error> {
        match (across.same(), down.same()) {
            (Some(column), Some(row)) => {
                let size = Size::new(across.made, down.made);
                let samples = with_room(size.pixels() as usize)?;
                Ok(Scaler::Same(SamePlane { size, column, row, came: 0, samples }))
            }
            _ => Ok(Scaler::Other(Box::new(PlaneScaler::new(across, down)?))),
        }
    }

    fn push(&mut self, row: &[u8]) -> Result<(), Error> {
        match self {
            Scaler::Same(plane) => plane.push(row),
            Scaler::Other(scaler) => scaler.push(row),
        }
    }

    fn finish(self, orientation: Orientation, control: &Control) -> Result<Raster, Error> {
        match self {
            Scaler::Same(SamePlane { size, samples, .. }) => {
                orient(Raster::from_data(size, Layout::L8, samples)?, orientation, control)
            }
            Scaler::Other(scaler) => scaler.finish(orientation, control),
        }
    }
}

/// A plane of which a part stays as it is.
#[derive(Debug)]
struct SamePlane {
    size: Size,
    /// Where it begins.
    column: u32,
    row: u32,
    /// Rows of the plane that came.
    came: u32,
    samples: Vec<u8>,
}

impl SamePlane {
    fn push(&mut self, row: &[u8]) -> Result<(), Error> {
        let rows = self.row..self.row + self.size.height;
        let is_kept = rows.contains(&self.came);
        self.came = self.came.saturating_add(1);
        if is_kept {
            let kept = row.get(self.column as usize..);
            let kept = kept.and_then(|kept| kept.get(..self.size.width as usize));
            self.samples
                .extend_from_slice(kept.ok_or_else(|| internal("a row that is too short"))?);
        }
        Ok(())
    }
}

/// Bytes that [`PlaneScalers`] take.
pub(in crate::image) fn plane_bytes(luma: &(Span, Span), chroma: &(Span, Span)) -> u64 {
    let bytes = |(across, down): &(Span, Span)| bytes_of_one(across, down);
    bytes(luma) + 2 * bytes(chroma)
}

/// A plane on its way.
#[derive(Debug)]
struct PlaneScaler {
    across: Span,
    down: Span,
    resizer: Resizer,
    /// Rows of the plane that came.
    came: u32,
    /// Those that are still needed, and the number of the first one.
    rows: Vec<u8>,
    first: u32,
    /// What a step makes of them.
    step: Vec<u8>,
    /// What all of them made, four rows in one, and how many rows that are.
    fours: Raster,
    made: u32,
}

impl PlaneScaler {
    /// Before the first row.
    fn new(across: Span, down: Span) -> Result<PlaneScaler, Error> {
        let bytes = |rows: u32| Size::new(across.len(), rows).pixels() as usize;
        Ok(PlaneScaler {
            across,
            down,
            resizer: Resizer::new(lanczos3, 3.0).map_err(internal)?,
            came: 0,
            rows: with_room(bytes(down.held()))?,
            first: 0,
            step: zeroed(bytes(down.step().min(down.made)))?,
            fours: Raster::new(Size::new(across.len(), down.made.div_ceil(ROWS)), FOUR)?,
            made: 0,
        })
    }

    /// Takes the next row of the plane.
    fn push(&mut self, row: &[u8]) -> Result<(), Error> {
        let Span { first, count, before, after, .. } = self.down;
        let (at, end) = (self.came, first + count);
        self.came = at.saturating_add(1);
        if !(first..end).contains(&at) {
            return Ok(());
        }
        let again = |edge: bool, times: u32| if edge { times } else { 0 };
        for _ in 0..=again(at == first, before) + again(at + 1 == end, after) {
            self.keep(row)?;
            self.make()?;
        }
        Ok(())
    }

    /// Keeps what counts of a row.
    fn keep(&mut self, row: &[u8]) -> Result<(), Error> {
        let Span { first, count, before, after, .. } = self.across;
        let row = row.get(first as usize..).and_then(|row| row.get(..count as usize));
        let Some(row @ ([left, .., right] | [left @ right])) = row else {
            return Err(internal("a row that is too short"));
        };
        if self.rows.len() + self.across.len() as usize > self.rows.capacity() {
            return Err(internal("more rows than there is room for"));
        }
        self.rows.resize(self.rows.len() + before as usize, *left);
        self.rows.extend_from_slice(row);
        self.rows.resize(self.rows.len() + after as usize, *right);
        Ok(())
    }

    /// Makes the rows for which all are there that they need.
    fn make(&mut self) -> Result<(), Error> {
        let width = self.across.len();
        let stride = width as usize;
        loop {
            let height = self.rows.len() as u32 / width;
            let end = (self.made + self.down.step()).min(self.down.made);
            let (_, needed) = self.down.needed(self.made, end);
            if self.made == end || self.first + height < needed {
                return Ok(());
            }
            let count = end - self.made;
            let top = self.down.start + f64::from(self.made) * self.down.ratio;
            let top = (top - f64::from(self.first)).max(0.0);
            let part = Part {
                left: 0.0,
                top,
                width: width.into(),
                height: (f64::from(count) * self.down.ratio).min(f64::from(height) - top),
            };
            let from =
                Pixels { width, height, channels: 1, deep: false, data: self.rows.as_slice() };
            let Some(made) = self.step.get_mut(..count as usize * stride) else {
                return Err(internal("rows that nobody wants"));
            };
            let mut to =
                Pixels { width, height: count, channels: 1, deep: false, data: &mut *made };
            self.resizer.resize(&from, part, &mut to).map_err(internal)?;
            let first = (self.made / ROWS) as usize;
            let fours = self.fours.rows_mut().skip(first);
            for (four, rows) in fours.zip(made.chunks(ROWS as usize * stride)) {
                cpu::run(Interleaved { four, rows, stride });
            }
            self.made = end;
            let (first, _) = self.down.needed(end, end);
            let done = first.saturating_sub(self.first).min(height);
            self.rows.drain(..done as usize * stride);
            self.first += done;
        }
    }

    /// The plane, all of whose rows came, turned.
    fn finish(self, orientation: Orientation, control: &Control) -> Result<Raster, Error> {
        let PlaneScaler { across, down, rows, step, fours, made, .. } = self;
        drop((rows, step));
        if made != down.made {
            return Err(internal("rows that did not come"));
        }
        let size = Size::new(across.made, fours.size().height);
        let placed = Placed {
            extent: (f64::from(across.made) * across.ratio, size.height.into()),
            origin: (-across.start, 0.0),
        };
        let fours = resize(fours, placed, size, Rect { x: 0, y: 0, size }, control)?;
        let mut out = Raster::new(Size::new(across.made, down.made), Layout::L8)?;
        let stride = out.stride();
        let rows = out.data_mut().chunks_mut(ROWS as usize * stride);
        for (rows, four) in rows.zip(fours.rows()) {
            control.check()?;
            cpu::run(Separated { four, rows, stride });
        }
        drop(fours);
        orient(out, orientation, control)
    }
}

/// Four rows of samples, or less, that become one of pixels of as many channels.
struct Interleaved<'a> {
    four: &'a mut [u8],
    rows: &'a [u8],
    stride: usize,
}

impl Kernel for Interleaved<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        // What is missing is not looked at either.
        let mut rows = self.rows.chunks_exact(self.stride);
        let first = rows.next().unwrap_or_default();
        let [b, c, d] = [(); 3].map(|()| rows.next().unwrap_or(first));
        let pixels = self.four.as_chunks_mut::<4>().0.iter_mut();
        for ((((pixel, a), b), c), d) in pixels.zip(first).zip(b).zip(c).zip(d) {
            *pixel = [*a, *b, *c, *d];
        }
    }
}

/// One row of pixels of four channels that becomes as many rows of samples, or less.
struct Separated<'a> {
    four: &'a [u8],
    rows: &'a mut [u8],
    stride: usize,
}

impl Kernel for Separated<'_> {
    type Made = ();

    #[inline(always)]
    fn run(self) {
        let pixels = self.four.as_chunks::<4>().0;
        let mut rows = self.rows.chunks_exact_mut(self.stride);
        if let [Some(a), Some(b), Some(c), Some(d)] = [(); 4].map(|()| rows.next()) {
            let samples = a.iter_mut().zip(b).zip(c).zip(d);
            for (pixel, (((a, b), c), d)) in pixels.iter().zip(samples) {
                [*a, *b, *c, *d] = *pixel;
            }
            return;
        }
        for (channel, row) in self.rows.chunks_exact_mut(self.stride).enumerate() {
            for (sample, pixel) in row.iter_mut().zip(pixels) {
                *sample = pixel.get(channel).copied().unwrap_or_default();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_what_the_filter_reaches() {
        // 4000 to 2400: all of it, which begins and ends where the plane does.
        let all = Span::new(4000, 0.0, 4000.0 / 2400.0, 2400);
        let Span { first, count, before, after, start, .. } = all;
        assert_eq!((first, count, before, after, start), (0, 4000, 0, 0, 0.0));
        // A window: 3 * 2 samples on both sides of 100 to 300.
        let Span { first, count, before, after, start, .. } = Span::new(1000, 100.0, 2.0, 100);
        assert_eq!((first, count, before, after, start), (94, 212, 0, 0, 6.0));
        // What begins before the plane and ends behind it.
        let Span { first, count, before, after, start, .. } = Span::new(20, -0.5, 2.0, 11);
        assert_eq!((first, count, before, after, start), (0, 20, 1, 2, 0.5));
        // Enlarged, the filter reaches samples of the plane.
        let Span { first, count, .. } = Span::new(100, 50.0, 0.5, 20);
        assert_eq!((first, count), (47, 16));
        // Of a single sample all comes.
        let one = Span::new(1, -0.25, 0.25, 6);
        assert_eq!((one.first, one.count, one.before, one.after), (0, 1, 1, 1));
    }

    fn plane(width: u32, height: u32) -> Raster {
        let sample = |x: u32, y: u32| (x * 7 % 97 + y * 5 % 89 + (x ^ y) % 31) as u8;
        let data = (0..height).flat_map(|y| (0..width).map(move |x| sample(x, y))).collect();
        Raster::from_data(Size::new(width, height), Layout::L8, data).unwrap()
    }

    fn scaled(plane: &Raster, across: Span, down: Span) -> Raster {
        let mut scaler = Scaler::new(across, down).unwrap();
        plane.rows().for_each(|row| scaler.push(row).unwrap());
        // What is behind the plane in the last row of MCUs.
        scaler.push(&vec![255; plane.stride()]).unwrap();
        scaler.finish(Orientation::default(), &Control::default()).unwrap()
    }

    #[test]
    fn row_by_row_is_what_it_is_at_once() {
        for (size, to) in [
            ((300, 500), (180, 300)),
            ((301, 499), (150, 131)),
            ((64, 700), (64, 20)),
            ((120, 90), (200, 333)),
            ((77, 55), (77, 55)),
            ((1, 1), (5, 4)),
        ] {
            let plane = plane(size.0, size.1);
            let ratio = |from: u32, to: u32| f64::from(from) / f64::from(to);
            let (across, down) = (ratio(size.0, to.0), ratio(size.1, to.1));
            let made = scaled(
                &plane,
                Span::new(size.0, 0.0, across, to.0),
                Span::new(size.1, 0.0, down, to.1),
            );
            let whole = Size::new(to.0, to.1);
            let all = Rect { x: 0, y: 0, size: whole };
            let at_once = |plane: Raster, window: Rect| {
                resize(
                    plane,
                    Placed::all(Size::new(size.0, size.1)),
                    whole,
                    window,
                    &Control::default(),
                )
                .unwrap()
            };
            let near = |made: &Raster, expected: &Raster| {
                assert_eq!(made.size(), expected.size());
                // Weights are rounded, by position: a step at most.
                made.data().iter().zip(expected.data()).all(|(a, b)| a.abs_diff(*b) <= 1)
            };
            let copy = || plane.try_clone(&Control::default()).unwrap();
            assert!(near(&made, &at_once(copy(), all)), "{size:?} {to:?}");
            // A window of it.
            let (x, y) = (to.0 / 3, to.1 / 4);
            let part = Size::new(to.0 - x, to.1 / 2 + 1);
            let made = scaled(
                &plane,
                Span::new(size.0, f64::from(x) * across, across, part.width),
                Span::new(size.1, f64::from(y) * down, down, part.height),
            );
            assert!(near(&made, &at_once(copy(), Rect { x, y, size: part })), "{size:?} {to:?}");
        }
    }

    #[test]
    fn what_is_beyond_the_edges_is_like_them() {
        let plane = plane(40, 30);
        // One sample before it and one behind, as it is.
        let made = scaled(&plane, Span::new(40, -1.0, 1.0, 42), Span::new(30, -1.0, 1.0, 32));
        for (y, row) in made.rows().enumerate() {
            let at = y.clamp(1, 30) - 1;
            let expected = plane.rows().nth(at).unwrap();
            assert_eq!(row[1..41], *expected, "{y}");
            assert_eq!((row[0], row[41]), (expected[0], expected[39]), "{y}");
        }
    }

    #[test]
    fn what_is_turned_is_what_is_turned_afterwards() {
        let plane = plane(50, 40);
        let (across, down) = (Span::new(50, 0.0, 2.0, 25), Span::new(40, 0.0, 2.0, 20));
        let whole = scaled(&plane, across, down);
        for orientation in (1..=8).map(Orientation::upright) {
            let mut scaler = PlaneScaler::new(across, down).unwrap();
            plane.rows().for_each(|row| scaler.push(row).unwrap());
            let turned = scaler.finish(orientation, &Control::default()).unwrap();
            let copy = whole.try_clone(&Control::default()).unwrap();
            let expected = orient(copy, orientation, &Control::default()).unwrap();
            assert!(turned.size() == expected.size() && turned.data() == expected.data());
        }
    }

    #[test]
    fn rows_that_do_not_come_are_an_error() {
        let span = Span::new(20, 0.0, 2.0, 10);
        let mut scaler = PlaneScaler::new(span, span).unwrap();
        assert!(scaler.push(&[0; 19]).is_err());
        scaler.push(&[0; 20]).unwrap();
        assert!(scaler.finish(Orientation::default(), &Control::default()).is_err());
    }
}
