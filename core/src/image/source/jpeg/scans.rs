//! The scans of a JPEG, as far as markers tell of them.

use super::markers::{EOI, SOS, Walk, frame_header, is_restart, stands_alone};
use super::tables::{Coding, Component, Tables};
use crate::image::bytes::be16;
use crate::image::damage::Damage;

/// A marker that says how many rows there are, where the frame header does not.
const DNL: u8 = 0xdc;

/// Scans that a JPEG has at most, whatever the limit: each bit of each coefficient of each component in
/// one of its own.
pub(super) const MOST_SCANS: u32 = 4 * 64 * 14;

/// What comes from the first scan on.
#[derive(Debug, Default)]
pub(super) struct Scans {
    pub(super) count: u32,
    /// Bytes of entropy-coded data.
    pub(super) entropy: u64,
    /// Where what belongs to the image ends.
    pub(super) end: usize,
    /// Whether the end of the image is said, be there something before it or not.
    pub(super) is_ended: bool,
    /// Whether something comes behind the first scan.
    pub(super) has_first: bool,
    /// Whether a decoder would stumble over something that does not concern the pixels, or that
    /// it can do without.
    pub(super) messy: bool,
    /// What may have cost pixels, but for the end that is missing.
    pub(super) damage: Option<Damage>,
    /// The rows that are said behind the first scan.
    pub(super) rows: Option<u16>,
    /// Why no decoder reads the first scan.
    pub(super) fault: Option<&'static str>,
}

/// What the headers before the first scan say of all of them.
pub(super) struct ScanSpec<'a> {
    /// Whether all components come in the first.
    pub(super) one_pass: bool,
    pub(super) coding: Coding,
    /// None of a frame that is refused for what it is.
    pub(super) components: Option<&'a [Component]>,
}

impl Scans {
    /// Walks over the scans from there to the end of the image.
    pub(super) fn read(input: &[u8], first: usize, spec: &ScanSpec, mut tables: Tables) -> Scans {
        let &ScanSpec { one_pass, coding, components } = spec;
        let mut walk = Walk::new(input, first);
        let mut scans = Scans::default();
        loop {
            // Where the last segment or the data of the last scan ended.
            scans.end = walk.at();
            scans.messy |= input.get(scans.end) != Some(&0xff);
            let Some(marker) = walk.marker() else { break };
            scans.has_first |= scans.count > 0 && !is_restart(marker) && marker >= 0xc0;
            match marker {
                EOI => {
                    scans.is_ended = true;
                    return scans;
                }
                SOS if one_pass && scans.count > 0 => {
                    return scans.broken_off("a scan behind the last one", input);
                }
                SOS => {
                    let Some(header) = walk.segment() else { break };
                    let checked = components
                        .map_or(Ok(()), |components| tables.check_scan(header, components, coding));
                    if let Err(what) = checked {
                        scans.fault = (scans.count == 0).then_some(what);
                        return scans.broken_off(what, input);
                    }
                    scans.count += 1;
                    if scans.count > MOST_SCANS {
                        return scans;
                    }
                    let spectrum = header.get(header.len().saturating_sub(3)..);
                    scans.messy |= !coding.progressive && spectrum != Some(&[0, 63, 0]);
                    scans.entropy += walk.skip_entropy() as u64;
                }
                // What is left of damaged data, or restart markers that have more than one byte
                // of ones before them.
                _ if is_restart(marker) || marker < 0xc0 => {
                    scans.messy |= !is_restart(marker);
                    if !is_restart(marker) {
                        scans.note("a marker that is none in the data");
                    }
                    scans.entropy += walk.skip_entropy() as u64;
                }
                marker if frame_header(marker) => {
                    return scans.broken_off("two frame headers", input);
                }
                marker if stands_alone(marker) => {
                    return scans.broken_off("an image in the image", input);
                }
                marker => {
                    let lacks_length = walk.lacks_length();
                    let Some(body) = walk.segment() else { break };
                    if let Err(what) = tables.add(marker, body, lacks_length) {
                        return scans.broken_off(what, input);
                    }
                    scans.messy |= one_pass;
                    if marker == DNL && scans.count == 1 {
                        scans.rows = be16(body, 0).filter(|&rows| rows > 0);
                        scans.messy = true;
                    }
                }
            }
        }
        scans.messy = true;
        scans
    }

    /// What there is ends here, whatever comes.
    fn broken_off(mut self, what: &str, input: &[u8]) -> Scans {
        self.note(what);
        self.messy = true;
        // What comes is none of the image, but the end may be.
        self.is_ended = input.ends_with(&[0xff, EOI]);
        self
    }

    fn note(&mut self, what: &str) {
        self.damage.get_or_insert_with(|| Damage::inside(what));
    }
}
