//! What all clients together show: which routes exist here, who is established, how scores are spread.
//!
//! During a tick it is read only; at its end the shards' changes are merged in shard order, so that the number of
//! threads changes nothing.

mod established;
mod routes;
mod scores;

pub use established::{Established, EstablishedChange};
pub use routes::{RouteStanding, Routes, Vote};
pub use scores::{ScoreOnly, ScoreSpread, Standing as ScoreStanding, day_of};

use serde::{Deserialize, Serialize};

/// What all clients together show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Population {
    /// Which routes exist here, by how many clients use them.
    pub routes: Routes,
    /// Established clients and their successful requests: what a wrong block would cost.
    pub established: Established,
    /// How the highest daily scores of unsuspicious clients are spread here.
    pub scores: ScoreSpread,
}
