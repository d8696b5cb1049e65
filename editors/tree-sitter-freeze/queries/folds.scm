[
  (block)
  (rule)
  (action_loop)
  (elements)
  (block_comment)
] @fold
