//! What segments define for the scans behind them (ITU-T T.81, section B.2.4).

use super::frame::Frame;
use super::huffman::Definition;
use super::stop::Stop;
use crate::image::bytes::be16;
use crate::image::source::jpeg::{ADOBE, ADOBE_TRANSFORM, JFIF};

/// What the components of the image are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colors {
    Grey,
    Ycc,
    Rgb,
    Cmyk,
    Ycck,
}

#[derive(Debug, Default)]
pub(super) struct Tables {
    /// In zigzag order.
    pub(super) quantizers: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Definition>; 4],
    pub(super) ac: [Option<Definition>; 4],
    /// MCUs between two restart markers, or 0.
    pub(super) restart_interval: u16,
    jfif: bool,
    /// The colour transform that an Adobe segment names.
    adobe: Option<u8>,
}

impl Tables {
    /// Reads a segment.
    pub(super) fn read(&mut self, marker: u8, body: &[u8]) -> Result<(), Stop> {
        match marker {
            0xc4 => self.read_codes(body).ok_or(Stop::Declined),
            0xdb => self.read_quantizers(body).ok_or(Stop::Declined),
            0xdd => {
                let interval = be16(body, 0).filter(|_| body.len() == 2);
                self.restart_interval = interval.ok_or(Stop::Declined)?;
                Ok(())
            }
            0xe0 => {
                self.jfif |= body.starts_with(JFIF) && body.len() >= 14;
                Ok(())
            }
            0xee => {
                if body.starts_with(ADOBE) {
                    self.adobe = body.get(ADOBE_TRANSFORM).copied().or(self.adobe);
                }
                Ok(())
            }
            // Other applications' segments and comments; of arithmetic coding; DNL.
            0xe1..=0xef | 0xfe | 0xcc | 0xdc => Ok(()),
            _ => Err(Stop::Declined),
        }
    }

    fn read_codes(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&class, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let len = counts.iter().copied().map(usize::from).sum();
            let mut symbols = [0; 256];
            symbols.get_mut(..len)?.copy_from_slice(rest.get(..len)?);
            let tables = match class >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            let table = tables.get_mut(usize::from(class & 15))?;
            *table = Some(Definition { counts: *counts, symbols });
            body = rest.get(len..)?;
        }
        Some(())
    }

    fn read_quantizers(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&class, rest)) = body.split_first() {
            let (quantizers, len) = match class >> 4 {
                0 => (rest.first_chunk::<64>()?.map(u16::from), 64),
                1 => {
                    let (pairs, _) = rest.first_chunk::<128>()?.as_chunks::<2>();
                    let mut pairs = pairs.iter().copied().map(u16::from_be_bytes);
                    (std::array::from_fn(|_| pairs.next().unwrap_or_default()), 128)
                }
                _ => return None,
            };
            *self.quantizers.get_mut(usize::from(class & 15))? = Some(quantizers);
            body = rest.get(len..)?;
        }
        Some(())
    }

    /// What the components are, as libjpeg sees it.
    pub(super) fn colors(&self, frame: &Frame) -> Result<Colors, Stop> {
        let ids: Vec<u8> = frame.components.iter().map(|component| component.id).collect();
        match (ids.as_slice(), self.jfif, self.adobe) {
            ([_], ..) => Ok(Colors::Grey),
            ([_, _, _], true, _) | ([_, _, _], false, Some(1)) => Ok(Colors::Ycc),
            ([_, _, _], false, Some(0)) | ([b'R', b'G', b'B'], false, None) => Ok(Colors::Rgb),
            ([_, _, _], false, None) => Ok(Colors::Ycc),
            ([_, _, _, _], _, None | Some(0)) => Ok(Colors::Cmyk),
            ([_, _, _, _], _, Some(2)) => Ok(Colors::Ycck),
            _ => Err(Stop::Declined),
        }
    }
}
