//! How the samples of a map become gains, as ISO 21496-1 writes it.

use crate::image::bytes::{array, be16, be32};

/// What a segment of it begins with (ISO 21496-1, annex C.4).
pub(super) const ISO: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";

/// What stands behind that in the picture that has a map: the versions alone, those of the least reader
/// and of the writer.
pub(super) const VERSIONS: &[u8] = &[0; 4];

/// Whether there are three channels, and whether gains are those of the colour space of the picture.
const THREE_CHANNELS: u8 = 0x80;
const BASE_COLORS: u8 = 0x40;
/// Whether one denominator is that of all fractions: not of the standard, but of what libultrahdr writes.
const ONE_DENOMINATOR: u8 = 0x08;

/// The metadata of a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct IsoGains<'a> {
    /// As it is stored, and nothing behind it.
    pub(super) bytes: &'a [u8],
    /// Whether gains are those of the colour space of the picture, and not of one of the map's own.
    pub(super) has_base_colors: bool,
}

impl<'a> IsoGains<'a> {
    /// Reads what is behind the name of a segment; `None` where it makes no sense, or has a version
    /// that is not known.
    pub(super) fn read(body: &'a [u8]) -> Option<IsoGains<'a>> {
        if be16(body, 0)? != 0 {
            return None;
        }
        let [flags] = array(body, 4)?;
        let mut numbers = Numbers { body, at: 5, denominator: None };
        if flags & ONE_DENOMINATOR != 0 {
            numbers.denominator = Some(numbers.next()?);
        }
        let base_headroom = numbers.unsigned()?;
        let other_headroom = numbers.unsigned()?;
        // A picture that is itself the brighter one would have to stay what it is.
        let mut makes_sense = base_headroom < other_headroom;
        for _ in 0..if flags & THREE_CHANNELS != 0 { 3 } else { 1 } {
            let (least, most) = (numbers.signed()?, numbers.signed()?);
            let gamma = numbers.unsigned()?;
            let _offsets = (numbers.signed()?, numbers.signed()?);
            makes_sense &= least <= most && gamma > 0.0;
        }
        let bytes = body.get(..numbers.at)?;
        makes_sense.then_some(IsoGains { bytes, has_base_colors: flags & BASE_COLORS != 0 })
    }
}

/// Fractions, one after the other.
struct Numbers<'a> {
    body: &'a [u8],
    at: usize,
    /// That of all of them.
    denominator: Option<u32>,
}

impl Numbers<'_> {
    fn next(&mut self) -> Option<u32> {
        let number = be32(self.body, self.at)?;
        self.at += 4;
        Some(number)
    }

    fn over(&mut self, numerator: f64) -> Option<f64> {
        let denominator = match self.denominator {
            Some(denominator) => denominator,
            None => self.next()?,
        };
        (denominator > 0).then(|| numerator / f64::from(denominator))
    }

    fn unsigned(&mut self) -> Option<f64> {
        let numerator = self.next()?;
        self.over(numerator.into())
    }

    fn signed(&mut self) -> Option<f64> {
        let numerator = self.next()?.cast_signed();
        self.over(numerator.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(flags: u8, numbers: &[i32]) -> Vec<u8> {
        let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
        [0, 0, 0, 0, flags].into_iter().chain(numbers).collect()
    }

    const HEADROOMS: [i32; 4] = [0, 1, 3, 1];
    const CHANNEL: [i32; 10] = [-1, 2, 3, 1, 1, 1, 1, 64, 1, 64];

    #[test]
    fn every_form() {
        let one = metadata(0x40, &[&HEADROOMS[..], &CHANNEL].concat());
        let three = metadata(0x80, &[&HEADROOMS[..], &CHANNEL, &CHANNEL, &CHANNEL].concat());
        let short = metadata(0x08, &[64, 0, 192, -32, 192, 64, 1, 1]);
        for (bytes, has_base_colors) in [(&one, true), (&three, false), (&short, false)] {
            let longer = [&bytes[..], b"more"].concat();
            let read = IsoGains::read(&longer).unwrap();
            assert_eq!((read.bytes, read.has_base_colors), (&bytes[..], has_base_colors));
            for len in 0..bytes.len() {
                assert!(IsoGains::read(&bytes[..len]).is_none(), "{len}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense() {
        let whole = [&HEADROOMS[..], &CHANNEL].concat();
        // A denominator of 0, headrooms that are one, or the greater that of the picture, a gamma of 0, a least
        // gain above the most.
        for (at, number) in [(1, 0), (3, 0), (5, 0), (13, 0), (2, 0), (0, 4), (8, 0), (4, 7)] {
            let mut wrong = whole.clone();
            wrong[at] = number;
            assert!(IsoGains::read(&metadata(0, &wrong)).is_none(), "{at}");
        }
        let mut later = metadata(0, &whole);
        later[1] = 1;
        assert!(IsoGains::read(&later).is_none());
        assert!(IsoGains::read(&metadata(8, &[0, 0, 192, -32, 192, 64, 1, 1])).is_none());
    }
}
