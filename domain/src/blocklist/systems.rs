//! Autonomous systems on the allowlist. Entries do not say in which system an address lies: whoever knows it has to take back what is in
//! force about addresses of these.

use super::Blocklist;
use crate::Client;

impl Blocklist {
    /// Autonomous systems that are on the allowlist, configured or by a person's order.
    pub fn allowed_systems(&self) -> impl Iterator<Item = &Client> {
        self.configured
            .systems(self.now())
            .chain(self.words.allowed_systems(self.now()))
    }
}
