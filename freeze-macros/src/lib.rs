//! `freeze_policy!`: a freeze policy checked by the compiler.
//!
//! Programs use the macro by way of `freeze-runtime`, which documents it. This crate is a shell
//! around `freeze-dsl`: `text` rebuilds the text from the tokens, `freeze-dsl` parses and checks
//! it, `report` reports the findings at those tokens, and `emit` writes the policy as a constant.

#[cfg(test)]
mod agreement;
mod emit;
mod expand;
mod file_form;
mod files;
mod input;
mod report;
mod text;

/// What `freeze_policy!` expands to. The tokens begin with `[$crate]`, the crate that holds
/// what the expansion names.
#[doc(hidden)]
#[proc_macro]
pub fn freeze_policy_impl(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(tokens.into()).into()
}
