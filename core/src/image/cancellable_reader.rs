//! Input that is handed out in pieces, so that whoever reads it can be stopped even where nothing
//! comes out.

use std::io::{self, BufRead, Read};

use super::Control;

/// Bytes between two looks at the [`Control`]: no decoder takes long for so few.
pub(super) const PIECE: usize = 16 << 10;

/// A reader of bytes that fails once its [`Control`] says so.
pub(super) struct CancellableReader<'a> {
    input: &'a [u8],
    control: &'a Control,
}

impl<'a> CancellableReader<'a> {
    pub(super) fn new(input: &'a [u8], control: &'a Control) -> CancellableReader<'a> {
        CancellableReader { input, control }
    }
}

impl BufRead for CancellableReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        check(self.control)?;
        Ok(self.input.get(..PIECE).unwrap_or(self.input))
    }

    fn consume(&mut self, len: usize) {
        self.input = self.input.get(len..).unwrap_or_default();
    }
}

impl Read for CancellableReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// [`Control::check`] for readers. What went wrong is asked again behind them.
pub(super) fn check(control: &Control) -> io::Result<()> {
    control.check().map_err(io::Error::other)
}
