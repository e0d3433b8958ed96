//! Where encoders write to.

use std::io::{self, Write};

/// A growing buffer that reports missing memory instead of ending the process.
#[derive(Debug, Default)]
pub(super) struct FallibleBuffer(pub(super) Vec<u8>);

impl Write for FallibleBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_reserve(bytes.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
