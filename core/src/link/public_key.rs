//! RSA key pairs, whose public half checks links.

use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::DecodePublicKey;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use super::KeyError;

/// A public key of a key pair.
pub(super) struct PublicKey(rsa::PublicKey);

impl PublicKey {
    /// Reads a key in PEM, of either kind that openssl writes.
    ///
    /// # Errors
    /// [`KeyError::PublicKey`].
    pub(super) fn parse(pem: &[u8]) -> Result<PublicKey, KeyError> {
        let pem = std::str::from_utf8(pem).map_err(|_| KeyError::PublicKey)?;
        rsa::PublicKey::from_public_key_pem(pem)
            .or_else(|_| rsa::PublicKey::from_pkcs1_pem(pem))
            .map(PublicKey)
            .map_err(|_| KeyError::PublicKey)
    }

    /// That of a private key.
    pub(super) fn of(private: &rsa::PrivateKey) -> PublicKey {
        PublicKey(private.to_public_key())
    }

    /// Whether that is the signature of a policy.
    pub(super) fn verifies(&self, policy: &[u8], signature: &[u8], sha256: bool) -> bool {
        let (scheme, digest) = hashed(policy, sha256);
        self.0.verify(scheme, &digest, signature).is_ok()
    }
}

/// What of a policy is signed, by SHA-256 or else by SHA-1.
pub(super) fn hashed(policy: &[u8], sha256: bool) -> (Pkcs1v15Sign, Vec<u8>) {
    if sha256 {
        (Pkcs1v15Sign::new::<Sha256>(), Sha256::digest(policy).to_vec())
    } else {
        (Pkcs1v15Sign::new::<Sha1>(), Sha1::digest(policy).to_vec())
    }
}
