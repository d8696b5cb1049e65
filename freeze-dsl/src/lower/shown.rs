//! Targets as text, with names and numbers replaced by what they mean: the names of tracks and of
//! the metrics that the runtime observes by itself.

use super::Lowering;
use super::scope::Meaning;
use crate::ast::{
    Bounds, Count, Elements, Item, List, Listing, Number, Prefix, Segment, Selector, Targets, Term,
};
use crate::diagnostic::shown_number;
use crate::source::Spanned;

/// How many names of a text are replaced by what they mean. Names that are defined by names can make
/// a text of any length, and one that is wrong may be defined by itself.
const MOST_NAMES: usize = 32;

impl Lowering<'_, '_> {
    /// The column of the norm of the gradients of these targets.
    pub(super) fn grad_norm_name(&mut self, targets: &Targets) -> String {
        self.names_shown = 0;
        let shown = match &*targets.selectors {
            // A name alone stands for what it means.
            [only] if is_simple(targets) => self.shown_alone(&only.term),
            _ => self.shown_targets(targets),
        };
        format!("grad_norm({shown})")
    }

    /// A term that stands for itself, without parentheses around it.
    fn shown_alone(&mut self, term: &Spanned<Term>) -> String {
        let shown = self.shown_term(term);
        let inner = shown.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        match inner.filter(|inner| !inner.contains(['(', ')'])) {
            Some(inner) => inner.to_owned(),
            None => shown,
        }
    }

    /// Targets as text.
    pub(super) fn shown(&mut self, targets: &Targets) -> String {
        self.names_shown = 0;
        self.shown_targets(targets)
    }

    fn shown_targets(&mut self, targets: &Targets) -> String {
        let mut shown = self.shown_selectors(&targets.selectors);
        if !targets.except.is_empty() {
            shown.push_str(" except ");
            shown.push_str(&self.shown_selectors(&targets.except));
        }
        shown
    }

    fn shown_selectors(&mut self, selectors: &List<Spanned<Selector>>) -> String {
        let selectors = selectors.iter().map(|selector| {
            let mut shown = self.shown_term(&selector.term);
            if let Some(within) = &selector.within {
                shown.push_str(" in ");
                shown.push_str(&self.shown_term(within));
            }
            if selector.is_optional {
                shown.push('?');
            }
            shown
        });
        selectors.collect::<Vec<_>>().join(", ")
    }

    fn shown_term(&mut self, term: &Spanned<Term>) -> String {
        match &term.value {
            Term::Path(path) => self.shown_path(path),
            // What is drawn is no track's scope and in no norm, so it has no column.
            Term::Regex(_) | Term::Sample(_) => self.slice(term.span),
            Term::Named(name) => self.shown_name(name),
            Term::Listing(list) => self.shown_list(list),
            Term::Rows(rows) => {
                let mut bounds: Vec<String> =
                    rows.bounds.iter().map(|bounds| self.shown_bounds(bounds)).collect();
                let bounds = match bounds.as_slice() {
                    [_] => bounds.remove(0),
                    many => format!("[{}]", many.join(", ")),
                };
                format!("rows {bounds} of {}", self.shown_path(&rows.of))
            }
            Term::Group(targets) => format!("({})", self.shown_targets(targets)),
        }
    }

    /// What a name means.
    fn shown_name(&mut self, name: &str) -> String {
        if let Some(Meaning::Element(element)) = self.scope.get(name, false) {
            return element.shown.clone();
        }
        self.names_shown += 1;
        let is_replaced = self.names_shown <= MOST_NAMES;
        match self.let_items.get(name).copied().filter(|_| is_replaced) {
            Some(Item::LetTargets { targets, .. }) if is_simple(targets) => {
                self.shown_targets(targets)
            }
            Some(Item::LetTargets { targets, .. }) => format!("({})", self.shown_targets(targets)),
            Some(Item::LetList { list, .. }) => self.shown_list(list),
            _ => match self.shown_cut() {
                Some(cut) => format!("(@{name} {cut})"),
                None => format!("@{name}"),
            },
        }
    }

    fn shown_list(&mut self, list: &Listing) -> String {
        let prefixes = list.prefixes.iter().map(|prefix| match &prefix.value {
            Prefix::Reversed => "reversed ".to_owned(),
            Prefix::First(count) => format!("first {} of ", self.shown_count(count)),
            Prefix::Last(count) => format!("last {} of ", self.shown_count(count)),
        });
        let prefixes: String = prefixes.collect();
        let base = match &list.base.value {
            Elements::Named(name) => self.shown_name(name),
            Elements::These(elements) => {
                let elements = elements.iter().map(|element| {
                    let sign = if element.is_optional { "?" } else { "" };
                    format!("{}{sign}", self.shown_term(&element.term))
                });
                format!("[{}]", elements.collect::<Vec<_>>().join(", "))
            }
        };
        format!("{prefixes}{base}")
    }

    fn shown_path(&mut self, path: &[Spanned<Segment>]) -> String {
        let mut shown = String::new();
        for segment in path {
            let is_index = matches!(segment.value, Segment::Index(_));
            if !shown.is_empty() && !is_index {
                shown.push('.');
            }
            let segment = match &segment.value {
                Segment::Literal(_) => self.slice(segment.span),
                Segment::Glob(word) => word.to_string(),
                Segment::Index(bounds) => format!("[{}]", self.shown_bounds(bounds)),
                Segment::OneOf(words) => {
                    let words: Vec<&str> = words.iter().map(|word| &*word.value).collect();
                    format!("{{{}}}", words.join(","))
                }
            };
            shown.push_str(&segment);
        }
        shown
    }

    fn shown_bounds(&mut self, bounds: &Bounds) -> String {
        match bounds {
            Bounds::One(only) => self.shown_number(only),
            Bounds::Range { start, end, inclusive } => {
                let mut end_of = |end: &Option<Spanned<Number>>| {
                    end.as_ref().map_or(String::new(), |end| self.shown_number(end))
                };
                let (start, end) = (end_of(start), end_of(end));
                format!("{start}{}{end}", if *inclusive { "..=" } else { ".." })
            }
        }
    }

    fn shown_count(&mut self, count: &Count) -> String {
        let sign = if count.is_percent { "%" } else { "" };
        format!("{}{sign}", self.shown_number(&count.number))
    }

    fn shown_number(&mut self, number: &Spanned<Number>) -> String {
        self.number(number).map_or_else(|| self.slice(number.span), shown_number)
    }
}

/// Whether targets are one term.
fn is_simple(targets: &Targets) -> bool {
    matches!(&*targets.selectors, [only] if only.within.is_none() && !only.is_optional)
        && targets.except.is_empty()
}
