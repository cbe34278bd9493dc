//! The effective blocklist: what gateways are to carry out at a moment.
//!
//! It is *specified* by one pure function, [`effective`]; what runs is [`Blocklist`], a fold over the same logs that
//! a property test holds equal to it.
//!
//! # Who wins
//! - Only enforced decisions count, and only until they expire. Of several rows of one decision (it grew stronger)
//!   the newest counts.
//! - The configured allowlist protects from everything, also from a person's block.
//! - While a person has suspended everything, nothing is in force, a person's own blocks included.
//! - A person's word wins over the machine: a lift ends every decision about the client that was stored before it
//!   and holds later machine decisions back until its grace is over; a revoke ends one decision for good; an allow
//!   entry takes existing blocks back at once. Allow entries and ranges that *overlap* a decision protect from it.
//! - The newest order about the same client wins: a block replaces the client's allow entry and its grace.
//!
//! Conditional decisions are in the list, but plain lookups never return them: who cannot check the conditions must
//! not block. Whoever can asks with what he knows of the request.

mod allowed;
mod behind;
mod cell;
mod entry;
mod fold;
mod limits;
mod orders;
mod prefix;
#[cfg(test)]
mod property;
mod ring;
mod spec;
mod suspension;
mod systems;
#[cfg(test)]
mod tests;

pub use entry::Entry;
pub use fold::Blocklist;
pub use limits::{BlocklistLimits, Overflow};
pub use ring::{Added, Delta, Removed};
pub use spec::effective;
pub use suspension::Suspended;
