//! The requests of the editor and their results.

use serde::de::DeserializeOwned;

use super::capabilities::Client;
use super::documents::Document;
use super::open_documents::OpenDocuments;
use super::outgoing::{RequestResult, json};
use super::protocol::{
    CodeActionRequest, CompletionRequest, CompletionResponse, Definition, DefinitionRequest,
    DefinitionResponse, DocumentFormattingRequest, DocumentHighlightRequest, DocumentSymbolRequest,
    DocumentSymbolResponse, ErrorCode, FoldingRangeRequest, HoverRequest, InlayHintRequest,
    PrepareRenameRequest, PrepareRenameResult, ReferencesRequest, RenameRequest, Request,
    RequestError, RequestKind, TextDocumentIdentifier,
};
use super::{actions, language};

/// A request on its way to the function that answers it.
struct Dispatch<'r> {
    request: &'r Request,
    documents: &'r OpenDocuments,
    answer: Option<RequestResult>,
}

/// The result of a request.
pub(super) fn answer(
    request: &Request,
    documents: &OpenDocuments,
    client: &Client,
) -> RequestResult {
    let pages = client.pages.as_deref();
    let mut dispatch = Dispatch { request, documents, answer: None };
    dispatch
        .on::<CodeActionRequest>(
            |params| &params.text_document,
            |document, params| Ok(Some(actions::all(document, &params, pages))),
        )
        .on::<DocumentFormattingRequest>(
            |params| &params.text_document,
            |document, _| {
                let edits = document.policy().formatting();
                Ok(edits.map(|edits| document.text_edits(&edits)))
            },
        )
        .on::<DocumentSymbolRequest>(
            |params| &params.text_document,
            |document, _| {
                let symbols = language::symbols(document);
                Ok(Some(DocumentSymbolResponse::DocumentSymbolList(symbols)))
            },
        )
        .on::<FoldingRangeRequest>(
            |params| &params.text_document,
            |document, _| Ok(Some(language::folds(document))),
        )
        .on::<InlayHintRequest>(
            |params| &params.text_document,
            |document, params| Ok(Some(language::hints(document, params.range))),
        );
    at_places(&mut dispatch);
    dispatch.answer.unwrap_or_else(|| {
        let message = format!("`{}` is not supported", request.method);
        Err(RequestError::new(ErrorCode::MethodNotFound, message))
    })
}

/// Requests about a place of a document.
fn at_places(dispatch: &mut Dispatch<'_>) {
    dispatch
        .on::<CompletionRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                let at = params.text_document_position_params.position;
                let items = language::completions(document, at);
                Ok(Some(CompletionResponse::CompletionItemList(items)))
            },
        )
        .on::<HoverRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                Ok(language::hover(document, params.text_document_position_params.position))
            },
        )
        .on::<DefinitionRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                let at = params.text_document_position_params.position;
                let place = language::definition(document, at);
                Ok(place.map(|it| DefinitionResponse::Definition(Definition::Location(it))))
            },
        )
        .on::<ReferencesRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                let at = params.text_document_position_params.position;
                let with_definition = params.context.include_declaration;
                Ok(Some(language::references(document, at, with_definition)))
            },
        )
        .on::<DocumentHighlightRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                let at = params.text_document_position_params.position;
                Ok(Some(language::highlights(document, at)))
            },
        )
        .on::<PrepareRenameRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                let byte = document.byte(params.text_document_position_params.position);
                let place = document.policy().renamable(byte);
                Ok(place.map(|place| PrepareRenameResult::Range(document.range(place))))
            },
        )
        .on::<RenameRequest>(
            |params| &params.text_document_position_params.text_document,
            |document, params| {
                let byte = document.byte(params.text_document_position_params.position);
                let edits = document.policy().rename(byte, &params.new_name).map_err(|error| {
                    RequestError::new(ErrorCode::RequestFailed, error.to_string())
                })?;
                Ok(Some(actions::workspace_edit(document, &edits)))
            },
        );
}

/// The parameters of a request or a notification.
pub(super) fn params<P: DeserializeOwned>(params: &serde_json::Value) -> Result<P, RequestError> {
    P::deserialize(params)
        .map_err(|error| RequestError::new(ErrorCode::InvalidParams, error.to_string()))
}

impl Dispatch<'_> {
    /// Answers the request if it is of this kind; `of` is the document that it is about.
    fn on<R: RequestKind>(
        &mut self,
        of: impl FnOnce(&R::Params) -> &TextDocumentIdentifier,
        handle: impl FnOnce(&Document, R::Params) -> Result<R::Result, RequestError>,
    ) -> &mut Self {
        if self.answer.is_none() && String::from(R::METHOD) == self.request.method {
            self.answer = Some(self.result::<R>(of, handle));
        }
        self
    }

    fn result<R: RequestKind>(
        &mut self,
        of: impl FnOnce(&R::Params) -> &TextDocumentIdentifier,
        handle: impl FnOnce(&Document, R::Params) -> Result<R::Result, RequestError>,
    ) -> RequestResult {
        let params: R::Params = params(&self.request.params)?;
        let uri = &of(&params).uri;
        let document = self.documents.get(uri).ok_or_else(|| {
            let message = format!("`{}` is not open", uri.0);
            RequestError::new(ErrorCode::InvalidParams, message)
        })?;
        json(&handle(document, params)?)
    }
}
