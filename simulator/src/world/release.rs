//! A release: the same site with new routes, other sizes, files under new names. Old addresses of pages redirect, old API
//! paths go on beside the new ones, old files are gone, as after any deployment.

use super::Site;
use super::build::{add, index, word};
use super::pages::page;
use super::site::{Access, Role};
use crate::random::{chance, hex, log_normal, stream};
use rand::Rng;
use std::sync::Arc;

/// Share of the pages and of the collections that move.
const MOVED_SHARE: f64 = 0.2;
/// By how much the sizes of answers differ, as the spread of a logarithm.
const SIZE_SPREAD: f64 = 0.35;
/// New endpoints of a release.
const ENDPOINTS_NEW: u32 = 3;

impl Site {
    /// Releases the site anew, for the n-th time.
    pub(super) fn release(&mut self, seed: u64, number: u32) {
        let rng = &mut stream(seed, self.kind.as_str(), 1 + u64::from(number));
        let origin = self.origin.clone();
        let page_factor = log_normal(rng, 1.0, SIZE_SPREAD);
        let scaled = |bytes: u32, factor: f64| (f64::from(bytes) * factor).min(4e9) as u32;
        for page_number in 0..self.pages.len() {
            let moved = page_number > 0 && chance(rng, MOVED_SHARE);
            let page = &mut self.pages[page_number];
            page.bytes = scaled(page.bytes, page_factor * log_normal(rng, 1.0, 0.1));
            if moved && page.query.is_none() && self.kind != super::SiteKind::SinglePage {
                let path = format!("/{}{number}{}", word(rng), page.path);
                page.url = Arc::from(format!("{origin}{path}"));
                let old = std::mem::replace(&mut page.path, path);
                self.moved.push((old, page_number as u32));
            }
        }
        for _ in 0..self.pages.len() / 10 {
            let path = format!("/{}/{}-{}-{number}", word(rng), word(rng), word(rng));
            if self.kind != super::SiteKind::SinglePage {
                page(
                    self,
                    path,
                    None,
                    log_normal(rng, 21_000.0, 0.6) as u32,
                    Vec::new(),
                );
            }
        }
        self.rename_files(rng);
        for collection_number in 0..self.collections.len() {
            let collection = &mut self.collections[collection_number];
            collection.bytes = scaled(collection.bytes, log_normal(rng, 1.0, SIZE_SPREAD));
            if chance(rng, MOVED_SHARE) {
                let path = format!("{}-v{}", collection.path, number + 2);
                let old = std::mem::replace(&mut collection.path, path);
                self.former.push((old, collection_number as u32));
            }
        }
        for endpoint in &mut self.endpoints {
            endpoint.bytes = scaled(endpoint.bytes, log_normal(rng, 1.0, SIZE_SPREAD));
        }
        if !self.collections.is_empty() {
            for _ in 0..ENDPOINTS_NEW {
                let path = format!("/api/{}/{}{number}", word(rng), word(rng));
                let bytes = rng.gen_range(20..4_000);
                add(self, Role::Background, "POST", path, Access::Public, bytes, 6.0);
            }
        }
        index(self);
    }

    /// Gives the files that every page loads new names, as build tools do.
    fn rename_files(&mut self, rng: &mut crate::random::Stream) {
        for file in &mut self.files[..self.shared_files] {
            if file.path == "/favicon.ico" {
                continue;
            }
            let factor = log_normal(rng, 1.0, 0.2);
            file.bytes = (f64::from(file.bytes) * factor) as u32;
            if let Some((stem, ending)) = file.path.rsplit_once('.') {
                file.path = format!("{stem}.{}.{ending}", hex(rng, 6));
            }
        }
    }
}
