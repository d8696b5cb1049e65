[
  (block)
  (action_loop)
  (elements)
  (arguments)
  (group)
  (rule)
] @indent.begin

[
  "}"
  "]"
  ")"
] @indent.branch @indent.end

(block_comment) @indent.ignore
