//! Draws a site from a seed.

use super::pages::{downloads, page, page_endpoints, pages, shared_files};
use super::site::{Collection, Endpoint, Ids, Resource};
use super::{Access, Role, Site, SiteKind, Unknown};
use crate::random::{Stream, chance, log_normal, pick, stream};
use hashbrown::HashMap;
use rand::Rng;
use std::sync::{Arc, LazyLock};

/// Words for paths.
static WORDS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../data/words.txt").lines().collect());

pub(super) fn build(kind: SiteKind, seed: u64) -> Site {
    let mut rng = stream(seed, kind.as_str(), 0);
    let rng = &mut rng;
    let host = format!("{}.{}{}.example", kind.as_str(), word(rng), word(rng));
    let mut site = empty(kind, host, rng);
    match kind {
        SiteKind::ShopApi => shop_api(&mut site, rng),
        SiteKind::Content => content(&mut site, rng),
        SiteKind::Cms => cms(&mut site, rng),
        SiteKind::SinglePage => single_page(&mut site, rng),
    }
    index(&mut site);
    site
}

fn empty(kind: SiteKind, host: String, rng: &mut Stream) -> Site {
    let has_pages = kind != SiteKind::ShopApi;
    Site {
        kind,
        origin: Arc::from(format!("https://{host}")),
        host: Arc::from(host),
        speaks_http2: chance(rng, 0.65),
        redirects_plain_http: chance(rng, 0.75),
        pages: Vec::new(),
        files: Vec::new(),
        shared_files: 0,
        downloads: Vec::new(),
        endpoints: Vec::new(),
        collections: Vec::new(),
        unknown: unknown(kind, rng),
        login_failure: login_failure(kind, rng),
        login_success: if has_pages && kind != SiteKind::SinglePage {
            302
        } else {
            200
        },
        leaks_objects: chance(rng, 0.6),
        filters_payloads: chance(rng, 0.25),
        limit_per_minute: chance(rng, 0.3).then(|| rng.gen_range(300..1_500)),
        error_share: log_normal(rng, 0.0008, 1.0).min(0.01),
        error_bytes: if kind == SiteKind::Cms {
            rng.gen_range(4_000..40_000)
        } else {
            rng.gen_range(80..700)
        },
        page_latency_ms: log_normal(rng, if kind == SiteKind::Cms { 120.0 } else { 25.0 }, 0.7) as f32,
        moved: Vec::new(),
        former: Vec::new(),
        table: HashMap::new(),
    }
}

fn unknown(kind: SiteKind, rng: &mut Stream) -> Unknown {
    match (kind, rng.gen_range(0..100)) {
        (SiteKind::SinglePage, 0..85) => Unknown::SoftPage,
        (SiteKind::ShopApi, 0..25) => Unknown::Unauthorized,
        (SiteKind::ShopApi, 25..35) => Unknown::Forbidden,
        (SiteKind::Cms | SiteKind::Content, 0..8) => Unknown::RedirectHome,
        (SiteKind::Cms | SiteKind::Content, 8..14) => Unknown::SoftPage,
        (SiteKind::Cms | SiteKind::Content, 14..18) => Unknown::Forbidden,
        _ => Unknown::NotFound,
    }
}

fn login_failure(kind: SiteKind, rng: &mut Stream) -> u16 {
    match (kind, rng.gen_range(0..100)) {
        (SiteKind::Cms, 0..70) => 200,
        (SiteKind::Cms, 70..85) => 302,
        (SiteKind::Cms, _) => 403,
        (_, 0..10) => 400,
        (_, 10..16) => 422,
        (_, 16..20) => 403,
        _ => 401,
    }
}

fn shop_api(site: &mut Site, rng: &mut Stream) {
    let prefix = *pick(rng, &["/api/v1", "/api/v1", "/api/v2", "/v1", "/api"]);
    api(site, rng, prefix);
    let health = *pick(rng, &["/health", "/healthz", "/status", "/ping"]);
    add(site, Role::Health, "GET", health, Access::Public, 17, 1.5);
}

/// An endpoint as the tables below write it: role, method, path, access, bytes, milliseconds.
type Row = (Role, &'static str, &'static str, Access, u32, f32);

/// The endpoints that any API has, below its prefix.
#[rustfmt::skip]
const API: [Row; 16] = [
    (Role::Refresh, "POST", "/auth/refresh", Access::Public, 780, 12.0),
    (Role::SignUp, "POST", "/users/register", Access::Public, 420, HASHING_MS),
    (Role::PasswordReset, "POST", "/auth/reset", Access::Public, 0, 40.0),
    (Role::Account, "GET", "/users/me", Access::Session, 640, 9.0),
    (Role::Config, "GET", "/config", Access::Public, 2_300, 3.0),
    (Role::Search, "GET", "/search", Access::Public, 9_000, 85.0),
    (Role::Expensive, "GET", "/reports/export", Access::Session, 2_400_000, 2_600.0),
    (Role::Cart, "POST", "/cart/items", Access::Session, 510, 20.0),
    (Role::Coupon, "POST", "/cart/coupon", Access::Session, 330, 18.0),
    (Role::Checkout, "POST", "/checkout", Access::Session, 700, 320.0),
    (Role::Background, "POST", "/events", Access::Public, 2, 4.0),
    (Role::Background, "POST", "/metrics/page", Access::Public, 0, 3.0),
    (Role::Admin, "GET", "/admin/users", Access::Admin, 5_200, 30.0),
    (Role::Admin, "GET", "/admin/settings", Access::Admin, 3_100, 25.0),
    (Role::Admin, "GET", "/admin/audit", Access::Admin, 14_000, 60.0),
    (Role::Admin, "GET", "/internal/metrics", Access::Admin, 22_000, 12.0),
];

/// A management system in the manner of the most usual one.
#[rustfmt::skip]
const CMS_USUAL: [Row; 8] = [
    (Role::Login, "POST", "/wp-login.php", Access::Public, 3_900, HASHING_MS),
    (Role::LegacyLogin, "POST", "/xmlrpc.php", Access::Public, 430, HASHING_MS),
    (Role::Background, "POST", "/wp-admin/admin-ajax.php", Access::Public, 96, 95.0),
    (Role::Comment, "POST", "/wp-comments-post.php", Access::Public, 0, 150.0),
    (Role::Admin, "GET", "/wp-admin/", Access::Admin, 64_000, 310.0),
    (Role::Admin, "GET", "/wp-admin/post.php", Access::Admin, 71_000, 340.0),
    (Role::Admin, "GET", "/wp-admin/upload.php", Access::Admin, 58_000, 290.0),
    (Role::Admin, "GET", "/wp-admin/index.php", Access::Admin, 64_000, 310.0),
];

/// A management system of another make.
#[rustfmt::skip]
const CMS_OTHER: [Row; 6] = [
    (Role::Login, "POST", "/user/login", Access::Public, 5_200, HASHING_MS),
    (Role::SignUp, "POST", "/user/register", Access::Public, 4_800, HASHING_MS),
    (Role::Comment, "POST", "/comment/reply", Access::Public, 0, 120.0),
    (Role::Admin, "GET", "/admin/", Access::Admin, 52_000, 240.0),
    (Role::Admin, "GET", "/admin/content", Access::Admin, 66_000, 280.0),
    (Role::Admin, "GET", "/admin/people", Access::Admin, 49_000, 250.0),
];

/// What hashing a password takes; sites vary around it.
const HASHING_MS: f32 = 160.0;

/// The endpoints and collections that any API has.
fn api(site: &mut Site, rng: &mut Stream, prefix: &str) {
    let login = *pick(rng, &["/login", "/auth/login", "/sessions", "/auth/token"]);
    add_all(
        site,
        rng,
        prefix,
        &[(Role::Login, "POST", login, Access::Public, 840, HASHING_MS)],
    );
    add_all(site, rng, prefix, &API);
    let at = |path: &str| format!("{prefix}{path}");
    let users = log_normal(rng, 20_000.0, 1.5) as u64 + 500;
    let first = *pick(rng, &[1, 1, 1_000, 100_000]);
    let numbers = |count: u64| Ids::Numbers {
        first,
        last: first + count,
    };
    let orders = if chance(rng, 0.25) {
        Ids::Uuids
    } else {
        numbers(users * 4)
    };
    collection(site, at("/users"), numbers(users), Access::Session, 690, 8.0);
    collection(site, at("/orders"), orders, Access::Session, 1_450, 14.0);
    collection(
        site,
        at("/invoices"),
        numbers(users * 3),
        Access::Session,
        2_100,
        16.0,
    );
    collection(
        site,
        at("/products"),
        numbers(users / 4 + 300),
        Access::Public,
        1_900,
        7.0,
    );
    collection(site, at("/reviews"), numbers(users), Access::Public, 800, 9.0);
    if chance(rng, 0.5) {
        let path = at(&format!("/{}s", word(rng)));
        collection(site, path, numbers(users / 2), Access::Public, 1_100, 11.0);
    }
}

fn content(site: &mut Site, rng: &mut Stream) {
    shared_files(site, rng);
    pages(site, rng);
    page_endpoints(site, rng);
    downloads(site, rng);
    if chance(rng, 0.7) {
        let search = *pick(rng, &["/search", "/search/", "/find", "/search.php"]);
        add(site, Role::Search, "GET", search, Access::Public, 18_000, 90.0);
    }
    if chance(rng, 0.4) {
        add(
            site,
            Role::Comment,
            "POST",
            "/contact/send",
            Access::Public,
            0,
            60.0,
        );
    }
}

fn cms(site: &mut Site, rng: &mut Stream) {
    shared_files(site, rng);
    pages(site, rng);
    page_endpoints(site, rng);
    if chance(rng, 0.4) {
        downloads(site, rng);
    }
    add(
        site,
        Role::Search,
        "GET",
        "/search/",
        Access::Public,
        31_000,
        210.0,
    );
    if chance(rng, 0.6) {
        add_all(site, rng, "", &CMS_USUAL);
        let posts = Ids::Numbers {
            first: 1,
            last: 3_000,
        };
        collection(
            site,
            "/wp-json/wp/v2/posts".to_owned(),
            posts,
            Access::Public,
            6_100,
            130.0,
        );
    } else {
        add_all(site, rng, "", &CMS_OTHER);
    }
    add(
        site,
        Role::Account,
        "GET",
        "/account/",
        Access::Session,
        24_000,
        140.0,
    );
    add(
        site,
        Role::PasswordReset,
        "POST",
        "/account/reset",
        Access::Public,
        0,
        90.0,
    );
}

fn single_page(site: &mut Site, rng: &mut Stream) {
    shared_files(site, rng);
    let index_bytes = rng.gen_range(900..6_000);
    for path in ["/", "/dashboard", "/settings", "/orders", "/catalogue", "/help"] {
        page(site, path.to_owned(), None, index_bytes, Vec::new());
    }
    let prefix = *pick(rng, &["/api", "/api/v1", "/rest", "/api/v3"]);
    api(site, rng, prefix);
    add(site, Role::Health, "GET", "/healthz", Access::Public, 2, 1.0);
    add(site, Role::Robots, "GET", "/robots.txt", Access::Public, 67, 0.0);
}

/// Adds the endpoints of a table below a prefix, their times drawn around those written.
fn add_all(site: &mut Site, rng: &mut Stream, prefix: &str, rows: &[Row]) {
    let speed = log_normal(rng, 1.0, 0.35) as f32;
    for (role, method, path, access, bytes, latency_ms) in rows {
        add(
            site,
            *role,
            method,
            format!("{prefix}{path}"),
            *access,
            *bytes,
            latency_ms * speed,
        );
    }
}

pub(super) fn add(
    site: &mut Site,
    role: Role,
    method: &'static str,
    path: impl Into<String>,
    access: Access,
    bytes: u32,
    latency_ms: f32,
) {
    site.endpoints.push(Endpoint {
        role,
        method,
        path: path.into(),
        access,
        bytes,
        latency_ms,
    });
}

fn collection(site: &mut Site, path: String, ids: Ids, access: Access, bytes: u32, latency_ms: f32) {
    site.collections.push(Collection {
        path,
        ids,
        access,
        bytes,
        latency_ms,
    });
}

/// Fills the table of paths. What is listed later wins, endpoints last: a login script is not also a page.
pub(super) fn index(site: &mut Site) {
    let mut table = HashMap::new();
    for (path, page) in &site.moved {
        table.insert(path.as_str().into(), Resource::Moved(*page));
    }
    for (path, collection) in &site.former {
        table.insert(path.as_str().into(), Resource::Listing(*collection));
    }
    for (number, file) in site.files.iter().enumerate() {
        table.insert(file.path.as_str().into(), Resource::File(number as u32));
    }
    for (number, page) in site.pages.iter().enumerate() {
        if page.query.is_some() {
            table.insert(page.path.as_str().into(), Resource::PageByQuery);
            continue;
        }
        if let Some(without) = page.path.strip_suffix('/')
            && !without.is_empty()
        {
            table.insert(without.into(), Resource::MissingSlash);
        }
        table.insert(page.path.as_str().into(), Resource::Page(number as u32));
    }
    for (number, collection) in site.collections.iter().enumerate() {
        table.insert(collection.path.as_str().into(), Resource::Listing(number as u32));
    }
    for (number, endpoint) in site.endpoints.iter().enumerate() {
        table.insert(endpoint.path.as_str().into(), Resource::Endpoint(number as u32));
    }
    site.table = table;
}

pub(super) fn word(rng: &mut Stream) -> &'static str {
    WORDS[rng.gen_range(0..WORDS.len())]
}
