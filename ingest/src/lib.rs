//! From bytes to request records: sources, envelopes, formats, client address, route.
//!
//! The modules stand in the order in which bytes meet them. Everything here may be written by an attacker:
//! every length has a limit, nothing panics on input, and what cannot be read is counted with its reason.

pub mod source;

pub mod clock;
pub mod detect;
pub mod envelope;
pub mod format;
pub mod gateway;
pub mod nesting;
pub mod raw;

pub mod address;
pub mod claim;
pub mod country;
mod identity;
mod network;
mod query_object;
pub mod route;

pub mod parser;
pub mod reject;

pub mod mask;

pub use country::Countries;
pub use detect::{Detection, detect, mapping};
pub use format::{
    Column, FORMATS, Family, Format, FormatChoice, LANGUAGES, Language, Loss, Provenance, Tier, WrongFormat,
};
pub use gateway::{Advice, Gateway};
pub use identity::{IdentityPolicy, NamedIdentity};
pub use network::{Networks, NetworksError};
pub use parser::{Parser, ParserConfig, ParserCounts, into_owned};
pub use reject::{Reason, Reject, RejectLog, RejectSample};
pub use source::file::{Line, LineBatch, LineReader, Progress, SourceError};
pub use source::merge::{Merge, MergedFile};
