//! What a decision of the machine may cost those whom it is not about.

use serde::{Deserialize, Serialize};

/// Whom a block of one address may hit besides the client that it is about. Past it the block is narrowed to one program behind the
/// address, or less is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PriceBudget {
    /// Others with a successful history, over a day.
    pub clients: u32,
    /// Their successful requests, over a day.
    pub requests: u64,
}

impl Default for PriceBudget {
    fn default() -> Self {
        Self {
            // A household, or somebody with a telephone and two computers.
            clients: 4,
            requests: 1000,
        }
    }
}
