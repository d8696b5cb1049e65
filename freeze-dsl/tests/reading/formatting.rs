//! The printer: what it prints, and that it changes nothing but white space.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's own helpers"
)]

use freeze_dsl::format::format;
use freeze_dsl::parse::parse;
use freeze_dsl::source::Source;
use freeze_generator::{any_text, gaps, policy, spaced, spread};
use proptest::prelude::*;

fn printed(text: &str) -> String {
    format(Source::new(text.to_owned())).unwrap_or_else(|found| panic!("{text}\n{found}"))
}

/// Formats, and holds that it changed no meaning and has nothing left to do.
#[track_caller]
fn formatted(text: &str) -> String {
    let once = printed(text);
    assert_eq!(parse(&once), (parse(text).0, vec![]), "{text}\n---\n{once}");
    assert_eq!(printed(&once), once, "{text}");
    once
}

#[track_caller]
fn formats(text: &str, expected: &str) {
    assert_eq!(formatted(text), expected, "{text}");
}

/// The first example of the language's reference.
const EXAMPLE: &str = include_str!("../policies/resnet.freeze");

#[test]
fn the_first_example_is_in_its_canonical_form() {
    formats(EXAMPLE, EXAMPLE);
    let words: Vec<&str> = EXAMPLE.split_whitespace().skip(2).collect();
    let without_blank_lines = EXAMPLE.replace("\n\n", "\n");
    let (_, statements) = without_blank_lines.split_once('\n').unwrap();
    formats(&words.join(" "), statements);
}

#[test]
fn tracks_and_repeats_are_blocks() {
    formats(
        "start:train fc;track   sight  in vision ,rows 0..5 of embed.weight{start:train vision.1;
         repeat{whenever grad_norm ( @norms in vision )<1 or every 2 epochs:set fc lr*0.5 to 1e-6}};
         track{when a stops falling for 2 epochs by 1 %:reset fc}",
        "start: train fc;
track sight in vision, rows 0..5 of embed.weight {
    start: train vision.1;
    repeat {
        whenever grad_norm(@norms in vision) < 1 or every 2 epochs: set fc lr * 0.5 to 1e-6;
    }
}
track {
    when a stops falling for 2 epochs by 1%: reset fc;
}
",
    );
}

#[test]
fn a_messy_policy_with_comments_everywhere() {
    insta::assert_snapshot!(formatted(MESSY));
}

const MESSY: &str = r#"

/// Which stages there are.
/* A block
   of two lines. */ model   "resnet18.safetensors"  ; run 20
epochs // how long
;


// Apart.

default lr 1e-4   weight_decay 0.05 /* small */ optimizer adamw ( beta2 0.99 eps 1e-8,amsgrad , ) // all of it
;
let base=1e-3*2^-1;let n=-(base+{ 1 + 1 })/min(1,max( 2,n ),len([a,b ,]));  /* beside */ let @some = fc,layer4 . 0 [ 1 ..= 3 ] .{ q_proj , v_proj } except ~ "a.*" in @ all ;
let @stages = [ // the list
  fc, // the head
  /* before */ layer4,
  // own line
  layer3, /* inline */ layer2, (conv1,bn1), reversed first 2 of [ a , b ], sample 4 of @layers seed 7
  // the last
  ,
];
start or /* both */ step 0 as probe // the name
  : // after the colon
  // before the action
  train fc lr 1e-3 // trailing
  , set @vectors /* why */ weight_decay 0,
  /* leading */ freeze rows 0 .. 32 of embed.weight keep state stats held
  // before the end
  ;
/* leading */ when val_loss stops falling for 3 epochs by 1e-3 and "val acc">=0.9 for 10 % of run or when a_rather_long_metric < 3 or at (50+5*i) % : stop ;
for i , @stage in last 4 of @stages{ // the loop

  // first


  after 2 epochs:unfreeze @stage lr linear 0->1e-3 over 100 steps then cosine 1e-3->0 over rest repeat stretching 2 then freeze

  // last

} ;
for i in 0..=3 { } for i in 0 .. n { for j in 0..2 { /* nothing */ } }
every 50 steps: for @x in [a,b] { unfreeze @x, freeze @x, }, for @x in [a,b] { unfreeze @x lr 1e-3 times 0.1 every 30 epochs to 1e-6, freeze @x // much
 , }, reset @all

// the end
"#;

#[test]
fn spaces_within_a_statement() {
    formats("epoch  3:train a.b,c lr 1e-3", "epoch 3: train a.b, c lr 1e-3;\n");
    formats("let a=-1- -2*(3+-b)^-c/4", "let a = -1 - -2 * (3 + -b) ^ -c / 4;\n");
    formats("let a = { x  + y }", "let a = { x  + y };\n");
    formats("let a = 1_000+0.50;", "let a = 1_000 + 0.50;\n");
    formats("let a = min ( 1,len ( @b ) )", "let a = min(1, len(@b));\n");
    formats("at 40 % of run:stop", "at 40% of run: stop;\n");
    formats("start:train a [ 0 .. n ] . { b , c } . * . **", "start: train a[0..n].{b,c}.*.**;\n");
}

#[test]
fn what_is_too_long_is_broken_where_it_reads_well() {
    let paths = ["encoder.layer.0.attention.self.query"; 4];
    insta::assert_snapshot!(formatted(&format!(
        "start: train {0} except @biases;
         epoch 1: unfreeze {0} except @biases in ({0}) lr 1e-3 optimizer adamw(beta2 0.99);
         let @a = [{0}];
         let @b = {0};
         default lr 1e-3 weight_decay 0.05 optimizer adamw(beta1 0.9, beta2 0.999, eps 1e-8, amsgrad);
         default optimizer adamw(beta1 0.9000000000000000000000, beta2 0.9999999999999999999999, eps 0.00000000001);
         for i, @layer in reversed [{0}] {{
             after 1 epoch: for @x in [{0}] {{ unfreeze @x, stop }};
         }}
         epoch 2: unfreeze {0} lr 1e-3 weight_decay 0 keep state;
         epoch 3: unfreeze a lr cosine 5e-3 / spread ^ (1 - i / (n - 1)) / div -> 5e-3 / spread ^ (1 - i / (n - 1)) over rest then freeze",
        paths.join(", ")
    )));
}

#[test]
fn the_ends_of_a_text() {
    formats("", "");
    formats(" \n\n", "");
    formats("\u{FEFF}// a\n\nstart: stop;\r\n", "// a\n\nstart: stop;\n");
    formats("\n\n/* a */\n\n\n/* b */ start: stop // c", "/* a */\n\n/* b */ start: stop; // c\n");
    formats("// a", "// a\n");
    formats("start: stop /* a */", "start: stop; /* a */\n");
    formats("start: stop; // a\n// b", "start: stop; // a\n// b\n");
}

#[test]
fn lines_end_as_the_first_line_does() {
    formats("start:stop", "start: stop;\n");
    formats("\u{FEFF}// a\r\n\r\nstart:stop", "// a\r\n\r\nstart: stop;\r\n");
    formats("/* a\r\nb\n*/start:stop\n", "/* a\r\nb\r\n*/ start: stop;\r\n");
    formats("// a\n/* b\r\n */ start: stop;\r\n", "// a\n/* b\n */ start: stop;\n");
}

#[test]
fn the_end_of_a_statement_is_written_out_and_means_the_same() {
    formats("for i in 0..2 { start: stop }", "for i in 0..2 {\n    start: stop;\n}\n");
    formats("for i in 0..2 { let @a = [b] }", "for i in 0..2 {\n    let @a = [b];\n}\n");
}

#[test]
fn what_does_not_parse_is_refused_with_all_findings() {
    let refused = |text: &str| format(Source::new(text.to_owned())).unwrap_err();
    let found = refused("start tran fc; epoch 3: train a**b; /* c");
    assert_eq!(found.diagnostics().len(), 3, "{found}");
    let nested = format!("start: train {}fc{}", "(".repeat(129), ")".repeat(129));
    assert_eq!(refused(&nested).diagnostics()[0].code.name(), "FRZ0103");
    // Whether it makes sense is not asked.
    formats("epoch 3:train @none", "epoch 3: train @none;\n");
}

proptest! {
    #[test]
    fn a_generated_policy_keeps_its_meaning(words in policy()) {
        formatted(&spaced(&words));
    }

    #[test]
    fn the_canonical_form_is_one(words in policy(), gaps in gaps(&[" ", "\n", "\t  "])) {
        prop_assert_eq!(printed(&spread(&words, &gaps)), printed(&spaced(&words)));
    }

    #[test]
    fn comments_survive_anywhere(
        words in policy(),
        gaps in gaps(&[
            " ", " ", " ", "\n", "\n\n\n", " // #\n", "\n// #\n", "\n\n  // #\n\n", "/*#*/", "\n/* # */",
            "/* # */\n", "\n /* # */\n", " /* # */ // #\n /*#*/", "/* # \n */", "/*#*//*#*/",
        ]),
    ) {
        let text = spread(&words, &gaps);
        prop_assert_eq!(comments(&formatted(&text)), comments(&text));
    }

    #[test]
    fn any_text_is_formatted_or_refused(text in any_text()) {
        if format(Source::new(text.clone())).is_ok() {
            prop_assert_eq!(comments(&formatted(&text)), comments(&text));
        }
    }
}

/// The comments of a text, in order; line comments without trailing spaces.
fn comments(text: &str) -> Vec<String> {
    let mut comments = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            let bytes = rest.as_bytes();
            let mut end = 1;
            while bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            end + 1
        } else if let Some(raw) = rest.strip_prefix('r').filter(|raw| is_quoted(raw)) {
            let hashes = raw.len() - raw.trim_start_matches('#').len();
            let end = format!("\"{}", "#".repeat(hashes));
            let content = 1 + hashes + 1;
            content + rest[content..].find(&end).unwrap() + end.len()
        } else if rest.starts_with("//") {
            let length = rest.find('\n').unwrap_or(rest.len());
            comments.push(rest[..length].trim_end().to_owned());
            length
        } else if rest.starts_with("/*") {
            let mut depth = 0;
            let mut end = 0;
            loop {
                if rest[end..].starts_with("/*") {
                    (depth, end) = (depth + 1, end + 2);
                } else if rest[end..].starts_with("*/") {
                    (depth, end) = (depth - 1, end + 2);
                } else {
                    end += rest[end..].chars().next().unwrap().len_utf8();
                }
                if depth == 0 {
                    break;
                }
            }
            comments.push(rest[..end].to_owned());
            end
        } else {
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    comments
}

/// Whether a raw string goes on with this after its `r`.
fn is_quoted(raw: &str) -> bool {
    raw.trim_start_matches('#').starts_with('"')
}
