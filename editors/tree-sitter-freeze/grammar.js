/**
 * @file The grammar of the freeze language. It accepts what freeze-dsl/src/grammar.pest accepts, to
 * which a test holds it.
 */

/// <reference types="tree-sitter-cli/dsl" />

const words = require('./words.js');

/** One or more, separated by commas. */
const list = (rule) => seq(rule, repeat(seq(',', rule)));

/** Statements. A block needs no `;`, and the last statement neither. */
const statements = ($) =>
  seq(
    repeat(choice(seq($._statement, ';'), seq($._block, optional(';')))),
    optional($._statement),
  );

/** A keyword before a selector. Directly before a `*`, it would be a path. */
const before_selector = ($, word) => seq(word, $._keyword_end);

/** A term; with the words that begin no path, so that these are read as keywords. */
const term = ($) => choice($._term, $._reserved);

/** Words that are a keyword in some places where they may also be a name. */
const named = ($, ...keywords) =>
  choice($.identifier, ...keywords.map((word) => alias(word, $.identifier)));

/**
 * Keywords where a number may begin that may also be its name, or begin a path; in an optimizer's
 * numbers, some of them may also follow the number before.
 */
const free_words = [
  ...words.functions,
  ...words.shapes,
  'invsqrt',
  ...['times', 'then', 'repeat', 'stretching', 'to'],
];
const number_words = [...free_words, ...words.options, ...words.after_targets];

const precedence = { sum: 1, product: 2, sign: 3, power: 4 };

module.exports = grammar({
  name: 'freeze',

  word: ($) => $.identifier,

  // In the order of src/scanner.c.
  externals: ($) => [
    $.block_comment,
    $.literal,
    $._string_content,
    $._raw_string_start,
    $._raw_string_content,
    $._raw_string_end,
    $.rust_expression,
    $._open_set,
    $._open_block,
    $._keyword_end,
    // Never there: what needs it is an error.
    $._never,
  ],

  // What Rust calls white space, and the byte order mark.
  extras: ($) => [
    /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]/,
    $.line_comment,
    $.block_comment,
  ],

  supertypes: ($) => [$._statement, $._action, $._option, $._piece, $._term, $._number],

  conflicts: ($) => [
    // `lr linear` is a number's name, `lr linear 1 -> 0 over rest` a shape.
    [$.shape, $._number_name],
    [$.inverse_square_root, $._number_name],
    // `first` is a path, `first 2 of @a` a part of a list.
    [$.part, $._first_segment],
    [$.rows, $._first_segment],
    [$.sample, $._first_segment],
    // `[a]` is a list, `[a].b` a path.
    [$._first_segment, $._number],
    [$._first_segment, $._number_name],
    [$.part, $._number_name],
    [$.rows, $._number_name],
    [$.sample, $._number_name],
    // After a `,`, another selector or another action.
    [$._selectors],
    // `sgd(a 1 times 2)`: the word is an argument's name.
    [$.curve],
    [$.hold, $.staircase],
    [$.staircase],
  ],

  rules: {
    policy: ($) => statements($),

    _statement: ($) => choice($.model, $.run, $.default, $.let, $.rule),
    _block: ($) => choice($.loop, $.track, $.repeat),

    model: ($) => seq('model', field('path', $._string)),
    run: ($) => seq('run', $.duration),
    default: ($) => seq('default', repeat1($._option)),
    let: ($) =>
      seq(
        'let',
        choice(
          seq(field('name', $.identifier), '=', field('value', $._number)),
          seq(field('name', $.name), '=', field('value', $.targets)),
        ),
      ),

    loop: ($) => seq($._loop_head, field('body', $.block)),
    _loop_head: ($) => seq('for', choice($.each, $.range)),
    each: ($) =>
      seq(
        optional(seq(field('index', $.identifier), ',')),
        field('element', $.name),
        'in',
        field('list', $._list),
      ),
    range: ($) =>
      seq(
        field('index', $.identifier),
        'in',
        field('start', $._number),
        choice('..', '..='),
        field('end', $._number),
      ),
    track: ($) =>
      seq(
        'track',
        optional(field('name', $.identifier)),
        optional(seq(before_selector($, 'in'), field('scope', $.targets))),
        field('body', $.block),
      ),
    repeat: ($) => seq('repeat', field('body', $.block)),
    block: ($) => seq(alias($._open_block, '{'), statements($), '}'),

    rule: ($) =>
      seq(
        field('trigger', $.trigger),
        optional(seq('as', field('name', $.identifier))),
        ':',
        list($._action),
      ),
    trigger: ($) => seq($.moment, repeat(seq('or', $.moment))),
    moment: ($) =>
      choice(
        'start',
        seq(choice('epoch', 'step'), $._number),
        seq('at', $._number, '%', optional($._of_run)),
        seq(choice('after', 'every'), $.duration),
        seq(choice('when', 'whenever'), $.condition, repeat(seq('and', $.condition))),
      ),
    condition: ($) => seq(field('metric', $._metric), choice($._stops, $._compares)),
    _stops: ($) =>
      seq(
        'stops',
        choice('falling', 'rising'),
        'for',
        $.duration,
        optional(seq('by', field('by', $._number), optional('%'))),
      ),
    _compares: ($) =>
      seq(
        choice('<', '<=', '>', '>='),
        field('bound', $._number),
        optional(seq('for', $.duration)),
      ),
    _metric: ($) => choice($.grad_norm, $._string, named($, 'grad_norm')),
    grad_norm: ($) => seq('grad_norm', '(', $.targets, ')'),

    duration: ($) =>
      choice(
        'rest',
        seq($._number, choice('epoch', 'epochs', 'step', 'steps')),
        seq($._number, '%', optional($._of_run)),
      ),
    _of_run: (_) => seq('of', 'run'),

    _action: ($) => choice($.change, $.reset, $.restore, $.stop, $.action_loop),
    change: ($) =>
      seq(
        field(
          'verb',
          choice(...['train', 'unfreeze', 'set', 'freeze'].map((it) => before_selector($, it))),
        ),
        $.targets,
        repeat(choice($._option, $.keep_state)),
      ),
    reset: ($) => seq(before_selector($, 'reset'), $.targets),
    restore: ($) => seq('restore', choice('lowest', 'highest'), field('metric', $._metric)),
    stop: (_) => 'stop',
    action_loop: ($) =>
      seq($._loop_head, alias($._open_block, '{'), list($._action), optional(','), '}'),

    _option: ($) => choice($.lr, $.weight_decay, $.anchor, $.optimizer, $.stats),
    keep_state: (_) => seq('keep', 'state'),
    lr: ($) => seq('lr', choice($._relative, $.curve)),
    _relative: ($) =>
      seq('*', field('factor', $._number), optional(seq('to', field('to', $._number)))),
    weight_decay: ($) => seq('weight_decay', $.curve),
    anchor: ($) => seq('anchor', $._number),
    optimizer: ($) => seq('optimizer', field('name', $.identifier), optional($.arguments)),
    arguments: ($) => seq('(', repeat(seq($.argument, optional(','))), ')'),
    // A word after an argument's name is its number; after a flag, it is the next argument.
    argument: ($) =>
      choice(
        prec(-1, field('name', $._argument_name)),
        seq(field('name', $._argument_name), field('value', $.curve)),
        prec(1, field('name', $.flag)),
        seq(field('name', $.flag), field('value', $.curve)),
      ),
    _argument_name: ($) => named($, ...number_words),
    flag: (_) => choice(...words.flags),
    stats: (_) => seq('stats', choice('held', 'live')),

    curve: ($) =>
      seq($._piece, repeat($._next_piece), optional(seq('then', 'freeze'))),
    _next_piece: ($) => prec.dynamic(1, seq('then', $._piece)),
    _piece: ($) => choice($.ramp, $.inverse_square_root, $.staircase, $.hold),
    hold: ($) => $._number,
    staircase: ($) =>
      prec.dynamic(
        1,
        seq(
          $._number,
          'times',
          field('factor', $._number),
          'every',
          $.duration,
          optional(seq('to', field('to', $._number))),
        ),
      ),
    ramp: ($) =>
      prec.right(
        seq(
          $.shape,
          field('from', $._number),
          '->',
          field('to', $._number),
          'over',
          $.duration,
          optional($.restarts),
        ),
      ),
    shape: ($) =>
      choice(
        ...words.shapes.filter((word) => word !== 'power'),
        seq('power', choice($.literal, $.parenthesized, $._number_name)),
      ),
    restarts: ($) => prec.right(seq('repeat', optional(seq('stretching', field('stretching', $._number))))),
    inverse_square_root: ($) => seq('invsqrt', $._number, 'over', $.duration),

    targets: ($) => seq($._selectors, optional($.except)),
    except: ($) => seq(before_selector($, 'except'), $._selectors),
    _selectors: ($) => list($.selector),
    selector: ($) =>
      seq(
        term($),
        optional(seq(before_selector($, 'in'), field('within', term($)))),
        optional($.optional),
      ),
    optional: (_) => '?',
    _term: ($) => choice($.path, $._string, $.regex, $.sample, $.rows, $._list, $.group),
    regex: ($) => seq('~', $._string),
    sample: ($) => seq('sample', $._count, 'of', $._list, optional(seq('seed', field('seed', $._number)))),
    rows: ($) =>
      seq(
        'rows',
        choice($.bounds, seq('[', list($.bounds), optional(','), ']')),
        before_selector($, 'of'),
        choice($._string, $.path, $._reserved),
      ),
    group: ($) => seq('(', $.targets, ')'),
    name: ($) => seq('@', $.identifier),

    _list: ($) => choice($.part, $.elements, $.name),
    part: ($) =>
      seq(choice('reversed', seq(choice('first', 'last'), $._count, 'of')), $._list),
    _count: ($) => seq($._number, optional('%')),
    elements: ($) => prec.dynamic(1, seq('[', list($.element), optional(','), ']')),
    element: ($) => seq(term($), optional($.optional)),

    path: ($) => seq($._first_segment, repeat(seq('.', $._segment))),
    _first_segment: ($) =>
      choice(
        seq(
          choice(
            alias(
              choice(
                $.identifier,
                ...words.selectors,
                'reversed',
                ...free_words,
                ...words.flags,
                $._digits,
                $.literal,
              ),
              $.segment,
            ),
            $.glob,
          ),
          optional($.index),
        ),
        $._special,
      ),
    _segment: ($) =>
      choice(
        seq(choice(alias(choice($.identifier, $._digits), $.segment), $.glob), optional($.index)),
        $._special,
      ),
    _special: ($) => choice($.one_of, $.index),
    one_of: ($) =>
      seq(
        alias($._open_set, '{'),
        list(alias(choice($.identifier, $._digits), $.segment)),
        '}',
      ),
    index: ($) => seq('[', $.bounds, ']'),
    bounds: ($) =>
      choice(
        $._number,
        seq($._number, '..=', $._number),
        seq($._number, '..', optional($._number)),
        seq('..=', $._number),
        seq('..', optional($._number)),
      ),
    // Words that no path begins with.
    _reserved: ($) =>
      seq(choice(...words.actions, ...words.options, ...words.after_targets), $._never),

    _number: ($) =>
      choice(
        $.literal,
        $._number_name,
        $.call,
        $.parenthesized,
        $.rust_expression,
        $.negation,
        $.operation,
      ),
    _number_name: ($) => named($, ...number_words, ...words.flags, ...words.selectors, 'reversed'),
    parenthesized: ($) => seq('(', $._number, ')'),
    negation: ($) => prec(precedence.sign, seq('-', $._number)),
    operation: ($) => {
      const of = (make, level, signs) =>
        make(level, seq(field('left', $._number), signs, field('right', $._number)));
      return choice(
        of(prec.left, precedence.sum, choice('+', '-')),
        of(prec.left, precedence.product, choice('*', '/')),
        of(prec.right, precedence.power, '^'),
      );
    },
    call: ($) =>
      choice(
        seq(field('function', 'len'), '(', $._list, ')'),
        seq(field('function', choice('min', 'max')), '(', list($._number), ')'),
        seq(field('function', choice('floor', 'ceil', 'round')), '(', $._number, ')'),
      ),

    identifier: (_) => /[A-Za-z_][A-Za-z0-9_]*/,
    // A segment that is or begins with a number.
    _digits: (_) => /[0-9][A-Za-z0-9_]*/,
    // `**` is a whole segment.
    glob: (_) => /\*\*|([A-Za-z0-9_]+\*|\*)([A-Za-z0-9_]+\*)*[A-Za-z0-9_]*/,

    _string: ($) => choice($.string, $.raw_string),
    string: ($) =>
      seq(
        '"',
        repeat(choice(alias($._string_content, $.string_content), $.escape_sequence)),
        token.immediate('"'),
      ),
    escape_sequence: (_) =>
      token.immediate(
        seq(
          '\\',
          choice(
            /[nrt0\\'"\r\n]/,
            /x[0-7][0-9A-Fa-f]/,
            // At most 10FFFF, and no surrogate.
            seq(
              /u\{/,
              /_*(0_*)*/,
              choice(
                /0_*/,
                /[1-9A-Fa-f]_*([0-9A-Fa-f]_*){0,2}/,
                /([1-9A-Ca-cE-Fe-f]_*[0-9A-Fa-f]_*|[Dd]_*[0-7]_*)([0-9A-Fa-f]_*){2}/,
                /[1-9A-Fa-f]_*([0-9A-Fa-f]_*){4}/,
                /1_*0_*([0-9A-Fa-f]_*){4}/,
              ),
              '}',
            ),
          ),
        ),
      ),
    raw_string: ($) =>
      seq(
        $._raw_string_start,
        optional(alias($._raw_string_content, $.string_content)),
        $._raw_string_end,
      ),

    line_comment: (_) => token(seq('//', /[^\n]*/)),
  },
});
