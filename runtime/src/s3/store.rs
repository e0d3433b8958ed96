//! The credentials of this moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use image_gate_core::s3::Credentials;

/// The credentials that requests go by. Threads put others in their place.
#[derive(Debug, Default)]
pub struct Store {
    current: Mutex<Option<Arc<Credentials>>>,
    /// Another one for other credentials.
    version: AtomicU64,
}

impl Store {
    /// Returns one with those, if there are any yet.
    #[must_use]
    pub fn new(credentials: Option<Credentials>) -> Store {
        Store { current: Mutex::new(credentials.map(Arc::new)), version: AtomicU64::new(0) }
    }

    /// Returns what tells its credentials from those before, without a lock.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Returns the credentials, and their version or one before.
    #[must_use]
    pub fn get(&self) -> (u64, Option<Arc<Credentials>>) {
        let version = self.version();
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (version, current.clone())
    }

    /// Takes others. Returns whether they are others.
    pub fn replace(&self, credentials: Credentials) -> bool {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_deref() == Some(&credentials) {
            return false;
        }
        *current = Some(Arc::new(credentials));
        self.version.fetch_add(1, Ordering::Release);
        true
    }
}
