//! What the server offers, and what it makes of what the editor can do.

use super::positions::Encoding;
use super::protocol::{
    CodeActionKind, CodeActionOptions, CodeActionProvider, CompletionOptions, DefinitionProvider,
    DocumentFormattingProvider, DocumentHighlightProvider, DocumentSymbolProvider,
    FoldingRangeProvider, HoverProvider, InitializeParams, InitializeResult, InlayHintProvider,
    ReferencesProvider, RenameOptions, RenameProvider, ServerCapabilities, ServerInfo,
    TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions,
};

/// What the editor can do and wants.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    pub(super) encoding: Encoding,
    /// The URI of the page of a finding, with `{code}` for its code, if the editor can show pages.
    pub(super) pages: Option<String>,
    /// Whether it can be asked to watch files.
    pub(super) watches_files: bool,
}

impl Client {
    pub(super) fn new(params: &InitializeParams) -> Self {
        let capabilities = &params.capabilities;
        let general = capabilities.general.as_ref();
        let offered = general.and_then(|general| general.position_encodings.as_deref());
        let options = params.initialization_options.as_ref();
        let pages = options.and_then(|options| options.get("pages")?.as_str());
        let watching = capabilities.workspace.as_ref().and_then(|it| it.did_change_watched_files);
        Self {
            encoding: Encoding::choose(offered),
            pages: pages.map(str::to_owned),
            watches_files: watching.and_then(|it| it.dynamic_registration).unwrap_or_default(),
        }
    }

    /// What the server offers it.
    pub(super) fn answer(&self) -> InitializeResult {
        let kinds = vec![CodeActionKind::QuickFix, CodeActionKind::SourceFixAll];
        let actions =
            CodeActionOptions { code_action_kinds: Some(kinds), ..CodeActionOptions::default() };
        InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(self.encoding.kind()),
                text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::Incremental),
                    ..TextDocumentSyncOptions::default()
                })),
                completion_provider: Some(CompletionOptions {
                    trigger_characters: Some([".", "@", "[", "{", "("].map(str::to_owned).to_vec()),
                    ..CompletionOptions::default()
                }),
                hover_provider: Some(HoverProvider::Bool(true)),
                definition_provider: Some(DefinitionProvider::Bool(true)),
                references_provider: Some(ReferencesProvider::Bool(true)),
                document_highlight_provider: Some(DocumentHighlightProvider::Bool(true)),
                document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
                folding_range_provider: Some(FoldingRangeProvider::Bool(true)),
                inlay_hint_provider: Some(InlayHintProvider::Bool(true)),
                rename_provider: Some(RenameProvider::RenameOptions(RenameOptions {
                    prepare_provider: Some(true),
                    ..RenameOptions::default()
                })),
                code_action_provider: Some(CodeActionProvider::CodeActionOptions(actions)),
                document_formatting_provider: Some(DocumentFormattingProvider::Bool(true)),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo {
                name: "freeze".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        }
    }
}
