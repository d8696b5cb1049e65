//! A policy to the expression that is that policy.

use std::borrow::Cow;

use freeze_dsl::policy::Policy;
use freeze_dsl::source::{Span, Spanned};
use freeze_dsl::{Optimizer, policy};
use proc_macro2::TokenStream;
use quote::quote;

/// A constant expression that is equal to the policy, behind these items.
pub(crate) fn constant(home: &TokenStream, items: &TokenStream, policy: &Policy) -> TokenStream {
    let parts = policy.parts().emit();
    let source = policy.source();
    let (name, text, first_line) = (source.name(), source.text(), source.first_line());
    // Only the value of a constant item may refer to lists that are written within it.
    quote! {
        const {
            use #home::__private as freeze;
            #items
            const PARTS: freeze::policy::Parts = #parts;
            freeze::policy::Policy::from_checked(
                freeze::source::Source::embedded(#name, #text, #first_line),
                PARTS,
            )
        }
    }
}

/// Data, as the Rust expression that is equal to it.
trait Emit {
    fn emit(&self) -> TokenStream;
}

impl Emit for f64 {
    fn emit(&self) -> TokenStream {
        let bits = self.to_bits();
        quote!(f64::from_bits(#bits))
    }
}

impl Emit for u64 {
    fn emit(&self) -> TokenStream {
        quote!(#self)
    }
}

impl Emit for bool {
    fn emit(&self) -> TokenStream {
        quote!(#self)
    }
}

impl<T: Emit> Emit for Option<T> {
    fn emit(&self) -> TokenStream {
        let Some(value) = self.as_ref().map(Emit::emit) else {
            return quote!(::core::option::Option::None);
        };
        quote!(::core::option::Option::Some(#value))
    }
}

impl Emit for Cow<'_, str> {
    fn emit(&self) -> TokenStream {
        quote!(freeze::Cow::Borrowed(#self))
    }
}

impl<T: Emit + Clone> Emit for Cow<'_, [T]> {
    fn emit(&self) -> TokenStream {
        let items = self.iter().map(Emit::emit);
        quote!(freeze::Cow::Borrowed(&[#(#items),*]))
    }
}

impl<T: Emit> Emit for Spanned<T> {
    fn emit(&self) -> TokenStream {
        let (value, span) = (self.value.emit(), self.span.emit());
        quote!(freeze::source::Spanned { value: #value, span: #span })
    }
}

impl Emit for Span {
    fn emit(&self) -> TokenStream {
        let Self { start, end } = self;
        quote!(freeze::source::Span::new(#start, #end))
    }
}

/// Implements [`Emit`] for structs and enums, all of whose fields and variants are named.
macro_rules! emit {
    ($(struct $($path:ident)::+ { $($field:ident),* })*) => {
        $(
            impl Emit for $($path)::+ {
                fn emit(&self) -> TokenStream {
                    let Self { $($field),* } = self;
                    $(let $field = $field.emit();)*
                    quote!(freeze::$($path)::+ { $($field: #$field),* })
                }
            }
        )*
    };
    ($(enum $($path:ident)::+ {
        $($variant:ident $(($($item:ident),*))? $({ $($field:ident),* })?),*
    })*) => {
        $(
            impl Emit for $($path)::+ {
                fn emit(&self) -> TokenStream {
                    let path = quote!(freeze::$($path)::+);
                    match self {
                        $(Self::$variant $(($($item),*))? $({ $($field),* })? => {
                            $($(let $item = $item.emit();)*)?
                            $($(let $field = $field.emit();)*)?
                            quote!(#path::$variant $(($(#$item),*))? $({ $($field: #$field),* })?)
                        })*
                    }
                }
            }
        )*
    };
}

emit! {
    struct policy::Parts { model, run, defaults, rules }
    struct policy::Rule { name, trigger, actions }
    struct policy::Options { lr, weight_decay, optimizer }
    struct policy::Targets { selectors, except }
    struct policy::Selector { term, within }
}

emit! {
    enum policy::Length { Epochs(count), Steps(count) }
    enum policy::Moment { Epoch(at), Step(at), After(length), AfterFraction(fraction) }
    enum policy::Action {
        Train(targets, options),
        Unfreeze(targets, options),
        Set(targets, options),
        Freeze(targets),
        Stop
    }
    enum policy::Term { Path(segments), Named(named), Group(targets) }
    enum policy::Segment { Name(name), Glob(pattern), AnyDepth, Index { start, end }, OneOf(names) }
    enum policy::Named { All, Biases, Vectors }
    enum Optimizer {
        Sgd { momentum, dampening, nesterov },
        Adam { beta1, beta2, eps, amsgrad },
        AdamW { beta1, beta2, eps, amsgrad },
        RmsProp { alpha, eps, momentum, centered }
    }
}
