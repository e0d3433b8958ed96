//! The gain map of a JPEG: a smaller picture behind it that says how much brighter than in sRGB each part of
//! it is on displays that can (ISO 21496-1, and Android's Ultra HDR before it).
//!
//! It is kept beside what is made of the picture: cut, scaled and turned like that, in its own
//! resolution.

mod iso;
mod multi_picture;
mod packet;

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::be16;
use super::damage::Tolerance;
use super::decode::{self, Decode, Fidelity};
use super::encode::{self, MAX_SEGMENT};
use super::geometry::Geometry;
use super::metadata::OutputMetadata;
use super::pixels::{self, Placed};
use super::raster::{Layout, with_room};
use super::size::{Rect, Size};
use super::source::jpeg::{
    APP0, APP1, APP2, EXIF, JFIF, SOI, SOS, Walk, XMP, frame_header, stands_alone,
};
use super::source::{Block, Container, Icc, Source};
use super::strip::{Cuts, pixels_alone};
use super::{Control, DamagePolicy, Error, Format, Limits, Plan, ProfilePolicy, Subsampling};
use iso::{ISO, IsoGains, VERSIONS};
use packet::XmpGains;

/// The quality of a map. What is lost of it is lost of light, by a power.
const QUALITY: u8 = 90;

/// A map is not made smaller than that, but for a picture that is: its sides are whole pixels, and readers want
/// its proportions to be those of the picture.
const SHORTEST: f64 = 128.0;

/// A longer profile is none that a map needs: those of cameras and phones have less than a tenth of that.
const LONGEST_PROFILE: usize = 1 << 16;

/// A map that can be kept.
#[derive(Debug)]
pub(super) struct GainMap<'a> {
    /// The picture that it is by itself.
    source: Source<'a>,
    iso: Option<IsoGains<'a>>,
    xmp: Option<XmpGains>,
    /// The profile of the higher range, where gains are those of its colours by ISO 21496-1.
    icc: Option<Cow<'a, [u8]>>,
    scans: u32,
}

/// A map as it goes out.
pub(super) struct MadeMap {
    jpeg: Vec<u8>,
    has_iso: bool,
    has_xmp: bool,
}

impl<'a> GainMap<'a> {
    /// The map of a source, where there is one, it is whole as far as its markers tell, and within the
    /// limits.
    pub(super) fn find(source: &Source<'a>, plan: &Plan, limits: &Limits) -> Option<GainMap<'a>> {
        let Container::Jpeg(jpeg) = &source.kind else { return None };
        let end = jpeg.behind(source.input).filter(|_| jpeg.components() <= 3)?;
        let by_index = multi_picture::pictures(source.input).into_iter();
        let by_packet = source.embedded.xmp.and_then(Block::plain);
        let by_packet = by_packet.and_then(|xmp| packet::located(xmp, end));
        let most = Size::new(source.info.width, source.info.height);
        // No byte is looked at twice, and no picture but the first that has gains is read to its end.
        let mut seen: Vec<Range<usize>> = Vec::new();
        let (bytes, gains) = by_index.chain(by_packet).find_map(|range| {
            let bytes = source.input.get(range.clone()).filter(|_| range.start >= end)?;
            let is_new = seen.iter().all(|seen| range.end <= seen.start || seen.end <= range.start);
            if !is_new || !bytes.starts_with(&[0xff, SOI]) {
                return None;
            }
            seen.push(range);
            gains(bytes).map(|gains| (bytes, gains))
        })?;
        let Size { width, height } = gains.size;
        // Without a height it would be that which comes with its data.
        let fits = height > 0 && width <= most.width && height <= most.height;
        fits.then(|| GainMap::read(bytes, gains, plan, limits)).flatten()
    }

    fn read(
        bytes: &'a [u8],
        gains: Gains<'a>,
        plan: &Plan,
        limits: &Limits,
    ) -> Option<GainMap<'a>> {
        let source = Source::read(bytes).ok()?;
        source.check(limits, &Tolerance::new(DamagePolicy::Strict)).ok()?;
        let Container::Jpeg(jpeg) = &source.kind else { return None };
        let has_channels = matches!(jpeg.components(), 1 | 3);
        let Gains { iso, xmp, .. } = gains;
        let profile = source.embedded.icc.as_ref().filter(|icc| icc.is_profile());
        let profile = profile.filter(|_| iso.is_some_and(|iso| !iso.has_base_colors));
        let icc = profile.filter(|_| plan.profile != ProfilePolicy::Strip).and_then(higher_range);
        // Gains that differ by channel are wrong in any other colours.
        let lacks_colors =
            profile.is_some() && icc.is_none() && decode::layout(&source) != Layout::L8;
        (has_channels && !lacks_colors).then_some(GainMap {
            source,
            iso,
            xmp,
            icc,
            scans: limits.scans,
        })
    }

    pub(super) fn size(&self) -> Size {
        Size::new(self.source.info.width, self.source.info.height)
    }

    /// Whether it fits only as long as the picture keeps its colour space: gains that differ by channel do, where
    /// the map has no colour space of its own. XMP knows of none.
    pub(super) fn binds_colors(&self) -> bool {
        let has_own_colors = self.icc.is_some() && self.xmp.is_none();
        decode::layout(&self.source) != Layout::L8 && !has_own_colors
    }

    /// Whether all of it can be decoded.
    ///
    /// # Errors
    /// As of [`make`](GainMap::make).
    pub(super) fn is_sound(&self, control: &Control) -> Result<bool, Error> {
        let tolerance = Tolerance::new(DamagePolicy::Strict);
        match decode::decode(&self.source, &self.whole(), &tolerance, control) {
            Err(Error::DecodeFailed(_)) => Ok(false),
            decoded => decoded.map(|_| true),
        }
    }

    /// Bytes that [`is_sound`](GainMap::is_sound) holds at most.
    pub(super) fn looking_bytes(&self) -> u64 {
        self.decoding_bytes(&self.whole())
    }

    fn whole(&self) -> Decode {
        Decode::all(self.size(), self.scans)
    }

    fn decoding_bytes(&self, decode: &Decode) -> u64 {
        let channels = decode::layout(&self.source).channels() as u64;
        let raster = decode.raster_size(self.size()).pixels() * channels;
        (raster + decode::working_bytes(&self.source, decode))
            .max(decode::verifying_bytes(&self.source))
    }

    /// Pixels that are decoded of it; without a geometry, of all of it as it is.
    pub(super) fn pixels(&self, geometry: Option<&Geometry>, stored: Size) -> u64 {
        let decoded = |geometry| self.shown(geometry, stored).decode.raster_size(self.size());
        geometry.map_or(self.size(), decoded).pixels()
    }

    /// Bytes that [`make`](GainMap::make) holds at most, what it returns included; without a geometry,
    /// whatever that is, of what has no more than so many pixels a side.
    pub(super) fn working_bytes(
        &self,
        geometry: Option<&Geometry>,
        most: Size,
        stored: Size,
    ) -> u64 {
        let layout = decode::layout(&self.source);
        let (decode, made) = match geometry.map(|geometry| self.shown(geometry, stored)) {
            Some(shown) => (shown.decode, shown.size),
            // Of a part it may have as many pixels as its picture.
            None => (self.whole(), most),
        };
        let raster = decode.raster_size(self.size());
        let channels = layout.channels() as u64;
        let resizing = raster.pixels() * channels + pixels::working_bytes(raster, layout, made);
        let made_bytes = made.pixels().saturating_mul(2 * channels);
        // All of the chroma is kept.
        let encoding = encode::working_bytes(made, Format::Jpeg, false) + made.pixels() * 6;
        self.decoding_bytes(&decode)
            .max(resizing.saturating_add(made_bytes))
            .saturating_add(encoding)
    }

    /// What of the map belongs to what the geometry leaves of a picture of `stored` pixels, and how large it
    /// becomes, before it is turned.
    fn shown(&self, geometry: &Geometry, stored: Size) -> Shown {
        let &Geometry { region, scaled, window, .. } = geometry;
        let own = self.size();
        let across =
            span((region.x, region.size.width), (window.x, window.size.width), scaled.width);
        let down =
            span((region.y, region.size.height), (window.y, window.size.height), scaled.height);
        let density = (
            f64::from(own.width) / f64::from(stored.width),
            f64::from(own.height) / f64::from(stored.height),
        );
        let (width, height) = (across.1 * density.0, down.1 * density.1);
        let output = (f64::from(window.size.width), f64::from(window.size.height));
        // As many pixels to one of the picture as before, and no more than there are.
        let factor = density.0.min(width / output.0).max(density.1.min(height / output.1));
        let factor = factor.max(SHORTEST / output.0.min(output.1)).min(1.0);
        let side = |output: f64| (output * factor).round().max(1.0) as u32;
        let size = Size::new(side(output.0), side(output.1));
        let all = |own: u32, made: u32, part: f64| {
            (f64::from(own) * f64::from(made) / part).ceil().max(1.0) as u32
        };
        let whole =
            Size::new(all(own.width, size.width, width), all(own.height, size.height, height));
        let everything = Rect { x: 0, y: 0, size: own };
        Shown {
            origin: (across.0 * density.0, down.0 * density.1),
            extent: (width, height),
            size,
            decode: Decode::new(&self.source, everything, whole, Fidelity::Exact, self.scans),
        }
    }

    /// Makes the map of what the geometry makes of a picture of `stored` pixels; `None` where it is damaged.
    ///
    /// # Errors
    /// Those of [`Control::check`], and [`Error::Internal`] without memory.
    pub(super) fn make(
        &self,
        geometry: &Geometry,
        stored: Size,
        plan: &Plan,
        control: &Control,
    ) -> Result<Option<MadeMap>, Error> {
        let Shown { origin, extent, size, decode } = self.shown(geometry, stored);
        let tolerance = Tolerance::new(DamagePolicy::Strict);
        let raster = match decode::decode(&self.source, &decode, &tolerance, control) {
            Err(Error::DecodeFailed(_)) => return Ok(None),
            decoded => decoded?,
        };
        let Size { width, height } = self.size();
        let all = decode.placed(self.size()).extent;
        let density = (all.0 / f64::from(width), all.1 / f64::from(height));
        let placed = Placed {
            extent: (extent.0 * density.0, extent.1 * density.1),
            origin: (-origin.0 * density.0, -origin.1 * density.1),
        };
        let raster = pixels::resize(raster, placed, size, Rect { x: 0, y: 0, size }, control)?;
        let raster = pixels::orient(raster, geometry.orientation, control)?;
        let plan = Plan {
            jpeg_quality: QUALITY,
            subsampling: Subsampling::None,
            interlace: plan.interlace,
            ..Plan::default()
        };
        let nothing = OutputMetadata::default();
        let jpeg = encode::encode(raster, Format::Jpeg, false, &plan, &nothing, control)?;
        self.made(&jpeg).map(Some)
    }

    /// The cuts that leave nothing but its samples; `None` where it is not understood well enough.
    pub(super) fn strip(&self) -> Option<Cuts<'a>> {
        pixels_alone(self.source.input)
    }

    /// The map of those samples.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory.
    pub(super) fn made(&self, samples: &[u8]) -> Result<MadeMap, Error> {
        let end = Head::of(samples).end;
        let jpeg = joined(samples, end..end, &self.said(), &[])?;
        Ok(MadeMap { jpeg, has_iso: self.iso.is_some(), has_xmp: self.xmp.is_some() })
    }

    /// The segments that say what its samples are.
    fn said(&self) -> Vec<u8> {
        let metadata = OutputMetadata {
            xmp: self.xmp.as_ref().map(|xmp| Cow::Owned(xmp.packet().into_bytes())),
            icc: self.icc.as_deref().map(Cow::Borrowed),
            ..OutputMetadata::default()
        };
        let mut segments = encode::segments(&metadata);
        if let Some(iso) = self.iso {
            encode::segment(&mut segments, APP2, &[ISO, iso.bytes]);
        }
        segments
    }

    /// Bytes that are written at most for its sake beside the samples of both pictures, where the
    /// picture has no XMP of its own.
    pub(super) fn said_bytes(&self) -> usize {
        let packet = packet::in_packet(&packet::directory(usize::MAX)).len();
        let of_picture = [XMP.len() + packet, ISO.len() + VERSIONS.len(), multi_picture::INDEX_LEN];
        self.said().len() + of_picture.map(|len| len + 4).iter().sum::<usize>()
    }
}

impl MadeMap {
    /// How long it is by itself.
    pub(super) fn len(&self) -> usize {
        self.jpeg.len()
    }

    /// Whether a picture with that XMP has a place for what is said of a map.
    pub(super) fn has_place(&self, xmp: Option<&[u8]>) -> bool {
        !self.has_xmp || self.packet(xmp).is_some()
    }

    /// The packet of its picture, which may have one already.
    fn packet(&self, xmp: Option<&[u8]>) -> Option<Vec<u8>> {
        let directory = packet::directory(self.jpeg.len());
        let packet = match xmp {
            Some(packet) => packet::with_description(packet, &directory)?,
            None => packet::in_packet(&directory).into_bytes(),
        };
        (XMP.len() + packet.len() <= MAX_SEGMENT).then_some(packet)
    }

    /// A JPEG with this map behind it, and all that says so; `None` where there is no place for that.
    ///
    /// # Errors
    /// [`Error::Internal`] without memory.
    pub(super) fn behind(&self, picture: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let head = Head::of(picture);
        let mut segments = Vec::new();
        if self.has_xmp {
            let Some(packet) = self.packet(head.xmp) else { return Ok(None) };
            encode::segment(&mut segments, APP1, &[XMP, &packet]);
        } else if let Some(packet) = head.xmp {
            encode::segment(&mut segments, APP1, &[XMP, packet]);
        }
        if self.has_iso {
            encode::segment(&mut segments, APP2, &[ISO, VERSIONS]);
        }
        // Behind the marker and the length.
        let at = head.start_of_xmp + segments.len() + 4;
        let cut = head.start_of_xmp..head.end;
        let len = picture.len() - cut.len() + segments.len() + 4 + multi_picture::INDEX_LEN;
        let (Ok(first), Ok(second)) = (u32::try_from(len), u32::try_from(self.jpeg.len())) else {
            return Ok(None);
        };
        let index = multi_picture::index(at, first, second);
        encode::segment(&mut segments, APP2, &[&index]);
        joined(picture, cut, &segments, &self.jpeg).map(Some)
    }
}

/// What of a map is shown, in its own pixels, and what that becomes.
struct Shown {
    origin: (f64, f64),
    extent: (f64, f64),
    size: Size,
    decode: Decode,
}

/// Where a window of a side begins, and how long it is, in stored pixels.
fn span((first, region): (u32, u32), (at, len): (u32, u32), scaled: u32) -> (f64, f64) {
    let ratio = f64::from(region) / f64::from(scaled);
    (
        f64::from(first) + f64::from(at) * ratio,
        f64::from(len) * f64::from(region) / f64::from(scaled),
    )
}

/// What the markers say of a map.
struct Gains<'a> {
    size: Size,
    iso: Option<IsoGains<'a>>,
    xmp: Option<XmpGains>,
}

/// The size of a map, and what says how its samples become gains; `None` where nothing does that makes
/// sense.
fn gains(map: &[u8]) -> Option<Gains<'_>> {
    let (mut size, mut iso, mut xmp) = (None, None, None);
    let mut has_xmp = false;
    let mut walk = Walk::new(map, 2);
    loop {
        let marker = walk.marker()?;
        if marker == SOS {
            break;
        }
        if stands_alone(marker) {
            return None;
        }
        let body = walk.segment()?;
        match marker {
            _ if frame_header(marker) => {
                size = Some(Size::new(be16(body, 3)?.into(), be16(body, 1)?.into()));
            }
            // Readers go by it where they know it, whatever XMP says: what can't be read is no reason to.
            APP2 if iso.is_none() && body.starts_with(ISO) => {
                iso = Some(IsoGains::read(body.get(ISO.len()..)?)?);
            }
            // As of any picture, the first counts. A map may have one that speaks of other things.
            APP1 if !has_xmp && body.starts_with(XMP) => {
                has_xmp = true;
                xmp = XmpGains::read(body.get(XMP.len()..)?);
            }
            _ => {}
        }
    }
    let size = size.filter(|_| iso.is_some() || xmp.is_some())?;
    Some(Gains { size, iso, xmp })
}

/// A profile, as far as it can be that of a higher range.
fn higher_range<'a>(icc: &Icc<'a>) -> Option<Cow<'a, [u8]>> {
    let bytes = Some(icc).filter(|icc| icc.stored_len() <= LONGEST_PROFILE)?.bytes()?;
    // Where the header says the colour space (ICC.1:2022, section 7.2.6).
    (bytes.get(16..20)? == b"RGB ").then_some(bytes)
}

/// The segments that come first: JFIF, Exif and XMP.
struct Head<'j> {
    xmp: Option<&'j [u8]>,
    start_of_xmp: usize,
    end: usize,
}

impl<'j> Head<'j> {
    /// Reads them in a JPEG of our own making.
    fn of(jpeg: &'j [u8]) -> Head<'j> {
        let mut head = Head { xmp: None, start_of_xmp: 2, end: 2 };
        let mut walk = Walk::new(jpeg, 2);
        while let Some(marker) = walk.marker() {
            let Some(body) = walk.segment() else { break };
            match marker {
                APP0 if body.starts_with(JFIF) => {}
                APP1 if body.starts_with(EXIF) => {}
                APP1 if body.starts_with(XMP) => head.xmp = body.get(XMP.len()..),
                _ => break,
            }
            head.end = walk.at();
            if head.xmp.is_some() {
                return head;
            }
            head.start_of_xmp = head.end;
        }
        head
    }
}

/// A JPEG with segments in the place of some of its bytes, and what comes behind it.
fn joined(
    jpeg: &[u8],
    cut: Range<usize>,
    segments: &[u8],
    behind: &[u8],
) -> Result<Vec<u8>, Error> {
    let parts = [jpeg.get(..cut.start), Some(segments), jpeg.get(cut.end..), Some(behind)]
        .map(Option::unwrap_or_default);
    let mut out = with_room(parts.iter().map(|part| part.len()).sum())?;
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(out)
}
