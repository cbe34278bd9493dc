//! A person's browser on a site: pages, the files that pages load, the cache, referers.

use crate::actor::Turn;
use crate::agent::Agent;
use crate::random::{chance, log_normal_ms, pick, popular};
use crate::request::{Request, Step};
use hashbrown::HashSet;
use rand::Rng;
use std::collections::VecDeque;
use std::sync::Arc;

/// Where visitors come from, when they say so.
const ORIGINS: [&str; 10] = [
    "https://www.google.com/",
    "https://www.google.com/",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://duckduckgo.com/",
    "https://www.reddit.com/",
    "https://news.ycombinator.com/",
    "https://t.co/",
    "https://www.facebook.com/",
    "android-app://com.google.android.gm/",
];

/// A browser with its cache and what it is about to request.
pub(crate) struct Visitor {
    pub(crate) agent: Agent,
    pub(crate) queue: VecDeque<Step>,
    /// The address of the page on screen.
    pub(crate) referer: Option<Arc<str>>,
    cache: HashSet<u32>,
    has_shared_files: bool,
    asks_for_icons: bool,
    loads_images: bool,
    /// Whether the first request of the visit goes out without TLS.
    starts_plain: bool,
}

impl Visitor {
    pub(crate) fn new(rng: &mut crate::random::Stream, speaks_http2: bool) -> Self {
        let agent = Agent::browser_for(rng, speaks_http2);
        let referer = chance(rng, 0.55).then(|| Arc::from(*pick(rng, &ORIGINS)));
        Self {
            agent,
            queue: VecDeque::new(),
            referer,
            cache: HashSet::new(),
            // Somebody who was here last week has the style sheets still.
            has_shared_files: chance(rng, 0.2),
            asks_for_icons: chance(rng, 0.75),
            loads_images: chance(rng, 0.95),
            starts_plain: chance(rng, 0.25),
        }
    }

    /// Queues a page, popular ones likelier, and what it loads.
    pub(crate) fn open_some_page(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        // Half of the landings are on the home page or what is linked there.
        let index = match turn.site.pages.len() {
            0 => return,
            len if chance(turn.rng, 0.7) => popular(turn.rng, len),
            len => turn.rng.gen_range(0..len),
        };
        self.open_page(turn, index, gap_ms);
    }

    /// Queues that page and what it loads.
    pub(crate) fn open_page(&mut self, turn: &mut Turn<'_>, index: usize, gap_ms: u64) {
        let page = &turn.site.pages[index];
        let mut request = self
            .agent
            .get(page.path.as_str())
            .referred_by(self.referer.take());
        request.query.clone_from(&page.query);
        self.put_first(turn, request, gap_ms);
        self.load_files(turn, &page.images, &page.url);
        self.referer = Some(page.url.clone());
    }

    /// Queues a link to a page that is gone, from inside or from another site.
    pub(crate) fn open_dead_link(&mut self, turn: &mut Turn<'_>, gap_ms: u64) {
        let Some(page) = turn.site.some_page(turn.rng) else {
            return;
        };
        let stem = page.path.trim_end_matches('/').trim_end_matches(".html");
        let year = turn.rng.gen_range(2008..2022);
        let path = match turn.rng.gen_range(0..3) {
            0 => format!("{stem}-{year}"),
            1 => format!("/archive/{year}{stem}"),
            _ => format!("{stem}/print"),
        };
        let request = self.agent.get(path).referred_by(self.referer.clone());
        self.put_first(turn, request, gap_ms);
    }

    fn put_first(&mut self, turn: &mut Turn<'_>, mut request: Request, gap_ms: u64) {
        request.intent.is_plain_http = std::mem::take(&mut self.starts_plain);
        // Now and then somebody closes the tab before the page has come.
        if chance(turn.rng, 0.004) {
            request.intent.patience_ms = Some(turn.rng.gen_range(5..200));
        }
        self.queue.push_back(Step::after(gap_ms, request));
    }

    fn load_files(&mut self, turn: &mut Turn<'_>, images: &[u32], page_url: &Arc<str>) {
        let site = turn.site;
        let mut gap_ms = log_normal_ms(turn.rng, 60.0, 0.8);
        let mut is_first = true;
        for index in (0..site.shared_files as u32).chain(images.iter().copied()) {
            let file = &site.files[index as usize];
            let is_icon = file.path.ends_with(".ico");
            let is_shared = (index as usize) < site.shared_files;
            if (is_icon && !self.asks_for_icons) || (!is_shared && !self.loads_images) {
                continue;
            }
            let has_copy = !self.cache.insert(index) || (is_shared && self.has_shared_files);
            // A fresh copy is used without asking; a reload or an old copy asks whether it changed.
            if has_copy && (!file.exists || !chance(turn.rng, 0.06)) {
                continue;
            }
            let request = self
                .agent
                .get(file.path.as_str())
                .referred_by(Some(page_url.clone()))
                .if_newer(has_copy && file.exists);
            self.queue.push_back(if is_first {
                Step::after(gap_ms, request)
            } else {
                Step::beside(gap_ms, request)
            });
            is_first = false;
            gap_ms = if chance(turn.rng, 0.7) {
                turn.rng.gen_range(0..12)
            } else {
                turn.rng.gen_range(12..180)
            };
        }
    }
}
