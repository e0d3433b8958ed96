//! What decides which results are kept for a location, as far as that is known.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use image_gate_core::image::Varies;

/// It, once a request has asked.
#[derive(Clone, Default)]
pub struct KeptBy {
    /// What is no part of a plan.
    pub location: OnceCell<String>,
    /// What tells the fonts from others that texts of drawings are drawn with.
    fonts: Cell<u64>,
    /// What is made, where that is the same for all requests.
    always: OnceCell<Rc<str>>,
    /// The same where it goes by their `Accept` alone.
    by_accept: RefCell<ByAccept>,
}

/// What is made by the `Accept` of a request, of which those of browsers are few.
#[derive(Clone, Default)]
struct ByAccept {
    known: Vec<KnownAccept>,
    oldest: usize,
}

/// An `Accept`, if there is one, and what is made then.
type KnownAccept = (Option<Box<[u8]>>, Rc<str>);

/// How many of them are known at most.
const ACCEPTS: usize = 16;

/// The longest one.
const LONGEST: usize = 256;

impl KeptBy {
    /// What tells the fonts from others that texts of drawings are drawn with.
    pub fn fonts(&self) -> u64 {
        self.fonts.get()
    }

    /// Notes that.
    pub fn note_fonts(&self, fonts: u64) {
        self.fonts.set(fonts);
    }

    /// What is made, if that is known. `accept` is what the client says, `None` where it can't be told in one.
    pub fn known<'a>(&self, accept: impl FnOnce() -> Option<Option<&'a [u8]>>) -> Option<Rc<str>> {
        if let Some(always) = self.always.get() {
            return Some(always.clone());
        }
        let known = &self.by_accept.borrow().known;
        if known.is_empty() {
            return None;
        }
        let accept = accept()?;
        let found = known.iter().find(|(known, _)| known.as_deref() == accept);
        found.map(|(_, made)| made.clone())
    }

    /// Notes what is made where no request has a say in it but by what it varies by.
    pub fn note(&self, varies: Varies, accept: Option<Option<&[u8]>>, made: &Rc<str>) {
        let Varies { accept: by_accept, width, connection } = varies;
        if width || connection {
            return;
        }
        if !by_accept {
            let _ = self.always.set(made.clone());
            return;
        }
        let Some(accept) = accept else { return };
        if accept.is_some_and(|accept| accept.len() > LONGEST) {
            return;
        }
        let new = (accept.map(Box::from), made.clone());
        let ByAccept { known, oldest } = &mut *self.by_accept.borrow_mut();
        if known.iter().any(|(of, _)| *of == new.0) {
            return;
        }
        match known.get_mut(*oldest) {
            Some(old) => *old = new,
            None => known.push(new),
        }
        *oldest = (*oldest + 1) % ACCEPTS;
    }
}
