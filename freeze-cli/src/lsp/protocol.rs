//! The types of the protocol, all in one place.

pub(super) use gen_lsp_types::{
    CancelParams, Code, CodeAction, CodeActionKind, CodeActionOptions, CodeActionParams,
    CodeActionProvider, CodeActionRequest, CodeActionResponse, CodeDescription, CompletionItem,
    CompletionItemKind, CompletionItemTextEdit, CompletionOptions, CompletionRequest,
    CompletionResponse, Contents, Definition, DefinitionProvider, DefinitionRequest,
    DefinitionResponse, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity,
    DiagnosticTag, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DocumentFormattingProvider, DocumentFormattingRequest,
    DocumentHighlight, DocumentHighlightProvider, DocumentHighlightRequest, DocumentSymbol,
    DocumentSymbolProvider, DocumentSymbolRequest, DocumentSymbolResponse, Documentation,
    FoldingRange, FoldingRangeKind, FoldingRangeProvider, FoldingRangeRequest, Hover,
    HoverProvider, HoverRequest, Id, InitializeParams, InitializeResult, InlayHint, InlayHintKind,
    InlayHintProvider, InlayHintRequest, Label as InlayHintLabel, Location, MarkupContent,
    MarkupKind, Message as MessageText, Position, PositionEncodingKind, PrepareRenameRequest,
    PrepareRenameResult, PublishDiagnosticsParams, Range, ReferencesProvider, ReferencesRequest,
    RenameOptions, RenameProvider, RenameRequest, Request as RequestKind, ServerCapabilities,
    ServerInfo, SymbolKind as ProtocolSymbolKind, TextDocumentContentChangeEvent,
    TextDocumentIdentifier, TextDocumentSync, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextEdit, Uri, WorkspaceEdit,
};
pub(super) use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, ResponseError};

/// Why a request has no result.
#[derive(Debug)]
pub(super) struct RequestError {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl RequestError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<RequestError> for ResponseError {
    fn from(error: RequestError) -> Self {
        Self { code: error.code as i32, message: error.message, data: None }
    }
}
