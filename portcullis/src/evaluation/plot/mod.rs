//! Figures as plots: one SVG each, the same bytes for the same figures.

mod bars;
mod canvas;
mod delays;
mod operating;
mod scale;

use super::{Figures, Sweep};
use anyhow::Context as _;
use std::path::{Path, PathBuf};

/// Draws the plots of an evaluation, each with the name of its file.
///
/// # Errors
/// When the drawing library fails.
pub(crate) fn draw(
    figures: &Figures,
    sweep: &Sweep,
    budgets: &[f64],
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut plots = vec![
        ("recall.svg", bars::recall(figures)?),
        ("recall-false-positives.svg", operating::plot(sweep, budgets)?),
        ("time-to-detection.svg", delays::plot(figures, &delays::TIME)?),
        (
            "requests-to-detection.svg",
            delays::plot(figures, &delays::REQUESTS)?,
        ),
    ];
    let features = figures.rows.ranked();
    if !features.is_empty() {
        plots.push(("single-features.svg", bars::features(&features)?));
    }
    Ok(plots)
}

/// Writes plots to a folder, which is made if it is not there, and says where they went.
///
/// # Errors
/// When the folder or a file in it cannot be written.
pub(crate) fn write(folder: &Path, plots: &[(&str, String)]) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("could not make the folder {}", folder.display()))?;
    let mut written = Vec::with_capacity(plots.len());
    for (name, svg) in plots {
        let file = folder.join(name);
        std::fs::write(&file, svg).with_context(|| format!("could not write {}", file.display()))?;
        written.push(file);
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Tally;
    use detector::policy::PolicySettings;

    fn figures() -> Figures {
        let tally = Tally {
            attackers: 4,
            caught: 3,
            early: 1,
            requests: vec![2, 40],
            millis: vec![0, 90_000],
            ..Tally::default()
        };
        let mut figures = Figures {
            all: tally.clone(),
            ..Figures::default()
        };
        for kind in ["scraping", "injection"] {
            figures.kinds.insert(kind.to_owned(), tally.clone());
        }
        let way = ("scraping".to_owned(), "<script>alert(1)</script>".to_owned());
        figures.variants.insert(way, tally);
        figures
    }

    #[test]
    fn plots_are_the_same_bytes_again_and_text_from_files_stays_text() {
        let figures = figures();
        let sweep = Sweep::over(&PolicySettings::default(), |_| Ok(figures.clone())).unwrap();
        let plots = draw(&figures, &sweep, &[1_000.0, 10.0]).unwrap();
        assert_eq!(plots, draw(&figures, &sweep, &[1_000.0, 10.0]).unwrap());
        assert_eq!(plots.len(), 4);
        for (name, svg) in &plots {
            assert!(
                svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
                "{name}"
            );
            assert!(!svg.contains("<script"), "{name}");
        }
        assert!(plots[0].1.contains("3 of 4") && plots[1].1.contains("budget 1,000"));
    }

    #[test]
    fn nobody_and_nothing_is_drawn_as_well() {
        let figures = Figures::default();
        let sweep = Sweep::over(&PolicySettings::default(), |_| Ok(figures.clone())).unwrap();
        for (name, svg) in draw(&figures, &sweep, &[]).unwrap() {
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        }
    }
}
