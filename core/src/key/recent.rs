//! Keys that came a moment ago, so that their digests need not be made anew for each request.

use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use subtle::ConstantTimeEq as _;

use super::digest::Digest;
use super::table::{PartnerKey, PartnerTable};

/// How many are remembered at most. Each has one place, which the last one has.
const PLACES: usize = 1024;

/// What a key is known by: a code that nobody makes without the secret. It is made in a time that does
/// not depend on the key.
type Code = u128;

#[derive(Clone, Copy, Default)]
struct Known {
    code: Code,
    /// The place in the table and one more; 0 is nobody.
    next: usize,
}

/// Where the digests of keys are in a table, of those that came last. Only what was found in the table is
/// remembered: whoever guesses puts nothing in, and takes nobody's place.
pub struct RecentKeys {
    /// Random, of this process.
    secret: [u64; 2],
    known: Vec<Known>,
}

impl RecentKeys {
    /// Those of a table, none so far. The secret must be random.
    #[must_use]
    pub fn new(secret: [u64; 2]) -> RecentKeys {
        RecentKeys { secret, known: Vec::new() }
    }

    /// Who holds a key by that table, which must be the same each time, and what else is known of the key.
    pub fn find(&mut self, table: &PartnerTable, key: &[u8]) -> Option<(usize, PartnerKey)> {
        let [one, other] = self.secret;
        let mut hasher = SipHasher24::new_with_keys(one, other);
        hasher.write(key);
        let hash = hasher.finish128();
        let code = u128::from(hash);
        let place = hash.h1 as usize % PLACES;
        if let Some(known) = self.known.get(place)
            && bool::from(known.code.ct_eq(&code))
            && let Some(at) = known.next.checked_sub(1)
        {
            return table.key_at(at);
        }
        let at = table.place_of(&Digest::of(key))?;
        if self.known.is_empty() {
            self.known.resize(PLACES, Known::default());
        }
        if let Some(known) = self.known.get_mut(place) {
            *known = Known { code, next: at + 1 };
        }
        table.key_at(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Partner;

    fn table(count: usize) -> PartnerTable {
        let key = |at: u64| PartnerKey {
            digest: Digest::of(format!("key-{at}").as_bytes()),
            expires: at.is_multiple_of(2).then_some(at),
        };
        let partner = |at: u64| Partner {
            id: at.to_string(),
            keys: vec![key(2 * at), key(2 * at + 1)],
            ..Partner::default()
        };
        PartnerTable::new((0..count as u64).map(partner).collect())
    }

    #[test]
    fn keys_are_found_as_by_their_digests() {
        // More than there are places.
        let table = table(2 * PLACES);
        let mut recent = RecentKeys::new([1, 2]);
        for round in 0..3 {
            for at in (0..4 * PLACES).rev() {
                let key = format!("key-{at}");
                let found = recent.find(&table, key.as_bytes());
                assert_eq!(found, table.find_key(&Digest::of(key.as_bytes())), "{round} {at}");
                assert_eq!(found.map(|(place, _)| place), Some(at / 2));
                assert_eq!(recent.find(&table, key.as_bytes()), found);
            }
        }
    }

    #[test]
    fn nobodys_keys_are_not_remembered() {
        let (table, mut recent) = (table(1), RecentKeys::new([1, 2]));
        for at in 0..4 * PLACES {
            assert_eq!(recent.find(&table, format!("other-{at}").as_bytes()), None);
        }
        assert!(recent.known.is_empty());
        let empty = PartnerTable::default();
        assert_eq!(RecentKeys::new([0, 0]).find(&empty, b""), None);
        recent.find(&table, b"key-0").unwrap();
        let before: Vec<_> = recent.known.iter().map(|known| known.code).collect();
        for at in 0..4 * PLACES {
            assert_eq!(recent.find(&table, format!("other-{at}").as_bytes()), None);
        }
        assert!(recent.known.iter().map(|known| known.code).eq(before));
    }

    #[test]
    fn a_code_is_of_one_secret() {
        let table = table(1);
        let places = [[1, 2], [2, 1], [1, 3]].map(|secret| {
            let mut recent = RecentKeys::new(secret);
            recent.find(&table, b"key-0").unwrap();
            recent.known.iter().map(|known| known.code).find(|&code| code != 0)
        });
        assert!(places[0] != places[1] && places[1] != places[2] && places[0] != places[2]);
    }
}
