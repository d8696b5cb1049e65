//! Messages as they travel: a header with their length, and JSON.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::checks::CheckedDocument;
use super::protocol::Message;
use crate::output::print_error;

/// How many messages wait until the editor has to.
const WAITING: usize = 1_024;

/// The longest message that is read.
const LONGEST: usize = 1 << 30;

/// What the server waits for.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(Message),
    /// A message that is none, and why. The next one can be read.
    Malformed(String),
    /// The end of the input; no message follows.
    End,
    /// A document that was checked.
    Checked(CheckedDocument),
    /// A document whose check panicked: its findings are unknown.
    CheckFailed,
}

/// Where messages wait.
pub(super) fn channel() -> (SyncSender<Incoming>, Receiver<Incoming>) {
    sync_channel(WAITING)
}

/// Reads messages in a thread of its own, up to the end of the input, or to where the place of the next
/// message is unknown.
pub(super) fn read_from(input: impl Read + Send + 'static, sender: SyncSender<Incoming>) {
    std::thread::spawn(move || {
        if let Err(error) = forward(&mut BufReader::new(input), &sender) {
            print_error(&format!("error: the input cannot be read any further: {error}"));
        }
        // If nobody waits for it, the server has ended.
        let _ended = sender.send(Incoming::End);
    });
}

fn forward(input: &mut impl BufRead, sender: &SyncSender<Incoming>) -> io::Result<()> {
    while let Some(body) = body(input)? {
        let incoming = match serde_json::from_slice(&body) {
            Ok(message) => Incoming::Message(message),
            Err(error) => Incoming::Malformed(error.to_string()),
        };
        if sender.send(incoming).is_err() {
            break;
        }
    }
    Ok(())
}

/// The JSON of the next message; `None` at the end of the input.
fn body(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.trim().eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok().filter(|length| *length <= LONGEST);
        }
    }
    let Some(length) = length else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message without a `Content-Length`",
        ));
    };
    let mut body = vec![0; length];
    input.read_exact(&mut body).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::other("it ends within a message"),
        _ => error,
    })?;
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Vec<Incoming> {
        let (sender, receiver) = channel();
        read_from(text.as_bytes(), sender);
        receiver.into_iter().take_while(|incoming| !matches!(incoming, Incoming::End)).collect()
    }

    #[test]
    fn messages_are_read_one_after_another() {
        let text = "Content-Length: 20\r\n\r\n{\"method\":\"a\",\"b\":1}content-length:14\r\n\
                    Content-Type: x\r\n\r\n{\"method\":\"b\"}";
        let [Incoming::Message(Message::Notification(first)), Incoming::Message(_)] =
            &read(text)[..]
        else {
            panic!("two messages");
        };
        assert_eq!(first.method, "a");
    }

    #[test]
    fn a_message_that_is_none_does_not_end_it() {
        let text = "Content-Length: 3\r\n\r\n{]}Content-Length: 14\r\n\r\n{\"method\":\"b\"}";
        let [Incoming::Malformed(_), Incoming::Message(_)] = &read(text)[..] else {
            panic!("a malformed message, and another");
        };
    }

    #[test]
    fn without_a_length_there_is_no_next_message() {
        assert_eq!(read("Content-Type: x\r\n\r\n{}").len(), 0);
        assert_eq!(read("Content-Length: 999\r\n\r\n{}").len(), 0);
        assert_eq!(read("Content-Length: 99999999999999999999\r\n\r\n{}").len(), 0);
        assert_eq!(read("").len(), 0);
    }
}
