((regex (_ (string_content) @injection.content))
  (#set! injection.language "regex"))

(([(line_comment) (block_comment)] @injection.content)
  (#set! injection.language "comment"))

((rust_expression) @injection.content
  (#set! injection.language "rust"))
