; Later patterns win over earlier ones, and inner nodes over outer ones.

[(segment) (glob)] @variable.member
(identifier) @variable
(name (identifier) @variable)
(name "@" @punctuation.special)

; Written by `cargo xtask codegen`: begin
[
  "after"
  "anchor"
  "and"
  "as"
  "at"
  "by"
  "default"
  "epoch"
  "epochs"
  "every"
  "except"
  "falling"
  "for"
  "freeze"
  "grad_norm"
  "held"
  "highest"
  "in"
  "invsqrt"
  "keep"
  "let"
  "live"
  "lowest"
  "lr"
  "model"
  "of"
  "optimizer"
  "or"
  "over"
  "repeat"
  "reset"
  "rest"
  "restore"
  "reversed"
  "rising"
  "run"
  "seed"
  "set"
  "start"
  "state"
  "stats"
  "step"
  "steps"
  "stop"
  "stops"
  "stretching"
  "then"
  "times"
  "to"
  "track"
  "train"
  "unfreeze"
  "weight_decay"
  "when"
  "whenever"
] @keyword

[
  "len"
  "min"
  "max"
  "floor"
  "ceil"
  "round"
  "linear"
  "cosine"
  "exp"
  "sqrt"
  "power"
  "first"
  "last"
  "sample"
  "rows"
] @function.builtin

((name (identifier) @constant.builtin)
 (#any-of? @constant.builtin
  "all"
  "biases"
  "vectors"
  "norms"
  "matrices"
  "trainable"
  "frozen"
))
; Written by `cargo xtask codegen`: end

[(line_comment) (block_comment)] @comment @spell

[(string) (raw_string)] @string
(escape_sequence) @string.escape
(regex (_) @string.regexp)
; A path that is written in quotes.
([
  (selector [(string) (raw_string)] @string.special)
  (element [(string) (raw_string)] @string.special)
  (rows [(string) (raw_string)] @string.special)
])

(literal) @number
(rust_expression) @embedded

(each index: (identifier) @variable.parameter)
(range index: (identifier) @variable.parameter)
(rule name: (identifier) @label)
(track name: (identifier) @module)
(condition metric: (identifier) @property)
(restore metric: (identifier) @property)
(optimizer name: (identifier) @type)
(argument name: (identifier) @property)
(flag) @property

["for" "repeat"] @keyword.repeat
["when" "whenever"] @keyword.conditional
["and" "or" "in" "except" "of"] @keyword.operator
(grad_norm "grad_norm" @function.builtin)

["+" "-" "*" "/" "^" "<" "<=" ">" ">=" "=" "->" ".." "..=" "%" "~"] @operator
(optional) @operator
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
["," ";" ":" "."] @punctuation.delimiter
