//! Actions, and which options each of them can have.

use super::Lowering;
use crate::ast::{self, Setting, Targets, Verb};
use crate::diagnostic::{Code, Diagnostic, removal};
use crate::ir::LoweredAction;
use crate::select::{PathSegment, Selection};
use crate::source::{Span, Spanned};

impl Lowering<'_, '_> {
    pub(super) fn actions(
        &mut self,
        actions: &[Spanned<ast::Action>],
        out: &mut Vec<Spanned<LoweredAction>>,
    ) {
        for action in actions {
            if let ast::Action::For { head, body } = &action.value {
                self.each_turn(head, |lowering| lowering.actions(body, out));
                continue;
            }
            self.weigh_in_turn(action.span, true);
            if self.is_too_heavy() {
                return;
            }
            if let Some(done) = self.action(action) {
                out.push(Spanned::new(done, action.span));
            }
        }
    }

    fn action(&mut self, action: &Spanned<ast::Action>) -> Option<LoweredAction> {
        Some(match &action.value {
            ast::Action::Stop => LoweredAction::Stop,
            ast::Action::Reset(targets) => LoweredAction::Reset(self.action_targets(targets)),
            ast::Action::Restore { best, metric } => {
                let metric = match &metric.value {
                    ast::Metric::Named(name) => name.clone(),
                    ast::Metric::GradNorm(_) => {
                        self.report(
                            Diagnostic::new(
                                Code::MisplacedOption,
                                metric.span,
                                "`restore` takes a metric that the program observes",
                            )
                            .label("the norm of gradients says nothing about weights"),
                        );
                        return None;
                    }
                };
                LoweredAction::Restore { best: *best, metric }
            }
            ast::Action::On { verb, targets, settings } => {
                let (targets, of_targets) = self.watch(|lowering| lowering.action_targets(targets));
                let freeze = self.freeze_edit(action.span, verb.value, targets.span, settings);
                let ((options, keep), reported) = self.watch(|lowering| {
                    lowering.check_ownerless(verb, settings);
                    let options = lowering.options(settings);
                    if verb.value != Verb::Freeze {
                        lowering.check_zero_lr(settings, &options.0, freeze.as_ref());
                    }
                    lowering.check_fit(verb.value, settings);
                    // `set lr*0.5`: an option that was read as the targets.
                    if verb.value == Verb::Set && settings.is_empty() && of_targets.is_none() {
                        lowering.without_option(action.span);
                    }
                    options
                });
                let keep_state = keep.is_some();
                LoweredAction::On { verb: verb.value, targets, options, keep_state, reported }
            }
            ast::Action::For { .. } => return None,
        })
    }

    /// Reports what a track without a scope may not do: change which parameters train.
    fn check_ownerless(&mut self, verb: &Spanned<Verb>, settings: &[Spanned<Setting>]) {
        if !self.is_in_ownerless_track() {
            return;
        }
        let word = verb.value.word();
        if verb.value != Verb::Set {
            let message = format!("a track without `in` cannot `{word}`");
            let finding = Diagnostic::new(Code::NotOwned, verb.span, message)
                .label("it owns no parameters, so it changes options alone")
                .note("write what the track owns after `in`, as in `track in encoder { … }`");
            let name = self.written_track_name().filter(|(name, _)| self.is_path_of_model(name));
            self.report(finding.guess(
                "let the track own this path",
                name.map(|(_, place)| (Span::new(place.start, place.start), "in ")),
            ));
        }
        for setting in settings {
            if let Setting::Lr(curve) = &setting.value
                && curve.then_freeze
            {
                self.report(
                    Diagnostic::new(
                        Code::NotOwned,
                        setting.span,
                        "a track without `in` cannot end a curve with `then freeze`",
                    )
                    .label("it owns no parameters, so it freezes none"),
                );
            }
        }
    }

    /// Whether a name is a path that selects parameters.
    fn is_path_of_model(&self, name: &str) -> bool {
        let pattern: Vec<_> = name
            .split('.')
            .map(|segment| Spanned::new(PathSegment::Name(segment), Span::new(0, 0)))
            .collect();
        self.model.is_some_and(|model| !model.path(&pattern).is_clear())
    }

    /// The targets of an action. Notes that a `?` lets all of them select nothing.
    fn action_targets(&mut self, targets: &Spanned<Targets>) -> Spanned<Selection> {
        let selected = self.targets(targets);
        if selected.value == Selection::Absent {
            let message = format!("`{}` selects nothing here", self.slice(targets.span));
            self.report(
                Diagnostic::new(Code::AbsentTargets, targets.span, message)
                    .label("its `?` allows that, so this action applies to no parameter"),
            );
        }
        selected
    }

    /// An edit to `freeze`, for an action that does nothing but set one constant learning rate.
    fn freeze_edit(
        &self,
        action: Span,
        verb: Verb,
        targets: Span,
        settings: &[Spanned<Setting>],
    ) -> Option<(Span, String)> {
        let (Verb::Unfreeze | Verb::Set, [only], true) = (verb, settings, self.trace.is_empty())
        else {
            return None;
        };
        let Setting::Lr(lr) = &only.value else { return None };
        let written = self.text.get(targets.range()).unwrap_or_default();
        (lr.pieces.len() == 1 && !lr.then_freeze)
            .then(|| (action, format!("{} {written}", Verb::Freeze.word())))
    }

    fn without_option(&mut self, action: Span) {
        self.report(
            Diagnostic::new(Code::MisplacedOption, action, "`set` without an option")
                .label("expected an option such as `lr`, `weight_decay` or `optimizer` after this")
                .guess_without("leave it out", removal::of_element(self.text, action)),
        );
    }

    fn check_fit(&mut self, verb: Verb, settings: &[Spanned<Setting>]) {
        for setting in settings {
            match (verb, &setting.value) {
                (Verb::Freeze, Setting::Stats(_) | Setting::KeepState) => {}
                (Verb::Freeze, _) => {
                    let word = setting.value.word();
                    self.report(
                        Diagnostic::new(
                            Code::MisplacedOption,
                            setting.span,
                            format!("`{word}` does not fit `freeze`"),
                        )
                        .label("frozen parameters do not train, so this would do nothing")
                        .note(format!("to set `{word}` for later, use `set`"))
                        .guess_without(
                            "leave it out",
                            Some(removal::of_appendix(self.text, setting.span)),
                        ),
                    );
                }
                (_, Setting::KeepState) => {
                    self.does_not_fit(setting.span, "keep state", &format!("`{}`", verb.word()));
                }
                _ => {}
            }
        }
    }

    pub(super) fn does_not_fit(&mut self, place: Span, what: &str, action: &str) {
        self.report(
            Diagnostic::new(
                Code::MisplacedOption,
                place,
                format!("`{what}` does not fit {action}"),
            )
            .label("only `freeze` takes this")
            .guess_without("leave it out", Some(removal::of_appendix(self.text, place))),
        );
    }
}
