//! AVIF sequences (ISO/IEC 23000-22, section 4; ISO/IEC 23008-12, section 7): pictures by libaom, which can't
//! be stopped and works apart where there is such a place, in tracks. The first one is an item as well, for whoever shows no sequences.

use image_gate_codecs::aom::{self, Sample, Setup};

use crate::image::apart::{Exchange, Responder, respond};
use crate::image::bytes::{le16, le32};
use crate::image::control::{ShowPicture, fits};
use crate::image::encode::avif::{SRGB, Speed, moving_speed};
use crate::image::encode::memory::animation_bytes;
use crate::image::error::not_encoded;
use crate::image::isobmff::{ALPHA, FourCc};
use crate::image::metadata::OutputMetadata;
use crate::image::pixels::widen;
use crate::image::raster::{Layout, Raster, append, data_len, with_room};
use crate::image::size::Size;
use crate::image::source::{Animation, avif};
use crate::image::{Control, Error, Format, Plan};

/// Units of time in a second.
const TIMESCALE: u32 = 1000;

/// What begins each sample of an encoder's, and has no place in a file: a temporal delimiter.
const DELIMITER: &[u8] = &[0x12, 0];

/// The highest level of AVIF's baseline profile: 5.1.
const BASELINE: u8 = 13;

/// Code points that say nothing, for pictures that have a profile.
const BY_PROFILE: (u16, u16) = (2, 2);

pub(in crate::image) struct AvifAnimator<'a> {
    size: Size,
    animation: Animation,
    frames: u32,
    plan: &'a Plan,
    metadata: &'a OutputMetadata<'a>,
    writer: Option<(Exchange<'a>, Setup, Speed)>,
    /// What was answered of the picture before: its memory is used again.
    answer: Vec<u8>,
    /// All samples, those of a picture beside each other.
    data: Vec<u8>,
    durations: Vec<u32>,
    colors: Track,
    alpha: Track,
}

/// What is known of the samples of a track.
#[derive(Default)]
struct Track {
    /// Where they are, and how long.
    samples: Vec<(u32, u32)>,
    /// The numbers, from 1 on, of those that refer to no other.
    keys: Vec<u32>,
    level: (u8, bool),
}

impl<'a> AvifAnimator<'a> {
    pub(super) fn new(
        size: Size,
        animation: Animation,
        frames: u32,
        plan: &'a Plan,
        metadata: &'a OutputMetadata<'a>,
    ) -> AvifAnimator<'a> {
        AvifAnimator {
            size,
            animation,
            frames,
            plan,
            metadata,
            writer: None,
            answer: Vec::new(),
            data: Vec::new(),
            durations: Vec::new(),
            colors: Track::default(),
            alpha: Track::default(),
        }
    }

    pub(super) fn push(
        &mut self,
        raster: Raster,
        duration: u32,
        control: &Control,
    ) -> Result<(), Error> {
        let raster = widen(raster, control)?;
        let alpha = raster.layout().has_alpha();
        let (mut writer, setup, speed) = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(raster.layout(), control)?,
        };
        if setup.alpha != alpha {
            return Err(not_encoded("pictures of different layouts"));
        }
        control.check()?;
        if !fits(speed.pixels, speed.cost, control.remaining()) {
            return Err(Error::Timeout);
        }
        self.answer.clear();
        writer.ask(&[], raster.data(), &mut self.answer, control)?;
        let [colors, of_alpha] = samples(&self.answer).ok_or_else(|| not_encoded("no samples"))?;
        self.colors.add(&mut self.data, colors.data, colors.is_key)?;
        if alpha {
            self.alpha.add(&mut self.data, of_alpha.data, of_alpha.is_key)?;
        }
        append(&mut self.durations, &[duration.max(1)])?;
        self.writer = Some((writer, setup, speed));
        control.check()
    }

    pub(super) fn finish(mut self, control: &Control) -> Result<Vec<u8>, Error> {
        let (_, setup, _) = self.writer.take().ok_or_else(|| not_encoded("no picture"))?;
        control.check()?;
        // Before it is known how long the head is, its fields are as long as they will be.
        let len = self.head(&setup, 0)?.len();
        let start = u32::try_from(len).ok();
        let all = len.checked_add(self.data.len()).and_then(|len| len.checked_add(self.rest()));
        let fits = all.is_some_and(|all| u32::try_from(all).is_ok());
        let start = start.filter(|_| fits).ok_or_else(|| not_encoded("the file is too large"))?;
        let head = self.head(&setup, start)?;
        // All samples are too long to be there twice: there is room in front of them, and behind.
        let mut out = std::mem::take(&mut self.data);
        let room = head.len().saturating_add(self.rest());
        out.try_reserve_exact(room).map_err(|_| Error::out_of_memory(room))?;
        drop(out.splice(..0, head));
        if let Some(exif) = &self.metadata.exif {
            // Where in it the TIFF header is.
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(exif);
        }
        out.extend_from_slice(self.metadata.xmp.as_deref().unwrap_or_default());
        control.check()?;
        Ok(out)
    }

    fn begin(
        &self,
        layout: Layout,
        control: &Control,
    ) -> Result<(Exchange<'a>, Setup, Speed), Error> {
        let alpha = layout.has_alpha();
        let speed = moving_speed(self.plan, self.size, alpha, self.frames, control);
        let setup = Setup {
            width: self.size.width,
            height: self.size.height,
            alpha,
            quality: self.plan.avif_quality,
            speed: speed.number,
            code_points: if self.metadata.icc.is_some() { BY_PROFILE } else { SRGB },
        };
        let longest = data_len(self.size, layout)?;
        // Of all that animations take, the pictures that are written stay here.
        let memory = animation_bytes(self.size, Format::Avif, 1);
        let (order, here) = (written(&setup), || Ok(Box::new(Encoder::new(&setup)?) as Box<_>));
        let writer = Exchange::begin((longest, memory), &[&order], encode_apart, here, control)?;
        Ok((writer, setup, speed))
    }

    /// Bytes behind the samples.
    fn rest(&self) -> usize {
        let exif = self.metadata.exif.as_ref().map_or(0, |exif| exif.len().saturating_add(4));
        exif.saturating_add(self.metadata.xmp.as_ref().map_or(0, |xmp| xmp.len()))
    }

    /// All that comes before the samples, which begin there.
    fn head(&self, setup: &Setup, start: u32) -> Result<Vec<u8>, Error> {
        let entries = self.durations.len().saturating_mul(if setup.alpha { 48 } else { 24 });
        let icc = self.metadata.icc.as_ref().map_or(0, |icc| icc.len().saturating_mul(2));
        let mut out = Boxes(with_room(entries.saturating_add(icc).saturating_add(4096))?);
        out.boxed(b"ftyp", |out| {
            out.bytes(b"avis\0\0\0\0avisavifmsf1mif1miafiso8");
            if self.colors.level.0 <= BASELINE {
                out.bytes(b"MA1B");
            }
        });
        out.full(b"meta", 0, 0, |out| self.items(out, setup, start));
        out.boxed(b"moov", |out| self.movie(out, setup, start));
        let len = self.data.len().saturating_add(self.rest()).saturating_add(8);
        out.u32(u32::try_from(len).unwrap_or(u32::MAX));
        out.bytes(b"mdat");
        Ok(out.0)
    }

    /// The first picture, and what is said of all of them.
    fn items(&self, out: &mut Boxes, setup: &Setup, start: u32) {
        const COLORS: u16 = 1;
        const OF_ALPHA: u16 = 2;
        const EXIF: u16 = 3;
        const XMP: u16 = 4;
        let first = |track: &Track| track.samples.first().copied().unwrap_or_default();
        let len = |data: &[u8]| u32::try_from(data.len()).unwrap_or(u32::MAX);
        let mut items = vec![(COLORS, b"av01", first(&self.colors))];
        if setup.alpha {
            items.push((OF_ALPHA, b"av01", first(&self.alpha)));
        }
        let mut end = len(&self.data);
        if let Some(exif) = &self.metadata.exif {
            items.push((EXIF, b"Exif", (end, len(exif).saturating_add(4))));
            end = end.saturating_add(len(exif).saturating_add(4));
        }
        if let Some(xmp) = &self.metadata.xmp {
            items.push((XMP, b"mime", (end, len(xmp))));
        }
        handler(out, b"pict");
        out.full(b"pitm", 0, 0, |out| out.u16(COLORS));
        out.full(b"iloc", 0, 0, |out| {
            // Offsets and lengths have four bytes each; there is nothing that they are added to.
            out.bytes(&[0x44, 0]);
            out.u16(items.len() as u16);
            for &(id, _, (at, len)) in &items {
                out.u16s([id, 0, 1]);
                out.u32s([start.saturating_add(at), len]);
            }
        });
        out.full(b"iinf", 0, 0, |out| {
            out.u16(items.len() as u16);
            for &(id, kind, _) in &items {
                out.full(b"infe", 2, 0, |out| {
                    out.u16s([id, 0]);
                    out.bytes(kind);
                    out.bytes(b"\0");
                    if id == XMP {
                        out.bytes(b"application/rdf+xml\0");
                    }
                });
            }
        });
        if items.len() > 1 {
            out.full(b"iref", 0, 0, |out| {
                for &(id, ..) in items.iter().skip(1) {
                    out.boxed(if id == OF_ALPHA { b"auxl" } else { b"cdsc" }, |out| {
                        out.u16s([id, 1, COLORS]);
                    });
                }
            });
        }
        let has_profile = self.metadata.icc.is_some();
        out.boxed(b"iprp", |out| {
            out.boxed(b"ipco", |out| {
                out.full(b"ispe", 0, 0, |out| {
                    out.u32s([setup.width, setup.height]);
                });
                out.full(b"pixi", 0, 0, |out| out.bytes(&[3, 8, 8, 8]));
                self.configuration(out, false);
                self.code_points(out, setup);
                if setup.alpha {
                    out.full(b"pixi", 0, 0, |out| out.bytes(&[1, 8]));
                    self.configuration(out, true);
                    out.full(b"auxC", 0, 0, kind_of_alpha);
                }
                self.profile(out);
            });
            out.full(b"ipma", 0, 0, |out| {
                // What must be understood has the highest bit set.
                let mut colors = vec![1, 2, 0x83, 4];
                if has_profile {
                    colors.push(if setup.alpha { 8 } else { 5 });
                }
                let all = [(COLORS, colors), (OF_ALPHA, vec![1, 5, 0x86, 7])];
                let count = if setup.alpha { 2 } else { 1 };
                out.u32(count as u32);
                for (id, properties) in all.iter().take(count) {
                    out.u16(*id);
                    out.bytes(&[properties.len() as u8]);
                    out.bytes(properties);
                }
            });
        });
    }

    /// The tracks.
    fn movie(&self, out: &mut Boxes, setup: &Setup, start: u32) {
        let once: u64 = self.durations.iter().map(|&duration| u64::from(duration)).sum();
        let plays = self.animation.plays;
        let shown = plays.map_or(u64::MAX, |plays| once.saturating_mul(plays.get().into()));
        out.full(b"mvhd", 1, 0, |out| {
            out.u64s([0, 0]);
            out.u32(TIMESCALE);
            out.u64(shown);
            out.u32(ONE);
            out.u16(0x100);
            out.bytes(&[0; 10]);
            matrix(out);
            out.bytes(&[0; 24]);
            // The number of the next track.
            out.u32(if setup.alpha { 3 } else { 2 });
        });
        self.track(out, setup, (start, once, shown), false);
        if setup.alpha {
            self.track(out, setup, (start, once, shown), true);
        }
    }

    fn track(
        &self,
        out: &mut Boxes,
        setup: &Setup,
        (start, once, shown): (u32, u64, u64),
        is_alpha: bool,
    ) {
        let track = if is_alpha { &self.alpha } else { &self.colors };
        let id = if is_alpha { 2 } else { 1 };
        out.boxed(b"trak", |out| {
            out.full(b"tkhd", 1, 1, |out| {
                out.u64s([0, 0]);
                out.u32s([id, 0]);
                out.u64(shown);
                out.bytes(&[0; 16]);
                matrix(out);
                // With 16 bits behind the point.
                out.u32s([setup.width << 16, setup.height << 16]);
            });
            if is_alpha {
                out.boxed(b"tref", |out| out.boxed(b"auxl", |out| out.u32(1)));
            }
            out.boxed(b"edts", |out| {
                let repeats = self.animation.plays.is_none_or(|plays| plays.get() > 1);
                out.full(b"elst", 1, repeats.into(), |out| {
                    out.u32(1);
                    out.u64s([once, 0]);
                    out.u32(ONE);
                });
            });
            out.boxed(b"mdia", |out| {
                out.full(b"mdhd", 1, 0, |out| {
                    out.u64s([0, 0]);
                    out.u32(TIMESCALE);
                    out.u64(once);
                    // No language.
                    out.u16s([0x55c4, 0]);
                });
                handler(out, if is_alpha { b"auxv" } else { b"pict" });
                out.boxed(b"minf", |out| {
                    out.full(b"vmhd", 0, 1, |out| out.bytes(&[0; 8]));
                    out.boxed(b"dinf", |out| {
                        out.full(b"dref", 0, 0, |out| {
                            out.u32(1);
                            // In this file.
                            out.full(b"url ", 0, 1, |_| ());
                        });
                    });
                    out.boxed(b"stbl", |out| {
                        self.entry(out, setup, is_alpha);
                        self.tables(out, track, start);
                    });
                });
            });
        });
    }

    /// What all samples of a track are.
    fn entry(&self, out: &mut Boxes, setup: &Setup, is_alpha: bool) {
        out.full(b"stsd", 0, 0, |out| {
            out.u32(1);
            out.boxed(b"av01", |out| {
                out.bytes(&[0, 0, 0, 0, 0, 0, 0, 1]);
                out.bytes(&[0; 16]);
                // `longest_side` sees to it that they fit.
                out.u16s([setup.width as u16, setup.height as u16]);
                // 72 pixels an inch, a sample has one picture.
                out.u32s([0x0048_0000, 0x0048_0000, 0]);
                out.u16(1);
                out.bytes(&[0; 32]);
                out.u16s([0x18, 0xffff]);
                self.configuration(out, is_alpha);
                if is_alpha {
                    out.full(b"auxi", 0, 0, kind_of_alpha);
                } else {
                    self.code_points(out, setup);
                    self.profile(out);
                }
                // Pictures refer to any others that came before.
                out.full(b"ccst", 0, 0, |out| out.u32(0x7c00_0000));
            });
        });
    }

    fn tables(&self, out: &mut Boxes, track: &Track, start: u32) {
        out.full(b"stts", 0, 0, |out| {
            let runs = self.durations.chunk_by(|a, b| a == b);
            out.u32(runs.clone().count() as u32);
            for run in runs {
                out.u32(run.len() as u32);
                out.u32(run.first().copied().unwrap_or_default());
            }
        });
        out.full(b"stsc", 0, 0, |out| out.u32s([1, 1, 1, 1]));
        out.full(b"stsz", 0, 0, |out| {
            out.u32s([0, track.samples.len() as u32]);
            track.samples.iter().for_each(|&(_, len)| out.u32(len));
        });
        out.full(b"stco", 0, 0, |out| {
            out.u32(track.samples.len() as u32);
            track.samples.iter().for_each(|&(at, _)| out.u32(start.saturating_add(at)));
        });
        out.full(b"stss", 0, 0, |out| {
            out.u32(track.keys.len() as u32);
            track.keys.iter().for_each(|&number| out.u32(number));
        });
    }

    /// How a decoder is set up (AV1 Codec ISO Media File Format Binding, section 2.3).
    fn configuration(&self, out: &mut Boxes, is_alpha: bool) {
        let (level, high) = if is_alpha { self.alpha.level } else { self.colors.level };
        // 8 bits; 4:2:0, or grey.
        let samples = if is_alpha { 0x1c } else { 0x0c };
        out.boxed(b"av1C", |out| {
            out.bytes(&[0x81, level & 31, samples | u8::from(high) << 7, 0]);
        });
    }

    fn code_points(&self, out: &mut Boxes, setup: &Setup) {
        out.boxed(b"colr", |out| {
            out.bytes(b"nclx");
            out.u16s(setup.code_points());
            // Samples use all of their range.
            out.bytes(&[0x80]);
        });
    }

    fn profile(&self, out: &mut Boxes) {
        if let Some(icc) = &self.metadata.icc {
            out.boxed(b"colr", |out| {
                out.bytes(b"prof");
                out.bytes(icc);
            });
        }
    }
}

/// Encodes pictures where libaom works.
struct Encoder {
    encoder: aom::Encoder,
    answer: Vec<u8>,
}

impl Encoder {
    fn new(setup: &Setup) -> Result<Encoder, Error> {
        let encoder = aom::Encoder::new(setup).map_err(not_encoded)?;
        Ok(Encoder { encoder, answer: Vec::new() })
    }
}

impl Responder for Encoder {
    /// Answers with the two [`samples`] of a picture.
    fn respond(&mut self, _: &[u8], pixels: &[u8]) -> Result<&[u8], Error> {
        let (colors, alpha) = self.encoder.push(pixels).map_err(not_encoded)?;
        let alpha = alpha.unwrap_or(Sample { data: &[], is_key: false });
        let len = u32::try_from(colors.data.len()).map_err(not_encoded)?;
        let needed = HEAD.saturating_add(colors.data.len()).saturating_add(alpha.data.len());
        self.answer.clear();
        self.answer.try_reserve(needed).map_err(|_| Error::out_of_memory(needed))?;
        self.answer.extend_from_slice(&len.to_le_bytes());
        self.answer.extend_from_slice(&[colors.is_key.into(), alpha.is_key.into()]);
        self.answer.extend_from_slice(colors.data);
        self.answer.extend_from_slice(alpha.data);
        Ok(&self.answer)
    }
}

/// Bytes before two samples: the length of the first one, and which of them refer to no other.
const HEAD: usize = 6;

/// The samples of colours and of alpha in an answer.
fn samples(answer: &[u8]) -> Option<[Sample<'_>; 2]> {
    let len = usize::try_from(le32(answer, 0)?).ok()?;
    let &[.., colors, alpha] = answer.get(..HEAD)? else { return None };
    let (of_colors, of_alpha) = answer.get(HEAD..)?.split_at_checked(len)?;
    Some(
        [(of_colors, colors), (of_alpha, alpha)]
            .map(|(data, key)| Sample { data, is_key: key != 0 }),
    )
}

/// A setup, written down for the process apart.
fn written(setup: &Setup) -> [u8; 15] {
    let mut order = [0; 15];
    let (sides, rest) = order.split_at_mut(8);
    sides.copy_from_slice([setup.width, setup.height].map(u32::to_le_bytes).as_flattened());
    let (points, rest) = rest.split_at_mut(4);
    let (primaries, curve) = setup.code_points;
    points.copy_from_slice([primaries, curve].map(u16::to_le_bytes).as_flattened());
    rest.copy_from_slice(&[setup.alpha.into(), setup.quality, setup.speed]);
    order
}

fn read(order: &[u8]) -> Option<Setup> {
    let &[alpha, quality, speed] = order.get(12..)? else { return None };
    Some(Setup {
        width: le32(order, 0)?,
        height: le32(order, 4)?,
        alpha: alpha != 0,
        quality,
        speed,
        code_points: (le16(order, 8)?, le16(order, 10)?),
    })
}

fn encode_apart(
    order: &[u8],
    room: &mut [u8],
    _: &Control,
    show: &mut ShowPicture<'_>,
) -> Result<(), Error> {
    let setup = read(order).ok_or_else(|| not_encoded("no order"))?;
    respond(&mut Encoder::new(&setup)?, room, show)
}

impl Track {
    /// Adds a sample to the data.
    fn add(&mut self, data: &mut Vec<u8>, sample: &[u8], is_key: bool) -> Result<(), Error> {
        let sample = sample.strip_prefix(DELIMITER).unwrap_or(sample);
        if self.samples.is_empty() {
            self.level = avif::level(sample).map_err(not_encoded)?;
        }
        let too_large = |_| not_encoded("the file is too large");
        let at = u32::try_from(data.len()).map_err(too_large)?;
        append(&mut self.samples, &[(at, u32::try_from(sample.len()).map_err(too_large)?)])?;
        if is_key {
            append(&mut self.keys, &[self.samples.len() as u32])?;
        }
        append(data, sample)
    }
}

/// The number 1 with 16 bits behind the point.
const ONE: u32 = 0x10000;

/// What is neither turned nor scaled.
fn matrix(out: &mut Boxes) {
    out.u32s([ONE, 0, 0, 0, ONE, 0, 0, 0, 0x4000_0000]);
}

fn handler(out: &mut Boxes, kind: &FourCc) {
    out.full(b"hdlr", 0, 0, |out| {
        out.u32(0);
        out.bytes(kind);
        out.bytes(&[0; 13]);
    });
}

fn kind_of_alpha(out: &mut Boxes) {
    out.bytes(ALPHA[0]);
    out.bytes(&[0]);
}

/// Boxes that are written one after the other.
struct Boxes(Vec<u8>);

impl Boxes {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u16(&mut self, number: u16) {
        self.bytes(&number.to_be_bytes());
    }

    fn u16s<const N: usize>(&mut self, numbers: [u16; N]) {
        numbers.iter().for_each(|&number| self.u16(number));
    }

    fn u32(&mut self, number: u32) {
        self.bytes(&number.to_be_bytes());
    }

    fn u32s<const N: usize>(&mut self, numbers: [u32; N]) {
        numbers.iter().for_each(|&number| self.u32(number));
    }

    fn u64(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    fn u64s<const N: usize>(&mut self, numbers: [u64; N]) {
        numbers.iter().for_each(|&number| self.u64(number));
    }

    /// A box, and what is in it.
    fn boxed<R>(&mut self, kind: &FourCc, write: impl FnOnce(&mut Boxes) -> R) {
        let start = self.0.len();
        self.bytes(&[0; 4]);
        self.bytes(kind);
        write(self);
        // No box is as large as that: what would be is refused before.
        let len = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(start..start + 4) {
            place.copy_from_slice(&len.to_be_bytes());
        }
    }

    /// The same with a version and flags.
    fn full<R>(
        &mut self,
        kind: &FourCc,
        version: u8,
        flags: u32,
        write: impl FnOnce(&mut Boxes) -> R,
    ) {
        self.boxed(kind, |out| {
            out.u32(u32::from(version) << 24 | flags);
            write(out);
        });
    }
}
