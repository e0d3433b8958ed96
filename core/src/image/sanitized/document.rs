//! The elements of a document, written anew.

use std::borrow::Cow;

use resvg::usvg::roxmltree::{Attribute, NS_XML_URI, Node};

use super::names::{self, Kind};
use super::{css, reference};
use crate::image::error::broken;
use crate::image::{Control, Error, svg};

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// Nodes between two looks at the [`Control`].
const NODES: u32 = 1024;

/// Where a document is written to, in ASCII, so that it means the same in every encoding that it may be taken
/// for.
pub(super) struct Out<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl<'a> Out<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Out<'a> {
        Out { bytes, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn put(&mut self, text: &str) -> Result<(), Error> {
        let end = self.len.saturating_add(text.len());
        let place = self.bytes.get_mut(self.len..end);
        let place = place.ok_or_else(|| broken("what is left of a drawing is too long"))?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }

    /// Text as it may stand between tags, and in double quotes.
    fn put_escaped(&mut self, text: &str) -> Result<(), Error> {
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
            if plain > 0 {
                let (text, behind) = rest.split_at_checked(plain).ok_or_else(|| broken(text))?;
                self.put(text)?;
                rest = behind;
                continue;
            }
            match next {
                '&' => self.put("&amp;"),
                '<' => self.put("&lt;"),
                '>' => self.put("&gt;"),
                '"' => self.put("&quot;"),
                other => self.put(&format!("&#{};", u32::from(other))),
            }?;
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
        Ok(())
    }

    fn put_attribute(&mut self, name: &str, value: &str) -> Result<(), Error> {
        self.put(" ")?;
        self.put(name)?;
        self.put("=\"")?;
        self.put_escaped(value)?;
        self.put("\"")
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"')
}

/// Writes what is kept of a document.
pub(super) fn write(text: &str, out: &mut Out<'_>, control: &Control) -> Result<(), Error> {
    let document = svg::parse(text)?;
    let root = document.root_element();
    if element(root) != Some("svg") {
        return Err(broken("the root is no svg"));
    }
    let mut node = root;
    // The names of those that the node is in.
    let mut open: Vec<&str> = Vec::new();
    let mut left = 0;
    loop {
        left = match left {
            0 => {
                control.check()?;
                NODES
            }
            left => left - 1,
        };
        if let Some(name) = begin(node, open.last().copied(), out)?
            && let Some(child) = node.first_child()
        {
            open.try_reserve(1).map_err(|error| Error::Internal(error.to_string()))?;
            open.push(name);
            node = child;
            continue;
        }
        loop {
            if node == root {
                return Ok(());
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            let (Some(parent), Some(name)) = (node.parent(), open.pop()) else { return Ok(()) };
            end(name, out)?;
            node = parent;
        }
    }
}

/// The name of an element that goes out.
fn element<'t>(node: Node<'t, '_>) -> Option<&'t str> {
    let name = node.tag_name();
    let name = Some(name.name()).filter(|_| node.is_element() && name.namespace() == Some(SVG))?;
    let is_kept = names::is_element(name) && (!names::sets_attribute(name) || sets_harmless(node));
    is_kept.then_some(name)
}

/// Whether what an element sets can't point at anything.
fn sets_harmless(node: Node<'_, '_>) -> bool {
    let name = node.attribute("attributeName").map(str::trim_ascii);
    name.is_some_and(names::is_animated)
}

/// Writes a node up to its children; `parent` is the name of the element that it is in. Returns its own where its
/// children are looked at, and it then [ends](end) behind them.
fn begin<'t>(
    node: Node<'t, '_>,
    parent: Option<&str>,
    out: &mut Out<'_>,
) -> Result<Option<&'t str>, Error> {
    let is_description = parent.is_some_and(names::is_description);
    if node.is_text() {
        if is_description || parent.is_some_and(names::has_text) {
            out.put_escaped(node.text().unwrap_or_default())?;
        }
        return Ok(None);
    }
    // Where letters alone are told, nothing else is looked at.
    if is_description {
        return Ok(None);
    }
    let Some(name) = element(node) else { return Ok(None) };
    let sheet = (name == "style").then(|| sheet(node));
    if sheet.as_ref().is_some_and(String::is_empty) {
        return Ok(None);
    }
    out.put("<")?;
    out.put(name)?;
    if parent.is_none() {
        out.put_attribute("xmlns", SVG)?;
        if uses_xlink(node) {
            out.put_attribute("xmlns:xlink", XLINK)?;
        }
    }
    for attribute in node.attributes() {
        if let Some((name, value)) = kept(name, attribute) {
            out.put_attribute(name, &value)?;
        }
    }
    if let Some(sheet) = sheet {
        out.put(">")?;
        out.put_escaped(&sheet)?;
        out.put("</style>")?;
        return Ok(None);
    }
    let has_children = node.has_children();
    out.put(if has_children { ">" } else { "/>" })?;
    Ok(has_children.then_some(name))
}

fn end(name: &str, out: &mut Out<'_>) -> Result<(), Error> {
    out.put("</")?;
    out.put(name)?;
    out.put(">")
}

fn sheet(node: Node<'_, '_>) -> String {
    let is_css = |language: &str| {
        language.is_empty() || language.trim_ascii().eq_ignore_ascii_case("text/css")
    };
    if !node.attribute("type").is_none_or(is_css) {
        return String::new();
    }
    let texts = node.children().filter(Node::is_text).filter_map(|text| text.text());
    css::sheet(&texts.collect::<String>())
}

fn uses_xlink(root: Node<'_, '_>) -> bool {
    let is_xlink = |attribute: Attribute<'_, '_>| attribute.namespace() == Some(XLINK);
    root.descendants().any(|node| node.attributes().any(is_xlink))
}

/// The name and the value by which an attribute goes out.
fn kept<'t>(element: &str, attribute: Attribute<'t, '_>) -> Option<(&'t str, Cow<'t, str>)> {
    let (name, value) = (attribute.name(), attribute.value());
    match (attribute.namespace(), name) {
        (Some(XLINK), "href") => Some(("xlink:href", reference_of(element, value)?)),
        (Some(NS_XML_URI), "space") => Some(("xml:space", value.into())),
        (Some(NS_XML_URI), "lang") => Some(("xml:lang", value.into())),
        (Some(_), _) => None,
        (None, _) => {
            let value = match names::attribute(element, name)? {
                Kind::Plain => value.into(),
                Kind::Presentation => css::value(value)?,
                Kind::Values => {
                    // A list may end with what parts it.
                    let is_list = |values: &str| {
                        let values = values.trim_ascii();
                        values.strip_suffix(';').unwrap_or(values).split(';').all(css::is_value)
                    };
                    Cow::from(value).filter_by(is_list)?
                }
                Kind::Style => {
                    Cow::from(css::declarations(value)).filter_by(|style| !style.is_empty())?
                }
                Kind::Reference => reference_of(element, value)?,
            };
            Some((name, value))
        }
    }
}

trait FilterBy: Sized {
    fn filter_by(self, is_kept: impl FnOnce(&str) -> bool) -> Option<Self>;
}

impl FilterBy for Cow<'_, str> {
    fn filter_by(self, is_kept: impl FnOnce(&str) -> bool) -> Option<Self> {
        is_kept(&self).then_some(self)
    }
}

fn reference_of<'t>(element: &str, value: &'t str) -> Option<Cow<'t, str>> {
    if let Some(fragment) = reference::fragment(value) {
        return Some(fragment.into());
    }
    if !matches!(element, "feImage" | "image") {
        return None;
    }
    reference::picture(value).map(Cow::from)
}
