//! How the handlers read the effective blocklist.

use domain::Allowlist;
use domain::blocklist::Blocklist;
use std::sync::{PoisonError, RwLock};
use storage::LiveBlocklist;

/// The effective blocklist, kept up to date by somebody else. Reading never waits for a database.
pub trait BlocklistSource: Send + Sync {
    /// Calls `visit` once with the list as it is. Visits are short: changes wait for them.
    fn visit(&self, visit: &mut dyn FnMut(&Blocklist));

    /// Says that the logs behind the list have grown: it is brought up to date at once.
    fn wake(&self);

    /// The configured allowlist as it is now: a configuration that was read anew replaces it.
    fn configured(&self) -> Allowlist;
}

impl BlocklistSource for LiveBlocklist {
    fn visit(&self, visit: &mut dyn FnMut(&Blocklist)) {
        self.read(|list| visit(list));
    }

    fn wake(&self) {
        Self::wake(self);
    }

    fn configured(&self) -> Allowlist {
        Self::configured(self)
    }
}

/// A list that its owner changes in place, himself.
impl BlocklistSource for RwLock<Blocklist> {
    fn visit(&self, visit: &mut dyn FnMut(&Blocklist)) {
        visit(&self.read().unwrap_or_else(PoisonError::into_inner));
    }

    fn wake(&self) {}

    fn configured(&self) -> Allowlist {
        Allowlist::default()
    }
}

/// Reads something out of the list.
pub(crate) fn read<R>(source: &dyn BlocklistSource, look: impl FnOnce(&Blocklist) -> R) -> R {
    let mut look = Some(look);
    let mut answer = None;
    source.visit(&mut |list| {
        if let Some(look) = look.take() {
            answer = Some(look(list));
        }
    });
    answer.expect("every source calls its visitor: required by BlocklistSource::visit")
}
