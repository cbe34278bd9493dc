//! Keeps every gateway's blocklist equal to what was decided.
//!
//! Gateways differ in how they are told whom to refuse, and in nothing else: each is a *point*, reached through a [`Connector`].
//! What a point is to hold ([`Wanted`]) is a pure function of the effective blocklist and of what the point can express
//! ([`Expresses`]); what has to change ([`Changes`]) is a pure function of that and of what the point holds. A [`Keeper`] reads,
//! compares, changes and tries again until the two are equal, and says on the [`Board`] how far it is.
//!
//! # What holds for every point
//! - State is compared, not remembered: whoever crashed, whoever was restarted, the next comparison puts it right.
//! - Only what is ours is touched: entries that somebody else made stay as they are.
//! - What a point cannot express is not sent to it, and counted: a slowdown on a gateway that only refuses, a key where only
//!   addresses fit.
//! - Nothing is without an end: where a point's entries can end by themselves, they do, also when we are gone.
//! - A point that cannot be reached is tried again with growing pauses, and holds up no other.

mod board;
pub mod breaker;
pub mod connector;
mod item;
mod keeper;
mod plan;
#[cfg(test)]
mod property;
mod wanted;

pub use board::{Board, DELAY_BOUNDS, PointState, PointStatus};
pub use connector::{Connector, Piece, PointError};
pub use item::{Expresses, Held, Holding, Item, Obstacle};
pub use keeper::{Clock, Keeper, PointSettings};
pub use plan::{Changes, plan};
pub use wanted::Wanted;
