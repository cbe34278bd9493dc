//! What is masked before anything is stored, shown or logged: one set of rules for the whole process, so that no part of it
//! shows more than another.

use ingest::mask::{MaskRules, Masker, WrongPattern};
use std::sync::OnceLock;

static RULES: OnceLock<Masker> = OnceLock::new();

/// Sets the rules of the configuration, before anything is read. Later ones change nothing: they take a restart.
///
/// # Errors
/// When a pattern cannot be used.
pub(crate) fn set(rules: &MaskRules) -> Result<(), WrongPattern> {
    let masker = Masker::new(rules)?;
    // Whoever came first is in force already.
    let _ = RULES.set(masker);
    Ok(())
}

/// The rules in force: those that are built in, and the configuration's.
pub(crate) fn masker() -> &'static Masker {
    RULES.get_or_init(Masker::default)
}
