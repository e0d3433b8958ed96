//! The metadata of a source.

use std::borrow::Cow;
use std::cell::LazyCell;

use super::Block;
use super::code_points::HdrColors;
use super::exif::{self, Exif};
use super::icc::Icc;
use super::rights;
use super::texts::Texts;

/// Metadata as it is embedded, still in its source.
#[derive(Debug, Default)]
pub(in crate::image) struct Embedded<'a> {
    /// The TIFF structure of EXIF, without any prefix.
    pub(in crate::image) exif: Option<Block<'a>>,
    /// The author and the rights as the page of a TIFF gives them.
    pub(in crate::image) author: Option<&'a [u8]>,
    pub(in crate::image) rights: Option<&'a [u8]>,
    /// An XMP packet.
    pub(in crate::image) xmp: Option<Block<'a>>,
    /// Photoshop's resources, which may hold IPTC-IIM, in the pieces that segments have of them.
    pub(in crate::image) iptc: Vec<&'a [u8]>,
    /// An ICC profile.
    pub(in crate::image) icc: Option<Icc<'a>>,
    /// The colours of a higher dynamic range that it has in place of one.
    pub(in crate::image) hdr: Option<HdrColors>,
    /// What PNG has beside these.
    pub(in crate::image) texts: Texts<'a>,
}

impl<'a> Embedded<'a> {
    /// A new EXIF block that holds the author and the rights and nothing else, be they from
    /// EXIF, IPTC or XMP; `None` where neither is given.
    pub(in crate::image) fn copyright(&self) -> Option<Vec<u8>> {
        self.reduced(true, None)
    }

    /// The same with an orientation, or with that alone; `None` where nothing is left.
    pub(in crate::image) fn reduced(
        &self,
        copyright: bool,
        orientation: Option<u8>,
    ) -> Option<Vec<u8>> {
        if !copyright {
            return exif::reduced(orientation, None, None);
        }
        let exif = self.exif.and_then(Block::read);
        let exif = exif.or_else(|| self.texts.exif().map(Cow::Owned));
        let exif = exif.as_deref().and_then(Exif::new);
        // Most files say it in Exif, and what is beside that may be compressed.
        let xmp = LazyCell::new(|| {
            let packet = self.xmp.and_then(Block::read);
            packet.or_else(|| self.texts.xmp().map(Cow::Owned))
        });
        let own = |text: Option<&'a [u8]>| exif::text(text?).map(Cow::Borrowed);
        let iptc = LazyCell::new(|| match *self.iptc {
            [one] => Cow::Borrowed(one),
            _ => Cow::Owned(self.iptc.concat()),
        });
        let owned = |text: String| Cow::Owned(text.into_bytes());
        let author = own(self.author).or_else(|| exif?.artist().map(Cow::Borrowed));
        let author = author.or_else(|| rights::iptc_author(&iptc).map(owned));
        let author = author.or_else(|| rights::xmp_author(xmp.as_deref()?).map(owned));
        let author = author.or_else(|| self.texts.author());
        let rights = own(self.rights).or_else(|| exif?.rights().map(Cow::Borrowed));
        let rights = rights.or_else(|| rights::iptc_rights(&iptc).map(owned));
        let rights = rights.or_else(|| rights::xmp_rights(xmp.as_deref()?).map(owned));
        let rights = rights.or_else(|| self.texts.rights());
        exif::reduced(orientation, author.as_deref(), rights.as_deref())
    }

    pub(in crate::image) fn orientation(&self) -> u8 {
        let exif = self.exif.and_then(Block::plain).and_then(Exif::new);
        exif.map_or(1, |exif| exif.orientation())
    }
}
