//! From request records to decisions: windows, features, scores, threats, policy, guard.
//!
//! Sans-io: records, orders and scores come in, alerts and decisions go out. There is no clock, no thread, no
//! file and no randomness here, so the same inputs give the same decisions byte for byte, with one thread or
//! eight. The modules stand in the order in which a request meets them.

pub mod limits;
pub mod time;
mod touched;

pub mod feature;
pub mod policy;
pub mod population;
pub mod rule;
pub mod score;
pub mod signal;
pub mod stage;
pub mod threat;
pub mod window;

mod attribution;
mod checkpoint;
mod detector;
mod effect;
mod effort;
mod memory;
mod names;
mod neighbours;
mod orders;
mod recorder;
mod source;
mod table;
mod totals;
mod view;
mod why;

#[cfg(test)]
mod testing;

pub use checkpoint::{CHECKPOINT_VERSION, CheckpointError};
pub use detector::{Describe, Detector, Input, Output, Settings};
pub use effect::{EFFECT_BOUNDS, Effect};
pub use effort::EffortSpan;
pub use policy::SOURCE_CAP_DEFAULT;
pub use population::{HourView, UsualView};
pub use recorder::{DAYS_PER_RUN, Recorded, Recorder};
pub use score::{Contribution, Score, Scorer, Standing, Windows};
pub use source::SourceTerms;
pub use stage::sequencer::SURGE;
pub use stage::{Executor, Serial};
pub use table::Table;
pub use totals::Totals;
pub use view::{ClientView, FeatureView, HorizonView};
pub use why::{Case, Trace, Why};
