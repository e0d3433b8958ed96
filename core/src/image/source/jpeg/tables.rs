//! The tables of a JPEG (ITU-T T.81, annex B.2.4), as far as a decoder stops where a scan names one
//! that is not there or makes no sense. What it stops at is known before it is asked.

const DHT: u8 = 0xc4;
const DQT: u8 = 0xdb;
const DRI: u8 = 0xdd;
const DAC: u8 = 0xcc;

/// Blocks that an MCU has at most (T.81, section B.2.3).
const MOST_BLOCKS: u32 = 10;

/// Components of a frame that a scan may have (T.81, section B.2.3).
const MOST_COMPONENTS: usize = 4;

/// What a scan may name of a component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) id: u8,
    pub(super) sampling: (u8, u8),
    pub(super) quantization: u8,
}

/// How the data of all scans is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) progressive: bool,
    pub(super) arithmetic: bool,
}

/// Which tables there are so far.
#[derive(Debug, Default)]
pub(super) struct Tables {
    quantization: [bool; 4],
    /// Those for DC, and those for AC.
    huffman: [[Option<bool>; 4]; 2],
}

impl Tables {
    /// Takes in a segment.
    ///
    /// # Errors
    /// What is wrong with it, in words, if a decoder would stop there.
    pub(super) fn add(
        &mut self,
        marker: u8,
        body: &[u8],
        lacks_length: bool,
    ) -> Result<(), &'static str> {
        let known = match marker {
            DHT | DQT | DAC if lacks_length => None,
            DHT => self.add_huffman(body),
            DQT => self.add_quantization(body),
            DRI => (body.len() == 2).then_some(()),
            DAC => is_conditioning(body).then_some(()),
            _ => Some(()),
        };
        known.ok_or(match marker {
            DHT => "a Huffman table makes no sense",
            DQT => "a quantization table makes no sense",
            DAC => "the conditioning of arithmetic coding makes no sense",
            _ => "a restart interval makes no sense",
        })
    }

    fn add_quantization(&mut self, mut body: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = body {
            let len = if kind >> 4 == 0 { 64 } else { 128 };
            *self.quantization.get_mut(usize::from(kind & 0x0f))? = true;
            body = rest.get(len..)?;
        }
        Some(())
    }

    fn add_huffman(&mut self, mut body: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = body {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let len = counts.iter().map(|&count| usize::from(count)).sum::<usize>();
            let symbols = rest.get(..len).filter(|_| len <= 256)?;
            let class = self.huffman.get_mut(usize::from(kind >> 4))?;
            let is_dc = kind >> 4 == 0;
            // Differences of DC have 15 bits at most.
            let is_sane = has_room(counts) && !(is_dc && symbols.iter().any(|&bits| bits > 15));
            *class.get_mut(usize::from(kind & 0x0f))? = Some(is_sane);
            body = rest.get(len..)?;
        }
        Some(())
    }

    /// Checks a scan by its header.
    ///
    /// # Errors
    /// What is wrong with it, in words, if a decoder would stop there.
    pub(super) fn check_scan(
        &self,
        header: &[u8],
        components: &[Component],
        coding: Coding,
    ) -> Result<(), &'static str> {
        const HEADER: &str = "the header of a scan makes no sense";
        let (&count, rest) = header.split_first().ok_or(HEADER)?;
        let named = rest.get(..2 * usize::from(count)).ok_or(HEADER)?;
        let spectrum = rest.get(named.len()..).ok_or(HEADER)?;
        let &[first, last, approximation] = spectrum else { return Err(HEADER) };
        if !(1..=4).contains(&count) {
            return Err(HEADER);
        }
        let (is_dc, is_first) = (first == 0, approximation >> 4 == 0);
        if coding.progressive {
            let (high, low) = (approximation >> 4, approximation & 0x0f);
            let band = if is_dc { last == 0 } else { first <= last && last < 64 && count == 1 };
            if !band || low > 13 || high != 0 && high != low + 1 {
                return Err("the spectral selection of a scan makes no sense");
            }
        }
        let (mut blocks, mut taken) = (0, 0u8);
        for (number, named) in named.chunks_exact(2).enumerate() {
            let &[id, tables] = named else { return Err(HEADER) };
            // libjpeg does not look for the second among the first of the frame header.
            let mut known = (0..).zip(components).take(MOST_COMPONENTS).skip(number);
            let found = known.find(|(_, known)| known.id == id);
            let (at, component) = found.ok_or("a scan of a component that there is not")?;
            if taken >> at & 1 == 1 {
                return Err("a scan has a component twice");
            }
            taken |= 1 << at;
            blocks += u32::from(component.sampling.0) * u32::from(component.sampling.1);
            if self.quantization.get(usize::from(component.quantization)) != Some(&true) {
                return Err("a scan lacks its quantization table");
            }
            if coding.arithmetic {
                continue;
            }
            let (dc, ac) = match coding.progressive {
                false => (true, true),
                true => (is_dc && is_first, !is_dc),
            };
            if dc && !self.has_huffman(0, tables >> 4, coding)
                || ac && !self.has_huffman(1, tables & 0x0f, coding)
            {
                return Err("a scan lacks its Huffman table");
            }
        }
        if count > 1 && blocks > MOST_BLOCKS {
            return Err("a scan has more blocks to an MCU than there may be");
        }
        Ok(())
    }

    fn has_huffman(&self, class: usize, number: u8, coding: Coding) -> bool {
        let table = self.huffman.get(class).and_then(|class| class.get(usize::from(number)));
        match table {
            // Frames of motion JPEG leave out those that are the usual ones.
            Some(None) => !coding.progressive && number < 2,
            Some(&Some(is_sane)) => is_sane,
            None => false,
        }
    }
}

/// Whether all conditioning values (T.81, section B.2.4.3) are some that there can be: of DC the lower bound
/// is in the lower bits.
fn is_conditioning(body: &[u8]) -> bool {
    body.len().is_multiple_of(2)
        && body.chunks_exact(2).all(|pair| match *pair {
            [0..16, bounds] => bounds & 0x0f <= bounds >> 4,
            [table, _] => table < 32,
            _ => false,
        })
}

/// Whether there are codes for so many symbols of each length (T.81, annex C).
fn has_room(counts: &[u8; 16]) -> bool {
    let mut code = 0u32;
    for (bits, &count) in (1u32..).zip(counts) {
        code += u32::from(count);
        // No code is all ones.
        if count > 0 && code >= 1 << bits {
            return false;
        }
        code *= 2;
    }
    true
}
