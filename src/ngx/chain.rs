//! Chains of buffers.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use nginx_sys::{ngx_buf_t, ngx_chain_t, ngx_pcalloc};

use super::{FileRange, Request, shim};

/// What one buffer of an input chain holds.
pub enum BufData<'a> {
    /// Bytes in memory.
    Memory(&'a [u8]),
    /// A range of an open file.
    File(FileRange),
    /// Nothing but flags.
    Empty,
}

/// One buffer of an input chain.
#[derive(Clone, Copy)]
pub struct Buf<'r>(NonNull<ngx_buf_t>, PhantomData<Cell<&'r ()>>);

impl Buf<'_> {
    /// The data not yet consumed.
    pub fn data(&self) -> BufData<'_> {
        // SAFETY: nginx hands a filter initialized buffers; `pos..last` is readable while the
        // buffer is in memory, and `file` is set while it is in a file.
        unsafe {
            let buf = self.0.as_ref();
            if shim::ig_buf_in_memory(buf) != 0 {
                let len = usize::try_from(buf.last.offset_from(buf.pos)).unwrap_or(0);
                if len != 0 {
                    return BufData::Memory(std::slice::from_raw_parts(buf.pos, len));
                }
            } else if shim::ig_buf_in_file(buf) != 0 && buf.file_last > buf.file_pos {
                return BufData::File(FileRange {
                    fd: (*buf.file).fd,
                    offset: buf.file_pos.cast_unsigned(),
                    len: (buf.file_last - buf.file_pos).cast_unsigned(),
                });
            }
            BufData::Empty
        }
    }

    /// Tells nginx that all of the buffer was taken.
    pub fn consume(&self) {
        // SAFETY: a body filter may advance the positions of what it is given.
        unsafe {
            let buf = self.0.as_ptr();
            if shim::ig_buf_in_memory(buf) != 0 {
                (*buf).pos = (*buf).last;
            }
            if shim::ig_buf_in_file(buf) != 0 {
                (*buf).file_pos = (*buf).file_last;
            }
        }
    }

    /// Whether the response ends here.
    pub fn is_last(&self) -> bool {
        // SAFETY: an initialized buffer of the chain.
        unsafe { shim::ig_buf_last_buf(self.0.as_ptr()) != 0 }
    }

    /// Whether what this request adds to a response ends here, where another is the one that ends.
    pub fn is_last_of_part(&self) -> bool {
        // SAFETY: an initialized buffer of the chain.
        unsafe { shim::ig_buf_last_in_chain(self.0.as_ptr()) != 0 }
    }

    /// Whether what came so far should go out now.
    pub fn is_flush(&self) -> bool {
        // SAFETY: an initialized buffer of the chain.
        unsafe { shim::ig_buf_flush(self.0.as_ptr()) != 0 }
    }
}

/// Buffers of one request, one after the other.
#[derive(Clone, Copy)]
pub struct Chain<'r>(*mut ngx_chain_t, PhantomData<Cell<&'r ()>>);

impl<'r> Chain<'r> {
    /// None.
    pub const EMPTY: Chain<'r> = Chain(std::ptr::null_mut(), PhantomData);

    /// The chain behind a pointer of nginx.
    ///
    /// # Safety
    /// `chain` is null or valid for `'r`.
    pub(super) unsafe fn new(chain: *mut ngx_chain_t) -> Chain<'r> {
        Chain(chain, PhantomData)
    }

    /// The pointer.
    pub(super) fn as_ptr(self) -> *mut ngx_chain_t {
        self.0
    }

    /// Its buffers.
    pub fn buffers(self) -> impl Iterator<Item = Buf<'r>> + use<'r> {
        let mut next = self.0;
        std::iter::from_fn(move || {
            let link = NonNull::new(next)?;
            // SAFETY: a link of the chain, ended by null.
            let link = unsafe { link.as_ref() };
            next = link.next;
            NonNull::new(link.buf).map(|buf| Buf(buf, PhantomData))
        })
    }
}

impl<'r> Request<'r> {
    /// A chain of one buffer over bytes of the request, on the heap, followed by `next`; `last`
    /// ends the response. The bytes are nobody's any more but the filters', which may write there.
    #[allow(clippy::ptr_arg, reason = "what else is in a slice may not be written to")]
    pub fn chain(self, bytes: &'r Vec<u8>, next: Chain<'r>, last: bool) -> Option<Chain<'r>> {
        let pool = self.pool();
        // SAFETY: the pool is live; nginx answers null when it has no memory. The flag `temporary`
        // lets later filters write into the bytes, which are the request's own heap memory and
        // live as long as the request.
        unsafe {
            let buf = ngx_pcalloc(pool, size_of::<ngx_buf_t>()).cast::<ngx_buf_t>();
            let link = nginx_sys::ngx_alloc_chain_link(pool);
            if buf.is_null() || link.is_null() {
                return None;
            }
            let start = bytes.as_ptr().cast_mut();
            (*buf).start = start;
            (*buf).pos = start;
            (*buf).end = start.add(bytes.len());
            (*buf).last = (*buf).end;
            shim::ig_buf_set_temporary(buf, usize::from(!bytes.is_empty()));
            shim::ig_buf_set_last_buf(buf, usize::from(last));
            shim::ig_buf_set_last_in_chain(buf, usize::from(last));
            (*link).buf = buf;
            (*link).next = next.0;
            Some(Chain(link, PhantomData))
        }
    }
}
