//! `[masking]`: what nobody is shown.

use super::{Section, setting};
use crate::config::setting::Fallback::Value;
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Names of each list at most: more would be a list of everything.
const NAMES_MAX: usize = 100;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

pub(super) const MASKING: Section = Section {
    path: "masking",
    is_optional: false,
    about: "What is masked in paths, queries and names before anything is stored, shown or logged, beside what is built in: \
            parameters such as token, password and api_key, web tokens, keys of well-known services, mail addresses, card \
            numbers.",
    settings: &[
        setting(
            "masking.names",
            Kind::List(&Kind::Text(NAME_BYTES_MAX), 0, NAMES_MAX),
            Value("[]"),
            Restart,
            "Further parameters whose values are masked. A part of the name is enough; case, _ and - do not matter.",
        ),
        setting(
            "masking.keep",
            Kind::List(&Kind::Text(NAME_BYTES_MAX), 0, NAMES_MAX),
            Value("[]"),
            Restart,
            "Parameters whose values are shown although their names sound secret, such as code or state.",
        ),
        setting(
            "masking.patterns",
            Kind::List(&Kind::Pattern, 0, ingest::mask::PATTERNS_MAX),
            Value("[]"),
            Restart,
            "Regular expressions: whatever matches is masked, wherever it stands.",
        ),
    ],
};
