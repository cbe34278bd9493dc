//! One site: its pages, files, endpoints and collections, and the way from a path to what is there.

use super::{Need, SiteKind};
use crate::random::{Stream, pick, popular, uuid};
use crate::request::Request;
use hashbrown::HashMap;
use rand::Rng;
use std::sync::Arc;

/// A page that browsers open.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// Its full address, as browsers send it as referer.
    pub(crate) url: Arc<str>,
    pub(crate) bytes: u32,
    /// The page's own images, as indexes into the site's files.
    pub(crate) images: Vec<u32>,
}

/// A file: an asset that pages load by themselves, or a download.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: u32,
    /// Whether it is there: pages do refer to files that are not.
    pub(crate) exists: bool,
}

/// Who may use an endpoint or a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Public,
    Session,
    Admin,
}

/// What an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Login,
    LegacyLogin,
    SignUp,
    PasswordReset,
    Account,
    Config,
    Refresh,
    Search,
    Expensive,
    Coupon,
    Checkout,
    Cart,
    Health,
    Admin,
    Feed,
    Robots,
    SiteMap,
    Background,
    Comment,
}

/// One fixed path that is neither a page nor a file.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) role: Role,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) access: Access,
    pub(crate) bytes: u32,
    pub(crate) latency_ms: f32,
}

/// How a collection's objects are named.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ids {
    Numbers { first: u64, last: u64 },
    Uuids,
}

/// A collection of objects behind an API.
#[derive(Debug)]
pub(crate) struct Collection {
    pub(crate) path: String,
    pub(crate) ids: Ids,
    pub(crate) access: Access,
    pub(crate) bytes: u32,
    pub(crate) latency_ms: f32,
}

impl Collection {
    /// The path of a random object that exists.
    pub(crate) fn some_object(&self, rng: &mut Stream) -> String {
        match self.ids {
            Ids::Numbers { first, last } => format!("{}/{}", self.path, rng.gen_range(first..=last)),
            Ids::Uuids => format!("{}/{}", self.path, uuid(rng)),
        }
    }
}

/// How a site answers a path it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    NotFound,
    RedirectHome,
    SoftPage,
    Forbidden,
    Unauthorized,
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    Page(u32),
    /// A script that shows the page its query names.
    PageByQuery,
    File(u32),
    Endpoint(u32),
    Listing(u32),
    /// An object of a collection; whether it exists.
    Object(u32, bool),
    /// A directory that was asked for without its slash.
    MissingSlash,
    /// The address of a page before a release.
    Moved(u32),
    Nothing,
}

/// One site behind the gateway.
#[derive(Debug)]
pub struct Site {
    pub(crate) kind: SiteKind,
    pub(crate) host: Arc<str>,
    pub(crate) origin: Arc<str>,
    pub(crate) speaks_http2: bool,
    pub(crate) redirects_plain_http: bool,
    pub(crate) pages: Vec<Page>,
    pub(crate) files: Vec<File>,
    /// The first files are loaded by every page: style sheets, scripts, fonts, the logo.
    pub(crate) shared_files: usize,
    /// Downloads, as indexes into the files.
    pub(crate) downloads: Vec<u32>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) collections: Vec<Collection>,
    pub(crate) unknown: Unknown,
    pub(crate) login_failure: u16,
    pub(crate) login_success: u16,
    /// Whether anyone's objects are answered to any session: the hole that enumeration looks for.
    pub(crate) leaks_objects: bool,
    /// Whether payloads are refused by a filter in front.
    pub(crate) filters_payloads: bool,
    /// Requests a client may send in a minute before it gets 429; `None` for no limit.
    pub(crate) limit_per_minute: Option<u32>,
    pub(crate) error_share: f64,
    pub(crate) error_bytes: u32,
    pub(crate) page_latency_ms: f32,
    /// Where pages stood before releases.
    pub(super) moved: Vec<(String, u32)>,
    /// Where collections stood before releases, and are still answered.
    pub(super) former: Vec<(String, u32)>,
    pub(super) table: HashMap<Box<str>, Resource>,
}

impl Site {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> SiteKind {
        self.kind
    }

    /// Its virtual host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What stands at that path.
    pub(crate) fn resolve(&self, path: &str) -> Resource {
        if let Some(resource) = self.table.get(path) {
            return *resource;
        }
        let current = self.collections.iter().enumerate();
        let current = current.map(|(index, collection)| (collection.path.as_str(), index as u32));
        let former = self.former.iter().map(|(path, index)| (path.as_str(), *index));
        for (collection, index) in current.chain(former) {
            if let Some(rest) = path.strip_prefix(collection)
                && let Some(id) = rest.strip_prefix('/')
            {
                let ids = self.collections[index as usize].ids;
                return Resource::Object(index, object_exists(ids, id));
            }
        }
        Resource::Nothing
    }

    /// Whether the request could be answered by a redirect that points to the same thing.
    pub(crate) fn may_redirect(&self, request: &Request) -> bool {
        (request.intent.is_plain_http && self.redirects_plain_http)
            || self.unknown == Unknown::RedirectHome
            || (self.kind != SiteKind::ShopApi && !request.path.ends_with('/') && !request.path.contains('.'))
    }

    /// The request that a redirect's target stands for.
    pub(crate) fn redirect_target(&self, request: &Request) -> Option<Request> {
        let mut target = request.clone();
        if request.intent.is_plain_http && self.redirects_plain_http {
            target.intent.is_plain_http = false;
            return Some(target);
        }
        match self.resolve(&request.path) {
            Resource::MissingSlash => target.path.push('/'),
            Resource::Moved(page) => target.path.clone_from(&self.pages[page as usize].path),
            Resource::Nothing if self.unknown == Unknown::RedirectHome => "/".clone_into(&mut target.path),
            _ => return None,
        }
        Some(target)
    }

    /// The first endpoint for that purpose.
    pub(crate) fn endpoint(&self, role: Role) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.role == role)
    }

    /// All endpoints for that purpose.
    pub(crate) fn endpoints_of(&self, role: Role) -> Vec<&Endpoint> {
        self.endpoints
            .iter()
            .filter(|endpoint| endpoint.role == role)
            .collect()
    }

    /// The path of the first endpoint for that purpose, or the home page.
    pub(crate) fn path_of(&self, role: Role) -> &str {
        self.endpoint(role).map_or("/", |endpoint| endpoint.path.as_str())
    }

    /// A page, the popular ones likelier.
    pub(crate) fn some_page(&self, rng: &mut Stream) -> Option<&Page> {
        (!self.pages.is_empty()).then(|| &self.pages[popular(rng, self.pages.len())])
    }

    /// A random collection that such access reaches.
    pub(crate) fn some_collection(&self, rng: &mut Stream, access: Access) -> Option<&Collection> {
        let fitting: Vec<&Collection> = self
            .collections
            .iter()
            .filter(|collection| collection.access == access)
            .collect();
        (!fitting.is_empty()).then(|| *pick(rng, &fitting))
    }

    /// Whether the site has what a behaviour needs.
    pub(crate) fn offers(&self, need: Need) -> bool {
        match need {
            Need::Anything => true,
            Need::Pages => !self.pages.is_empty() && self.kind != SiteKind::SinglePage,
            Need::Api => !self.collections.is_empty() && self.kind != SiteKind::Cms,
            Need::Login => self.endpoint(Role::Login).is_some(),
            Need::OwnedObjects => self.collections.iter().any(|c| c.access == Access::Session),
            Need::Downloads => !self.downloads.is_empty(),
            Need::Feed => self.endpoint(Role::Feed).is_some(),
            Need::Script => self.kind == SiteKind::SinglePage,
            Need::Search => self.endpoint(Role::Search).is_some(),
            Need::Expensive => self.endpoint(Role::Expensive).is_some(),
            Need::SignUp => self.endpoint(Role::SignUp).is_some(),
        }
    }
}

/// Whether an object of that name exists. A path below an object (`/orders/7/items`) exists when the object does.
fn object_exists(ids: Ids, rest: &str) -> bool {
    let id = rest.split('/').next().unwrap_or_default();
    match ids {
        Ids::Numbers { first, last } => {
            // One in thirty ids was deleted or never used.
            id.parse::<u64>().is_ok_and(|number| {
                (first..=last).contains(&number) && !crate::random::mix(number).is_multiple_of(30)
            })
        }
        // Somebody who knows a UUID got it from us: guesses are marked by their sender instead.
        Ids::Uuids => id.len() == 36,
    }
}
