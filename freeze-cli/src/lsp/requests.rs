//! The requests of the editor and their results.

use serde::de::DeserializeOwned;

use super::capabilities::Client;
use super::documents::Document;
use super::protocol::{
    CodeActionRequest, CompletionRequest, CompletionResponse, Definition, DefinitionRequest,
    DefinitionResponse, DocumentFormattingRequest, DocumentHighlightRequest, DocumentSymbolRequest,
    DocumentSymbolResponse, ErrorCode, FoldingRangeRequest, HoverRequest, InlayHintRequest,
    PrepareRenameRequest, PrepareRenameResult, ReferencesRequest, RenameRequest, Request,
    RequestError, RequestKind, TextDocumentIdentifier, Uri,
};
use super::{actions, language};

/// Finds the document that a request is about.
pub(super) trait Documents {
    /// The open document of a URI.
    fn get(&mut self, uri: &Uri) -> Option<&Document>;
}

/// A request on its way to the function that answers it.
struct Dispatch<'r, D> {
    request: &'r Request,
    documents: &'r mut D,
    answer: Option<Result<serde_json::Value, RequestError>>,
}

/// The result of a request.
pub(super) fn answer(
    request: &Request,
    documents: &mut impl Documents,
    client: &Client,
) -> Result<serde_json::Value, RequestError> {
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
fn at_places(dispatch: &mut Dispatch<'_, impl Documents>) {
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

impl<D: Documents> Dispatch<'_, D> {
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
    ) -> Result<serde_json::Value, RequestError> {
        let params: R::Params = params(&self.request.params)?;
        let uri = &of(&params).uri;
        let document = self.documents.get(uri).ok_or_else(|| {
            let message = format!("`{}` is not open", uri.0);
            RequestError::new(ErrorCode::InvalidParams, message)
        })?;
        serde_json::to_value(handle(document, params)?)
            .map_err(|error| RequestError::new(ErrorCode::InternalError, error.to_string()))
    }
}
