//! `[lists]`: what others know of addresses.

use super::{Section, setting};
use crate::config::setting::Fallback::Value;
use crate::config::setting::Kind;
use crate::config::setting::Reload::Live;

/// Most lists.
const LISTS_MAX: usize = 32;

pub(super) const LISTS: Section = Section {
    path: "lists",
    is_optional: false,
    about: "Lists of addresses that others keep. They are context: to stand on one strengthens what is seen here by a step, as an unusual score \
            does, and nobody is acted on for that alone.",
    settings: &[setting(
        "lists.files",
        Kind::List(&Kind::File, 0, LISTS_MAX),
        Value("[]"),
        Live,
        "Files with an address or a range a line, as Spamhaus DROP (text or JSON lines) and FireHOL netsets have them. They are read \
         again when they change; a wrong one leaves the lists as they were.",
    )],
};
