//! Who holds which key.

use super::digest::Digest;
use super::limits::QuotaLimits;

/// The longest ID of a partner, in bytes.
pub const MAX_ID: usize = 64;

/// Whether `text` can be a partner's ID: `[A-Za-z0-9._-]{1,64}`.
#[must_use]
pub fn is_id(text: &[u8]) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// A key of a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartnerKey {
    /// Its digest.
    pub digest: Digest,
    /// The first second in which this one holds no more, since 1970.
    pub expires: Option<u64>,
}

impl PartnerKey {
    /// Whether it holds no more at that time.
    #[must_use]
    pub fn is_expired(&self, time: u64) -> bool {
        self.expires.is_some_and(|expires| time >= expires)
    }
}

/// A partner, as one line of the key file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partner {
    /// The name.
    pub id: String,
    /// The keys, more than one while they change.
    pub keys: Vec<PartnerKey>,
    /// The first second in which all keys hold no more, since 1970.
    pub expires: Option<u64>,
    /// Whether the keys are refused.
    pub disabled: bool,
    /// The partner's own limits.
    pub limits: QuotaLimits,
    /// How many requests may run at once.
    pub concurrency: Option<usize>,
    /// How many bytes a second may go out, of all answers together.
    pub rate: Option<u64>,
    /// Prefixes of the URIs that the keys are for; all where there is none.
    pub paths: Vec<String>,
    /// The methods that the keys are for; all where there is none.
    pub methods: Vec<String>,
    /// Names of presets that the partner may use.
    pub presets: Vec<String>,
    /// Whether the partner's images carry a watermark.
    pub watermark: Option<bool>,
}

impl Partner {
    /// Whether the keys are for that URI.
    #[must_use]
    pub fn may_see(&self, uri: &[u8]) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|path| uri.starts_with(path.as_bytes()))
    }

    /// Whether the keys are for that method. Whoever may GET may ask for the headers alone.
    #[must_use]
    pub fn may_use(&self, method: &[u8]) -> bool {
        let is_in = |method: &[u8]| self.methods.iter().any(|name| name.as_bytes() == method);
        self.methods.is_empty() || is_in(method) || method == b"HEAD" && is_in(b"GET")
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
pub struct PartnerTable {
    partners: Vec<Partner>,
    // Sorted; the second is the place in `partners`.
    keys: Vec<(PartnerKey, usize)>,
}

impl PartnerTable {
    /// A table of partners with different IDs and different digests.
    pub(super) fn new(partners: Vec<Partner>) -> PartnerTable {
        let mut keys: Vec<_> = partners
            .iter()
            .enumerate()
            .flat_map(|(place, partner)| partner.keys.iter().map(move |&key| (key, place)))
            .collect();
        keys.sort_unstable_by_key(|(key, _)| key.digest);
        PartnerTable { partners, keys }
    }

    /// The partners, in the order of the file.
    #[must_use]
    pub fn partners(&self) -> &[Partner] {
        &self.partners
    }

    /// The place in [`partners`](PartnerTable::partners) of the one who holds that key.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<usize> {
        self.find_key(digest).map(|(place, _)| place)
    }

    /// The same, and what else is known of the key.
    #[must_use]
    pub fn find_key(&self, digest: &Digest) -> Option<(usize, PartnerKey)> {
        self.key_at(self.place_of(digest)?)
    }

    /// Who holds the key at that place among all keys, and what else is known of it.
    pub(super) fn key_at(&self, at: usize) -> Option<(usize, PartnerKey)> {
        self.keys.get(at).map(|&(key, place)| (place, key))
    }

    /// The place of a key among all keys.
    pub(super) fn place_of(&self, digest: &Digest) -> Option<usize> {
        let prefix = digest.prefix();
        let start = self.keys.partition_point(|(known, _)| known.digest.prefix() < prefix);
        let among = self
            .keys
            .get(start..)?
            .iter()
            .take_while(|(known, _)| known.digest.prefix() == prefix)
            .position(|(known, _)| known.digest.matches(digest));
        Some(start + among?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partner(id: &str, keys: &[&str]) -> Partner {
        let key = |key: &&str| PartnerKey { digest: Digest::of(key.as_bytes()), expires: None };
        Partner { id: id.into(), keys: keys.iter().map(key).collect(), ..Partner::default() }
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
        let table =
            PartnerTable::new(vec![partner("a", &["one", "two"]), partner("b", &["three"])]);
        for (key, place) in [("one", Some(0)), ("two", Some(0)), ("three", Some(1)), ("four", None)]
        {
            assert_eq!(table.find(&Digest::of(key.as_bytes())), place, "{key}");
        }
        assert_eq!(PartnerTable::default().find(&Digest::of(b"")), None);
    }

    #[test]
    fn paths_are_prefixes() {
        let mut partner = partner("a", &[]);
        assert!(partner.may_see(b"/x"));
        partner.paths = vec!["/a/".into(), "/b/".into()];
        assert!(partner.may_see(b"/b/c") && !partner.may_see(b"/a") && !partner.may_see(b"/x/a/"));
    }

    #[test]
    fn methods() {
        let mut partner = partner("a", &[]);
        assert!(partner.may_use(b"DELETE"));
        partner.methods = vec!["GET".into(), "PUT".into()];
        assert!(["GET", "HEAD", "PUT"].iter().all(|name| partner.may_use(name.as_bytes())));
        assert!(!["POST", "get", "", "OPTIONS"].iter().any(|n| partner.may_use(n.as_bytes())));
        partner.methods = vec!["HEAD".into()];
        assert!(partner.may_use(b"HEAD") && !partner.may_use(b"GET"));
    }

    #[test]
    fn policies() {
        let mut partner = partner("a", &[]);
        assert_eq!(partner.policy(), "");
        partner.presets = vec!["thumb".into(), "hd".into()];
        partner.watermark = Some(true);
        assert_eq!(partner.policy(), "preset=thumb,hd watermark=on");
    }
}
