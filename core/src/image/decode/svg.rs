//! SVG by `resvg`, which asks nobody whether it is to go on, and takes whatever memory a drawing wants: it is
//! done apart where there is such a place.

use std::sync::Arc;

use resvg::tiny_skia::{PixmapMut, Transform};
use resvg::usvg::fontdb::{Database, Family, Query, Style, Weight};
use resvg::usvg::roxmltree::{Document, ParsingOptions};
use resvg::usvg::{self, FontFamily, FontResolver, FontStyle, ImageHrefResolver, Options, Tree};

use super::apart;
use crate::image::error::broken;
use crate::image::raster::{Layout, Raster, with_room};
use crate::image::size::Size;
use crate::image::source::svg::{DEFAULT_SIZE, Svg};
use crate::image::{Control, Error};

const LAYOUT: Layout = Layout::Rgba8;

/// Layers, each as large as the drawing, that groups, masks and filters may have at once.
const LAYERS: u64 = 8;

/// Bytes that a drawing takes for each of its text.
const TREE: u64 = 48;

/// Elements, attributes and texts that a document has at most, all entities put in.
const NODES: u32 = 1 << 20;

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
    drawing_bytes(svg, size).saturating_add(raster).saturating_add(2 * svg.text.len() as u64)
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

fn fill(order: &[u8], pixels: &mut [u8], _: &Control) -> Result<(), Error> {
    let wrong = || Error::Internal("no order for a drawing".to_owned());
    let (numbers, rest) = order.split_first_chunk::<12>().ok_or_else(wrong)?;
    let &[width, height, length] = numbers.as_chunks::<4>().0 else { return Err(wrong()) };
    let [width, height, length] = [width, height, length].map(u32::from_le_bytes);
    let (path, text) = rest.split_at_checked(length as usize).ok_or_else(wrong)?;
    let texts = std::str::from_utf8(path).ok().zip(std::str::from_utf8(text).ok());
    let (path, text) = texts.ok_or_else(wrong)?;

    let parsing = ParsingOptions { allow_dtd: true, nodes_limit: NODES, ..Default::default() };
    let document = Document::parse_with_options(text, parsing).map_err(broken)?;
    let tree = Tree::from_xmltree(&document, &options(&document, path)?).map_err(broken)?;
    drop(document);
    let own = tree.size();
    let scale = Transform::from_scale(width as f32 / own.width(), height as f32 / own.height());
    let mut pixmap = PixmapMut::from_bytes(pixels, width, height).ok_or_else(wrong)?;
    resvg::render(&tree, scale, &mut pixmap);
    for pixel in pixels.as_chunks_mut().0 {
        *pixel = straight(*pixel);
    }
    Ok(())
}

fn options<'a>(document: &Document<'_>, fonts: &str) -> Result<Options<'a>, Error> {
    let mut database = Database::new();
    // To look at all fonts takes longer than to draw most documents.
    if document.descendants().any(|node| node.is_element() && node.tag_name().name() == "text") {
        database.load_fonts_dir(fonts);
        if database.is_empty() {
            return Err(broken(format!("a text, and no fonts in {fonts}")));
        }
        name_generic(&mut database);
    }
    let (width, height) = DEFAULT_SIZE;
    let default = Options::default();
    Ok(Options {
        default_size: usvg::Size::from_wh(width, height).unwrap_or(default.default_size),
        font_family: database.family_name(&Family::Serif).to_owned(),
        // Nothing but what is in the document itself.
        image_href_resolver: ImageHrefResolver {
            resolve_data: ImageHrefResolver::default_data_resolver(),
            resolve_string: Box::new(|_, _| None),
        },
        font_resolver: FontResolver { select_font: select(), ..FontResolver::default() },
        fontdb: Arc::new(database),
        ..default
    })
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
