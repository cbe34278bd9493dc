//! The documented routes that all parsers share, exchanged when their documents change.

use super::RouteCatalogue;
use domain::HashKey;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What the documents in force name.
#[derive(Debug, Clone)]
pub struct DocumentedRoutes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    catalogue: RwLock<Arc<RouteCatalogue>>,
    /// Rises when the catalogue is exchanged.
    generation: AtomicU64,
}

impl DocumentedRoutes {
    /// Shares a catalogue.
    #[must_use]
    pub fn new(catalogue: RouteCatalogue) -> Self {
        Self(Arc::new(Shared {
            catalogue: RwLock::new(Arc::new(catalogue)),
            generation: AtomicU64::new(1),
        }))
    }

    /// Exchanges it, for every parser.
    pub fn exchange(&self, catalogue: RouteCatalogue) {
        *self.0.catalogue.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
        self.0.generation.fetch_add(1, Ordering::Release);
    }

    /// The one in force.
    #[must_use]
    pub fn catalogue(&self) -> Arc<RouteCatalogue> {
        let catalogue = self.0.catalogue.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&catalogue)
    }
}

/// How often each documented route was asked for, as one parser saw it.
#[derive(Debug, Clone)]
pub struct RouteUse {
    /// The routes.
    pub catalogue: Arc<RouteCatalogue>,
    /// Requests for each, by its number.
    pub requests: Vec<u64>,
    /// Requests for what no document names.
    pub undocumented: u64,
}

/// What one parser holds of the documented routes.
#[derive(Debug, Clone)]
pub(super) struct Held {
    documents: DocumentedRoutes,
    generation: u64,
    /// Hashes of the templates under the parser's key.
    pub(super) templates: Vec<u64>,
    pub(super) tally: RouteUse,
}

impl Held {
    pub(super) fn new(documents: DocumentedRoutes) -> Self {
        Self {
            generation: 0,
            templates: Vec::new(),
            tally: RouteUse {
                catalogue: documents.catalogue(),
                requests: Vec::new(),
                undocumented: 0,
            },
            documents,
        }
    }

    /// Takes over what has changed; true when something has, and whatever was found before is void.
    #[inline]
    pub(super) fn renew(&mut self, key: &HashKey) -> bool {
        let generation = self.documents.0.generation.load(Ordering::Acquire);
        let is_stale = self.generation != generation;
        if is_stale {
            self.generation = generation;
            let catalogue = self.documents.catalogue();
            let hash = |template: &str| key.hash(template.as_bytes());
            self.templates = catalogue.templates().map(hash).collect();
            self.tally = RouteUse {
                requests: vec![0; catalogue.len()],
                catalogue,
                undocumented: 0,
            };
        }
        is_stale
    }
}
