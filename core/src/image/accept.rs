//! Which format a client is sent (RFC 9110, section 12.5.1).

use super::Format;
use crate::accept::media_ranges;

/// Formats to send to the clients that name them in `Accept`, the preferred one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoFormats {
    formats: [Option<Format>; Format::MODERN.len()],
    /// Whether somebody listed them.
    is_listed: bool,
}

/// Which format an output is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatChoice {
    /// That format; `None` is the source's.
    Format(Option<Format>),
    /// The first of these that the client accepts and the picture fits into, else the source's.
    Auto(AutoFormats),
}

impl FormatChoice {
    /// Reads `original`, the name of a format, `auto`, or `auto=` with a list for
    /// [`AutoFormats::parse`].
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<FormatChoice> {
        match text {
            b"original" => Some(FormatChoice::Format(None)),
            b"auto" => Some(FormatChoice::Auto(AutoFormats::default())),
            [b'a', b'u', b't', b'o', b'=', list @ ..] => {
                AutoFormats::parse(list).map(FormatChoice::Auto)
            }
            name => Format::written_from_name(name).map(Some).map(FormatChoice::Format),
        }
    }
}

impl Default for AutoFormats {
    /// AVIF, then WebP.
    fn default() -> AutoFormats {
        AutoFormats { formats: [Some(Format::Avif), Some(Format::Webp), None], is_listed: false }
    }
}

impl AutoFormats {
    /// Reads a list such as `webp`, its names separated by commas: each of a format that is not
    /// [universal](Format::is_universal), and none twice.
    #[must_use]
    pub fn parse(list: &[u8]) -> Option<AutoFormats> {
        let mut formats = [None; Format::MODERN.len()];
        for name in list.split(|&byte| byte == b',') {
            let format = Format::written_from_name(name).filter(|format| !format.is_universal())?;
            if formats.contains(&Some(format)) {
                return None;
            }
            *formats.iter_mut().find(|slot| slot.is_none())? = Some(format);
        }
        Some(AutoFormats { formats, is_listed: true })
    }

    /// What of it has animations. Not every client that names AVIF shows more than the first picture of one: it is
    /// only sent where somebody listed it.
    pub(super) fn moving(mut self) -> AutoFormats {
        let moves = |format: &Format| match format {
            Format::Avif => self.is_listed,
            format => format.supports_animation(),
        };
        self.formats.iter_mut().for_each(|slot| *slot = slot.filter(moves));
        self
    }

    /// What of it one of these values of `Accept` names with a weight above 0.
    ///
    /// `*/*` and `image/*` name nothing: every client sends them, and means what it has always
    /// been able to show. Weights above 0 are all the same, as the order is the server's; a
    /// member whose weight is malformed is none.
    pub(super) fn accepted<'a>(self, accept: impl Iterator<Item = &'a [u8]>) -> AutoFormats {
        let mut formats = [None; Format::MODERN.len()];
        for member in accept.flat_map(media_ranges).filter(|member| member.weight > 0) {
            for (named, offered) in formats.iter_mut().zip(self.formats) {
                *named = named.or(offered.filter(|format| member.is(format.media_type())));
            }
        }
        AutoFormats { formats, ..self }
    }

    /// The preferred one.
    pub(super) fn first(&self) -> Option<Format> {
        self.formats.iter().copied().flatten().next()
    }

    /// Those behind it.
    pub(super) fn others(&self) -> Vec<Format> {
        self.formats.iter().copied().flatten().skip(1).collect()
    }

    /// By what a cache keeps apart what clients that send these values of `Accept` get: the first format
    /// of it that they name, where they name all that are behind that, too, and else all that they name.
    #[must_use]
    pub fn key<'a>(&self, accept: impl Iterator<Item = &'a [u8]>) -> String {
        let accepted = self.accepted(accept);
        let original = "original".to_owned();
        let Some(first) = accepted.first() else { return original };
        let offered = self.formats.iter().skip_while(|format| **format != Some(first));
        if offered.flatten().eq(accepted.formats.iter().flatten()) {
            return first.name().to_owned();
        }
        let names = accepted.formats.iter().flatten().map(|format| format.name().to_owned());
        names.chain([original]).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(list: &str, accept: &[&str]) -> Option<Format> {
        let formats = AutoFormats::parse(list.as_bytes()).unwrap();
        formats.accepted(accept.iter().map(|value| value.as_bytes())).first()
    }

    #[test]
    fn keys_are_apart_where_answers_may_be() {
        let key = |list: &str, accept: &str| {
            let formats = AutoFormats::parse(list.as_bytes()).unwrap();
            formats.key([accept.as_bytes()].into_iter())
        };
        for (list, accept, expected) in [
            ("avif,webp", "image/webp,image/avif", "avif"),
            ("avif,webp", "image/webp", "webp"),
            ("avif,webp", "image/avif", "avif,original"),
            ("avif,webp", "*/*", "original"),
            ("webp,avif", "image/webp", "webp,original"),
            ("webp", "image/webp,image/avif", "webp"),
        ] {
            assert_eq!(key(list, accept), expected, "{list} {accept}");
        }
    }

    #[test]
    fn what_browsers_send() {
        for (browser, accept, best) in [
            (
                "Chrome",
                "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
                Some(Format::Avif),
            ),
            (
                "Firefox",
                "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
                Some(Format::Avif),
            ),
            (
                "Safari 18",
                "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
                Some(Format::Avif),
            ),
            ("Firefox 90", "image/webp,*/*", Some(Format::Webp)),
            ("Chrome 80", "image/webp,image/apng,image/*,*/*;q=0.8", Some(Format::Webp)),
            (
                "Safari 14",
                "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
                Some(Format::Webp),
            ),
            ("Safari 13", "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5", None),
            ("Edge 18", "image/png, image/svg+xml, image/*; q=0.8, */*; q=0.5", None),
            ("curl", "*/*", None),
            ("none", "", None),
        ] {
            let found = AutoFormats::default().accepted([accept.as_bytes()].into_iter()).first();
            assert_eq!(found, best, "{browser}");
        }
        assert_eq!(AutoFormats::default().accepted(std::iter::empty()).first(), None);
    }

    #[test]
    fn names_and_weights() {
        let webp = Some(Format::Webp);
        for accept in [
            "image/webp",
            "IMAGE/WebP",
            " image/webp ; q=0.001",
            "image/webp;q=1.000",
            "image/webp;Q=1.",
            "text/html, image/webp;v=2;q=.5;q=1, */*",
            ",,image/webp,",
            "a/b;x=\"y,\\\",z;\",image/webp",
        ] {
            let expected = if accept.contains("q=.5") { None } else { webp };
            assert_eq!(choose("webp", &[accept]), expected, "{accept}");
        }
        for accept in [
            "image/webp;q=0",
            "image/webp; q=0.000",
            "image/webp;q=0.0001",
            "image/webp;q=2",
            "image/webp;q=",
            "image/webp;q=1.001",
            "image/webp;q=-1",
            "image/webpx",
            "webp",
            "image/*;q=1",
            "x/y;z=\",image/webp\"",
            "x/y;z=\"\\\",image/webp",
        ] {
            assert_eq!(choose("webp", &[accept]), None, "{accept}");
        }
        assert_eq!(choose("webp", &["text/html", "image/webp"]), webp);
    }

    #[test]
    fn the_order_is_that_of_the_list() {
        let both = ["image/webp;q=1, image/avif;q=0.1"];
        assert_eq!(choose("avif,webp", &both), Some(Format::Avif));
        assert_eq!(choose("webp,avif", &both), Some(Format::Webp));
        assert_eq!(choose("webp", &both), Some(Format::Webp));
        assert_eq!(choose("avif,webp", &["image/avif;q=0, image/webp"]), Some(Format::Webp));
        assert_eq!(choose("avif", &["image/avif;q=0, image/webp"]), None);
    }

    #[test]
    fn lists() {
        for bad in
            ["", "webp,", "jpeg", "webp,webp", "avif,webp,avif", "webp webp", "png,webp", "WEBP"]
        {
            assert_eq!(AutoFormats::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
