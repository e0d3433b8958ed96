//! The rows of a raster in the order of a file, interlaced or not.

use super::deflate::{Compressed, Gauge, Method, Stop, deflate};
use super::filter::{Filter, Lines};
use crate::image::raster::{append, with_room, zeroed};
use crate::image::source::png::PASSES;
use crate::image::{Control, Error};

/// How many places of a raster are looked at, of a small one at least, as a share of its pixels, and of what size in
/// pixels they are.
const PLACES: usize = 8;
const FEWEST_PLACES: usize = 4;
const SHARE: usize = 2;
const PLACE_WIDTH: usize = 128;
const PLACE_HEIGHT: usize = 16;

/// Bytes of a strip of lines that get the same filter, at most but for a line: several times as many as matches reach
/// back.
const STRIP: usize = 192 << 10;

/// Of 100, what rows as they are count: by more work they gain more than others do.
const AS_THEY_ARE_PERCENT: usize = 95;

/// Which filters the rows of a raster get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filters {
    All(Filter),
    /// One for each strip.
    Strips(Vec<Filter>),
}

/// Filters by strips, and bytes of what was looked at of them: by these filters, and without any.
#[derive(Default)]
pub(super) struct Strips {
    filters: Vec<Filter>,
    with: usize,
    without: usize,
}

impl Strips {
    /// Adds a strip by how many bytes each filter leaves of it.
    pub(super) fn add(&mut self, lens: &[(Filter, usize)]) {
        let mut best = (usize::MAX, Filter::None);
        for &(filter, mut len) in lens {
            if filter == Filter::None {
                len = len * AS_THEY_ARE_PERCENT / 100;
                self.without += len;
            }
            if len < best.0 {
                best = (len, filter);
            }
        }
        self.with += best.0;
        self.filters.push(best.1);
    }

    /// Returns the filter of the first one.
    pub(super) fn first(&self) -> Filter {
        self.filters.first().copied().unwrap_or(Filter::None)
    }

    /// Returns, of 100, what is left by the filters of what it is without any.
    pub(super) fn percent(&self) -> usize {
        self.with * 100 / self.without.max(1)
    }
}

impl From<Strips> for Filters {
    fn from(strips: Strips) -> Filters {
        match *strips.filters {
            [filter] => Filters::All(filter),
            _ => Filters::Strips(strips.filters),
        }
    }
}

/// The raster of a PNG.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) data: &'a [u8],
    /// Bytes of a row, and of a pixel.
    pub(super) stride: usize,
    pub(super) channels: usize,
    pub(super) interlaced: bool,
}

impl Rows<'_> {
    /// Returns the raster filtered and compressed, or `None` if that takes more bytes than `most`.
    ///
    /// # Errors
    /// As of [`deflate`].
    pub(super) fn compress(
        &self,
        filters: &Filters,
        method: Method,
        most: usize,
        control: &Control,
    ) -> Result<Option<Compressed>, Error> {
        deflate(method, most, control, |take| match filters {
            Filters::All(filter) => {
                let mut lines = Lines::new(*filter, self.channels);
                self.each(|row, above| take(lines.line(row, above)))
            }
            Filters::Strips(filters) => {
                let mut filters = filters.iter().map(|&filter| Lines::new(filter, self.channels));
                let strip = self.strip();
                let (mut lines, mut len) = (filters.next(), 0);
                self.each(|row, above| {
                    if len >= strip {
                        (lines, len) = (filters.next(), 0);
                    }
                    let lines = lines.as_mut().ok_or_else(Self::no_strip)?;
                    len += row.len() + 1;
                    take(lines.line(row, above))
                })
            }
        })
    }

    fn no_strip() -> Error {
        Error::Internal("a PNG has more strips than were looked at".to_owned())
    }

    /// Bytes of a strip: all have about as many.
    fn strip(&self) -> usize {
        let len = self.data.len() + self.height();
        len.div_ceil(len.div_ceil(STRIP).max(1))
    }

    /// Whether all lines get the same filter.
    pub(super) fn has_one_strip(&self) -> bool {
        self.data.len() + self.height() <= STRIP
    }

    /// Chooses a filter among these, of which the first is none, for each strip, by a quarter of it from its middle.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory, [`Error::EncodeFailed`], those of [`Control::check`].
    pub(super) fn strips(&self, among: &[Filter], control: &Control) -> Result<Strips, Error> {
        let mut gauge = Gauge::new()?;
        let candidate = |&filter| (filter, Lines::new(filter, self.channels), Vec::new());
        let mut candidates: Vec<(Filter, Lines, Vec<u8>)> = among.iter().map(candidate).collect();
        let mut strips = Strips::default();
        let mut choose = |candidates: &mut [(Filter, Lines, Vec<u8>)]| {
            let mut lens = Vec::with_capacity(candidates.len());
            for (filter, _, lines) in candidates {
                control.check()?;
                lens.push((*filter, gauge.len(lines)?));
                lines.clear();
            }
            strips.add(&lens);
            Ok::<_, Error>(())
        };
        let strip = self.strip();
        let mut len = 0;
        let each = self.each(|row, above| {
            let end = len + row.len() + 1;
            if end > strip * 3 / 8 && len < strip * 5 / 8 {
                for (_, lines, looked_at) in &mut candidates {
                    append(looked_at, lines.line(row, above))?;
                }
            }
            len = end;
            if len >= strip {
                len = 0;
                choose(&mut candidates)?;
            }
            Ok(())
        });
        match each {
            Ok(()) => {}
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::TooLong) => return Err(Self::no_strip()),
        }
        if len > 0 {
            choose(&mut candidates)?;
        }
        Ok(strips)
    }

    /// Returns at least as many bytes as the raster takes that is not compressed.
    pub(super) fn longest(&self) -> usize {
        // The number of a filter for each line, of which there are fewer than two for each row and
        // as many as passes; the heads of blocks, and what is around them.
        let lines = 2 * self.height() + PASSES.len();
        self.data.len() + lines + self.data.len() / 1024 + 64
    }

    /// Returns some places of the raster, one below the other: as few as are compressed in next to
    /// no time, as large as patterns are.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory.
    pub(super) fn with_sample<T>(
        &self,
        look: impl FnOnce(Rows) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let stride = self.stride.min(PLACE_WIDTH * self.channels);
        let share = self.data.len() / self.channels / (SHARE * PLACE_WIDTH * PLACE_HEIGHT);
        let places = (self.height() / PLACE_HEIGHT).clamp(1, PLACES).min(share.max(FEWEST_PLACES));
        let lowest = self.height().saturating_sub(PLACE_HEIGHT);
        let rightmost = (self.stride - stride) / self.channels;
        let mut data = with_room(stride * PLACE_HEIGHT * places)?;
        for place in 0..places {
            // From the top down, and at all distances from the left.
            let top = lowest * place / (places - 1).max(1);
            let left = rightmost * (place * 5 % PLACES) / (PLACES - 1);
            for row in self.data.chunks_exact(self.stride).skip(top).take(PLACE_HEIGHT) {
                data.extend(row.iter().skip(left * self.channels).take(stride));
            }
        }
        look(Rows { data: &data, stride, channels: self.channels, interlaced: false })
    }

    fn height(&self) -> usize {
        self.data.len() / self.stride
    }

    /// Calls `take` with each row and the one above it, which is all zeros for the first one.
    fn each(&self, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
        let rows = self.data.chunks_exact(self.stride);
        if !self.interlaced {
            let first = zeroed(self.stride)?;
            let above = std::iter::once(&*first).chain(rows.clone());
            return rows.zip(above).try_for_each(|(row, above)| take(row, above));
        }
        let (mut row, mut above) = (Vec::new(), Vec::new());
        for (x, y, step_x, step_y) in PASSES {
            above.clear();
            for source in rows.clone().skip(y).step_by(step_y) {
                row.clear();
                for pixel in source.chunks_exact(self.channels).skip(x).step_by(step_x) {
                    row.extend_from_slice(pixel);
                }
                // A pass without columns has no rows either.
                if row.is_empty() {
                    break;
                }
                above.resize(row.len(), 0);
                take(&row, &above)?;
                std::mem::swap(&mut above, &mut row);
            }
        }
        Ok(())
    }
}
