//! A sheet to draw on: SVG text, lines and areas in pixels, in the colours of the dashboard.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Text and marks.
pub(super) const INK: RGBColor = RGBColor(0x17, 0x20, 0x2c);
/// Explanations and numbers beside marks.
pub(super) const DIM: RGBColor = RGBColor(0x56, 0x62, 0x73);
/// Grids.
pub(super) const LINE: RGBColor = RGBColor(0xdf, 0xe4, 0xeb);
/// What the plot is about.
pub(super) const ACCENT: RGBColor = RGBColor(0x24, 0x56, 0xc9);
/// Bars behind marks.
pub(super) const PALE: RGBColor = RGBColor(0xc5, 0xd5, 0xf6);
/// What goes beyond a line that it should not.
pub(super) const WARM: RGBColor = RGBColor(0xb3, 0x38, 0x0c);

/// Sizes of text in pixels.
pub(super) const TITLE: f64 = 19.0;
pub(super) const TEXT: f64 = 13.0;
pub(super) const SMALL: f64 = 11.5;

/// By how much the library shrinks a size of text on its way into SVG.
const SHRINKS_BY: f64 = 1.24;

/// Width of a character of a sans-serif font as a share of its size, on average.
const CHARACTER_WIDTH: f64 = 0.55;

/// Pixels, from the left and from the top.
pub(super) type Point = (f64, f64);

/// A sheet.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws on a white sheet of that size and returns its SVG.
///
/// # Errors
/// When the library fails, which it has no reason to do in memory.
pub(super) fn render(
    size: (u32, u32),
    draw: impl FnOnce(&Canvas<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let mut svg = String::new();
    let canvas = Canvas {
        area: SVGBackend::with_string(&mut svg, size).into_drawing_area(),
    };
    canvas.area.fill(&WHITE)?;
    draw(&canvas)?;
    canvas.area.present()?;
    drop(canvas);
    Ok(svg)
}

fn pixel((x, y): Point) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

impl Canvas<'_> {
    /// Writes text whose left end, middle or right end stands at a point, vertically centred on it.
    pub(super) fn text(
        &self,
        text: &str,
        at: Point,
        size: f64,
        color: RGBColor,
        anchor: HPos,
    ) -> anyhow::Result<()> {
        let style = TextStyle::from(("sans-serif", size * SHRINKS_BY).into_font())
            .color(&color)
            .pos(Pos::new(anchor, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), pixel(at), style))?;
        Ok(())
    }

    /// Writes text on a white ground of about its size, for places where lines run.
    pub(super) fn label(
        &self,
        text: &str,
        at: Point,
        size: f64,
        color: RGBColor,
        anchor: HPos,
    ) -> anyhow::Result<()> {
        let width = text.chars().count() as f64 * size * CHARACTER_WIDTH;
        let left = match anchor {
            HPos::Left => at.0,
            HPos::Center => at.0 - width / 2.0,
            HPos::Right => at.0 - width,
        };
        let half = size * 0.6;
        self.bar(
            (left - 2.0, at.1 - half),
            (left + width + 2.0, at.1 + half),
            WHITE,
        )?;
        self.text(text, at, size, color, anchor)
    }

    /// Writes the title and the line under it that says what is shown.
    pub(super) fn title(&self, title: &str, meaning: &str) -> anyhow::Result<()> {
        self.text(title, (24.0, 30.0), TITLE, INK, HPos::Left)?;
        self.text(meaning, (24.0, 54.0), TEXT, DIM, HPos::Left)
    }

    /// Draws a line through points.
    pub(super) fn path(&self, points: &[Point], color: RGBColor, width: u32) -> anyhow::Result<()> {
        let points: Vec<(i32, i32)> = points.iter().copied().map(pixel).collect();
        self.area
            .draw(&PathElement::new(points, color.stroke_width(width)))?;
        Ok(())
    }

    /// Fills a rectangle.
    pub(super) fn bar(&self, from: Point, to: Point, color: RGBColor) -> anyhow::Result<()> {
        self.area
            .draw(&Rectangle::new([pixel(from), pixel(to)], color.filled()))?;
        Ok(())
    }

    /// Draws a dot.
    pub(super) fn dot(&self, at: Point, radius: i32, color: RGBColor) -> anyhow::Result<()> {
        self.area.draw(&Circle::new(pixel(at), radius, color.filled()))?;
        Ok(())
    }
}
