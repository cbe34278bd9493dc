//! Which format lines are read as: found out, named, or written down by the operator.

use super::layout::{APACHE, ENVOY, HAPROXY, NGINX};
use super::{FORMATS, Format, by_name, w3c};
use std::fmt;
use std::sync::Arc;

/// Longest description of a format that is read, in bytes. Real ones stay below one thousand.
pub const LAYOUT_BYTES_MAX: usize = 8192;

/// Which format lines are read as.
#[derive(Debug, Clone, Default)]
pub enum FormatChoice {
    /// Each line as whatever reads it, beginning with what read the last one.
    #[default]
    Auto,
    /// Every line as this one; wrappers are still taken off.
    Named(&'static dyn Format),
    /// Every line as the operator wrote down; wrappers are still taken off.
    Written(Arc<dyn Format>),
}

/// Why a description of a format cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFormat {
    /// What is wrong with it, and what was expected.
    pub message: String,
}

impl WrongFormat {
    /// With that message.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for WrongFormat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for WrongFormat {}

/// A language in which operators write formats down: what stands before the colon, an example of what stands
/// behind it, and who reads that.
pub struct Language {
    /// The word before the colon.
    pub name: &'static str,
    /// A right description in it.
    pub example: &'static str,
    /// Makes a format of what stands behind the colon.
    pub(super) read: fn(&str) -> Result<Arc<dyn Format>, WrongFormat>,
}

impl fmt::Debug for Language {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Language({})", self.name)
    }
}

/// Every language.
pub const LANGUAGES: &[Language] = &[
    NGINX,
    APACHE,
    HAPROXY,
    ENVOY,
    w3c::LANGUAGE,
    super::written::LANGUAGE,
];

impl FormatChoice {
    /// The choice that a text means: `auto`, the name of a format, or a language, a colon and a description in it
    /// (`nginx: $remote_addr - …`).
    ///
    /// # Errors
    /// When it is none of these.
    pub fn from_text(text: &str) -> Result<Self, WrongFormat> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some(format) = by_name(text) {
            return Ok(Self::Named(format));
        }
        let Some((name, description)) = text.split_once(':') else {
            return Err(unknown(text));
        };
        let Some(language) = LANGUAGES.iter().find(|language| language.name == name) else {
            return Err(unknown(text));
        };
        if description.len() > LAYOUT_BYTES_MAX {
            return Err(WrongFormat::new(format!(
                "a description of {} bytes: expected at most {LAYOUT_BYTES_MAX}",
                description.len()
            )));
        }
        (language.read)(description.trim()).map(Self::Written)
    }
}

fn unknown(text: &str) -> WrongFormat {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
    let languages: Vec<String> = LANGUAGES
        .iter()
        .map(|language| format!("\"{}: …\"", language.name))
        .collect();
    let written = if languages.is_empty() {
        String::new()
    } else {
        format!(", or {}", languages.join(", "))
    };
    WrongFormat::new(format!(
        "unknown format {text:?}: expected auto, one of {}{written}",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_auto_are_understood() {
        assert!(matches!(FormatChoice::from_text("auto"), Ok(FormatChoice::Auto)));
        for format in FORMATS {
            let choice = FormatChoice::from_text(format.name());
            assert!(
                matches!(choice, Ok(FormatChoice::Named(named)) if named.name() == format.name()),
                "{}",
                format.name()
            );
        }
    }

    #[test]
    fn every_languages_example_is_a_format() {
        for language in LANGUAGES {
            let text = format!("{}: {}", language.name, language.example);
            let choice = FormatChoice::from_text(&text);
            assert!(
                matches!(choice, Ok(FormatChoice::Written(_))),
                "{text}: {choice:?}"
            );
        }
    }

    #[test]
    fn what_is_neither_is_named_with_what_was_expected() {
        for text in ["nginx", "caddy: x"] {
            let wrong = FormatChoice::from_text(text).expect_err("no format");
            assert!(wrong.message.starts_with("unknown format"), "{wrong}");
        }
        let wrong = FormatChoice::from_text("nginx_combned").expect_err("no format");
        for format in FORMATS {
            assert!(wrong.message.contains(format.name()), "{wrong}");
        }
        assert!(wrong.message.contains("expected auto, one of"), "{wrong}");
    }
}
