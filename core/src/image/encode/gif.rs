//! GIF by the `gif` crate.

use std::borrow::Cow;

use gif::{Encoder, Frame};

use super::fallible_buffer::FallibleBuffer;
use super::palette::Indexed;
use crate::image::error::not_encoded;
use crate::image::raster::with_room;
use crate::image::source::gif::INTERLACED;
use crate::image::{Error, Plan};

pub(super) fn encode(indexed: &Indexed, plan: &Plan) -> Result<Vec<u8>, Error> {
    let (width, height) = (side(indexed.size.width)?, side(indexed.size.height)?);
    let palette: Vec<u8> = indexed.colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    let buffer = if plan.interlace {
        Cow::Owned(interlaced(&indexed.indices, usize::from(width))?)
    } else {
        Cow::Borrowed(indexed.indices.as_slice())
    };
    let frame = Frame {
        width,
        height,
        transparent: indexed.cutout,
        interlaced: plan.interlace,
        buffer,
        ..Frame::default()
    };

    let mut sink = FallibleBuffer::default();
    let mut encoder = Encoder::new(&mut sink, width, height, &palette).map_err(not_encoded)?;
    encoder.write_frame(&frame).map_err(not_encoded)?;
    // Writes the trailer, and tells where dropping would not.
    encoder.into_inner().map_err(not_encoded)?;
    Ok(sink.0)
}

pub(super) fn side(pixels: u32) -> Result<u16, Error> {
    u16::try_from(pixels).map_err(not_encoded)
}

/// The rows in the order in which they are written.
pub(super) fn interlaced(indices: &[u8], width: usize) -> Result<Vec<u8>, Error> {
    let mut out = with_room(indices.len())?;
    for (first, step) in INTERLACED {
        for row in indices.chunks_exact(width).skip(first).step_by(step) {
            out.extend_from_slice(row);
        }
    }
    Ok(out)
}
