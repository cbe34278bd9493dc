//! User agents: what a client says it is, with its protocol habits.
//!
//! Attackers mostly claim to be browsers, so an agent never tells benign from hostile by itself.

use crate::random::{Stream, chance, pick};
use crate::request::{Intent, Request};
use rand::Rng;
use std::sync::Arc;

/// What a client sends with every request.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) user_agent: Option<Arc<str>>,
    pub(crate) protocol: &'static str,
}

impl Agent {
    fn new(user_agent: impl Into<Arc<str>>, protocol: &'static str) -> Self {
        Self {
            user_agent: Some(user_agent.into()),
            protocol,
        }
    }

    /// A request of that method.
    pub(crate) fn send(&self, method: &'static str, path: impl Into<String>) -> Request {
        Request {
            method,
            path: path.into(),
            query: None,
            referer: None,
            user_agent: self.user_agent.clone(),
            protocol: self.protocol,
            is_malformed: false,
            intent: Intent::default(),
        }
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Request {
        self.send("GET", path)
    }

    pub(crate) fn head(&self, path: impl Into<String>) -> Request {
        self.send("HEAD", path)
    }

    /// A POST with a body of that size.
    pub(crate) fn post(&self, path: impl Into<String>, body_bytes: u32) -> Request {
        let mut request = self.send("POST", path);
        request.intent.body_bytes = body_bytes;
        request
    }

    /// A person's browser.
    pub(crate) fn browser(rng: &mut Stream) -> Self {
        // One in twelve speaks HTTP/1.1: old devices, company proxies.
        let protocol = if chance(rng, 0.08) { "HTTP/1.1" } else { "HTTP/2.0" };
        Self::new(browser_text(rng), protocol)
    }

    /// A browser on a site that does not speak HTTP/2.
    pub(crate) fn browser_for(rng: &mut Stream, speaks_http2: bool) -> Self {
        let mut agent = Self::browser(rng);
        if !speaks_http2 {
            agent.protocol = "HTTP/1.1";
        }
        agent
    }

    /// A mobile app's HTTP library.
    pub(crate) fn mobile_app(rng: &mut Stream) -> Self {
        let (major, minor, patch) = (rng.gen_range(3..9), rng.gen_range(0..20), rng.gen_range(0..5));
        let text = match rng.gen_range(0..4) {
            0 => format!("StoreApp/{major}.{minor}.{patch} (iPhone; iOS 18.{patch}; Scale/3.00)"),
            1 => format!("StoreApp/{major}.{minor} CFNetwork/1568.{minor}.1 Darwin/24.{patch}.0"),
            2 => "okhttp/4.12.0".to_owned(),
            _ => format!("Dalvik/2.1.0 (Linux; U; Android 1{patch}; Pixel {major} Build/UP1A.{minor:02})"),
        };
        Self::new(text, "HTTP/2.0")
    }

    pub(crate) fn crawler(rng: &mut Stream) -> Self {
        Self::new(*pick(rng, &CRAWLERS), "HTTP/1.1")
    }

    pub(crate) fn feed_reader(rng: &mut Stream) -> Self {
        Self::new(*pick(rng, &FEED_READERS), "HTTP/1.1")
    }

    pub(crate) fn monitor(rng: &mut Stream) -> Self {
        Self::new(*pick(rng, &MONITORS), "HTTP/1.1")
    }

    pub(crate) fn link_preview(rng: &mut Stream) -> Self {
        Self::new(*pick(rng, &LINK_PREVIEWS), "HTTP/1.1")
    }

    /// A script or a server-side library.
    pub(crate) fn script(rng: &mut Stream) -> Self {
        Self::new(*pick(rng, &SCRIPTS), "HTTP/1.1")
    }

    /// What attack tools send: mostly a forged browser, else a library, a tool's own name, or nothing.
    pub(crate) fn attack_tool(rng: &mut Stream) -> Self {
        match rng.gen_range(0..100) {
            0..50 => Self::new(browser_text(rng), "HTTP/1.1"),
            50..58 => Self::new(browser_text(rng), "HTTP/2.0"),
            58..78 => Self::script(rng),
            78..88 => Self::new(*pick(rng, &TOOLS), "HTTP/1.1"),
            _ => Self {
                user_agent: None,
                protocol: "HTTP/1.1",
            },
        }
    }
}

fn browser_text(rng: &mut Stream) -> String {
    // Most people run one of the last few releases; a tail never updates.
    let age = if chance(rng, 0.85) {
        rng.gen_range(0..5)
    } else {
        rng.gen_range(5..45)
    };
    let chrome = 142 - age;
    match rng.gen_range(0..100) {
        0..34 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"
        ),
        34..48 => format!(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Mobile Safari/537.36"
        ),
        48..64 => format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {0}_{1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{0}.{1} Mobile/15E148 Safari/604.1",
            18 - age / 10,
            rng.gen_range(0..7)
        ),
        64..72 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"
        ),
        72..80 => format!(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.{} Safari/605.1.15",
            18 - age / 10,
            rng.gen_range(0..6)
        ),
        80..88 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
            chrome + 2
        ),
        88..92 => format!(
            "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0",
            chrome + 2
        ),
        92..98 => format!(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36 Edg/{chrome}.0.0.0"
        ),
        _ => format!(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{chrome}.0.0.0 Safari/537.36"
        ),
    }
}

const CRAWLERS: [&str; 18] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
    "Mozilla/5.0 (compatible; PetalBot;+https://webmaster.petalsearch.com/site/petalbot)",
    "Mozilla/5.0 (compatible; SeznamBot/4.0; +https://o-seznam.cz/napoveda/vyhledavani/en/seznambot-crawler/)",
    "Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)",
    "CCBot/2.0 (https://commoncrawl.org/faq/)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
];

const FEED_READERS: [&str; 7] = [
    "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 14 subscribers)",
    "Tiny Tiny RSS/24.10 (https://tt-rss.org/)",
    "FreshRSS/1.24.3 (Linux; https://freshrss.org)",
    "NewsBlur Feed Fetcher - 3 subscribers - http://www.newsblur.com",
    "Mozilla/5.0 (compatible; Miniflux/2.2.3; +https://miniflux.app)",
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 5 subscribers; )",
];

const MONITORS: [&str; 6] = [
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "Blackbox Exporter/0.25.0",
    "kube-probe/1.31",
    "check_http/v2.3.3 (monitoring-plugins 2.3.3)",
    "Better Uptime Bot Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36",
];

const LINK_PREVIEWS: [&str; 8] = [
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
];

const SCRIPTS: [&str; 12] = [
    "curl/8.7.1",
    "curl/7.88.1",
    "Wget/1.21.4",
    "python-requests/2.32.3",
    "python-requests/2.28.1",
    "Python-urllib/3.11",
    "python-httpx/0.27.2",
    "Go-http-client/1.1",
    "axios/1.7.7",
    "Java/17.0.12",
    "Apache-HttpClient/4.5.14 (Java/17.0.12)",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
];

const TOOLS: [&str; 9] = [
    "sqlmap/1.8.11#stable (https://sqlmap.org)",
    "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)",
    "gobuster/3.6",
    "Fuzz Faster U Fool v2.1.0",
    "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
    "WPScan v3.8.27 (https://wpscan.com/wordpress-security-scanner)",
    "Mozilla/5.0 zgrab/0.x",
    "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)",
    "Mozilla/5.0",
];
