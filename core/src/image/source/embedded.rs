//! The metadata of a source.

use std::borrow::Cow;

use super::code_points::HdrColors;
use super::exif::{self, Exif};
use super::icc::Icc;
use super::rights;
use super::texts::Texts;

/// Metadata as it is embedded, still in its source.
#[derive(Debug, Default)]
pub(in crate::image) struct Embedded<'a> {
    /// The TIFF structure of EXIF, without any prefix.
    pub(in crate::image) exif: Option<&'a [u8]>,
    /// A TIFF file, of whose first directory the orientation, the author and the rights are of use.
    pub(in crate::image) tiff: Option<&'a [u8]>,
    /// An XMP packet.
    pub(in crate::image) xmp: Option<&'a [u8]>,
    /// Photoshop's resources, which may hold IPTC-IIM.
    pub(in crate::image) iptc: Option<&'a [u8]>,
    /// An ICC profile.
    pub(in crate::image) icc: Option<Icc<'a>>,
    /// The colours of a higher dynamic range that it has in place of one.
    pub(in crate::image) hdr: Option<HdrColors>,
    /// What PNG has beside these.
    pub(in crate::image) texts: Texts<'a>,
}

impl Embedded<'_> {
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
        let raw = self.texts.exif();
        let exif = self.exif.or(self.tiff).or(raw.as_deref()).and_then(Exif::new);
        let iptc = |read: fn(&[u8]) -> Option<&[u8]>| self.iptc.and_then(read).map(Cow::Borrowed);
        let author = exif.and_then(|exif| exif.artist()).map(Cow::Borrowed);
        let author = author.or_else(|| iptc(rights::iptc_author));
        let author = author.or_else(|| rights::xmp_author(self.xmp?));
        let author = author.or_else(|| self.texts.author());
        let rights = exif.and_then(|exif| exif.rights()).map(Cow::Borrowed);
        let rights = rights.or_else(|| iptc(rights::iptc_rights));
        let rights = rights.or_else(|| rights::xmp_rights(self.xmp?));
        let rights = rights.or_else(|| self.texts.rights());
        exif::reduced(orientation, author.as_deref(), rights.as_deref())
    }

    pub(in crate::image) fn orientation(&self) -> u8 {
        self.exif.or(self.tiff).and_then(Exif::new).map_or(1, |exif| exif.orientation())
    }
}
