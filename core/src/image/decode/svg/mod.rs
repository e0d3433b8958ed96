//! SVG by `resvg`, which asks nobody whether it is to go on, and takes whatever memory a drawing wants: it is
//! done apart where there is such a place.

mod font_values;
mod paints;
mod picture;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use resvg::tiny_skia::{PixmapMut, Transform};
use resvg::usvg::fontdb::{Database, Family, Query, Style, Weight};
use resvg::usvg::roxmltree::Document;
use resvg::usvg::{
    self, FontFamily, FontResolver, FontStyle, ImageHrefResolver, ImageKind, Options, Tree,
};

use crate::image::apart;
use crate::image::error::broken;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::source::svg::{DEFAULT_SIZE, Svg, drawable};
use crate::image::{Control, Error, is_svg, svg};

const LAYOUT: Layout = Layout::Rgba8;

/// Layers, each as large as the drawing, that groups, masks and filters may have at once.
const LAYERS: u64 = 8;

/// Bytes that a drawing takes for each of its text.
const TREE: u64 = 48;

/// Bytes that a picture within a drawing may take while it is decoded, besides [`TREE`] for each of the text.
const PICTURE: u64 = 64 << 20;

/// Families that are taken for the generic ones, the first one that is there.
const SERIF: [&str; 4] = ["DejaVu Serif", "Liberation Serif", "Noto Serif", "Times New Roman"];
const SANS: [&str; 5] = ["DejaVu Sans", "Liberation Sans", "Noto Sans", "Arial", "Helvetica"];
const MONOSPACE: [&str; 4] =
    ["DejaVu Sans Mono", "Liberation Mono", "Noto Sans Mono", "Courier New"];

/// Draws a document at a size.
pub(super) fn decode(svg: &Svg, size: Size, control: &Control) -> Result<Raster, Error> {
    apart::raster((size, LAYOUT), drawing_bytes(svg, size), &order(svg, size)?, fill, control)
}

/// Bytes that drawing holds besides the raster, where it is done apart.
pub(super) fn working_bytes(svg: &Svg, size: Size) -> u64 {
    // The raster is there twice while it comes back.
    let raster = size.pixels().saturating_mul(4);
    drawing_bytes(svg, size)
        .saturating_add(raster)
        .saturating_add(2 * svg.text.len() as u64)
        .saturating_add(picture_bytes(&svg.text))
}

/// Bytes that a picture within a drawing may take by what decodes it, where there may be one: the names of elements that
/// show some end like that, and can't be written by an entity.
fn picture_bytes(text: &str) -> u64 {
    if text.contains("mage") { PICTURE + TREE * text.len() as u64 } else { 0 }
}

fn drawing_bytes(svg: &Svg, size: Size) -> u64 {
    // Fonts, and pictures within the drawing.
    const FIXED: u64 = 32 << 20;
    let layers = size.pixels().saturating_mul(4 * LAYERS);
    FIXED.saturating_add(layers).saturating_add(TREE * svg.text.len() as u64)
}

/// What [`fill`] reads: two sides, the length of a path, that path, and a text.
fn order(svg: &Svg, size: Size) -> Result<Vec<u8>, Error> {
    let path = svg.fonts.as_bytes();
    let length = u32::try_from(path.len()).map_err(broken)?;
    let mut order = with_room(12 + path.len() + svg.text.len())?;
    for number in [size.width, size.height, length] {
        order.extend_from_slice(&number.to_le_bytes());
    }
    order.extend_from_slice(path);
    order.extend_from_slice(svg.text.as_bytes());
    Ok(order)
}

fn fill(order: &[u8], pixels: &mut [u8], control: &Control) -> Result<(), Error> {
    let wrong = || Error::Internal("no order for a drawing".to_owned());
    let (numbers, rest) = order.split_first_chunk::<12>().ok_or_else(wrong)?;
    let &[width, height, length] = numbers.as_chunks::<4>().0 else { return Err(wrong()) };
    let [width, height, length] = [width, height, length].map(u32::from_le_bytes);
    let (path, text) = rest.split_at_checked(length as usize).ok_or_else(wrong)?;
    let texts = std::str::from_utf8(path).ok().zip(std::str::from_utf8(text).ok());
    let (path, text) = texts.ok_or_else(wrong)?;

    let inner = Inner {
        fonts: path,
        most: picture_bytes(text),
        control,
        database: OnceLock::new(),
        pictures: Mutex::default(),
        failure: OnceLock::new(),
    };
    let tree = inner.tree(text)?;
    let own = tree.size();
    let scale = Transform::from_scale(width as f32 / own.width(), height as f32 / own.height());
    let mut pixmap = PixmapMut::from_bytes(pixels, width, height).ok_or_else(wrong)?;
    resvg::render(&tree, scale, &mut pixmap);
    for pixel in pixels.as_chunks_mut().0 {
        *pixel = straight(*pixel);
    }
    Ok(())
}

type File = Arc<Vec<u8>>;

/// What is within a drawing, and within drawings in it.
struct Inner<'a> {
    /// The folder with the fonts.
    fonts: &'a str,
    /// Bytes that a picture may take.
    most: u64,
    control: &'a Control,
    /// The fonts, once they were needed.
    database: OnceLock<Arc<Database>>,
    /// Pictures that were decoded, as PNG, by what they were: a drawing may show one many times.
    pictures: Mutex<HashMap<File, File>>,
    /// Why something could not be shown, the first time.
    failure: OnceLock<Error>,
}

impl Inner<'_> {
    fn tree(&self, text: &str) -> Result<Tree, Error> {
        let document = svg::parse(text)?;
        match paints::readable(text, &document, self.control)? {
            Some(other) => {
                // There is but one at a time.
                drop(document);
                self.tree_of(&svg::parse(&other)?)
            }
            None => self.tree_of(&document),
        }
    }

    fn tree_of(&self, document: &Document<'_>) -> Result<Tree, Error> {
        let tree = Tree::from_xmltree(document, &self.options(document)?).map_err(broken);
        // Of a drawing half is not shown.
        self.failure.get().cloned().map_or(tree, Err)
    }

    fn options<'s>(&'s self, document: &Document<'_>) -> Result<Options<'s>, Error> {
        let fontdb = self.database(document)?;
        let (width, height) = DEFAULT_SIZE;
        let default = Options::default();
        Ok(Options {
            default_size: usvg::Size::from_wh(width, height).unwrap_or(default.default_size),
            font_family: fontdb.family_name(&Family::Serif).to_owned(),
            // Nothing but what is in the document itself.
            image_href_resolver: ImageHrefResolver {
                resolve_data: Box::new(|_, data, _| self.show(data)),
                resolve_string: Box::new(|_, _| None),
            },
            font_resolver: FontResolver { select_font: select(), ..FontResolver::default() },
            fontdb,
            ..default
        })
    }

    /// The fonts of a document, which has none without a text: to look at all fonts takes longer than to draw most.
    fn database(&self, document: &Document<'_>) -> Result<Arc<Database>, Error> {
        let is_text = |name: &str| name == "text";
        if !document.descendants().any(|node| node.is_element() && is_text(node.tag_name().name()))
        {
            return Ok(Arc::default());
        }
        let database = self.database.get_or_init(|| {
            let mut database = Database::new();
            database.load_fonts_dir(self.fonts);
            name_generic(&mut database);
            Arc::new(database)
        });
        if database.is_empty() {
            return Err(broken(format!("a text, and no fonts in {}", self.fonts)));
        }
        Ok(database.clone())
    }

    /// What a file within a drawing shows; `None` where that is nothing, or fails.
    fn show(&self, file: File) -> Option<ImageKind> {
        // Many leave the place empty until they know what comes there.
        if file.is_empty() {
            return None;
        }
        let shown = if is_svg(&file) {
            drawable(&file).and_then(|(_, text)| self.tree(&text)).map(ImageKind::SVG)
        } else {
            self.picture(file).map(ImageKind::PNG)
        };
        shown.map_err(|error| self.failure.set(error)).ok()
    }

    /// A picture in the colours and the orientation that it is shown in.
    fn picture(&self, file: File) -> Result<File, Error> {
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = pictures.get(&file) {
            return Ok(shown.clone());
        }
        let shown = Arc::new(picture::as_png(&file, self.most, self.control)?);
        pictures.insert(file, shown.clone());
        Ok(shown)
    }
}

/// Whether there is a family of that name.
fn has(database: &Database, name: &str) -> bool {
    let families = &[Family::Name(name)];
    database.query(&Query { families, ..Query::default() }).is_some()
}

/// Has generic families be some that are there.
fn name_generic(database: &mut Database) {
    let first = |known: &[&str], or: &str| {
        known.iter().find(|name| has(database, name)).map_or(or, |name| *name).to_owned()
    };
    let any = database.faces().next().and_then(|face| face.families.first());
    let any = any.map(|(name, _)| name.clone()).unwrap_or_default();
    let sans = first(&SANS, &any);
    let (serif, monospace) = (first(&SERIF, &sans), first(&MONOSPACE, &sans));
    database.set_cursive_family(&sans);
    database.set_fantasy_family(&sans);
    database.set_sans_serif_family(sans);
    database.set_serif_family(serif);
    database.set_monospace_family(monospace);
}

/// Chooses a font as `usvg` does, but in place of families that are not there one without serifs, as most
/// of those have none.
fn select() -> usvg::FontSelectionFn<'static> {
    let usual = FontResolver::default_font_selector();
    Box::new(move |font, database| {
        let is_there = |family: &FontFamily| match family {
            FontFamily::Named(name) => has(database, name),
            _ => true,
        };
        if font.families().iter().any(is_there) {
            return usual(font, database);
        }
        let style = match font.style() {
            FontStyle::Normal => Style::Normal,
            FontStyle::Italic => Style::Italic,
            FontStyle::Oblique => Style::Oblique,
        };
        let weight = Weight(font.weight());
        let families = &[Family::SansSerif];
        database.query(&Query { families, weight, style, ..Query::default() })
    })
}

/// A pixel whose colours are not multiplied by its alpha any more.
fn straight([red, green, blue, alpha]: [u8; 4]) -> [u8; 4] {
    if alpha == 0 || alpha == 255 {
        return [red, green, blue, alpha];
    }
    let whole = u16::from(alpha);
    let [red, green, blue] = [red, green, blue].map(|channel| {
        let channel = (u16::from(channel) * 255 + whole / 2) / whole;
        u8::try_from(channel).unwrap_or(u8::MAX)
    });
    [red, green, blue, alpha]
}
