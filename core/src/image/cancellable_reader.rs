//! Input that is handed out in pieces, so that whoever reads it can be stopped even where nothing
//! comes out.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::Control;

/// Bytes between two looks at the [`Control`]: no decoder takes long for so few.
pub(super) const PIECE: usize = 16 << 10;

/// A reader of bytes that fails once its [`Control`] says so.
pub(super) struct CancellableReader<'a> {
    input: &'a [u8],
    /// How much of it was read.
    at: usize,
    control: &'a Control,
}

impl<'a> CancellableReader<'a> {
    pub(super) fn new(input: &'a [u8], control: &'a Control) -> CancellableReader<'a> {
        CancellableReader { input, at: 0, control }
    }
}

impl BufRead for CancellableReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        check(self.control)?;
        let rest = self.input.get(self.at..).unwrap_or_default();
        Ok(rest.get(..PIECE).unwrap_or(rest))
    }

    fn consume(&mut self, len: usize) {
        self.at = self.at.saturating_add(len);
    }
}

impl Read for CancellableReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl Seek for CancellableReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut cursor = io::Cursor::new(self.input);
        cursor.set_position(self.at as u64);
        let at = cursor.seek(to)?;
        self.at = usize::try_from(at).unwrap_or(usize::MAX);
        Ok(at)
    }
}

/// [`Control::check`] for readers. What went wrong is asked again behind them.
pub(super) fn check(control: &Control) -> io::Result<()> {
    control.check().map_err(io::Error::other)
}
