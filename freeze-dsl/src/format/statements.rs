//! How each kind of statement is printed: its groups, and where its lines may be broken.

use pest::iterators::Pair;

use super::layout::Operation;
use super::printer::{Printer, Separator};
use crate::parse::{Chunks, Rule};

impl Printer<'_> {
    /// Prints the chunks of a policy, each in lines of its own. Each is printed once the next one is read,
    /// whose first token may get comments of its last one. `None` if a chunk does not parse.
    pub(super) fn policy(&mut self, chunks: Chunks<'_>) -> Option<()> {
        let mut separator = Separator::BlockStart;
        let mut last = None;
        for chunk in chunks {
            let chunk = chunk.ok()?;
            self.tokens.read(&chunk);
            if let Some(before) = last.replace(chunk.1) {
                separator = self.chunk(before, separator);
            }
        }
        self.chunk(last?, separator);
        Some(())
    }

    /// Prints a chunk after a separator; returns the separator after it.
    fn chunk(&mut self, chunk: Pair<'_, Rule>, before: Separator) -> Separator {
        match chunk.as_rule() {
            Rule::statement => {
                self.ask(before);
                self.statement(chunk);
                Separator::Line
            }
            Rule::opening => {
                self.ask(before);
                self.opening(chunk);
                Separator::BlockStart
            }
            Rule::closing => {
                self.closing(chunk, before);
                Separator::Line
            }
            // There may be comments after the last statement.
            _ => {
                self.ask(Separator::Line);
                self.token();
                before
            }
        }
    }

    fn statement(&mut self, pair: Pair<'_, Rule>) {
        self.open();
        let mut has_end = false;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::semicolon {
                has_end = true;
                self.token();
            } else {
                self.part(part);
            }
        }
        if !has_end {
            self.append(";");
        }
        self.close();
    }

    fn opening(&mut self, pair: Pair<'_, Rule>) {
        self.parts(pair);
        self.push(Operation::Indent);
    }

    /// The end of a loop; `separator` is the one that would precede another statement.
    fn closing(&mut self, pair: Pair<'_, Rule>, before: Separator) {
        let asked = match before {
            Separator::BlockStart if self.has_comments() => Separator::Space,
            Separator::BlockStart => Separator::Nothing,
            _ => Separator::Line,
        };
        self.closing_token(asked);
        if pair.into_inner().any(|part| part.as_rule() == Rule::semicolon) {
            self.skip();
        }
    }

    /// Prints a part of a statement.
    fn part(&mut self, pair: Pair<'_, Rule>) {
        match pair.as_rule() {
            Rule::rule => self.rule(pair),
            Rule::trigger => self.broken_before(pair, Rule::kw_or, 2),
            Rule::moment => self.broken_before(pair, Rule::kw_and, 1),
            Rule::curve => self.broken_before(pair, Rule::kw_then, 1),
            Rule::piece => self.piece(pair),
            Rule::default_item => self.default_item(pair),
            Rule::on_targets => self.on_targets(pair),
            Rule::for_action => self.for_action(pair),
            Rule::targets => {
                self.push(Operation::Indent);
                self.targets(pair);
                self.push(Operation::Dedent);
            }
            Rule::group | Rule::elements | Rule::row_list | Rule::arguments => self.brackets(pair),
            Rule::one_of => self.one_of(pair),
            _ => {
                let mut parts = pair.into_inner().peekable();
                match parts.peek() {
                    Some(_) => parts.for_each(|part| self.part(part)),
                    None => self.token(),
                }
            }
        }
    }

    fn parts(&mut self, pair: Pair<'_, Rule>) {
        for part in pair.into_inner() {
            self.part(part);
        }
    }

    /// `trigger as name: actions`, in one line or with one line per action.
    fn rule(&mut self, pair: Pair<'_, Rule>) {
        let mut actions = 0;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::action => {
                    self.ask(Separator::BREAK);
                    actions += 1;
                    if actions == 1 {
                        self.push(Operation::Indent);
                    }
                    self.part(part);
                }
                _ => self.part(part),
            }
        }
        self.push(Operation::Dedent);
    }

    /// A group whose lines may be broken before each keyword of one kind.
    fn broken_before(&mut self, pair: Pair<'_, Rule>, joint: Rule, indent: usize) {
        self.open();
        (0..indent).for_each(|_| self.push(Operation::Indent));
        for part in pair.into_inner() {
            if part.as_rule() == joint {
                self.ask(Separator::BREAK);
            }
            self.part(part);
        }
        (0..indent).for_each(|_| self.push(Operation::Dedent));
        self.close();
    }

    fn default_item(&mut self, pair: Pair<'_, Rule>) {
        self.push(Operation::Indent);
        let mut options = 0;
        for part in pair.into_inner() {
            if part.as_rule() == Rule::option {
                options += 1;
                if options > 1 {
                    self.ask(Separator::BREAK);
                }
            }
            self.part(part);
        }
        self.push(Operation::Dedent);
    }

    /// `unfreeze layer4 lr 1e-3`: in one line, with the options in the next, or one option per line.
    fn on_targets(&mut self, pair: Pair<'_, Rule>) {
        self.open();
        self.push(Operation::Indent);
        let mut has_options = false;
        for part in pair.into_inner() {
            if matches!(part.as_rule(), Rule::option | Rule::keep_state) {
                self.ask(Separator::BREAK);
                if !has_options {
                    has_options = true;
                    self.open();
                }
            }
            self.part(part);
        }
        if has_options {
            self.close();
        }
        self.push(Operation::Dedent);
        self.close();
    }

    /// `cosine 1e-3 -> 0 over rest`, which fills lines.
    fn piece(&mut self, pair: Pair<'_, Rule>) {
        self.open();
        self.push(Operation::Indent);
        for part in pair.into_inner().flat_map(Pair::into_inner) {
            if matches!(
                part.as_rule(),
                Rule::arrow
                    | Rule::kw_over
                    | Rule::repeat
                    | Rule::kw_times
                    | Rule::kw_every
                    | Rule::kw_to
            ) {
                self.ask(Separator::FILL);
            }
            self.part(part);
        }
        self.push(Operation::Dedent);
        self.close();
    }

    fn for_action(&mut self, pair: Pair<'_, Rule>) {
        self.open();
        let mut parts = pair.into_inner().peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_some_and(|next| next.as_rule() == Rule::close_block);
            match part.as_rule() {
                Rule::open_block => {
                    self.token();
                    self.push(Operation::Indent);
                }
                Rule::action => {
                    self.ask(Separator::BREAK);
                    self.part(part);
                }
                Rule::comma if is_last => self.skip(),
                Rule::close_block => self.closing_token(Separator::BREAK),
                _ => self.part(part),
            }
        }
        self.close();
    }

    /// Selectors, which fill lines. Their group begins after the separator before them.
    fn targets(&mut self, pair: Pair<'_, Rule>) {
        self.open();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::kw_except {
                self.ask(Separator::FILL);
                self.token();
                continue;
            }
            for selector in part.into_inner() {
                let is_comma = selector.as_rule() == Rule::comma;
                self.part(selector);
                if is_comma {
                    self.ask(Separator::FILL);
                }
            }
        }
        self.close();
    }

    /// Brackets around parts that fill lines, with a `,` between two parts and none after the last.
    fn brackets(&mut self, pair: Pair<'_, Rule>) {
        // An optimizer's arguments directly follow its name.
        if pair.as_rule() == Rule::arguments {
            self.ask(Separator::Nothing);
        }
        self.open();
        let (mut count, mut has_comma) = (0, true);
        let mut parts = pair.into_inner().peekable();
        while let Some(part) = parts.next() {
            let is_last = parts
                .peek()
                .is_some_and(|next| matches!(next.as_rule(), Rule::close | Rule::close_index));
            match part.as_rule() {
                Rule::open | Rule::open_index => {
                    self.token();
                    self.push(Operation::Indent);
                }
                Rule::close | Rule::close_index if count == 0 => {
                    self.closing_token(Separator::Nothing);
                }
                Rule::close | Rule::close_index => self.closing_token(Separator::EDGE),
                Rule::comma if is_last => self.skip(),
                Rule::comma => {
                    has_comma = true;
                    self.token();
                }
                kind => {
                    // It is optional between an optimizer's arguments.
                    if !has_comma {
                        self.append(",");
                    }
                    has_comma = false;
                    self.ask(if count > 0 { Separator::FILL } else { Separator::EDGE });
                    count += 1;
                    if kind == Rule::targets { self.targets(part) } else { self.part(part) }
                }
            }
        }
        self.close();
    }

    /// `{q_proj,v_proj}`, a part of a path, without spaces.
    fn one_of(&mut self, pair: Pair<'_, Rule>) {
        for part in pair.into_inner() {
            let is_comma = part.as_rule() == Rule::comma;
            self.token();
            if is_comma {
                self.ask(Separator::Nothing);
            }
        }
    }
}
