//! What a path that selects nothing was probably meant to be: the same path at another place in the
//! model, with or without a prefix, or with a segment more.

use super::explain::{furthest, is_written_out};
use super::{Bound, BoundRange, NameIndex, NameSet, PathSegment, ReadyMade, is_norm_name};
use crate::diagnostic::{nearest, one_of, readable};
use crate::source::{Span, Spanned};
use crate::vocabulary::is_reserved;

/// A guess: an edit, and what it is good for.
pub(super) struct Repair {
    pub(super) message: String,
    pub(super) span: Span,
    pub(super) text: String,
}

/// A path that selects nothing.
pub(super) struct EmptyPath<'p, 'm> {
    pub(super) index: &'p NameIndex<'m>,
    pub(super) path: &'p [Spanned<PathSegment<'p>>],
    /// Its first segment that does not match.
    pub(super) failing: usize,
    pub(super) span: Span,
    pub(super) text: &'p str,
}

type Path<'p> = Vec<Spanned<PathSegment<'p>>>;

impl<'p, 'm> EmptyPath<'p, 'm> {
    /// What the path was meant to be, if the model has all of its segments. That is likelier than
    /// a name that is spelt alike.
    pub(super) fn repair(&self) -> Option<Repair> {
        self.unquoted()
            .or_else(|| self.ready_made())
            .or_else(|| self.rows())
            .or_else(|| self.siblings())
            .or_else(|| self.between())
            .or_else(|| self.deeper(self.path, self.span.start, true))
    }

    /// The places in which the path fits, if there are few but not one.
    pub(super) fn choices(&self) -> Option<String> {
        const FEW: usize = 4;
        let written = self.text.get(self.span.range()).filter(|_| !self.is_quoted())?;
        let mut places = self.places(self.path);
        let choices: Vec<String> = places
            .by_ref()
            .take(FEW)
            .map(|place| format!("`{place}.{}`", readable(written)))
            .collect();
        (choices.len() > 1 && places.next().is_none())
            .then(|| format!("it could be {}", one_of(&choices)))
    }

    /// `bias`, `norms`, `LayerNorm`: a kind of parameters.
    fn ready_made(&self) -> Option<Repair> {
        let [Spanned { value: PathSegment::Name(word), .. }] = self.path else { return None };
        let named = match *word {
            "bias" | "beta" => ReadyMade::Biases,
            "norm" => ReadyMade::Norms,
            word => ReadyMade::of(word).or_else(|| {
                // A norm's own name, unless it is that of some of the model's norms alone.
                let is_all = || self.anywhere() == self.index.named(ReadyMade::Norms);
                (is_norm_name(word) && (self.anywhere().is_clear() || is_all()))
                    .then_some(ReadyMade::Norms)
            })?,
        };
        let name = format!("@{}", named.word());
        let message = match named {
            // What they select is known only when the rule fires.
            ReadyMade::Trainable | ReadyMade::Frozen => format!("did you mean `{name}`?"),
            _ => {
                let selected = self.index.named(named);
                if selected.is_clear() {
                    return None;
                }
                meant(&name, &selected)
            }
        };
        Some(Repair { message, span: self.span, text: name })
    }

    /// `"layer4.*"`: a literal path with wildcards in it.
    fn unquoted(&self) -> Option<Repair> {
        if !self.is_quoted() {
            return None;
        }
        let mut names: Vec<&str> = Vec::new();
        for segment in self.path {
            let PathSegment::Name(name) = segment.value else { return None };
            names.push(name);
        }
        let is_writable = |name: &&str| is_plain(&name.replace('*', ""));
        if !names.iter().any(|name| name.contains('*')) || !names.iter().all(is_writable) {
            return None;
        }
        let segment = |name: &&'p str| match *name {
            "**" => PathSegment::AnyDepth,
            name if name.contains('*') => PathSegment::Glob(name),
            name => PathSegment::Name(name),
        };
        let path: Path<'_> =
            names.iter().map(|name| Spanned::new(segment(name), self.span)).collect();
        self.edit(&path, self.span, names.join("."))
    }

    /// `layer[i]` in a loop, where the model has `layer1` and `layer2`: such names are no indices.
    pub(super) fn numbered_names(&self, names: &[&str]) -> Option<String> {
        let PathSegment::Name(word) = self.path.get(self.failing)?.value else { return None };
        let index = self.path.get(self.failing + 1)?;
        if !matches!(index.value, PathSegment::Index(_)) || is_written_out(index, self.text) {
            return None;
        }
        let is_number = |end: &str| !end.is_empty() && end.chars().all(|it| it.is_ascii_digit());
        let numbered = |name: &&&str| name.strip_prefix(word).is_some_and(is_number);
        let mut numbered = names.iter().filter(numbered);
        let (first, second) = (numbered.next()?, numbered.next()?);
        Some(format!(
            "`{first}` is one segment, without an index; a loop over such names is written `for \
             @x in [{first}, {second}] {{ … }}`"
        ))
    }

    /// `fc.weight[0..5]`: rows, as an index of the parameter.
    fn rows(&self) -> Option<Repair> {
        let (index, holder) = self.path.split_last()?;
        if !matches!(index.value, PathSegment::Index(_)) || holder.len() != self.failing {
            return None;
        }
        let selected = self.index.path(holder);
        let mut selected = selected.iter();
        if selected.next().is_none() || selected.next().is_some() {
            return None;
        }
        let parameter = self.text.get(self.span.start..index.span.start)?;
        let rows = self.text.get(index.span.range())?.trim_matches(['[', ']']);
        let written = format!("rows {rows} of {parameter}");
        let message = format!("rows of a parameter are written `{}`", readable(&written));
        Some(Repair { message, span: self.span, text: written })
    }

    /// What this path selects at any depth.
    fn anywhere(&self) -> NameSet {
        let mut anywhere = vec![Spanned::new(PathSegment::AnyDepth, self.span)];
        anywhere.extend(self.path.iter().cloned());
        self.index.path(&anywhere)
    }

    /// `layer[1..3]`, where the model has `layer1` and `layer2`.
    fn siblings(&self) -> Option<Repair> {
        /// More than a person would write out.
        const MOST: u64 = 64;
        let word = self.path.get(self.failing)?;
        let range = self.path.get(self.failing + 1)?;
        let (PathSegment::Name(name), PathSegment::Index(BoundRange { start, end })) =
            (&word.value, &range.value)
        else {
            return None;
        };
        if !is_written_out(range, self.text) {
            return None;
        }
        let (Bound::At(start), Bound::At(end)) = (*start, *end) else { return None };
        if end.checked_sub(start)? > MOST {
            return None;
        }
        let names: Vec<String> = (start..end).map(|number| format!("{name}{number}")).collect();
        let mut all = NameSet::new();
        for name in &names {
            let mut path = self.path.to_vec();
            path.splice(
                self.failing..self.failing + 2,
                [Spanned::new(PathSegment::Name(name), word.span)],
            );
            let selected = self.index.path(&path);
            if selected.is_clear() {
                return None;
            }
            all.union_with(&selected);
        }
        let text = match names.as_slice() {
            [only] => only.clone(),
            _ => format!("{{{}}}", names.join(",")),
        };
        let message = meant(&text, &all);
        Some(Repair { message, span: word.span.to(range.span), text })
    }

    /// `layer4.conv1`, where blocks lie between: `layer4.*.conv1`; `bert.*.bias`: `bert.**.bias`.
    fn between(&self) -> Option<Repair> {
        let before = self.path.get(self.failing.checked_sub(1)?)?;
        let failing = self.path.get(self.failing)?;
        if self.is_quoted() {
            return None;
        }
        if before.value == PathSegment::Glob("*") {
            let mut path = self.path.to_vec();
            path.get_mut(self.failing - 1)?.value = PathSegment::AnyDepth;
            return self.edit(&path, before.span, "**".to_owned());
        }
        // An index directly follows its name.
        let is_glued = self.text.get(failing.span.start..)?.starts_with('[');
        let inserted = |segment: &str| {
            if is_glued { format!(".{segment}") } else { format!("{segment}.") }
        };
        let place = Span::new(failing.span.start, failing.span.start);
        let with = |segment| {
            let mut path = self.path.to_vec();
            path.insert(self.failing, Spanned::new(segment, place));
            path
        };
        let path = with(PathSegment::Glob("*"));
        let spread = self.index.spread_at(&path, self.failing);
        if let [only] = spread.as_slice()
            && is_plain(only)
        {
            return self.edit(&with(PathSegment::Name(only)), place, inserted(only));
        }
        self.edit(&path, place, inserted("*"))
            .or_else(|| self.edit(&with(PathSegment::AnyDepth), place, inserted("**")))
    }

    /// The modules in which a path selects something.
    fn places<'s>(
        &'s self,
        path: &'s [Spanned<PathSegment<'p>>],
    ) -> impl Iterator<Item = String> + use<'s, 'p, 'm> {
        let parents = match path.first() {
            Some(Spanned { value: PathSegment::AnyDepth | PathSegment::Glob("*"), .. }) | None => {
                Vec::new()
            }
            Some(first) => self.index.tree.parents_of(first),
        };
        parents.into_iter().filter(|prefix| {
            let prefix = prefix.split('.').map(PathSegment::Name);
            let mut whole: Path<'_> =
                prefix.map(|segment| Spanned::new(segment, self.span)).collect();
            whole.extend(path.iter().cloned());
            !self.index.path(&whole).is_clear()
        })
    }

    /// `encoder.layer[10]`, where the model has `bert.encoder`; `query`: `**.query`, if
    /// `everywhere`. `start` is the byte at which the path begins in the text.
    fn deeper(
        &self,
        path: &[Spanned<PathSegment<'p>>],
        start: usize,
        everywhere: bool,
    ) -> Option<Repair> {
        let first = path.first()?;
        let mut places = self.places(path);
        let (only, more) = (places.next()?, places.next());
        let removed = Span::new(self.span.start, start);
        if more.is_none() && only.split('.').all(is_plain) {
            let mut whole: Path<'_> = only
                .split('.')
                .map(|segment| Spanned::new(PathSegment::Name(segment), first.span))
                .collect();
            whole.extend(path.iter().cloned());
            // Within the quotes of a literal path.
            let quote = if self.is_quoted() { first.span.start - self.span.start } else { 0 };
            let removed = Span::new(removed.start + quote, removed.end.max(removed.start + quote));
            return self.edit(&whole, removed, format!("{only}."));
        }
        let is_numbered = path.iter().any(|it| matches!(it.value, PathSegment::Index(_)));
        if more.is_none() || !everywhere || self.is_quoted() || is_numbered {
            return None;
        }
        let mut whole = vec![Spanned::new(PathSegment::AnyDepth, first.span)];
        whole.extend(path.iter().cloned());
        self.edit(&whole, removed, "**.".to_owned())
    }

    /// `module.fc`, `base_model.model.layers[0]`: a prefix that another program puts before names.
    pub(super) fn dropped(&self) -> Option<Repair> {
        let rests = || (1..self.path.len()).map_while(|count| self.without_prefix(count));
        let exact = rests().find_map(|(from, rest)| {
            let start = rest.first()?.span.start;
            let empty = || EmptyPath {
                path: rest,
                failing: furthest(&self.index.tree, rest).0,
                span: Span::new(start, self.span.end),
                ..*self
            };
            self.edit(rest, Span::new(from, start), String::new()).or_else(|| {
                let repair = empty().between().or_else(|| empty().deeper(rest, start, false));
                self.with_removed(from, start, repair.filter(|_| !self.is_quoted())?)
            })
        });
        exact.or_else(|| {
            rests().find_map(|(from, rest)| {
                let PathSegment::Name(word) = rest.first()?.value else { return None };
                let names: Vec<&str> = self.index.tree.next_names(&[], 0).into_iter().collect();
                let near = nearest(word, names.iter().copied())?;
                // Of several that are spelt alike, any may be meant.
                let is_alike = |name: &&str| *name != near && name.len() == near.len();
                let others = names.iter().copied().filter(is_alike);
                if nearest(word, others).is_some() {
                    return None;
                }
                let mut path = rest.to_vec();
                let first = path.first_mut()?;
                first.value = PathSegment::Name(near);
                let place = Span::new(from, first.span.end);
                self.edit(&path, place, near.to_owned())
            })
        })
    }

    /// The path without its first segments, if these are names that the model does not begin with,
    /// and the byte of the text at which they begin.
    fn without_prefix(&self, count: usize) -> Option<(usize, &'p [Spanned<PathSegment<'p>>])> {
        let (prefix, rest) = self.path.split_at_checked(count)?;
        let (from, last, next) = (prefix.first()?.span.start, prefix.last()?, rest.first()?);
        // Without any name at its start, nothing is left of what was meant.
        let is_named = matches!(&next.value, PathSegment::Name(_))
            || matches!(&next.value, PathSegment::Glob(glob) if !glob.trim_matches('*').is_empty());
        let is_name = matches!(last.value, PathSegment::Name(name) if !name.starts_with(|sign: char| sign.is_ascii_digit()));
        let is_repeated = last.value == next.value;
        let is_known = !self.index.path(std::slice::from_ref(last)).is_clear();
        (is_name && is_named && (is_repeated || !is_known)).then_some((from, rest))
    }

    /// A repair of the rest of the path that also removes the text from one byte to another.
    fn with_removed(&self, from: usize, start: usize, repair: Repair) -> Option<Repair> {
        let kept = self.text.get(start..repair.span.start)?;
        let text = format!("{kept}{}", repair.text);
        Some(Repair { span: Span::new(from, repair.span.end), text, ..repair })
    }

    /// An edit of the text, if the path then selects something.
    fn edit(&self, path: &[Spanned<PathSegment<'_>>], span: Span, text: String) -> Option<Repair> {
        let selected = self.index.path(path);
        if selected.is_clear() {
            return None;
        }
        let before = self.text.get(self.span.start..span.start)?;
        let after = self.text.get(span.end..self.span.end)?;
        let written = readable(&format!("{before}{text}{after}"));
        Some(Repair { message: meant(&written, &selected), span, text })
    }

    fn is_quoted(&self) -> bool {
        let written = self.text.get(self.span.range()).unwrap_or_default();
        written.ends_with(['"', '#'])
    }
}

fn meant(written: &str, selected: &NameSet) -> String {
    let count = selected.iter().count();
    let parameters = if count == 1 { "parameter" } else { "parameters" };
    format!("did you mean `{written}`? It selects {count} {parameters}")
}

/// Whether a segment can be written in a path without quotes.
pub(super) fn is_plain(segment: &str) -> bool {
    !is_reserved(segment)
        && segment.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}
