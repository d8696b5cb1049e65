//! The elements of an SVG file.

use std::fmt::{self, Formatter};

const STYLE: &str = "text{font:14px system-ui,'Segoe UI','Helvetica Neue',Arial,sans-serif;\
fill:#333}.title{font-size:22px;font-weight:600;fill:#111}.quiet{fill:#666}\
.strong{font-weight:600}.small{font-size:13px}";

/// A page's width.
pub(super) const WIDTH: f64 = 1000.0;
/// The left edge of a page's texts.
pub(super) const LEFT: f64 = 76.0;

/// A page with its title and subtitle, without its end tag.
pub(super) fn page(f: &mut Formatter<'_>, height: f64, title: &str, subtitle: &str) -> fmt::Result {
    writeln!(
        f,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">",
    )?;
    writeln!(f, "<title>{}</title>\n<style>{STYLE}</style>", escape(title))?;
    rectangle(f, (0.0, 0.0), (WIDTH, height), "fill=\"#ffffff\"")?;
    text(f, (LEFT, 38.0), "class=\"title\"", title)?;
    text(f, (LEFT, 62.0), "class=\"quiet\"", subtitle)
}

pub(super) fn end(f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "</svg>")
}

pub(super) fn segment(
    f: &mut Formatter<'_>,
    from: (f64, f64),
    to: (f64, f64),
    attributes: &str,
) -> fmt::Result {
    writeln!(
        f,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" {attributes}/>",
        from.0, from.1, to.0, to.1,
    )
}

pub(super) fn rectangle(
    f: &mut Formatter<'_>,
    corner: (f64, f64),
    size: (f64, f64),
    attributes: &str,
) -> fmt::Result {
    writeln!(
        f,
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" {attributes}/>",
        corner.0, corner.1, size.0, size.1,
    )
}

pub(super) fn text(
    f: &mut Formatter<'_>,
    at: (f64, f64),
    attributes: &str,
    words: &str,
) -> fmt::Result {
    writeln!(f, "<text x=\"{:.1}\" y=\"{:.1}\" {attributes}>{}</text>", at.0, at.1, escape(words))
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
