//! `portcullis model promote`: a model takes the place of the one that decides.

use super::{beside, install};
use crate::scorer::{bundle, card_of};
use anyhow::Context as _;
use models::bundle::ModelBundle;
use std::fmt::Write as _;
use std::path::Path;

/// Wrong blocks per million that so many client-days show at least: three divided by their number.
const SHOWN_PER_MILLION: f64 = 3e6;

/// Longest name of a row in what is told, in characters; longer ones are cut.
const LABEL_CHARS_MAX: usize = 46;

/// Puts a model in the place of the one that decides, which is kept; tells what changes, and what is to be done.
///
/// # Errors
/// When the model cannot be loaded, was trained on other features, decides already, or a file cannot be written.
pub(super) fn promote(challenger: &Path, file: &Path) -> anyhow::Result<String> {
    // As it will be loaded when it decides: other features are refused here, and not at the next start.
    let after = bundle(Some(challenger)).context("the model that decides stays as it was")?;
    let bytes = std::fs::read(challenger)
        .with_context(|| format!("could not read the model {}", challenger.display()))?;
    let is_there = file.exists();
    if is_there {
        let present =
            std::fs::read(file).with_context(|| format!("could not read the model {}", file.display()))?;
        anyhow::ensure!(
            present != bytes,
            "{} is {} already: nothing was changed",
            file.display(),
            challenger.display()
        );
    }
    // One that cannot be loaded decides nowhere: it is replaced, and kept as it is.
    let before = bundle(is_there.then_some(file));
    let mut told = match &before {
        Ok(before) => compare(before, &after),
        Err(error) => format!(
            "{} could not be compared: {}\n",
            file.display(),
            api::neutralise(&format!("{error:#}"))
        ),
    };
    install(file, &bytes, &card_of(&after))?;
    told.push_str(&next_steps(challenger, file, is_there, &after));
    Ok(told)
}

/// Both models' names and the key figures of their cards, side by side.
fn compare(before: &ModelBundle, after: &ModelBundle) -> String {
    let mut rows = vec![("", "before".to_owned(), "from now on".to_owned())];
    let mut row = |name, show: &dyn Fn(&ModelBundle) -> String| rows.push((name, show(before), show(after)));
    row("model", &|model| {
        api::neutralise(&model.provenance().name).into_owned()
    });
    row("rows that it was trained on", &|model| {
        model.provenance().rows.to_string()
    });
    row("client-days that it was calibrated on", &|model| {
        model.provenance().calibration_client_days.to_string()
    });
    row("smallest p-value", &|model| {
        format!("{:.1e}", model.smallest_p_value())
    });
    row("smallest budget, wrong blocks per million", &|model| {
        let client_days = model.provenance().calibration_client_days.max(1);
        format!("{:.0}", (SHOWN_PER_MILLION / client_days as f64).ceil())
    });
    let mut told = String::new();
    let lines = rows
        .into_iter()
        .map(|(name, old, new)| (name.to_owned(), old, new));
    for (name, old, new) in lines.chain(areas(before, after)) {
        // Writing to a string cannot fail.
        let _ = writeln!(told, "{}", format!("{name:<48}{old:<26}{new}").trim_end());
    }
    if before.provenance().name == after.provenance().name {
        told.push_str("Both have the same name: alerts and the list of models will not tell them apart.\n");
    }
    told
}

/// Areas under the ROC curve on the labelled sets of both cards; a dash where a model was not held against one.
fn areas(before: &ModelBundle, after: &ModelBundle) -> Vec<(String, String, String)> {
    let area = |model: &ModelBundle, what: &str| {
        let found = model.assessments().iter().find(|found| found.what == what);
        found.map_or_else(|| "-".to_owned(), |found| format!("{:.3}", found.combined))
    };
    let mut sets: Vec<&str> = Vec::new();
    for assessment in before.assessments().iter().chain(after.assessments()) {
        if !sets.contains(&assessment.what.as_str()) {
            sets.push(&assessment.what);
        }
    }
    let line = |what: &str| {
        let label = format!("area, {}", api::neutralise(what));
        let label = label.chars().take(LABEL_CHARS_MAX).collect();
        (label, area(before, what), area(after, what))
    };
    sets.into_iter().map(line).collect()
}

fn next_steps(challenger: &Path, file: &Path, is_there: bool, after: &ModelBundle) -> String {
    let (challenger, file_name) = (challenger.display(), file.display());
    let mut told = format!(
        "\n{file_name} is {} now, with its card beside it.\n",
        api::neutralise(&after.provenance().name)
    );
    let _ = if is_there {
        writeln!(
            told,
            "The one before is {}; it challenges the new one, and portcullis model rollback {file_name} puts it back.",
            beside(file, "1").display()
        )
    } else {
        writeln!(
            told,
            "There was no file: the shipped model decided, challenges the new one, and decides again without model.file."
        )
    };
    let _ = writeln!(
        told,
        "A running service takes it at its next start, if its configuration has\n\n[model]\nfile = \"{file_name}\"\n\n\
         and no challenger = \"{challenger}\" any more: beside itself a model is compared with nothing."
    );
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::{schema, testing};
    use std::path::PathBuf;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn with(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let file = self.file(name);
            std::fs::write(&file, bytes).unwrap();
            file
        }
    }

    fn own(name: &str, client_days: u64) -> Vec<u8> {
        testing::model(schema().unwrap(), name, client_days)
    }

    #[test]
    fn a_promoted_model_takes_the_place_of_the_one_before_which_is_kept() {
        let folder = Folder::new();
        let (old, new) = (own("of-may", 300), own("of-june", 400));
        let file = folder.with("current.model", &old);
        let challenger = folder.with("next.model", &new);
        let told = promote(&challenger, &file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), new);
        assert_eq!(std::fs::read(beside(&file, "1")).unwrap(), old);
        assert_eq!(std::fs::read(&challenger).unwrap(), new);
        let card = std::fs::read_to_string(file.with_extension("md")).unwrap();
        assert!(card.starts_with("# Model of-june\n"), "{card}");
        for line in [
            format!("{:<48}{:<26}of-june\n", "model", "of-may"),
            format!("{:<48}{:<26}400\n", "rows that it was trained on", "300"),
            // Two in five client-days calibrate: 3,000,000 / 120 and / 160.
            format!(
                "{:<48}{:<26}18750\n",
                "smallest budget, wrong blocks per million", "25000"
            ),
        ] {
            assert!(told.contains(&line), "no {line:?} in\n{told}");
        }
        assert!(
            told.contains("current.model.1; it challenges the new one"),
            "{told}"
        );
        assert!(!told.contains("same name"), "{told}");
    }

    #[test]
    fn without_a_file_it_is_held_against_the_shipped_model() {
        let folder = Folder::new();
        let file = folder.file("current.model");
        let challenger = folder.with("next.model", &own("of-june", 300));
        let told = promote(&challenger, &file).unwrap();
        assert!(file.exists() && !beside(&file, "1").exists());
        assert!(told.contains("the shipped model decided"), "{told}");
        // The shipped model's card has areas, this one's has none.
        let area = told.lines().find(|line| line.starts_with("area, ")).unwrap();
        assert!(area.ends_with('-'), "{area}");
    }

    #[test]
    fn what_cannot_be_loaded_or_has_other_features_is_refused_and_changes_nothing() {
        let folder = Folder::new();
        let old = own("of-may", 300);
        let file = folder.with("current.model", &old);
        for (bytes, says) in [
            (testing::of_other_features(), "made for feature schema"),
            (b"nothing".to_vec(), "not a portcullis model file"),
            (old[..old.len() - 9].to_vec(), "were written"),
            (old.clone(), "already: nothing was changed"),
        ] {
            let challenger = folder.with("next.model", &bytes);
            let error = format!("{:#}", promote(&challenger, &file).unwrap_err());
            assert!(error.contains(says), "{error}");
            assert_eq!(std::fs::read(&file).unwrap(), old);
            assert!(!beside(&file, "1").exists());
        }
        assert!(promote(&folder.file("missing.model"), &file).is_err());
    }

    #[test]
    fn a_file_that_decides_nowhere_because_it_is_damaged_is_replaced_and_kept() {
        let folder = Folder::new();
        let file = folder.with("current.model", b"damaged");
        let challenger = folder.with("next.model", &own("of-june", 300));
        let told = promote(&challenger, &file).unwrap();
        assert!(told.contains("could not be compared"), "{told}");
        assert_eq!(std::fs::read(beside(&file, "1")).unwrap(), b"damaged");
    }

    #[test]
    fn two_models_of_one_name_are_pointed_out() {
        let folder = Folder::new();
        let file = folder.with("current.model", &own("of-june", 300));
        let challenger = folder.with("next.model", &own("of-june", 400));
        assert!(promote(&challenger, &file).unwrap().contains("same name"));
    }
}
