//! `[openapi]`: which routes there are, by the operator's own word.

use super::{Section, setting};
use crate::config::setting::Fallback::Value;
use crate::config::setting::Kind;
use crate::config::setting::Reload::Restart;

/// Most documents: an API for each of an operator's services.
const DOCUMENTS_MAX: usize = 64;

pub(super) const OPENAPI: Section = Section {
    path: "openapi",
    is_optional: false,
    about: "Which routes your API has. What no document names is taken apart by its look, and marked as undocumented.",
    settings: &[setting(
        "openapi.files",
        Kind::List(&Kind::File, 0, DOCUMENTS_MAX),
        Value("[]"),
        Restart,
        "Documents of OpenAPI 3 or Swagger 2, JSON or YAML, of 20 MiB at most. They are read again when they change; a wrong one \
         keeps the routes as they were.",
    )],
};
