//! HEIC (ISO/IEC 23008-12, annex B): which HEVC pictures make the primary image. A decoder that can't be
//! stopped is only given what was counted here.

mod hevc;

use std::borrow::Cow;

use super::headers::SourceHeaders;
use super::heif::{
    BoxContent, CodePoints, Coded, Described, HeifImage, Looked, Meta, Samples, boxes,
};
use crate::image::error::{broken, truncated};
use crate::image::isobmff::FourCc;
use crate::image::size::{Rect, Size};
use crate::image::{Error, Format, Info, Limits};
use hevc::{Configuration, Found};

/// Matrix coefficients, as code points of ITU-T H.273.
const UNSPECIFIED: u16 = 2;
const BT601: u16 = 6;

/// What the boxes say besides [`Info`].
#[derive(Debug)]
pub(in crate::image) struct Heic<'a> {
    pub(in crate::image) image: HeifImage<'a, Cell<'a>>,
    /// What is to be seen of the decoded picture.
    pub(in crate::image) crop: Rect,
    pub(in crate::image) code_points: CodePoints,
}

/// An HEVC picture.
#[derive(Debug)]
pub(in crate::image) struct Cell<'a> {
    pub(in crate::image) data: Cow<'a, [u8]>,
    /// How a decoder is set up for it.
    pub(in crate::image) configuration: &'a [u8],
    /// What that says.
    parameters: Configuration,
    /// Whether it may refer to pictures that are not there, which a decoder makes up then.
    pub(in crate::image) refers: bool,
}

impl Cell<'_> {
    /// What is decoded, with what is cut away of it.
    pub(in crate::image) fn coded(&self) -> Size {
        self.parameters.coded
    }

    /// Parameter sets, of which a decoder may have tables as large as the picture.
    pub(in crate::image) fn sets(&self) -> usize {
        self.parameters.sets
    }
}

impl<'a> Coded<'a> for Cell<'a> {
    const ITEM: FourCc = *b"hvc1";
    const FORMAT: &'static str = "HEIC";
    type Setup = (&'a [u8], Configuration);
    type Found = Found;

    fn set_up(configuration: Option<&'a [u8]>) -> Result<Self::Setup, Error> {
        let missing = || broken("a picture says nothing of its decoder");
        let configuration = configuration.ok_or_else(missing)?;
        Ok((configuration, Configuration::read(configuration)?))
    }

    fn look(&(configuration, _): &Self::Setup, data: &[u8]) -> Result<Found, Error> {
        Found::read(configuration, data)
    }

    fn new(
        described: &Described<'a>,
        read: Result<Looked<'a, Self>, Error>,
        damage: &mut Option<Error>,
    ) -> Result<Cell<'a>, Error> {
        match (read, described.size) {
            // Of two sizes, that of the pixels counts.
            (Ok(Looked { setup: (configuration, parameters), data, found }), _) => {
                Ok(Cell { data, configuration, parameters, refers: found.refers })
            }
            (Err(error), Some(size)) if size.pixels() > 0 => {
                damage.get_or_insert(error);
                let parameters = Configuration::none(size);
                let (data, configuration) = (Cow::Borrowed(&[][..]), &[][..]);
                Ok(Cell { data, configuration, parameters, refers: false })
            }
            (Err(error), _) => Err(error),
        }
    }

    fn size(&self) -> Size {
        self.parameters.size
    }

    fn samples(&self) -> Samples {
        self.parameters.samples
    }

    fn code_points(&self) -> CodePoints {
        self.parameters.code_points
    }
}

impl<'a> Heic<'a> {
    /// Reads the headers.
    pub(in crate::image) fn read(input: &'a [u8]) -> Result<Heic<'a>, Error> {
        Ok(read(input)?.own)
    }

    /// Checks what of it is decoded: more than is seen, where much is cut away.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), Error> {
        for picture in [Some(&self.image.colors), self.image.alpha.as_ref()].into_iter().flatten() {
            limits.check_sides(picture.size)?;
            let mut pixels = 0u64;
            for cell in &picture.cells {
                limits.check_sides(cell.coded())?;
                pixels = pixels.saturating_add(cell.coded().pixels());
            }
            let Size { width, height } = picture.size;
            limits.check_pixels(pixels, || format!("{width}x{height} of {pixels} coded pixels"))?;
        }
        Ok(())
    }
}

/// Reads the boxes of the primary image; what they hold stays packed.
pub(super) fn read(input: &[u8]) -> Result<SourceHeaders<'_, Heic<'_>>, Error> {
    let mut image = find(input)?;
    let fault = image.take_damage();
    let (crop, embedded, mut code_points) = (image.crop(), image.embedded(), image.code_points());
    // That of BT.601, where nothing is said of it: so does libheif, and with it everybody.
    if code_points.matrix == UNSPECIFIED {
        code_points.matrix = BT601;
    }
    Ok(SourceHeaders {
        info: Info {
            format: Format::Heic,
            width: crop.size.width,
            height: crop.size.height,
            orientation: image.orientation(),
            frames: 1,
            alpha: image.alpha.is_some(),
            bits: image.colors.samples.depth,
            has_palette: false,
            has_profile: embedded.icc.is_some(),
            progressive: false,
        },
        own: Heic { image, crop, code_points },
        embedded,
        fault,
        damage: None,
    })
}

fn find(input: &[u8]) -> Result<HeifImage<'_, Cell<'_>>, Error> {
    let mut moves = false;
    for found in boxes(input) {
        let BoxContent { kind, data, whole } = found?;
        match &kind {
            b"meta" if whole => return HeifImage::of_items(&Meta::read(data)?, input),
            b"meta" => return Err(truncated()),
            b"moov" => moves = true,
            _ => {}
        }
    }
    if moves {
        return Err(Error::UnsupportedFormat("HEIC that is only a sequence".to_owned()));
    }
    Err(broken("no image"))
}
