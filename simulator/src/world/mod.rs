//! The sites that clients use: what exists there, how large it is, and how unknown or forbidden things are answered.
//!
//! Every site is drawn from a seed: vocabulary, address style, sizes, latencies, and the habits in which real
//! servers differ (does a failed login answer 401 or 200, does an unknown path answer 404, 301, 200, 401 or 403,
//! is the favicon missing). A model that is trained on many seeds has seen many sites and cannot learn one by heart.

mod answer;
mod build;
mod pages;
mod release;
mod site;

pub(crate) use answer::Response;
pub use site::Site;
pub(crate) use site::{Access, Ids, Role, Unknown};

use crate::random::{Stream, pick};

/// What a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SiteKind {
    /// A shop's API: users, orders, products, login, search; no pages.
    ShopApi,
    /// A site of pages with assets, feeds and downloads.
    Content,
    /// A content management system: pages, a login form, an administration area.
    Cms,
    /// One page of script with an API behind it; unknown paths answer that page.
    SinglePage,
}

impl SiteKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::ShopApi, Self::Content, Self::Cms, Self::SinglePage];

    /// Its name, also the first label of its host.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShopApi => "api",
            Self::Content => "www",
            Self::Cms => "blog",
            Self::SinglePage => "app",
        }
    }
}

/// What a behaviour needs a site to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing in particular.
    Anything,
    /// Pages with assets.
    Pages,
    /// Collections of objects behind an API.
    Api,
    /// A place to log in.
    Login,
    /// Objects that belong to users.
    OwnedObjects,
    /// Files to download.
    Downloads,
    /// A feed.
    Feed,
    /// A script that runs in the browser and calls an API.
    Script,
    /// A search.
    Search,
    /// Something that costs the server seconds.
    Expensive,
    /// A place to sign up.
    SignUp,
}

/// All sites behind the simulated gateway.
#[derive(Debug)]
pub struct World {
    sites: Vec<Site>,
}

impl World {
    /// Builds one site of each kind in the list.
    #[must_use]
    pub fn new(kinds: &[SiteKind], seed: u64) -> Self {
        let sites = kinds.iter().map(|kind| build::build(*kind, seed)).collect();
        Self { sites }
    }

    /// Releases every site anew, for the n-th time: other routes, sizes, names of files.
    pub(crate) fn release(&mut self, seed: u64, number: u32) {
        for site in &mut self.sites {
            site.release(seed, number);
        }
    }

    /// The sites.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Chooses a site that has all that is needed; `None` when no site has.
    pub(crate) fn choose(&self, rng: &mut Stream, needs: &[Need]) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.sites.len())
            .filter(|index| needs.iter().all(|need| self.sites[*index].offers(*need)))
            .collect();
        (!fitting.is_empty()).then(|| *pick(rng, &fitting))
    }
}
