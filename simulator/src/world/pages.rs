//! Draws what a site shows to browsers: pages, the files that they load, feeds, downloads.

use super::build::{add, word};
use super::site::{File, Page};
use super::{Access, Role, Site, SiteKind};
use crate::random::{Stream, chance, hex, log_normal, pick};
use rand::Rng;
use std::sync::Arc;

/// Most pages, images and shared files of a site: enough for variety, small enough to build in milliseconds.
const PAGES_MAX: f64 = 600.0;
const IMAGES_PER_PAGE_MAX: f64 = 30.0;
const SHARED_FILES_MAX: f64 = 28.0;

pub(super) fn shared_files(site: &mut Site, rng: &mut Stream) {
    let root = *pick(
        rng,
        &[
            "/assets",
            "/static",
            "/css",
            "/wp-content/themes/main",
            "/_next/static",
            "/media",
            "",
        ],
    );
    let is_hashed = site.kind == SiteKind::SinglePage || chance(rng, 0.3);
    let count = log_normal(rng, 8.0, 0.7).clamp(2.0, SHARED_FILES_MAX) as usize;
    for number in 0..count {
        let (extension, median) = match number % 8 {
            0 | 5 => ("css", 18_000.0),
            1 | 2 | 6 => ("js", 60_000.0),
            3 => ("woff2", 24_000.0),
            4 => ("svg", 3_000.0),
            _ => ("png", 9_000.0),
        };
        let tag = if is_hashed {
            format!(".{}", hex(rng, 8))
        } else {
            String::new()
        };
        let path = format!("{root}/{}{number}{tag}.{extension}", word(rng));
        let bytes = log_normal(rng, median, 0.9) as u32;
        // Now and then a template names a file that nobody ever uploaded.
        let exists = !chance(rng, 0.025);
        site.files.push(File { path, bytes, exists });
    }
    let has_icon = chance(rng, 0.7);
    site.files.push(File {
        path: "/favicon.ico".to_owned(),
        bytes: rng.gen_range(600..16_000),
        exists: has_icon,
    });
    site.shared_files = site.files.len();
    let has_touch_icon = chance(rng, 0.3);
    site.files.push(File {
        path: "/apple-touch-icon.png".to_owned(),
        bytes: 8_400,
        exists: has_touch_icon,
    });
}

pub(super) fn pages(site: &mut Site, rng: &mut Stream) {
    let count = log_normal(rng, 120.0, 0.8).clamp(25.0, PAGES_MAX) as usize;
    let sections: Vec<&str> = (0..rng.gen_range(3..10)).map(|_| word(rng)).collect();
    let style = rng.gen_range(0..6);
    let images_median = log_normal(rng, 2.5, 0.7);
    let image_root = *pick(
        rng,
        &[
            "/images",
            "/img",
            "/wp-content/uploads/2025/03",
            "/media/cache",
            "/files",
        ],
    );
    page(
        site,
        "/".to_owned(),
        None,
        log_normal(rng, 24_000.0, 0.6) as u32,
        Vec::new(),
    );
    for number in 1..count {
        let images = log_normal(rng, images_median, 0.8).min(IMAGES_PER_PAGE_MAX) as usize;
        let images = (0..images).map(|_| image(site, rng, image_root)).collect();
        let section = *pick(rng, &sections);
        let slug = format!("{}-{}-{}", word(rng), word(rng), word(rng));
        let (path, query) = match style {
            0 => (format!("/{section}/{slug}/"), None),
            1 => (format!("/{section}/{slug}.html"), None),
            2 => (
                format!("/{}/{:02}/{slug}/", 2015 + number % 11, 1 + number % 12),
                None,
            ),
            3 => (format!("/{slug}"), None),
            4 => ("/index.php".to_owned(), Some(format!("id={number}"))),
            _ => (format!("/{section}/{number}-{slug}"), None),
        };
        page(site, path, query, log_normal(rng, 21_000.0, 0.6) as u32, images);
    }
}

fn image(site: &mut Site, rng: &mut Stream, root: &str) -> u32 {
    let extension = *pick(rng, &["jpg", "jpg", "png", "webp"]);
    let path = format!("{root}/{}-{}.{extension}", word(rng), hex(rng, 5));
    site.files.push(File {
        path,
        bytes: log_normal(rng, 38_000.0, 1.0) as u32,
        exists: !chance(rng, 0.01),
    });
    site.files.len() as u32 - 1
}

pub(super) fn page(site: &mut Site, path: String, query: Option<String>, bytes: u32, images: Vec<u32>) {
    let question = if query.is_some() { "?" } else { "" };
    let url = format!(
        "{}{path}{question}{}",
        site.origin,
        query.as_deref().unwrap_or_default()
    );
    site.pages.push(Page {
        path,
        query,
        url: Arc::from(url),
        bytes,
        images,
    });
}

pub(super) fn page_endpoints(site: &mut Site, rng: &mut Stream) {
    if chance(rng, 0.85) {
        add(
            site,
            Role::Robots,
            "GET",
            "/robots.txt",
            Access::Public,
            rng.gen_range(24..900),
            0.0,
        );
    }
    if chance(rng, 0.75) {
        let feed = *pick(rng, &["/feed/", "/feed.xml", "/rss", "/atom.xml", "/index.xml"]);
        add(
            site,
            Role::Feed,
            "GET",
            feed,
            Access::Public,
            rng.gen_range(6_000..90_000),
            20.0,
        );
    }
    if chance(rng, 0.6) {
        add(
            site,
            Role::SiteMap,
            "GET",
            "/sitemap.xml",
            Access::Public,
            rng.gen_range(3_000..120_000),
            8.0,
        );
    }
}

pub(super) fn downloads(site: &mut Site, rng: &mut Stream) {
    let root = format!(
        "/{}",
        pick(rng, &["downloads", "files", "pub", "data", "archive"])
    );
    let extension = *pick(rng, &["zip", "pdf", "tar.gz", "csv", "log.gz", "mp4"]);
    let median = log_normal(rng, 900_000.0, 1.0);
    for number in 0..rng.gen_range(30..400) {
        let path = format!("{root}/{}/{}-{number}.{extension}", 2016 + number % 9, word(rng));
        site.downloads.push(site.files.len() as u32);
        site.files.push(File {
            path,
            bytes: log_normal(rng, median, 1.0).min(4e9) as u32,
            exists: true,
        });
    }
}
