//! A policy as the Rust expression that evaluates to it.

use std::borrow::Cow;

use freeze_dsl::ast;
use freeze_dsl::policy::Policy;
use freeze_dsl::source::{Span, Spanned};
use proc_macro2::TokenStream;
use quote::quote;

/// An expression that evaluates to the policy, after these items. Without Rust expressions it is a
/// constant; with them it is a `Result`, since their values are checked when it is evaluated.
pub(crate) fn policy(
    home: &TokenStream,
    items: &TokenStream,
    policy: &Policy,
    rust: &[TokenStream],
) -> TokenStream {
    let tree = policy.tree().emit();
    let source = policy.source();
    let (name, text, first_line) = (source.name(), source.text(), source.first_line());
    // Only a constant item may contain references to temporary lists.
    let items = quote! {
        use #home::__private as freeze;
        #items
        const TREE: freeze::ast::Tree = #tree;
        const SOURCE: freeze::source::Source =
            freeze::source::Source::embedded(#name, #text, #first_line);
    };
    if rust.is_empty() {
        return quote! {
            const {
                #items
                freeze::policy::Policy::from_checked(SOURCE, TREE)
            }
        };
    }
    // The expressions must not see the names that the items bring into scope.
    quote! {
        match [#(#home::__private::number({ #rust })),*] {
            numbers => {
                #items
                freeze::policy::Policy::with_rust(SOURCE, TREE, freeze::Vec::from(numbers))
            }
        }
    }
}

/// Data as the Rust expression that evaluates to it.
pub(crate) trait Emit {
    /// The expression.
    fn emit(&self) -> TokenStream;
}

impl Emit for f64 {
    fn emit(&self) -> TokenStream {
        let bits = self.to_bits();
        quote!(f64::from_bits(#bits))
    }
}

impl Emit for () {
    fn emit(&self) -> TokenStream {
        quote!(())
    }
}

impl Emit for usize {
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

impl<T: Emit> Emit for ast::CowBox<T> {
    fn emit(&self) -> TokenStream {
        let value = (**self).emit();
        quote!(freeze::ast::CowBox::Static(&#value))
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
    struct ast::Tree { items, rust }
    struct ast::Rule { trigger, name, actions }
    struct ast::Condition { metric, test }
    struct ast::WrittenMargin { number, is_percent }
    struct ast::Argument { name, value }
    struct ast::Curve { pieces, then_freeze }
    struct ast::Repeat { stretching }
    struct ast::Targets { selectors, except }
    struct ast::Selector { term, within, is_optional }
    struct ast::Sample { count, list, seed }
    struct ast::Rows { bounds, of }
    struct ast::Count { number, is_percent }
    struct ast::Element { term, is_optional }
    struct ast::Listing { prefixes, base }
    struct ast::Number { steps }
}

emit! {
    enum ast::Item {
        Model(path),
        Run(duration),
        Default(settings),
        LetNumber { name, number },
        LetTargets { name, targets },
        LetList { name, list },
        For { head, body },
        Track { name, scope, body },
        Repeat { body },
        Rule(rule)
    }
    enum ast::Loop { Each { index, element, list }, Range { index, start, end, inclusive } }
    enum ast::Moment {
        Start,
        Epoch(at),
        Step(at),
        At(percent),
        After(duration),
        Every(duration),
        When(conditions),
        Whenever(conditions)
    }
    enum ast::Metric { Named(name), GradNorm(targets) }
    enum ast::Test {
        Stops { direction, patience, by },
        Compares { relation, bound, lasting }
    }
    enum ast::Direction { Falling, Rising }
    enum ast::Relation { Below, AtMost, Above, AtLeast }
    enum ast::Duration { Epochs(number), Steps(number), Percent(number), Rest }
    enum ast::Action {
        On { verb, targets, settings },
        Reset(targets),
        Restore { best, metric },
        Stop,
        For { head, body }
    }
    enum ast::Best { Lowest, Highest }
    enum ast::Verb { Train, Unfreeze, Set, Freeze }
    enum ast::Setting {
        Lr(curve),
        LrTimes { factor, to },
        WeightDecay(curve),
        Anchor(number),
        Optimizer { name, arguments },
        Stats(stats),
        KeepState
    }
    enum ast::Stats { Held, Live }
    enum ast::Piece {
        Hold(number),
        Ramp { shape, from, to, over, repeat },
        InverseSqrt { from, over },
        Staircase { from, factor, every, to }
    }
    enum ast::Shape { Linear, Cosine, Exp, Sqrt, Power(exponent) }
    enum ast::Term {
        Path(segments),
        Regex(regex),
        Named(name),
        Listing(list),
        Sample(sample),
        Rows(rows),
        Group(targets)
    }
    enum ast::Prefix { Reversed, First(count), Last(count) }
    enum ast::Elements { These(terms), Named(name) }
    enum ast::Segment {
        Literal(name),
        Glob(pattern),
        Index(bounds),
        OneOf(words)
    }
    enum ast::Bounds { One(only), Range { start, end, inclusive } }
    enum ast::Step {
        Literal(value),
        Name(name),
        Len(list),
        Rust(index),
        Negate,
        Add,
        Subtract,
        Multiply,
        Divide,
        Power,
        Min(count),
        Max(count),
        Floor,
        Ceil,
        Round
    }
}
