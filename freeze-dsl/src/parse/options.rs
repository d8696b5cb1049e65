//! From pest's pairs to the tree: options and curves.

use pest::iterators::Pair;

use super::Rule;
use super::statements::{TreeBuilder, all, part, parts};
use crate::ast::{Argument, Curve, Piece, Repeat, Setting, Shape, Stats};
use crate::source::Spanned;

impl<'t> TreeBuilder<'t> {
    pub(super) fn setting(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Setting>> {
        let place = self.span(&pair);
        if pair.as_rule() == Rule::keep_state {
            return Some(Spanned::new(Setting::KeepState, place));
        }
        let option = pair.into_inner().next()?;
        let kind = option.as_rule();
        let mut inner = option.into_inner();
        let value = inner.nth(1)?;
        let setting = match kind {
            Rule::lr if value.as_rule() == Rule::relative => self.relative(value)?,
            Rule::lr => Setting::Lr(self.curve(value)?),
            Rule::weight_decay => Setting::WeightDecay(self.curve(value)?),
            Rule::anchor => Setting::Anchor(self.number(value)?),
            Rule::optimizer => Setting::Optimizer {
                name: self.text(&value),
                arguments: all(inner
                    .flat_map(|arguments| parts(arguments, Rule::argument))
                    .map(|argument| self.argument(argument)))?,
            },
            Rule::stats if value.as_rule() == Rule::kw_held => Setting::Stats(Stats::Held),
            Rule::stats => Setting::Stats(Stats::Live),
            _ => return None,
        };
        Some(Spanned::new(setting, place))
    }

    fn argument(&mut self, pair: Pair<'t, Rule>) -> Option<Argument> {
        let mut inner = pair.into_inner();
        let name = self.text(&inner.next()?);
        let value = inner.next().map_or(Some(None), |value| self.curve(value).map(Some))?;
        Some(Argument { name, value })
    }

    /// `* 0.5 to 1e-6`
    fn relative(&mut self, pair: Pair<'t, Rule>) -> Option<Setting> {
        let mut numbers = parts(pair, Rule::number);
        let factor = self.number(numbers.next()?)?;
        let to = numbers.next().map_or(Some(None), |to| self.number(to).map(Some))?;
        Some(Setting::LrTimes { factor, to })
    }

    fn curve(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Curve>> {
        let place = self.span(&pair);
        let then_freeze = part(pair.clone(), Rule::kw_freeze).is_some();
        let pieces = parts(pair, Rule::piece);
        let pieces = all(pieces.map(|piece| self.piece(piece)))?;
        Some(Spanned::new(Curve { pieces, then_freeze }, place))
    }

    fn piece(&mut self, pair: Pair<'t, Rule>) -> Option<Spanned<Piece>> {
        let place = self.span(&pair);
        let piece = pair.into_inner().next()?;
        let kind = piece.as_rule();
        let mut inner = piece.into_inner();
        let first = inner.next()?;
        let piece = if kind == Rule::ramp {
            let shape = self.shape(first)?;
            let from = self.number(inner.next()?)?;
            let to = self.number(inner.nth(1)?)?;
            let over = self.duration(inner.nth(1)?)?;
            let repeat = inner.next().map_or(Some(None), |repeat| self.repeat(repeat).map(Some))?;
            Piece::Ramp { shape, from, to, over, repeat }
        } else if kind == Rule::invsqrt {
            let from = self.number(inner.next()?)?;
            let over = self.duration(inner.nth(1)?)?;
            Piece::InverseSqrt { from, over }
        } else {
            let from = self.number(first)?;
            match inner.nth(1) {
                None => Piece::Hold(from),
                Some(factor) => {
                    let factor = self.number(factor)?;
                    let every = self.duration(inner.nth(1)?)?;
                    let to = inner.nth(1).map_or(Some(None), |to| self.number(to).map(Some))?;
                    Piece::Staircase { from, factor, every, to }
                }
            }
        };
        Some(Spanned::new(piece, place))
    }

    fn shape(&mut self, pair: Pair<'t, Rule>) -> Option<Shape> {
        let mut inner = pair.into_inner();
        Some(match inner.next()?.as_rule() {
            Rule::kw_linear => Shape::Linear,
            Rule::kw_cosine => Shape::Cosine,
            Rule::kw_exp => Shape::Exp,
            Rule::kw_sqrt => Shape::Sqrt,
            _ => Shape::Power(self.number(inner.next()?)?),
        })
    }

    fn repeat(&mut self, pair: Pair<'t, Rule>) -> Option<Repeat> {
        let stretching =
            part(pair, Rule::number).map_or(Some(None), |number| self.number(number).map(Some))?;
        Some(Repeat { stretching })
    }
}
