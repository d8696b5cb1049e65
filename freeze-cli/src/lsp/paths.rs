//! URIs of files as paths (RFC 8089, <https://www.rfc-editor.org/rfc/rfc8089>).

use std::path::PathBuf;

use super::protocol::Uri;

/// The path of a `file:` URI; `None` for any other, such as that of a text that was never saved.
pub(super) fn of_uri(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let (host, path) = rest.split_at_checked(rest.find('/')?)?;
    if !(host.is_empty() || host == "localhost") {
        return None;
    }
    let path = decoded(path)?;
    // `/c:/policies` on Windows.
    let is_drive = cfg!(windows) && path.get(2..3) == Some(":");
    Some(PathBuf::from(path.get(usize::from(is_drive)..)?))
}

/// A text with its `%2F` as the bytes that they are; `None` if that is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(uri: &str) -> Option<PathBuf> {
        of_uri(&Uri(uri.to_owned()))
    }

    #[test]
    fn files_are_paths_and_others_are_not() {
        assert_eq!(path("file:///a/b%20c/%C3%A9.freeze"), Some("/a/b c/é.freeze".into()));
        assert_eq!(path("file://localhost/a"), Some("/a".into()));
        for other in ["untitled:Untitled-1", "file://server/a", "file:///%", "file:///%ff", "x"] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
