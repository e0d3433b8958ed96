//! A copy of a JPEG that has only what its pixels depend on, as decoders expect it.

use memchr::memchr;

use super::markers::{
    ADOBE, ADOBE_TRANSFORM, APP0, APP14, APP15, COM, EOI, JFIF, SOI, SOS, Walk, frame_header,
    is_restart, stands_alone,
};
use crate::image::Error;
use crate::image::raster::with_room;

/// Bytes that the copy may have and the input has not: an end.
pub(super) const MORE: usize = 2;

/// What is known of the image.
pub(super) struct CleanSpec {
    /// Where what belongs to it ends.
    pub(super) end: usize,
    /// Its rows.
    pub(super) height: u32,
    pub(super) components: usize,
    pub(super) progressive: bool,
}

/// Copies what the pixels of `input` depend on.
pub(super) fn clean(input: &[u8], shape: &CleanSpec) -> Result<Vec<u8>, Error> {
    let mut clean = with_room(input.len() + MORE)?;
    clean.extend_from_slice(&[0xff, SOI]);
    let end = shape.end.min(input.len());
    let input = input.get(..end).unwrap_or_default();
    let mut walk = Walk::new(input, 2);
    while let Some(marker) = walk.marker() {
        if stands_alone(marker) || marker < 0xc0 {
            continue;
        }
        let start = walk.at();
        let Some(body) = walk.segment() else { break };
        let dropped = match marker {
            APP0 => !body.starts_with(JFIF),
            APP14 => !body.starts_with(ADOBE),
            APP0..=APP15 | COM => true,
            _ => false,
        };
        if dropped {
            continue;
        }
        let copy = clean.len() + 4;
        clean.extend_from_slice(&[0xff, marker]);
        clean.extend_from_slice(input.get(start..walk.at()).unwrap_or_default());
        let copied = clean.get_mut(copy..).unwrap_or_default();
        match marker {
            APP0 => set(copied, JFIF.len(), 1),
            APP14 => {
                // Of transforms that there are not libjpeg makes the usual ones, and warns.
                let components = shape.components;
                if body.get(ADOBE_TRANSFORM).is_some_and(|&given| !is_usual(given, components)) {
                    set(copied, ADOBE_TRANSFORM, usual_transform(components));
                }
            }
            SOS => {
                if !shape.progressive {
                    let len = body.len();
                    let whole = [0, 63, 0].into_iter().enumerate();
                    whole.for_each(|(i, value)| set(copied, (len + i).saturating_sub(3), value));
                }
                let data = input.get(walk.at()..).unwrap_or_default();
                walk = Walk::new(input, walk.at() + data_into(&mut clean, data));
            }
            marker if frame_header(marker) => {
                let [high, low] = (shape.height as u16).to_be_bytes();
                set(copied, 1, high);
                set(copied, 2, low);
            }
            _ => {}
        }
    }
    clean.extend_from_slice(&[0xff, EOI]);
    Ok(clean)
}

fn set(body: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = body.get_mut(at) {
        *byte = value;
    }
}

/// Copies the data of a scan without what is no marker of it; returns how many bytes that were.
///
/// What comes behind such a marker is read by nobody, up to the next restart marker.
fn data_into(clean: &mut Vec<u8>, data: &[u8]) -> usize {
    let (mut at, mut skips) = (0, false);
    loop {
        let rest = data.get(at..).unwrap_or_default();
        let plain = memchr(0xff, rest).unwrap_or(rest.len());
        let ones = rest.iter().skip(plain).take_while(|&&byte| byte == 0xff).count();
        if !skips {
            clean.extend_from_slice(rest.get(..plain).unwrap_or_default());
        }
        at += plain;
        match rest.get(plain + ones) {
            Some(&code) if code == 0 || is_restart(code) => {
                skips &= code == 0;
                if !skips {
                    clean.extend_from_slice(&[0xff, code]);
                }
            }
            Some(1..0xc0) => skips = true,
            _ => return at,
        }
        at += ones + 1;
    }
}

/// Whether libjpeg knows that colour transform of an Adobe segment, for so many components.
pub(super) fn is_usual(transform: u8, components: usize) -> bool {
    transform == 0 || transform == usual_transform(components)
}

/// The colour transform of so many components that libjpeg takes one for that it does not know.
fn usual_transform(components: usize) -> u8 {
    if components == 4 { 2 } else { 1 }
}
