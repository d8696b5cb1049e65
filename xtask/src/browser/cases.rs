//! Policies whose pages are opened, and how their sliders are set.

use std::fmt::Write;

/// A policy whose page is opened. Its rules wait for a metric each, which is above 0.5 when the rule is to
/// fire.
pub(crate) struct PageCase {
    pub(crate) name: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) settings: &'static [SliderSetting],
}

/// How the sliders of a page are set.
pub(crate) struct SliderSetting {
    /// A rule, how often it has fired before, and the epoch that its slider is set to. The metric of a
    /// rule is its name; that of a rule of a track is the last word of it.
    pub(crate) moments: &'static [(&'static str, u64, u64)],
    /// Whether the drawing is another one then than at first.
    pub(crate) changes: bool,
}

/// No case has more epochs.
const EPOCHS: u64 = 24;

/// A slider at this epoch is at its end: the moment does not come in the run.
const NEVER: u64 = 99;

impl SliderSetting {
    /// Metrics that let the rules fire when their sliders say.
    pub(crate) fn metrics(&self) -> String {
        let metric = |rule: &'static str| rule.rsplit(' ').next().unwrap_or(rule);
        let mut names: Vec<&str> = self.moments.iter().map(|(rule, _, _)| metric(rule)).collect();
        names.sort_unstable();
        names.dedup();
        let mut table = format!("epoch,{}\n", names.join(","));
        for epoch in 0..EPOCHS {
            let _ = write!(table, "{epoch}");
            for name in &names {
                let comes = |(rule, _, at): &(&'static str, u64, u64)| {
                    metric(rule) == *name && *at == epoch + 1
                };
                let value = u8::from(self.moments.iter().any(comes));
                let _ = write!(table, ",{value}");
            }
            table.push('\n');
        }
        table
    }
}

pub(crate) const CASES: &[PageCase] = &[
    PageCase {
        name: "a rule that begins a curve over the rest of the run",
        policy: "run 20 epochs; start: train fc lr 1e-3; \
                 when top > 0.5 as top: unfreeze layer4 lr cosine 1e-4 -> 1e-6 over rest; \
                 after 2 epochs: unfreeze layer3 lr 5e-5; after 3 epochs: freeze fc;",
        settings: &[
            SliderSetting { moments: &[("top", 0, 10)], changes: false },
            SliderSetting { moments: &[("top", 0, 1)], changes: true },
            SliderSetting { moments: &[("top", 0, 17)], changes: true },
        ],
    },
    PageCase {
        name: "two rules, the later of which depends on when the first one fires",
        policy: "run 18 epochs; default lr exp 1e-3 -> 1e-5 over rest; start: train fc; \
                 when one > 0.5 as one: train layer4, fc lr linear 1e-3 -> 1e-4 over 6 epochs; \
                 after 1 epoch: set layer4 lr * 0.5; \
                 when two > 0.5 as two: unfreeze layer3 lr cosine 1e-4 -> 0 over 3 epochs then freeze; \
                 after 4 epochs: stop;",
        settings: &[
            SliderSetting { moments: &[("one", 0, 2), ("two", 0, 5)], changes: true },
            SliderSetting { moments: &[("one", 0, 9), ("two", 0, 16)], changes: true },
            SliderSetting { moments: &[("one", 0, 3), ("two", 0, 14)], changes: true },
        ],
    },
    PageCase {
        name: "tracks that wait for metrics of their own",
        policy: "run 16 epochs; default lr 1e-4; start: train fc; \
                 when main > 0.5 as main: unfreeze layer4, layer3 lr 2e-4; \
                 track early in layer1, layer2 { start: freeze @all; \
                 when open > 0.5 as open: train layer2 lr linear 0 -> 1e-3 over 4 epochs; \
                 when more > 0.5 or epoch 12 as more: unfreeze layer1; } \
                 track stem in conv1, bn1 { start: freeze @all; \
                 when stem > 0.5 as stem: train @all lr 3e-5; after 3 epochs: stop; }",
        settings: &[
            SliderSetting {
                moments: &[
                    ("main", 0, 4),
                    ("early: open", 0, 2),
                    ("early: more", 0, 6),
                    ("stem: stem", 0, 9),
                ],
                changes: true,
            },
            SliderSetting {
                moments: &[("main", 0, 12), ("early: open", 0, 11), ("stem: stem", 0, 5)],
                changes: true,
            },
        ],
    },
    PageCase {
        name: "rules that fire again and again",
        policy: "run 20 epochs; default lr 1e-3 optimizer sgd; start: train fc, layer4; \
                 track plateau { whenever drop > 0.5 as drop: set @all lr * 0.1 to 1e-6; }",
        settings: &[
            SliderSetting {
                moments: &[
                    ("plateau: drop", 0, 3),
                    ("plateau: drop", 1, 7),
                    ("plateau: drop", 2, NEVER),
                ],
                changes: true,
            },
            SliderSetting {
                moments: &[
                    ("plateau: drop", 0, 8),
                    ("plateau: drop", 1, 10),
                    ("plateau: drop", 2, 19),
                ],
                changes: true,
            },
        ],
    },
    PageCase {
        name: "rounds of a repeat",
        policy: "run 20 epochs; start: train fc lr 1e-3; repeat { \
                 when next > 0.5 as next: train layer4 lr linear 1e-3 -> 1e-4 over 3 epochs; \
                 after 2 epochs as back: train fc lr 1e-3; }",
        settings: &[
            SliderSetting {
                moments: &[("next", 0, 2), ("next", 1, 6), ("next", 2, NEVER)],
                changes: true,
            },
            SliderSetting {
                moments: &[("next", 0, 9), ("next", 1, 15), ("next", 2, NEVER)],
                changes: true,
            },
        ],
    },
];
