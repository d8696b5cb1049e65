//! Messages to the editor.

use std::io::Write;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::protocol::{ErrorCode, RequestError, RequestId, ResponseError};

/// The editor, as the one who reads what is written.
///
/// One that no longer reads closes its end, which ends the server. So nothing is done where a message
/// is lost.
pub(super) struct Editor<W> {
    out: W,
}

/// The result of a request as JSON. What has thousands of parts is written once, not built before.
pub(super) type RequestResult = Result<Box<RawValue>, RequestError>;

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> RequestResult {
    to_raw_value(value)
        .map_err(|error| RequestError::new(ErrorCode::InternalError, error.to_string()))
}

#[derive(Serialize)]
struct ResponseMessage<'m> {
    jsonrpc: &'static str,
    id: Option<&'m RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'m RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ResponseError>,
}

#[derive(Serialize)]
struct CallMessage<'m, P> {
    jsonrpc: &'static str,
    /// A call without one is a notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'m str>,
    method: &'m str,
    params: P,
}

/// The version of JSON-RPC.
const JSONRPC: &str = "2.0";

impl<W: Write> Editor<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out }
    }

    /// Answers a request; one without an id is a message that could not be read.
    pub(super) fn respond(&mut self, id: Option<&RequestId>, result: RequestResult) {
        let (result, error) = match result {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error.into())),
        };
        self.write(&ResponseMessage { jsonrpc: JSONRPC, id, result: result.as_deref(), error });
    }

    pub(super) fn notify(&mut self, method: &str, params: impl Serialize) {
        self.write(&CallMessage { jsonrpc: JSONRPC, id: None, method, params });
    }

    /// Makes a request of the editor.
    pub(super) fn ask(&mut self, id: &str, method: &str, params: impl Serialize) {
        self.write(&CallMessage { jsonrpc: JSONRPC, id: Some(id), method, params });
    }

    fn write(&mut self, message: &impl Serialize) {
        let Ok(body) = serde_json::to_vec(message) else { return };
        let _lost = write!(self.out, "Content-Length: {}\r\n\r\n", body.len());
        let _lost = self.out.write_all(&body);
        let _lost = self.out.flush();
    }
}
