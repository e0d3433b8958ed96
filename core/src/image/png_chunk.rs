//! Writing of PNG's chunks (W3C PNG, third edition, section 5.3).

/// Adds a chunk whose data are these parts.
pub(super) fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], parts: &[&[u8]]) {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(kind);
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    out.extend_from_slice(&(len as u32).to_be_bytes());
    out.extend_from_slice(kind);
    for part in parts {
        checksum.update(part);
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&checksum.finalize().to_be_bytes());
}
