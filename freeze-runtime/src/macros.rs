//! `freeze_policy!` as programs call it.

/// A policy that the compiler reads and checks, as a constant expression of type
/// [`Policy`](crate::Policy): data in the program, equal to what
/// [`Policy::parse`](crate::Policy::parse) returns for the same text, usable in a `static`.
///
/// All that is wrong with it are compiler errors that underline the very words; what is
/// likely not what was meant are warnings.
///
/// ```no_run
/// use freeze_runtime::{Policy, freeze_policy};
///
/// static GRADUAL: Policy = freeze_policy! {
///     epoch 0: train layer4, fc lr 1e-3;
///     epoch 3: unfreeze layer3 lr 1e-4;
/// };
/// ```
///
/// In place of any number, a Rust expression in braces is possible, of any of Rust's types of
/// numbers. The macro then returns a `Result`, to be followed by `?`: the expressions are evaluated,
/// and their values checked, when the program reaches the macro.
///
/// ```
/// # use freeze_runtime::freeze_policy;
/// let (base, epochs) = (1e-3_f32, 3_usize);
/// let policy = freeze_policy! { start: train fc lr { base / 2.0 }; epoch { epochs }: stop }?;
/// # Ok::<(), freeze_runtime::diagnostic::Findings>(())
/// ```
///
/// Text that Rust cannot tokenise is written as a string literal, `freeze_policy!("…")`, and
/// a policy in a file is named: `freeze_policy!(file = "gradual.freeze")`.
///
/// Where a policy names a model, as in `model "resnet18.model.json";`, it is checked against
/// that model's parameters too. Both paths are relative to the file in which they are written.
/// The compiler runs again when one of these files changes, unless it is larger than 64 MB: for
/// a model as large as that, name a `.model.json` in place of the `.safetensors` file.
#[macro_export]
macro_rules! freeze_policy {
    ($($policy:tt)*) => {
        $crate::__private::freeze_policy_impl! { [$crate] $($policy)* }
    };
}

/// What the macro's expansion names.
pub mod __private {
    pub use std::borrow::Cow;
    pub use std::vec::Vec;

    pub use freeze_dsl::{ast, policy, source};
    pub use freeze_macros::freeze_policy_impl;

    /// The value of an expression in braces.
    pub fn number(value: impl Number) -> f64 {
        value.to_f64()
    }

    /// Rust's types of numbers.
    #[diagnostic::on_unimplemented(
        message = "an expression in `freeze_policy!` must be a number, not `{Self}`",
        label = "this is not a number"
    )]
    pub trait Number {
        /// The nearest `f64`.
        fn to_f64(self) -> f64;
    }

    /// Implements [`Number`] for types that `as` converts.
    macro_rules! numbers {
        ($($number:ty)*) => {
            $(impl Number for $number {
                #[allow(
                    clippy::cast_precision_loss,
                    clippy::cast_lossless,
                    clippy::unnecessary_cast,
                    reason = "the nearest is what is asked for"
                )]
                fn to_f64(self) -> f64 {
                    self as f64
                }
            })*
        };
    }

    numbers! { f32 f64 i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }
}
