//! Plans as texts that stay the same from one version, process and machine to the next, as entity
//! tags and keys of caches need them.

use std::fmt::Write as _;

use super::words::Words;

/// What has a text that no unequal value of its type has.
pub trait Canonical {
    /// Appends the text. It says where it ends, or has none of the characters `,;()` in it.
    fn write(&self, out: &mut String);
}

macro_rules! as_displayed {
    ($($type:ty),*) => {
        $(impl Canonical for $type {
            fn write(&self, out: &mut String) {
                let _ = write!(out, "{self}");
            }
        })*
    };
}

as_displayed!(u8, u16, u32, u64, i32, i64, std::num::NonZeroU16, std::num::NonZeroU32);

impl Canonical for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "on" } else { "off" });
    }
}

impl<T: Words> Canonical for T {
    fn write(&self, out: &mut String) {
        out.push_str(self.word());
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push('-'),
        }
    }
}

impl<T: Canonical, U: Canonical> Canonical for (T, U) {
    fn write(&self, out: &mut String) {
        self.0.write(out);
        out.push(',');
        self.1.write(out);
    }
}

impl<T: Canonical> Canonical for [T] {
    fn write(&self, out: &mut String) {
        for item in self {
            out.push('(');
            item.write(out);
            out.push(')');
        }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write(&self, out: &mut String) {
        self[..].write(out);
    }
}

/// Declares a structure by its fields with their defaults, which are left out of its text: what a
/// later version adds changes no text that has none of it.
macro_rules! with_defaults {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> $name {
                $name { $($field: $default,)* }
            }
        }

        impl $crate::image::Canonical for $name {
            fn write(&self, out: &mut String) {
                let default = $name::default();
                out.push('(');
                $(if self.$field != default.$field {
                    out.push_str(concat!(stringify!($field), "="));
                    self.$field.write(out);
                    out.push(';');
                })*
                out.push(')');
            }
        }
    };
}

pub(super) use with_defaults;
