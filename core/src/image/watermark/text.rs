//! Texts as watermarks: shaped, put in order and drawn by `cosmic-text`.

use std::sync::Arc;

use cosmic_text::fontdb::{Database, ID, Source};
use cosmic_text::{
    Attrs, Buffer, Color as TextColor, Family, FontSystem, Hinting, Metrics, Shaping, SwashCache,
    Wrap,
};
use sha2::{Digest, Sha256};

use crate::escapes::write_hex;
use crate::image::canonical::Canonical;
use crate::image::pixels::lay_over;
use crate::image::raster::{Layout, Raster};
use crate::image::size::Size;
use crate::image::{Color, Control, Error};

/// How many characters of a text are drawn.
const LONGEST: usize = 256;

/// A font file: TrueType, OpenType, or a collection of them.
pub struct Font {
    database: Database,
    /// The font that is used first; a collection has others for what it lacks.
    first: ID,
    bytes: usize,
    digest: [u8; 32],
}

impl Font {
    /// Takes over the bytes of a font file.
    ///
    /// # Errors
    /// [`Error::Watermark`] when they are none.
    pub fn parse(bytes: Vec<u8>) -> Result<Font, Error> {
        if !counts_truly(&bytes) {
            return Err(Error::Watermark("not a font".into()));
        }
        let (len, digest) = (bytes.len(), Sha256::digest(&bytes).into());
        let mut database = Database::new();
        let ids = database.load_font_source(Source::Binary(Arc::new(bytes)));
        let Some(&first) = ids.first() else {
            return Err(Error::Watermark("not a font".into()));
        };
        Ok(Font { database, first, bytes: len, digest })
    }

    /// Bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Whether a collection has room for as many fonts as it claims (OpenType 1.9, "TTC Header"). The
/// library takes its word for it, and memory for as many.
fn counts_truly(bytes: &[u8]) -> bool {
    match bytes.split_at_checked(12) {
        Some((&[b't', b't', b'c', b'f', _, _, _, _, a, b, c, d], offsets)) => {
            u32::from_be_bytes([a, b, c, d]) as usize <= offsets.len() / 4
        }
        _ => true,
    }
}

impl std::fmt::Debug for Font {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Font").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Fonts from equal bytes are equal.
impl PartialEq for Font {
    fn eq(&self, other: &Font) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Font {}

/// A text in a font.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatermarkText {
    text: String,
    font: Arc<Font>,
    size: u16,
    color: Color,
}

impl Canonical for WatermarkText {
    fn write(&self, out: &mut String) {
        out.push_str("text=");
        write_hex(self.text.as_bytes(), out);
        out.push_str(";font=");
        write_hex(&self.font.digest, out);
        out.push(';');
        (self.size, self.color).write(out);
    }
}

impl WatermarkText {
    /// A text of that colour, `size` pixels to the em. A line break begins a new line; other
    /// control characters, and what comes after 256 characters, are left out.
    #[must_use]
    pub fn new(text: &str, font: Arc<Font>, size: u16, color: Color) -> WatermarkText {
        let allowed = |c: &char| !c.is_control() || *c == '\n';
        let text = text.chars().filter(allowed).take(LONGEST).collect();
        WatermarkText { text, font, size, color }
    }

    /// Draws it on nothing, as RGBA, scaled by what `scale` returns for its width and height.
    /// `None` is a text without a visible character.
    pub(super) fn draw(
        &self,
        scale: impl Fn(f64, f64) -> f64,
        control: &Control,
    ) -> Result<Option<Raster>, Error> {
        let mut writer = TextRenderer::new(&self.font)?;
        let size = f32::from(self.size);
        let lines = writer.set(&self.text, size);
        if lines.is_empty() {
            return Ok(None);
        }
        // Letters are drawn in their final size only: in the first one they may take any memory.
        let factor = scale(f64::from(lines.width()), f64::from(lines.height()));
        let scaled = (f64::from(size) * factor).max(1.0) as f32;
        let lines = if factor == 1.0 { lines } else { writer.set(&self.text, scaled) };
        control.check()?;
        writer.draw(lines, scaled.ceil() as i32, self.color)
    }
}

/// A rectangle in pixels: left, top, right and bottom, the latter two outside.
#[derive(Debug, Clone, Copy)]
struct TextBounds {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl TextBounds {
    const EMPTY: TextBounds =
        TextBounds { left: i32::MAX, top: i32::MAX, right: i32::MIN, bottom: i32::MIN };

    fn is_empty(self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    fn include(&mut self, left: i32, top: i32, right: i32, bottom: i32) {
        self.left = self.left.min(left);
        self.top = self.top.min(top);
        self.right = self.right.max(right);
        self.bottom = self.bottom.max(bottom);
    }

    /// These bounds with as much of others as lies within that many pixels of them.
    fn reaching(mut self, other: TextBounds, pixels: i32) -> TextBounds {
        let TextBounds { left, top, right, bottom } = self;
        self.include(
            other.left.max(left.saturating_sub(pixels)),
            other.top.max(top.saturating_sub(pixels)),
            other.right.min(right.saturating_add(pixels)),
            other.bottom.min(bottom.saturating_add(pixels)),
        );
        self
    }

    fn width(self) -> i32 {
        self.right.saturating_sub(self.left)
    }

    fn height(self) -> i32 {
        self.bottom.saturating_sub(self.top)
    }
}

/// One font at work.
struct TextRenderer {
    system: FontSystem,
    cache: SwashCache,
    buffer: Buffer,
    first: ID,
    /// The height of a line, in ems.
    line: f32,
}

impl TextRenderer {
    fn new(font: &Font) -> Result<TextRenderer, Error> {
        let unusable = || Error::Watermark("unusable font".into());
        // The data of the font is shared, not copied. The language decides nothing here: there is
        // one font to choose from.
        let mut system = FontSystem::new_with_locale_and_db("en".into(), font.database.clone());
        let weight = font.database.face(font.first).ok_or_else(unusable)?.weight;
        let metrics =
            system.get_font(font.first, weight).ok_or_else(unusable)?.as_swash().metrics(&[]);
        let em = f32::from(metrics.units_per_em.max(1));
        let line = ((metrics.ascent + metrics.descent + metrics.leading) / em).clamp(0.5, 4.0);
        let mut buffer = Buffer::new(&mut system, Metrics::new(1.0, line));
        buffer.set_wrap(Wrap::None);
        buffer.set_hinting(Hinting::Disabled);
        Ok(TextRenderer { system, cache: SwashCache::new(), buffer, first: font.first, line })
    }

    /// Lays the text out, and returns what its lines cover.
    fn set(&mut self, text: &str, size: f32) -> TextBounds {
        let Some(face) = self.system.db().face(self.first).cloned() else {
            return TextBounds::EMPTY;
        };
        let family = face.families.first().map_or("", |(name, _)| name.as_str());
        let attrs = Attrs::new()
            .family(Family::Name(family))
            .weight(face.weight)
            .style(face.style)
            .stretch(face.stretch);
        self.buffer.set_metrics(Metrics::new(size, size * self.line));
        self.buffer.set_size(None, None);
        self.buffer.set_text(text, &attrs, Shaping::Advanced, None);
        self.buffer.shape_until_scroll(&mut self.system, false);
        self.cache.image_cache.clear();

        let mut bounds = TextBounds::EMPTY;
        for run in self.buffer.layout_runs() {
            for glyph in run.glyphs {
                bounds.include(
                    glyph.x.floor() as i32,
                    run.line_top.floor() as i32,
                    (glyph.x + glyph.w).ceil() as i32,
                    (run.line_top + run.line_height).ceil() as i32,
                );
            }
        }
        bounds
    }

    /// Draws what [`set`](TextRenderer::set) laid out, and what of its letters reaches beyond its
    /// lines, by one `em` at most. `None` is a text without a visible character.
    fn draw(&mut self, lines: TextBounds, em: i32, color: Color) -> Result<Option<Raster>, Error> {
        let mut ink = TextBounds::EMPTY;
        self.pixels(color, |x, y, _| ink.include(x, y, x + 1, y + 1));
        if ink.is_empty() {
            return Ok(None);
        }
        let bounds = lines.reaching(ink, em);
        let side = |pixels: i32| u32::try_from(pixels).unwrap_or(0);
        let size = Size::new(side(bounds.width()), side(bounds.height()));
        let mut raster = Raster::new(size, Layout::Rgba8)?;
        let data = raster.data_mut().as_chunks_mut::<4>().0;
        self.pixels(color, |x, y, drawn| {
            let (x, y) = (x.wrapping_sub(bounds.left) as u32, y.wrapping_sub(bounds.top) as u32);
            let index = y as usize * size.width as usize + x as usize;
            if x < size.width
                && let Some(pixel) = data.get_mut(index)
            {
                lay_over(pixel, &drawn);
            }
        });
        Ok(Some(raster))
    }

    /// Gives the pixels of the letters that aren't transparent; those of two letters may overlap.
    fn pixels(&mut self, color: Color, mut visit: impl FnMut(i32, i32, [u8; 4])) {
        let color = TextColor::rgb(color.r, color.g, color.b);
        self.buffer.draw(&mut self.system, &mut self.cache, color, |x, y, _, _, drawn| {
            if drawn.a() != 0 {
                visit(x, y, drawn.as_rgba());
            }
        });
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::image::watermark) fn text(text: &str) -> WatermarkText {
        let bytes = std::fs::read("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").unwrap();
        WatermarkText::new(text, Arc::new(Font::parse(bytes).unwrap()), 20, Color::WHITE)
    }

    fn drawn(content: &str, factor: f64) -> Option<Raster> {
        text(content).draw(|_, _| factor, &Control::default()).unwrap()
    }

    #[test]
    fn what_is_no_font() {
        for bytes in
            [&b""[..], b"text", b"\0\x01\0\0\0\x01\0\0\0\0\0\0", b"ttcf\0\x01\0\0\xff\xff\xff\xff"]
        {
            assert!(matches!(Font::parse(bytes.to_vec()), Err(Error::Watermark(_))), "{bytes:?}");
        }
    }

    #[test]
    fn what_shows_nothing() {
        for nothing in ["", " ", "\n\n", "\u{200b}", "\u{7}\0"] {
            assert!(drawn(nothing, 1.0).is_none(), "{nothing:?}");
        }
    }

    #[test]
    fn control_characters_and_excess_are_left_out() {
        assert_eq!(text("a\u{1b}b\nc\r").text, "ab\nc");
        assert_eq!(text(&"é".repeat(1000)).text.chars().count(), 256);
    }

    #[test]
    fn grows_with_its_size() {
        let size = |factor| drawn("Watermark", factor).unwrap().size();
        let (one, two) = (size(1.0), size(2.0));
        assert!(one.height.abs_diff(23) <= 2, "{one:?}");
        assert!(two.width.abs_diff(2 * one.width) <= 3, "{one:?} {two:?}");
        assert!(two.height.abs_diff(2 * one.height) <= 2, "{one:?} {two:?}");
    }

    #[test]
    fn lines_stand_below_each_other() {
        let (one, two) = (drawn("ab", 1.0).unwrap().size(), drawn("ab\nab", 1.0).unwrap().size());
        assert_eq!(one.width, two.width);
        assert!(two.height.abs_diff(2 * one.height) <= 1, "{one:?} {two:?}");
    }

    #[test]
    fn hostile_texts() {
        for hostile in [
            "\u{202e}".repeat(300),
            "\u{0300}".repeat(300),
            "a\u{0300}".repeat(128),
            "\u{2066}\u{202a}".repeat(128),
            "\u{200d}👩".repeat(128),
            "\u{fffd}\u{10ffff}\u{e0001}".repeat(80),
            "\n".repeat(300) + "x",
        ] {
            let _ = drawn(&hostile, 1.0);
        }
    }
}
