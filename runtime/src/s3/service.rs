//! A service that gives credentials, and that is asked again before they end.

use std::time::Duration;

use image_gate_core::s3::Credentials;

use super::metadata::MetadataService;
use super::sts::SecurityTokenService;

/// Which of them.
#[derive(Debug, Clone)]
pub enum CredentialsService {
    /// That of a machine or a container.
    Metadata(MetadataService),
    /// AWS's, for who has a token of somebody else's.
    SecurityToken(SecurityTokenService),
}

impl CredentialsService {
    /// Asks for credentials. Each question may take as long as `limit`.
    ///
    /// # Errors
    /// Why there are none, with the address and without anything secret.
    pub fn fetch(&self, limit: Duration) -> Result<Credentials, String> {
        match self {
            CredentialsService::Metadata(service) => service.fetch(limit),
            CredentialsService::SecurityToken(service) => service.fetch(limit),
        }
    }
}
