//! Who holds which key.

use super::digest::Digest;
use super::limits::Limits;

/// The longest ID of a partner, in bytes.
pub const MAX_ID: usize = 64;

/// Whether `text` can be a partner's ID: `[A-Za-z0-9._-]{1,64}`.
#[must_use]
pub fn is_id(text: &[u8]) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// A partner, as one line of the key file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// The name.
    pub id: String,
    /// Digests of the keys, more than one while they change.
    pub digests: Vec<Digest>,
    /// The first second in which the keys hold no more, since 1970.
    pub expires: Option<u64>,
    /// Whether the keys are refused.
    pub disabled: bool,
    /// The partner's own limits.
    pub limits: Limits,
    /// Prefixes of the URIs that the keys are for; all where there is none.
    pub paths: Vec<String>,
    /// Names of presets that the partner may use.
    pub presets: Vec<String>,
    /// Whether the partner's images carry a watermark.
    pub watermark: Option<bool>,
}

impl Holder {
    /// Whether the keys are for that URI.
    #[must_use]
    pub fn may_see(&self, uri: &[u8]) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|path| uri.starts_with(path.as_bytes()))
    }

    /// Whether the keys hold no more at that time.
    #[must_use]
    pub fn is_expired(&self, time: u64) -> bool {
        self.expires.is_some_and(|expires| time >= expires)
    }

    /// `preset` and `watermark` in one text: `preset=thumb,hd watermark=on`.
    #[must_use]
    pub fn policy(&self) -> String {
        let mut words = Vec::new();
        if !self.presets.is_empty() {
            words.push(format!("preset={}", self.presets.join(",")));
        }
        if let Some(watermark) = self.watermark {
            words.push(format!("watermark={}", if watermark { "on" } else { "off" }));
        }
        words.join(" ")
    }
}

/// The partners of a zone.
#[derive(Debug, Clone, Default)]
pub struct Table {
    holders: Vec<Holder>,
    // Sorted; the second is the place in `holders`.
    digests: Vec<(Digest, usize)>,
}

impl Table {
    /// A table of partners with different IDs and different digests.
    pub(super) fn new(holders: Vec<Holder>) -> Table {
        let mut digests: Vec<_> = holders
            .iter()
            .enumerate()
            .flat_map(|(place, holder)| holder.digests.iter().map(move |digest| (*digest, place)))
            .collect();
        digests.sort_unstable();
        Table { holders, digests }
    }

    /// The partners, in the order of the file.
    #[must_use]
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// The place in [`holders`](Table::holders) of the one who holds that key.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<usize> {
        let prefix = digest.prefix();
        let start = self.digests.partition_point(|(known, _)| known.prefix() < prefix);
        self.digests
            .get(start..)?
            .iter()
            .take_while(|(known, _)| known.prefix() == prefix)
            .find(|(known, _)| known.matches(digest))
            .map(|&(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(id: &str, keys: &[&str]) -> Holder {
        let digests = keys.iter().map(|key| Digest::of(key.as_bytes())).collect();
        Holder { id: id.into(), digests, ..Holder::default() }
    }

    #[test]
    fn ids() {
        assert!(is_id(b"a") && is_id(b"Acme-1.eu_x") && is_id(&[b'x'; 64]));
        assert!(
            !is_id(b"") && !is_id(&[b'x'; 65]) && !is_id(b"a b") && !is_id("\u{fc}".as_bytes())
        );
    }

    #[test]
    fn keys_lead_to_their_holder() {
        let table = Table::new(vec![holder("a", &["one", "two"]), holder("b", &["three"])]);
        for (key, place) in [("one", Some(0)), ("two", Some(0)), ("three", Some(1)), ("four", None)]
        {
            assert_eq!(table.find(&Digest::of(key.as_bytes())), place, "{key}");
        }
        assert_eq!(Table::default().find(&Digest::of(b"")), None);
    }

    #[test]
    fn paths_are_prefixes() {
        let mut holder = holder("a", &[]);
        assert!(holder.may_see(b"/x"));
        holder.paths = vec!["/a/".into(), "/b/".into()];
        assert!(holder.may_see(b"/b/c") && !holder.may_see(b"/a") && !holder.may_see(b"/x/a/"));
    }

    #[test]
    fn policies() {
        let mut holder = holder("a", &[]);
        assert_eq!(holder.policy(), "");
        holder.presets = vec!["thumb".into(), "hd".into()];
        holder.watermark = Some(true);
        assert_eq!(holder.policy(), "preset=thumb,hd watermark=on");
    }
}
