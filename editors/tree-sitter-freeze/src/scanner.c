// What regular expressions cannot read: comments that nest, raw strings, Rust expressions, and
// numbers that no letter follows.

#include "tree_sitter/alloc.h"
#include "tree_sitter/parser.h"

#include <string.h>

// In the order of grammar.js.
enum TokenType {
  BLOCK_COMMENT,
  LITERAL,
  STRING_CONTENT,
  RAW_STRING_START,
  RAW_STRING_CONTENT,
  RAW_STRING_END,
  RUST_EXPRESSION,
  OPEN_SET,
  OPEN_BLOCK,
  KEYWORD_END,
  NEVER,
};

// How many `#` the raw string has that is open.
typedef struct {
  uint32_t hashes;
} Scanner;

static void advance(TSLexer *lexer) { lexer->advance(lexer, false); }

static bool ends_as(TSLexer *lexer, enum TokenType type) {
  lexer->result_symbol = type;
  return true;
}

static bool is_space(int32_t sign) {
  return sign == ' ' || (sign >= '\t' && sign <= '\r') || sign == 0x85 || sign == 0xa0 ||
         sign == 0x1680 || (sign >= 0x2000 && sign <= 0x200a) || sign == 0x2028 ||
         sign == 0x2029 || sign == 0x202f || sign == 0x205f || sign == 0x3000 || sign == 0xfeff;
}

static bool is_digit(int32_t sign) { return sign >= '0' && sign <= '9'; }

static bool is_word(int32_t sign) {
  return is_digit(sign) || (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z') ||
         sign == '_';
}

// The rest of a comment, after its `/`.
static bool skip_block_comment(TSLexer *lexer) {
  if (lexer->lookahead != '*') return false;
  advance(lexer);
  uint32_t depth = 1;
  while (depth > 0) {
    if (lexer->eof(lexer)) return false;
    int32_t sign = lexer->lookahead;
    advance(lexer);
    if (sign == '*' && lexer->lookahead == '/') {
      advance(lexer);
      depth--;
    } else if (sign == '/' && lexer->lookahead == '*') {
      advance(lexer);
      depth++;
    }
  }
  return true;
}

static uint32_t skip_hashes(TSLexer *lexer, uint32_t most) {
  uint32_t count = 0;
  while (count < most && lexer->lookahead == '#') {
    advance(lexer);
    count++;
  }
  return count;
}

// The rest of a raw string, after its first quotation mark.
static bool skip_raw_string(TSLexer *lexer, uint32_t hashes) {
  while (!lexer->eof(lexer)) {
    bool is_quote = lexer->lookahead == '"';
    advance(lexer);
    if (is_quote && skip_hashes(lexer, hashes) == hashes) return true;
  }
  return false;
}

static void skip_digits(TSLexer *lexer) {
  while (is_digit(lexer->lookahead) || lexer->lookahead == '_') advance(lexer);
}

// A number. Where a path may begin as well, only whole numbers are read, which may be either.
static bool literal(TSLexer *lexer, bool may_be_path) {
  skip_digits(lexer);
  lexer->mark_end(lexer);
  if (may_be_path) {
    return !is_word(lexer->lookahead) && lexer->lookahead != '*' && ends_as(lexer, LITERAL);
  }
  if (lexer->lookahead == '.') {
    advance(lexer);
    // The dots of `0..4` are no part of it.
    if (!is_digit(lexer->lookahead)) return ends_as(lexer, LITERAL);
    skip_digits(lexer);
  }
  if (lexer->lookahead == 'e' || lexer->lookahead == 'E') {
    advance(lexer);
    if (lexer->lookahead == '+' || lexer->lookahead == '-') advance(lexer);
    if (!is_digit(lexer->lookahead)) return false;
    skip_digits(lexer);
  }
  lexer->mark_end(lexer);
  return !is_word(lexer->lookahead) && ends_as(lexer, LITERAL);
}

static void skip_string(TSLexer *lexer) {
  while (!lexer->eof(lexer) && lexer->lookahead != '"') {
    if (lexer->lookahead == '\\') advance(lexer);
    advance(lexer);
  }
  advance(lexer);
}

// The rest of a Rust expression, after its `{`. Braces in strings and comments do not count.
static bool skip_rust(TSLexer *lexer) {
  uint32_t depth = 1;
  bool is_in_word = false;
  while (!lexer->eof(lexer)) {
    int32_t sign = lexer->lookahead;
    advance(lexer);
    if (sign == '"') {
      skip_string(lexer);
    } else if (sign == 'r' && !is_in_word) {
      uint32_t hashes = skip_hashes(lexer, UINT32_MAX);
      if (lexer->lookahead == '"') {
        advance(lexer);
        if (!skip_raw_string(lexer, hashes)) return false;
      } else if (hashes > 0) {
        return false;
      }
    } else if (sign == '/' && lexer->lookahead == '/') {
      while (!lexer->eof(lexer) && lexer->lookahead != '\n') advance(lexer);
    } else if (sign == '/' && lexer->lookahead == '*') {
      if (!skip_block_comment(lexer)) return false;
    } else if (sign == '#' || sign == '\'' || sign == '`') {
      // No signs of the language.
      return false;
    } else if (sign == '{') {
      depth++;
    } else if (sign == '}' && --depth == 0) {
      return true;
    }
    is_in_word = is_word(sign);
  }
  return false;
}

// Whether a number goes on here, before the `of` of a list: the block of a track is followed by none
// of these signs.
static bool continues_number(TSLexer *lexer) {
  while (is_space(lexer->lookahead)) advance(lexer);
  switch (lexer->lookahead) {
    case '%': case '+': case '-': case '*': case '^': case '.': case 'o':
      lexer->mark_end(lexer);
      return true;
    default:
      return false;
  }
}

// At a `{`: a block, the words `{a, b}` of a path, or a Rust expression.
static bool braces(TSLexer *lexer, const bool *valid) {
  advance(lexer);
  lexer->mark_end(lexer);
  if (!valid[RUST_EXPRESSION]) {
    return ends_as(lexer, valid[OPEN_BLOCK] ? OPEN_BLOCK : OPEN_SET);
  }
  if (valid[OPEN_SET]) {
    while (is_word(lexer->lookahead) || is_space(lexer->lookahead) || lexer->lookahead == ',') {
      advance(lexer);
    }
    if (lexer->lookahead == '}') return ends_as(lexer, OPEN_SET);
  }
  // `track in last { ... }` has a block, `track in last {n} of @a { ... }` a number before it.
  if (valid[OPEN_BLOCK]) {
    bool is_number = skip_rust(lexer) && continues_number(lexer);
    return ends_as(lexer, is_number ? RUST_EXPRESSION : OPEN_BLOCK);
  }
  if (!skip_rust(lexer)) return false;
  lexer->mark_end(lexer);
  return ends_as(lexer, RUST_EXPRESSION);
}

static bool string_content(TSLexer *lexer) {
  bool is_empty = true;
  while (!lexer->eof(lexer) && lexer->lookahead != '"' && lexer->lookahead != '\\') {
    advance(lexer);
    is_empty = false;
  }
  lexer->mark_end(lexer);
  return !is_empty && ends_as(lexer, STRING_CONTENT);
}

static bool raw_string_start(TSLexer *lexer, Scanner *scanner) {
  advance(lexer);
  uint32_t hashes = skip_hashes(lexer, UINT32_MAX);
  if (lexer->lookahead != '"') return false;
  advance(lexer);
  lexer->mark_end(lexer);
  scanner->hashes = hashes;
  return ends_as(lexer, RAW_STRING_START);
}

// The content of a raw string, or its end where there is no content before it.
static bool rest_of_raw_string(TSLexer *lexer, Scanner *scanner, const bool *valid) {
  bool is_empty = true;
  while (!lexer->eof(lexer)) {
    lexer->mark_end(lexer);
    bool is_quote = lexer->lookahead == '"';
    advance(lexer);
    if (is_quote && skip_hashes(lexer, scanner->hashes) == scanner->hashes) {
      if (!is_empty) return valid[RAW_STRING_CONTENT] && ends_as(lexer, RAW_STRING_CONTENT);
      lexer->mark_end(lexer);
      return valid[RAW_STRING_END] && ends_as(lexer, RAW_STRING_END);
    }
    is_empty = false;
  }
  return false;
}

bool tree_sitter_freeze_external_scanner_scan(
  void *payload, TSLexer *lexer, const bool *valid
) {
  Scanner *scanner = payload;
  // After an error, every token is valid.
  bool is_recovering = valid[NEVER];
  if (!is_recovering) {
    if (valid[KEYWORD_END]) {
      lexer->mark_end(lexer);
      return lexer->lookahead != '*' && ends_as(lexer, KEYWORD_END);
    }
    if (valid[STRING_CONTENT]) return string_content(lexer);
    if (valid[RAW_STRING_CONTENT] || valid[RAW_STRING_END]) {
      return rest_of_raw_string(lexer, scanner, valid);
    }
  }
  while (is_space(lexer->lookahead)) lexer->advance(lexer, true);
  int32_t sign = lexer->lookahead;
  if (sign == '/') {
    advance(lexer);
    if (!skip_block_comment(lexer)) return false;
    lexer->mark_end(lexer);
    return ends_as(lexer, BLOCK_COMMENT);
  }
  if (is_digit(sign) && valid[LITERAL]) return literal(lexer, !is_recovering && valid[OPEN_SET]);
  if (sign == 'r' && valid[RAW_STRING_START]) return raw_string_start(lexer, scanner);
  if (sign == '{' && is_recovering) {
    advance(lexer);
    lexer->mark_end(lexer);
    return ends_as(lexer, OPEN_BLOCK);
  }
  if (sign == '{' && (valid[RUST_EXPRESSION] || valid[OPEN_SET] || valid[OPEN_BLOCK])) {
    return braces(lexer, valid);
  }
  return false;
}

void *tree_sitter_freeze_external_scanner_create(void) {
  return ts_calloc(1, sizeof(Scanner));
}

void tree_sitter_freeze_external_scanner_destroy(void *payload) { ts_free(payload); }

unsigned tree_sitter_freeze_external_scanner_serialize(void *payload, char *buffer) {
  memcpy(buffer, payload, sizeof(Scanner));
  return sizeof(Scanner);
}

void tree_sitter_freeze_external_scanner_deserialize(
  void *payload, const char *buffer, unsigned length
) {
  memset(payload, 0, sizeof(Scanner));
  if (length == sizeof(Scanner)) memcpy(payload, buffer, sizeof(Scanner));
}
