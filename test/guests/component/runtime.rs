// test/guests/component/runtime.rs: the little that generated bindings ask of a library.

extern crate alloc as alloc_crate;

#[macro_use]
mod flags {
    /// A set of flags, as far as a guest has use for it.
    macro_rules! flags {
        (
            $(#[$outer:meta])*
            pub struct $name:ident: $bits:ty { $( $(#[$inner:meta])* const $flag:ident = $value:expr; )* }
        ) => {
            $(#[$outer])*
            pub struct $name($bits);

            impl $name {
                $( $(#[$inner])* pub const $flag: Self = Self($value); )*

                pub const fn all() -> Self {
                    Self(0 $( | ($value) )*)
                }

                pub const fn bits(&self) -> $bits {
                    self.0
                }
            }

            impl core::ops::BitOr for $name {
                type Output = Self;
                fn bitor(self, other: Self) -> Self {
                    Self(self.0 | other.0)
                }
            }
        };
    }
}

mod runtime {
    use std::alloc::{alloc, realloc, Layout};

    pub fn run_ctors_once() {}

    /// With it the linker does not have each export, the allocator included, call what has to run first.
    #[cfg(target_os = "wasi")]
    #[export_name = "_initialize"]
    pub unsafe extern "C" fn initialize() {
        extern "C" {
            fn __wasm_call_ctors();
        }
        __wasm_call_ctors();
    }

    pub fn maybe_link_cabi_realloc() {}

    pub mod bitflags {
        pub(crate) use flags as bitflags;
    }

    #[export_name = "cabi_realloc"]
    pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
        if size == 0 {
            return align as *mut u8;
        }
        let ptr = if old_size == 0 {
            alloc(Layout::from_size_align_unchecked(size, align))
        } else {
            realloc(old, Layout::from_size_align_unchecked(old_size, align), size)
        };
        if ptr.is_null() {
            core::arch::wasm32::unreachable()
        }
        ptr
    }
}
