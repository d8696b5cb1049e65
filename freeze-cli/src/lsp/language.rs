//! What [`freeze_dsl::ide`] says of a policy, as the protocol has it.

use freeze_dsl::ide::{Completion, CompletionKind, Fold, Symbol, SymbolKind};
use freeze_dsl::source::Span;

use super::documents::Document;
use super::protocol::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, Contents, DocumentHighlight,
    DocumentSymbol, Documentation, FoldingRange, FoldingRangeKind, Hover, InlayHint, InlayHintKind,
    InlayHintLabel, Location, MarkupContent, MarkupKind, Position, ProtocolSymbolKind, Range,
};

pub(super) fn completions(document: &Document, at: Position) -> Vec<CompletionItem> {
    let completions = document.policy().completions(document.byte(at)).into_iter();
    completions.enumerate().map(|(place, it)| completion(document, place, it)).collect()
}

fn completion(document: &Document, place: usize, completion: Completion) -> CompletionItem {
    let Completion { label, kind, detail, documentation, replace, text } = completion;
    let edit = document.text_edit(&freeze_dsl::diagnostic::Edit { span: replace, text });
    // What an editor compares with the text that is replaced.
    let filter = (edit.new_text != label).then(|| edit.new_text.clone());
    CompletionItem {
        label,
        kind: Some(match kind {
            CompletionKind::Keyword => CompletionItemKind::Keyword,
            CompletionKind::Module => CompletionItemKind::Module,
            CompletionKind::Parameter => CompletionItemKind::Field,
            CompletionKind::Targets => CompletionItemKind::Variable,
            CompletionKind::Number => CompletionItemKind::Constant,
            CompletionKind::Optimizer => CompletionItemKind::Function,
            CompletionKind::Argument => CompletionItemKind::Property,
            CompletionKind::Metric => CompletionItemKind::Value,
        }),
        detail: (!detail.is_empty()).then_some(detail),
        documentation: (!documentation.is_empty())
            .then(|| Documentation::MarkupContent(markdown(documentation))),
        // Editors sort by the label otherwise: `10` before `2`.
        sort_text: Some(format!("{place:05}")),
        filter_text: filter,
        text_edit: Some(CompletionItemTextEdit::TextEdit(edit)),
        ..CompletionItem::default()
    }
}

fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}

pub(super) fn hover(document: &Document, at: Position) -> Option<Hover> {
    let hover = document.policy().hover(document.byte(at))?;
    Some(Hover {
        contents: Contents::MarkupContent(markdown(hover.markdown)),
        range: Some(document.range(hover.span)),
    })
}

pub(super) fn definition(document: &Document, at: Position) -> Option<Location> {
    let place = document.policy().definition(document.byte(at))?;
    Some(location(document, place))
}

/// The places of a name: its uses, and its definition if that is wanted.
pub(super) fn references(
    document: &Document,
    at: Position,
    with_definition: bool,
) -> Vec<Location> {
    let places = document.policy().references(document.byte(at));
    let skipped = usize::from(!with_definition);
    places.into_iter().skip(skipped).map(|place| location(document, place)).collect()
}

pub(super) fn highlights(document: &Document, at: Position) -> Vec<DocumentHighlight> {
    let places = document.policy().references(document.byte(at));
    let highlight = |place| DocumentHighlight { range: document.range(place), kind: None };
    places.into_iter().map(highlight).collect()
}

fn location(document: &Document, place: Span) -> Location {
    Location { uri: document.uri.clone(), range: document.range(place) }
}

pub(super) fn symbols(document: &Document) -> Vec<DocumentSymbol> {
    document.policy().symbols().into_iter().map(|it| symbol(document, it)).collect()
}

fn symbol(document: &Document, symbol: Symbol) -> DocumentSymbol {
    let kind = match symbol.kind {
        SymbolKind::Setting => ProtocolSymbolKind::Property,
        SymbolKind::Number => ProtocolSymbolKind::Constant,
        SymbolKind::Targets => ProtocolSymbolKind::Array,
        SymbolKind::Rule => ProtocolSymbolKind::Event,
        SymbolKind::Track => ProtocolSymbolKind::Namespace,
        SymbolKind::Loop | SymbolKind::Repeat => ProtocolSymbolKind::Struct,
    };
    let children: Vec<_> =
        symbol.children.into_iter().map(|it| self::symbol(document, it)).collect();
    #[expect(deprecated, reason = "the structure has no other constructor")]
    DocumentSymbol {
        name: symbol.name,
        detail: (!symbol.detail.is_empty()).then_some(symbol.detail),
        kind,
        tags: None,
        deprecated: None,
        range: document.range(symbol.span),
        selection_range: document.range(symbol.name_span),
        children: (!children.is_empty()).then_some(children),
    }
}

pub(super) fn folds(document: &Document) -> Vec<FoldingRange> {
    document.policy().folds().into_iter().map(|it| fold(document, it)).collect()
}

fn fold(document: &Document, Fold { span, is_comment }: Fold) -> FoldingRange {
    let Range { start, end } = document.range(span);
    FoldingRange {
        start_line: start.line,
        end_line: end.line,
        kind: is_comment.then_some(FoldingRangeKind::Comment),
        ..FoldingRange::default()
    }
}

pub(super) fn hints(document: &Document, within: Range) -> Vec<InlayHint> {
    let hints = document.policy().hints(document.span(within)).into_iter();
    hints
        .map(|hint| InlayHint {
            position: document.range(Span::new(hint.at, hint.at)).start,
            label: InlayHintLabel::String(hint.text),
            kind: Some(InlayHintKind::Type),
            text_edits: None,
            tooltip: None,
            padding_left: Some(true),
            padding_right: None,
            data: None,
        })
        .collect()
}
