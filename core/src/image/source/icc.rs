//! ICC profiles the way each container stores them.

use std::borrow::Cow;
use std::io::Read;

use crate::image::bytes::{array, be32};
use crate::image::{ContentCoding, Control, decode_body};

/// A larger profile is not looked at. The largest in common use, of printing
/// presses, have 2 MiB.
pub(in crate::image) const MAX_PROFILE: usize = 4 << 20;

/// More is not inflated: what is smaller than its inflated self by design needs no more, and what is
/// not takes long.
const MAX_PACKED: usize = 1 << 20;

/// An embedded profile, not yet put together.
#[derive(Debug)]
pub(in crate::image) enum Icc<'a> {
    /// As it is (WebP, AVIF), or made of what stands in its place.
    Plain(Cow<'a, [u8]>),
    /// Split over segments, in order (JPEG).
    Parts(Vec<&'a [u8]>),
    /// Compressed with zlib (PNG).
    Zlib(&'a [u8]),
}

/// Bytes up to the signature of a profile, with it (ICC.1:2022, section 7.2).
pub(in crate::image) const HEAD: usize = 40;

/// The shortest profile: a header, and how many tags there are.
const SHORTEST: usize = 132;

/// How long something says that it is which begins as a profile does, whatever follows; `None` of anything else.
pub(in crate::image) fn stated_len(head: &[u8]) -> Option<usize> {
    let len = usize::try_from(be32(head, 0)?).ok()?;
    (len >= SHORTEST && head.get(HEAD - 4..HEAD)? == b"acsp").then_some(len)
}

/// The code points of primaries and curve that a profile of RGB has beside its tables, which then only stand in for them
/// (ICC.1:2022, section 9.2.17).
pub(super) fn code_points(profile: &[u8]) -> Option<(u16, u16)> {
    const TABLE: usize = 128;
    const TAG: usize = 12;
    /// No profile has more.
    const MOST: u32 = 256;
    if profile.get(16..20)? != b"RGB " {
        return None;
    }
    let count = be32(profile, TABLE)?.min(MOST) as usize;
    let tags = profile.get(TABLE + 4..)?.as_chunks::<TAG>().0.iter().take(count);
    let tag = tags.into_iter().find(|tag| tag.starts_with(b"cicp"))?;
    let at = usize::try_from(be32(tag, 4)?).ok()?;
    let content: [u8; TAG] = array(profile, at)?;
    // RGB of the full range; no other has a meaning here.
    match content {
        [b'c', b'i', b'c', b'p', 0, 0, 0, 0, primaries, transfer, 0, 1] => {
            Some((primaries.into(), transfer.into()))
        }
        _ => None,
    }
}

impl<'a> Icc<'a> {
    /// How long it says that it is, if it begins as a profile does.
    pub(in crate::image) fn stated_len(&self) -> Option<usize> {
        let mut head = [0; HEAD];
        let is_there = match self {
            Icc::Plain(bytes) => (&**bytes).read_exact(&mut head).is_ok(),
            Icc::Parts(parts) => {
                let bytes = parts.iter().copied().flatten();
                head.iter_mut().zip(bytes).map(|(to, &from)| *to = from).count() == HEAD
            }
            Icc::Zlib(bytes) => {
                flate2::read::ZlibDecoder::new(*bytes).read_exact(&mut head).is_ok()
            }
        };
        if is_there { stated_len(&head) } else { None }
    }

    /// Whether it begins as a profile does, whatever follows.
    pub(in crate::image) fn is_profile(&self) -> bool {
        self.stated_len().is_some()
    }

    /// How long it is as it is stored.
    pub(in crate::image) fn stored_len(&self) -> usize {
        match self {
            Icc::Plain(bytes) => bytes.len(),
            Icc::Parts(parts) => parts.iter().map(|part| part.len()).sum(),
            Icc::Zlib(bytes) => bytes.len(),
        }
    }

    /// The profile, without what follows it; `None` where it is too large or damaged, or something else.
    pub(in crate::image) fn bytes(&self) -> Option<Cow<'a, [u8]>> {
        let stored = self.stored()?;
        let len = stated_len(&stored)?.min(stored.len());
        Some(match stored {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(..len)?),
            Cow::Owned(mut bytes) => {
                bytes.truncate(len);
                Cow::Owned(bytes)
            }
        })
    }

    /// All that is stored.
    fn stored(&self) -> Option<Cow<'a, [u8]>> {
        match self {
            Icc::Plain(bytes) => Some(bytes.clone()).filter(|bytes| bytes.len() <= MAX_PROFILE),
            Icc::Parts(parts) => match parts.as_slice() {
                &[one] => Some(Cow::Borrowed(one)),
                parts => {
                    let len: usize = parts.iter().map(|part| part.len()).sum();
                    (len <= MAX_PROFILE).then(|| Cow::Owned(parts.concat()))
                }
            },
            Icc::Zlib(bytes) if bytes.len() > MAX_PACKED => None,
            Icc::Zlib(bytes) => {
                decode_body(ContentCoding::Deflate, bytes, MAX_PROFILE as u64, &Control::default())
                    .ok()
                    .map(Cow::Owned)
            }
        }
    }
}
