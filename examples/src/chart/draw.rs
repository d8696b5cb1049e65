//! A line chart as the text of an SVG file.

use std::fmt;

use super::layout::{LEADING, Layout, RIGHT, stair};
use super::svg::{self, LEFT, escape, segment, text};
use super::{Line, LineChart, Mark};

impl fmt::Display for LineChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = Layout::new(self);
        svg::page(f, page.height(), &self.title, &self.subtitle)?;
        self.draw_axes(f, &page)?;
        for (index, mark) in self.marks.iter().enumerate() {
            self.draw_mark(f, &page, mark, stair(index))?;
        }
        self.lines.iter().try_for_each(|line| draw_spread(f, &page, line))?;
        self.lines.iter().try_for_each(|line| draw_line(f, &page, line))?;
        self.marks.iter().try_for_each(|mark| self.draw_dot(f, &page, mark))?;
        for (line, y) in self.lines.iter().zip(page.labels()) {
            self.draw_label(f, &page, line, y)?;
        }
        svg::end(f)
    }
}

impl LineChart {
    fn draw_axes(&self, f: &mut fmt::Formatter<'_>, page: &Layout<'_>) -> fmt::Result {
        let (top, bottom) = (page.top, page.bottom());
        writeln!(
            f,
            "<clipPath id=\"plot\"><rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{}\"/>\
             </clipPath>",
            RIGHT - LEFT,
            bottom - top,
        )?;
        for value in &self.y.ticks {
            let y = page.y(*value);
            segment(f, (LEFT, y), (RIGHT, y), "stroke=\"#e4e4e4\"")?;
            let label = format!("{value}{}", self.y.unit);
            text(f, (LEFT - 10.0, y + 5.0), "class=\"quiet\" text-anchor=\"end\"", &label)?;
        }
        segment(f, (LEFT, bottom), (RIGHT, bottom), "stroke=\"#888888\"")?;
        for value in &self.x.ticks {
            let x = page.x(*value);
            segment(f, (x, bottom), (x, bottom + 5.0), "stroke=\"#888888\"")?;
            let label = format!("{value}{}", self.x.unit);
            text(f, (x, bottom + 22.0), "class=\"quiet\" text-anchor=\"middle\"", &label)?;
        }
        let middle = f64::midpoint(LEFT, RIGHT);
        text(f, (middle, bottom + 48.0), "text-anchor=\"middle\"", &self.x.label)?;
        let (x, y) = (20.0, f64::midpoint(top, bottom));
        let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\"");
        text(f, (x, y), &turned, &self.y.label)
    }

    fn draw_mark(
        &self,
        f: &mut fmt::Formatter<'_>,
        page: &Layout<'_>,
        mark: &Mark,
        y: f64,
    ) -> fmt::Result {
        let Some(line) = self.lines.get(mark.line) else { return Ok(()) };
        let (x, colour) = (page.x(mark.x), line.colour.code());
        let stroke = format!("stroke=\"{colour}\" stroke-dasharray=\"2 4\"");
        segment(f, (x, y - 12.0), (x, page.bottom()), &stroke)?;
        writeln!(
            f,
            "<text x=\"{:.1}\" y=\"{y:.1}\" class=\"small\"><tspan class=\"strong\" \
             style=\"fill:{colour}\">{}</tspan>  {}</text>",
            x + 6.0,
            escape(&mark.title),
            escape(&mark.text),
        )
    }

    fn draw_dot(&self, f: &mut fmt::Formatter<'_>, page: &Layout<'_>, mark: &Mark) -> fmt::Result {
        let Some(line) = self.lines.get(mark.line) else { return Ok(()) };
        let Some(point) = line.points.iter().find(|point| point.x >= mark.x) else { return Ok(()) };
        writeln!(
            f,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"5\" fill=\"#ffffff\" stroke=\"{}\" \
             stroke-width=\"2.5\"/>",
            page.x(point.x),
            page.y(point.y),
            line.colour.code(),
        )
    }

    fn draw_label(
        &self,
        f: &mut fmt::Formatter<'_>,
        page: &Layout<'_>,
        line: &Line,
        y: f64,
    ) -> fmt::Result {
        let Some(end) = line.points.last() else { return Ok(()) };
        let (colour, x) = (line.colour.code(), RIGHT + 16.0);
        let leader = format!("stroke=\"{colour}\" stroke-opacity=\"0.5\"");
        segment(f, (page.x(end.x) + 3.0, page.y(end.y)), (x - 3.0, y), &leader)?;
        let style = format!("class=\"strong\" style=\"fill:{colour}\"");
        text(f, (x, y + 1.0), &style, &line.label)?;
        let (unit, decimals) = (self.y.unit, self.y.decimals);
        let spread = if line.points.iter().any(|point| point.spread > 0.0) {
            format!(" ± {:.decimals$}", end.spread)
        } else {
            String::new()
        };
        let value = format!("{:.decimals$}{unit}{spread}", end.y);
        text(f, (x, y + LEADING), "class=\"small\"", &value)
    }
}

/// The area over which the values spread.
fn draw_spread(f: &mut fmt::Formatter<'_>, page: &Layout<'_>, line: &Line) -> fmt::Result {
    writeln!(
        f,
        "<polygon points=\"{} {}\" fill=\"{}\" fill-opacity=\"0.10\" clip-path=\"url(#plot)\"/>",
        page.along(line.points.iter(), 1.0),
        page.along(line.points.iter().rev(), -1.0),
        line.colour.code(),
    )
}

fn draw_line(f: &mut fmt::Formatter<'_>, page: &Layout<'_>, line: &Line) -> fmt::Result {
    writeln!(
        f,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2.5\" \
         stroke-linejoin=\"round\" clip-path=\"url(#plot)\"/>",
        page.along(line.points.iter(), 0.0),
        line.colour.code(),
    )
}
