//! What the markers of a JPEG say (ITU-T T.81, annex B).

mod clean;
mod markers;
mod scans;
mod tables;

use std::borrow::Cow;

use super::headers::SourceHeaders;
use super::rights::PHOTOSHOP;
use super::{Block, Embedded, Icc};
use crate::image::bytes::{array, be16};
use crate::image::damage::{Damage, Tolerance};
use crate::image::error::{TRUNCATED, broken, truncated};
use crate::image::size::Size;
use crate::image::{Error, Format, Info, Limits};
use clean::is_usual;
use markers::APP13;
use scans::{MOST_SCANS, ScanSpec, Scans};
use tables::{Coding, Component, Tables};

pub(in crate::image) use markers::{
    ADOBE, ADOBE_LEN, ADOBE_TRANSFORM, APP0, APP1, APP2, APP14, APP15, COM, EOI, EXIF, ICC, JFIF,
    SOI, SOS, Walk, XMP, frame_header, stands_alone,
};

/// An image of so many pixels may have next to no data: that costs nobody much.
const CHEAP: u64 = 1 << 24;

/// The longest side that libjpeg reads: nothing is to show, or to pass on, what others don't.
const LONGEST_SIDE: u32 = 65500;

/// Segments of Photoshop's resources that are looked at.
const MOST_PIECES: usize = 16;

/// What the markers say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Jpeg {
    /// How often each component is sampled, horizontally and vertically.
    sampling: Vec<(u8, u8)>,
    /// Whether all components come in one scan, so that no coefficient needs
    /// to be kept.
    one_pass: bool,
    /// Whether only its data say how high it is.
    lacks_height: bool,
    arithmetic: bool,
    progressive: bool,
    /// Whether three components are luma and chroma whoever reads the headers.
    has_luma: bool,
    /// Whether four components are light that is left, not ink. So Adobe's programs have it, and all
    /// readers of such files, whether a segment says whose they are or not.
    pub(in crate::image) inverted: bool,
    size: Size,
    scans: Scans,
    /// Whether libjpeg would refuse the image, or warn of it, over something
    /// that does not concern its pixels, or that they can do without.
    messy: bool,
}

impl Jpeg {
    /// Reads a stream that is a part of another file, which says itself what its components are.
    pub(in crate::image) fn of_stream(stream: &[u8]) -> Result<Jpeg, Error> {
        let headers = read(stream)?;
        let own = Jpeg { inverted: false, ..headers.own };
        headers.fault.map_or(Ok(own), Err)
    }

    /// Where a file goes on behind the image, if the end of that is said.
    pub(in crate::image) fn behind(&self, input: &[u8]) -> Option<usize> {
        let mut walk = Walk::new(input, self.scans.end);
        (walk.marker()? == EOI).then(|| walk.at())
    }

    pub(in crate::image) fn components(&self) -> usize {
        self.sampling.len()
    }

    /// Width and height of an MCU in pixels, where libjpeg-turbo decodes parts: of samplings of
    /// which the components of colour, and only they, come once in it.
    pub(in crate::image) fn mcu(&self) -> Option<(u32, u32)> {
        let mcu = |&(h, v): &(u8, u8)| Some((8 * u32::from(h), 8 * u32::from(v)));
        match self.sampling.as_slice() {
            _ if self.arithmetic => None,
            [(1, 1)] => Some((8, 8)),
            [luma, (1, 1), (1, 1)] if has_name(luma) => mcu(luma),
            [first, (1, 1), (1, 1), black] if has_name(first) && black == first => mcu(first),
            _ => None,
        }
    }

    /// How many pixels across and down have one chroma, where luma is there to be had by itself:
    /// of samplings of which [`mcu`](Jpeg::mcu) knows the size.
    pub(in crate::image) fn chroma_sampling(&self) -> Option<(u8, u8)> {
        match self.sampling.as_slice() {
            [luma, (1, 1), (1, 1)] if self.has_luma && !self.arithmetic && has_name(luma) => {
                Some(*luma)
            }
            _ => None,
        }
    }

    pub(in crate::image) fn arithmetic(&self) -> bool {
        self.arithmetic
    }

    /// Whether no browser shows it.
    pub(in crate::image) fn is_exotic(&self) -> bool {
        self.arithmetic || self.lacks_height
    }

    /// Whether JPEG XL has a place for all that it is made of.
    pub(in crate::image) fn transcodes(&self) -> bool {
        matches!(self.components(), 1 | 3) && !self.arithmetic && !self.messy
    }

    pub(in crate::image) fn progressive(&self) -> bool {
        self.progressive
    }

    /// How often each component is sampled, horizontally and vertically.
    pub(in crate::image) fn sampling(&self) -> &[(u8, u8)] {
        &self.sampling
    }

    pub(in crate::image) fn size(&self) -> Size {
        self.size
    }

    pub(in crate::image) fn one_pass(&self) -> bool {
        self.one_pass
    }

    /// Whether an ink comes twice as often as black, both ways, as 4:2:0 does to CMYK.
    pub(in crate::image) fn coarse_black(&self) -> bool {
        let twice = |&(h, v): &(u8, u8), of: &(u8, u8)| h >= 2 * of.0 && v >= 2 * of.1;
        matches!(self.sampling.as_slice(), [inks @ .., black]
            if inks.len() == 3 && inks.iter().any(|ink| twice(ink, black)))
    }

    /// Bytes of the coefficients that a decoder has to keep: all of them,
    /// unless each block is done with as soon as it is read.
    pub(in crate::image) fn coefficient_bytes(&self) -> u64 {
        if self.one_pass { 0 } else { self.blocks(true) * 64 * 2 }
    }

    /// What a decoder is to be given: the input itself, or a copy of it that has
    /// only those segments that the pixels depend on, and an end.
    pub(in crate::image) fn decodable<'a>(&self, input: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
        if self.messy {
            let shape = clean::CleanSpec {
                end: self.scans.end,
                height: self.size.height,
                components: self.components(),
                progressive: self.progressive,
            };
            clean::clean(input, &shape).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(input))
        }
    }

    /// Bytes of the copy that [`decodable`](Jpeg::decodable) makes.
    pub(in crate::image) fn copied_bytes(&self, input: &[u8]) -> u64 {
        if self.messy { (input.len() + clean::MORE) as u64 } else { 0 }
    }

    /// Whether only the data can tell how many rows there are: they all come in one scan, and the
    /// file ends early.
    pub(in crate::image) fn may_lack_rows(&self) -> bool {
        self.one_pass && !self.scans.is_ended
    }

    /// Blocks of 8x8 samples over all components, or those that are stored
    /// besides because the image is padded to whole MCUs.
    fn blocks(&self, padded: bool) -> u64 {
        let (most_h, most_v) = self
            .sampling
            .iter()
            .fold((1, 1), |(h, v), &(ch, cv)| (h.max(u64::from(ch)), v.max(u64::from(cv))));
        let along = |pixels: u32, sampling: u8, most: u64| {
            let (pixels, sampling) = (u64::from(pixels), u64::from(sampling));
            if padded {
                pixels.div_ceil(8 * most) * sampling
            } else {
                (pixels * sampling).div_ceil(8 * most)
            }
        };
        self.sampling
            .iter()
            .map(|&(h, v)| along(self.size.width, h, most_h) * along(self.size.height, v, most_v))
            .sum()
    }

    /// Checks what the markers tell of the scans.
    ///
    /// A decoder would fill what is missing with grey. Of an image that comes in several scans
    /// the first has to be whole.
    pub(in crate::image) fn check(
        &self,
        limits: &Limits,
        tolerance: &Tolerance,
    ) -> Result<(), Error> {
        let Scans { count, entropy, is_ended, has_first, ref damage, .. } = self.scans;
        let most = limits.scans.min(MOST_SCANS);
        if count > most {
            return Err(Error::TooManyFrames(format!("more than {most} scans")));
        }
        if count == 0 || !is_ended && !self.one_pass && !has_first {
            return Err(truncated());
        }
        if !is_ended {
            tolerance.note(Damage::at_the_end(TRUNCATED))?;
        }
        if let Some(damage) = damage {
            tolerance.note(damage.clone())?;
        }
        // The shortest code for a block is a bit of DC and a bit of end-of-block.
        let least = self.blocks(false) * 2;
        if !self.progressive && !self.arithmetic && entropy * 8 < least {
            let few = "too little data for the size in the header";
            // Where the size is a lie, it is that which is wrong.
            let Size { width, height } = self.size;
            limits.check_pixels(self.size.pixels(), || format!("{width}x{height}"))?;
            let is_half = is_ended || entropy * 16 >= least;
            if !is_half || self.size.pixels() > CHEAP {
                return Err(broken(few));
            }
            tolerance.note(Damage::inside(few))?;
        }
        Ok(())
    }
}

/// Reads the markers before the first scan.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Jpeg>, Error> {
    let mut walk = Walk::new(input, 2);
    let mut embedded = Embedded::default();
    let mut profile = ProfileParts::default();
    // The colour transform.
    let mut adobe: Option<u8> = None;
    let mut messy = false;
    let mut frame: Option<FrameHeader> = None;
    let (mut tables, mut fault) = (Tables::default(), None);

    let first_scan = loop {
        messy |= input.get(walk.at()) != Some(&0xff);
        let Some(marker) = walk.marker() else { break None };
        if marker == SOS {
            break Some(walk.at() - 2);
        }
        if marker == SOI || marker == EOI {
            return Err(broken("no image before a second start or the end"));
        }
        if stands_alone(marker) {
            continue;
        }
        let lacks_length = walk.lacks_length();
        let Some(body) = walk.segment() else { break None };
        if let Err(what) = tables.add(marker, body, lacks_length) {
            fault.get_or_insert(what);
        }
        match marker {
            _ if frame_header(marker) => {
                if frame.is_some() {
                    return Err(broken("two frame headers"));
                }
                frame = Some(FrameHeader::read(marker, body)?);
            }
            APP0 if body.starts_with(JFIF) => messy |= body.get(JFIF.len()) != Some(&1),
            APP1 if body.starts_with(EXIF) => {
                let tiff = body.get(EXIF.len()..).filter(|tiff| !tiff.is_empty());
                embedded.exif = embedded.exif.or(tiff.map(Block::Plain));
            }
            APP1 if body.starts_with(XMP) => {
                embedded.xmp = embedded.xmp.or(body.get(XMP.len()..).map(Block::Plain));
            }
            APP13 if body.starts_with(PHOTOSHOP) && embedded.iptc.len() < MOST_PIECES => {
                embedded.iptc.extend(body.get(PHOTOSHOP.len()..));
            }
            APP2 if body.starts_with(ICC) => profile.add(body),
            APP14 if body.starts_with(ADOBE) && body.len() >= ADOBE_LEN => {
                adobe = body.get(ADOBE_TRANSFORM).copied().or(adobe);
            }
            _ => {}
        }
    };

    let mut frame = frame.ok_or_else(|| broken("no frame header"))?;
    let has_parts = !profile.parts.is_empty();
    embedded.icc = profile.into_icc();
    messy |= has_parts && embedded.icc.is_none();
    messy |= adobe.is_some_and(|transform| !is_usual(transform, frame.components.len()));
    let one_pass = !frame.progressive
        && first_scan
            .and_then(|at| input.get(at + 4))
            .is_some_and(|&components| usize::from(components) == frame.components.len());
    let scans = first_scan
        .map(|at| {
            let coding = Coding { progressive: frame.progressive, arithmetic: frame.arithmetic };
            let is_supported = frame.unsupported.is_none();
            let components = is_supported.then_some(frame.components.as_slice());
            let spec = ScanSpec { one_pass, coding, components };
            Scans::read(input, at, &spec, tables)
        })
        .unwrap_or_default();
    let lacks_height = frame.size.height == 0;
    if lacks_height {
        let rows = scans.rows.ok_or_else(|| broken("nothing says how high the image is"))?;
        frame.size.height = rows.into();
    }
    messy |= scans.messy;
    let too_long = (frame.size.width.max(frame.size.height) > LONGEST_SIDE)
        .then_some("an image of more than 65500 pixels a side");
    let fault = fault.or(too_long).or(scans.fault);
    Ok(SourceHeaders {
        info: Info {
            format: Format::Jpeg,
            width: frame.size.width,
            height: frame.size.height,
            orientation: embedded.orientation(),
            frames: 1,
            alpha: false,
            bits: frame.bits,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: frame.progressive,
        },
        own: Jpeg {
            sampling: frame.components.iter().map(|component| component.sampling).collect(),
            one_pass,
            lacks_height,
            arithmetic: frame.arithmetic,
            progressive: frame.progressive,
            has_luma: adobe.is_none_or(|transform| transform == 1)
                && !frame.components.iter().map(|component| component.id).eq(*b"RGB"),
            inverted: true,
            size: frame.size,
            scans,
            messy,
        },
        embedded,
        fault: frame.unsupported.or_else(|| fault.map(broken)),
        damage: None,
    })
}

struct FrameHeader {
    size: Size,
    bits: u8,
    progressive: bool,
    arithmetic: bool,
    components: Vec<Component>,
    unsupported: Option<Error>,
}

impl FrameHeader {
    fn read(marker: u8, body: &[u8]) -> Result<FrameHeader, Error> {
        let cut_short = || broken("the frame header is too short");
        let [bits] = array(body, 0).ok_or_else(cut_short)?;
        let height = be16(body, 1).ok_or_else(cut_short)?;
        let width = be16(body, 3).ok_or_else(cut_short)?;
        let [count] = array(body, 5).ok_or_else(cut_short)?;
        if width == 0 {
            return Err(broken("the frame header gives no size"));
        }
        let mut components = Vec::with_capacity(usize::from(count));
        for i in 0..usize::from(count) {
            let [id, factors, quantization] = array::<3>(body, 6 + 3 * i).ok_or_else(cut_short)?;
            let (h, v) = (factors >> 4, factors & 0x0f);
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
                return Err(broken("a sampling factor is not 1 to 4"));
            }
            components.push(Component { id, sampling: (h, v), quantization });
        }
        let (progressive, arithmetic) = (marker & 3 == 2, marker >= 0xc9);
        let unsupported = match (marker, bits, count) {
            (0xc0 | 0xc1 | 0xc2 | 0xc9 | 0xca, 8, 1 | 3 | 4) => None,
            (0xc0 | 0xc1 | 0xc2 | 0xc9 | 0xca, 8, _) => Some(format!("JPEG of {count} components")),
            (0xc0 | 0xc1 | 0xc2 | 0xc9 | 0xca, _, _) => Some(format!("JPEG of {bits} bits")),
            (0xc3 | 0xcb, _, _) => Some("lossless JPEG".to_owned()),
            _ => Some("hierarchical JPEG".to_owned()),
        };
        Ok(FrameHeader {
            size: Size::new(width.into(), height.into()),
            bits,
            progressive,
            arithmetic,
            components,
            unsupported: unsupported.map(Error::UnsupportedFormat),
        })
    }
}

/// The parts of a profile by their number (ICC.1:2022, annex B.4).
#[derive(Default)]
struct ProfileParts<'a> {
    parts: Vec<(u8, &'a [u8])>,
    count: u8,
}

impl<'a> ProfileParts<'a> {
    fn add(&mut self, body: &'a [u8]) {
        if let (Some([number, count]), Some(data)) =
            (array(body, ICC.len()), body.get(ICC.len() + 2..))
        {
            // One more than there are numbers is one too many.
            if self.parts.len() <= usize::from(u8::MAX) {
                self.parts.push((number, data));
            }
            self.count = count;
        }
    }

    /// The parts in order, if there is each of them once.
    fn into_icc(mut self) -> Option<Icc<'a>> {
        self.parts.sort_by_key(|&(number, _)| number);
        let whole = self.parts.iter().map(|&(number, _)| number).eq(1..=self.count);
        (whole && self.count > 0)
            .then(|| Icc::Parts(self.parts.into_iter().map(|(_, data)| data).collect()))
    }
}

/// Whether libjpeg-turbo has a name for that sampling beside chroma that is sampled once: from
/// 4:4:4 to 4:1:1 and 4:4:1.
fn has_name(luma: &(u8, u8)) -> bool {
    matches!(luma, (1, 1) | (2, 1) | (2, 2) | (1, 2) | (4, 1) | (1, 4))
}
