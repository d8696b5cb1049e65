//! Options: learning rate, weight decay, optimizer.

use super::Lowering;
use crate::ast::{Argument, Setting};
use crate::diagnostic::{Applicability, Code, Diagnostic, nearest, one_of};
use crate::optimizer::Optimizer;
use crate::policy::Options;
use crate::source::Spanned;

/// The option's word.
pub(super) const fn word(setting: &Spanned<Setting>) -> &'static str {
    match setting.value {
        Setting::Lr(_) => "lr",
        Setting::WeightDecay(_) => "weight_decay",
        Setting::Optimizer { .. } => "optimizer",
    }
}

impl Lowering<'_> {
    pub(super) fn options(&mut self, settings: &[Spanned<Setting>]) -> Options {
        let mut options = Options::default();
        for (index, setting) in settings.iter().enumerate() {
            let earlier = settings.iter().take(index);
            if let Some(first) = earlier.into_iter().find(|first| word(first) == word(setting)) {
                self.found.push(
                    Diagnostic::new(
                        Code::FRZ0403,
                        setting.span,
                        format!("`{}` is given twice", word(setting)),
                    )
                    .label("again here")
                    .also(first.span, "first here"),
                );
            }
            match &setting.value {
                Setting::Lr(lr) => {
                    self.at_least_zero("learning rate", lr);
                    options.lr = Some(*lr);
                }
                Setting::WeightDecay(decay) => {
                    self.at_least_zero("weight decay", decay);
                    options.weight_decay = Some(*decay);
                }
                Setting::Optimizer { name, arguments } => {
                    options.optimizer = self
                        .optimizer(name, arguments)
                        .map(|optimizer| Spanned::new(optimizer, setting.span));
                }
            }
        }
        options
    }

    fn at_least_zero(&mut self, what: &str, value: &Spanned<f64>) {
        if !value.value.is_finite() {
            self.out_of_range(value, format!("a {what} must be finite"));
        } else if value.value < 0.0 {
            self.out_of_range(value, format!("a {what} cannot be negative"));
        }
    }

    fn out_of_range(&mut self, value: &Spanned<f64>, message: impl Into<String>) {
        self.found.push(
            Diagnostic::new(Code::FRZ0401, value.span, message)
                .label(format!("this is {}", value.value)),
        );
    }

    fn optimizer(&mut self, name: &Spanned<String>, arguments: &[Argument]) -> Option<Optimizer> {
        let Some(mut optimizer) = KNOWN.into_iter().find(|known| known.name() == name.value) else {
            self.unknown_optimizer(name);
            return None;
        };
        for (index, argument) in arguments.iter().enumerate() {
            if let Some(first) =
                arguments.iter().take(index).find(|first| first.name == argument.name)
            {
                self.found.push(
                    Diagnostic::new(
                        Code::FRZ0404,
                        argument.name.span,
                        format!("`{}` is given twice", argument.name.value),
                    )
                    .label("again here")
                    .also(first.name.span, "first here"),
                );
            }
            self.argument(&mut optimizer, argument);
        }
        if let Optimizer::Sgd { momentum, dampening, nesterov: true } = optimizer
            && (momentum <= 0.0 || dampening != 0.0)
        {
            self.found.push(Diagnostic::new(
                Code::FRZ0401,
                name.span,
                "`nesterov` needs a momentum above 0 and no dampening",
            ));
        }
        Some(optimizer)
    }

    fn unknown_optimizer(&mut self, name: &Spanned<String>) {
        let names: Vec<String> = KNOWN.iter().map(|known| format!("`{}`", known.name())).collect();
        let finding = Diagnostic::new(
            Code::FRZ0404,
            name.span,
            format!("unknown optimizer `{}`", name.value),
        )
        .label(format!("expected {}", one_of(&names)));
        let near = nearest(&name.value.to_lowercase(), KNOWN.iter().map(Optimizer::name));
        let same =
            KNOWN.iter().map(Optimizer::name).find(|known| known.eq_ignore_ascii_case(&name.value));
        self.found.push(match same.or(near) {
            Some(near) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `{near}`?"),
                name.span,
                near,
            ),
            None => finding,
        });
    }

    /// Puts an argument in its place, if the optimizer has it.
    fn argument(&mut self, optimizer: &mut Optimizer, argument: &Argument) {
        let name = argument.name.value.as_str();
        let optimizer_name = optimizer.name();
        let Some((_, place)) = places(optimizer).into_iter().find(|(known, _)| *known == name)
        else {
            let known: Vec<_> = places(optimizer).iter().map(|(known, _)| *known).collect();
            self.unknown_argument(optimizer_name, &known, argument);
            return;
        };
        match (place, &argument.value) {
            (Place::Flag(flag), None) => *flag = true,
            (Place::Flag(_), Some(value)) => self.found.push(
                Diagnostic::new(Code::FRZ0404, value.span, format!("`{name}` takes no value"))
                    .label("leave this out: naming it switches it on"),
            ),
            (Place::Number(..), None) => self.found.push(
                Diagnostic::new(
                    Code::FRZ0404,
                    argument.name.span,
                    format!("`{name}` needs a value"),
                )
                .label("expected a number behind this"),
            ),
            (Place::Number(number, range), Some(value)) => {
                *number = value.value;
                let (fits, what) = match range {
                    Range::BelowOne => {
                        ((0.0..1.0).contains(&value.value), "must lie in 0 to 1, 1 excluded")
                    }
                    Range::ToOne => ((0.0..=1.0).contains(&value.value), "must lie in 0 to 1"),
                    Range::AtLeastZero => {
                        (value.value.is_finite() && value.value >= 0.0, "cannot be negative")
                    }
                };
                if !fits {
                    self.out_of_range(value, format!("`{name}` {what}"));
                }
            }
        }
    }

    fn unknown_argument(&mut self, optimizer: &str, known: &[&str], argument: &Argument) {
        let name = &argument.name;
        let listed: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
        let finding = Diagnostic::new(
            Code::FRZ0404,
            name.span,
            format!("`{optimizer}` has no argument `{}`", name.value),
        )
        .label(format!("expected {}", one_of(&listed)));
        self.found.push(match nearest(&name.value, known.iter().copied()) {
            Some(near) => finding.suggest(
                Applicability::Maybe,
                format!("did you mean `{near}`?"),
                name.span,
                near,
            ),
            None => finding,
        });
    }
}

const KNOWN: [Optimizer; 4] =
    [Optimizer::SGD, Optimizer::ADAM, Optimizer::ADAMW, Optimizer::RMSPROP];

enum Place<'o> {
    Number(&'o mut f64, Range),
    Flag(&'o mut bool),
}

/// What values make sense, as PyTorch's constructors check them.
enum Range {
    AtLeastZero,
    BelowOne,
    ToOne,
}

/// Where each argument of an optimizer goes.
fn places(optimizer: &mut Optimizer) -> Vec<(&'static str, Place<'_>)> {
    use Place::{Flag, Number};
    match optimizer {
        Optimizer::Sgd { momentum, dampening, nesterov } => vec![
            ("momentum", Number(momentum, Range::ToOne)),
            ("dampening", Number(dampening, Range::ToOne)),
            ("nesterov", Flag(nesterov)),
        ],
        Optimizer::Adam { beta1, beta2, eps, amsgrad }
        | Optimizer::AdamW { beta1, beta2, eps, amsgrad } => vec![
            ("beta1", Number(beta1, Range::BelowOne)),
            ("beta2", Number(beta2, Range::BelowOne)),
            ("eps", Number(eps, Range::AtLeastZero)),
            ("amsgrad", Flag(amsgrad)),
        ],
        Optimizer::RmsProp { alpha, eps, momentum, centered } => vec![
            ("alpha", Number(alpha, Range::ToOne)),
            ("eps", Number(eps, Range::AtLeastZero)),
            ("momentum", Number(momentum, Range::ToOne)),
            ("centered", Flag(centered)),
        ],
    }
}
