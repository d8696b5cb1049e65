// Written by `cargo xtask codegen` from freeze-dsl/src/vocabulary.rs.
module.exports = {
  actions: ['train', 'unfreeze', 'freeze', 'set', 'reset', 'restore', 'stop', 'for'],
  options: ['lr', 'weight_decay', 'anchor', 'optimizer', 'stats'],
  after_targets: ['keep', 'except', 'in'],
  shapes: ['linear', 'cosine', 'exp', 'sqrt', 'power'],
  selectors: ['first', 'last', 'sample', 'rows'],
  functions: ['len', 'min', 'max', 'floor', 'ceil', 'round'],
  flags: ['nesterov', 'amsgrad', 'centered', 'decoupled', 'match_rms'],
};
