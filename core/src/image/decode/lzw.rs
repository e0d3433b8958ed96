//! LZW by the `weezl` crate, which has codes of its own at hand after it has read all of the data, and
//! says of a step on which it took nothing and gave nothing that nothing goes on, though a code became
//! pixels that wait to be asked for.

use weezl::LzwStatus;
use weezl::decode::{Configuration, Decoder};

/// A decoder, and whether its last step did nothing.
pub(super) struct Lzw {
    decoder: Decoder,
    was_idle: bool,
}

/// What a step did.
pub(super) struct Step {
    pub(super) read: usize,
    pub(super) written: usize,
    pub(super) next: Next,
}

/// What comes after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one.
    Step,
    /// Nothing without other data.
    Data,
    /// Nothing.
    End,
}

impl Lzw {
    pub(super) fn new(codes: &Configuration) -> Lzw {
        Lzw { decoder: codes.clone().build(), was_idle: false }
    }

    /// Begins with other data.
    pub(super) fn reset(&mut self) {
        self.decoder.reset();
        self.was_idle = false;
    }

    /// Unpacks some of the data into what has room for something.
    pub(super) fn step(&mut self, data: &[u8], to: &mut [u8]) -> Step {
        let result = self.decoder.decode_bytes(data, to);
        let (read, written) = (result.consumed_in, result.consumed_out);
        // It says so once too early, but not twice.
        let is_idle = matches!(result.status, Ok(LzwStatus::NoProgress)) && read + written == 0;
        let was_idle = std::mem::replace(&mut self.was_idle, is_idle);
        let next = match result.status {
            Ok(LzwStatus::Done) | Err(_) => Next::End,
            _ if is_idle && was_idle => Next::Data,
            _ => Next::Step,
        };
        Step { read, written, next }
    }
}

#[cfg(test)]
mod tests {
    use weezl::BitOrder;
    use weezl::encode::Encoder;

    use super::*;

    /// What comes out if there is room for so many bytes at a time, and so many of the data are at hand.
    fn unpacked(lzw: &mut Lzw, data: &[u8], (room, piece): (usize, usize)) -> Vec<u8> {
        lzw.reset();
        let (mut pieces, mut at_hand) = (data.chunks(piece), &[][..]);
        let (mut out, mut buffer) = (Vec::new(), vec![0; room]);
        loop {
            let Step { read, written, next } = lzw.step(at_hand, &mut buffer);
            out.extend_from_slice(&buffer[..written]);
            at_hand = &at_hand[read..];
            match next {
                Next::Step => {}
                Next::Data => match pieces.next() {
                    Some(piece) => at_hand = piece,
                    None => return out,
                },
                Next::End => return out,
            }
        }
    }

    /// Data of many lengths whose codes stand for much, whatever there is room for at a time.
    #[test]
    fn all_that_codes_stand_for() {
        let gif =
            |size| (Configuration::new(BitOrder::Lsb, size), Encoder::new(BitOrder::Lsb, size));
        let tiff = |full| {
            let codes = Configuration::with_tiff_size_switch(BitOrder::Msb, 8);
            let encoder = Encoder::with_tiff_size_switch(BitOrder::Msb, 8);
            (codes.with_yield_on_full_buffer(full), encoder)
        };
        for (kind, (codes, mut encoder)) in
            [gif(8), gif(2), tiff(false), tiff(true)].into_iter().enumerate()
        {
            let mut lzw = Lzw::new(&codes);
            for len in (1..300).chain((300..9000).step_by(97)) {
                for stripe in [usize::MAX, 40, 7] {
                    let plain: Vec<u8> = (0..len).map(|at| (at / stripe % 3) as u8).collect();
                    encoder.reset();
                    let data = encoder.encode(&plain).unwrap();
                    for (room, piece) in
                        [(1, 1000), (2, 3), (5, 1000), (20, 1000), (37, 1), (150, 255), (2000, 7)]
                    {
                        let made = unpacked(&mut lzw, &data, (room, piece));
                        assert_eq!(made, plain, "{kind}: {len} {stripe} {room} {piece}");
                    }
                }
            }
        }
    }
}
