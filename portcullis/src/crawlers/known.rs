//! Crawlers and link previews whose operators say how their addresses are proven, each with the page that says so.

/// One of them: its name, and the domains under which its addresses' names lie.
pub(super) const KNOWN: &[(&str, &[&str])] = &[
    // https://developers.google.com/search/docs/crawling-indexing/verifying-googlebot
    // Not googleusercontent.com: anybody's machines of that cloud are named so, too.
    ("googlebot", &["googlebot.com", "google.com"]),
    // https://www.bing.com/webmasters/help/how-to-verify-bingbot-3905dc26
    ("bingbot", &["search.msn.com"]),
    // https://support.apple.com/en-us/119829
    ("applebot", &["applebot.apple.com"]),
    // https://yandex.com/support/webmaster/robot-workings/check-yandex-robots.html
    ("yandexbot", &["yandex.ru", "yandex.net", "yandex.com"]),
    // https://help.baidu.com/question?prod_id=99&class=476&id=2996
    ("baiduspider", &["crawl.baidu.com", "crawl.baidu.jp"]),
    // https://aspiegel.com/petalbot
    ("petalbot", &["petalsearch.com"]),
    // https://blog.seznam.cz/en/seznambot
    ("seznambot", &["seznam.cz"]),
    // https://help.qwant.com/bot
    ("qwantbot", &["search.qwant.com"]),
    // https://developer.amazon.com/amazonbot
    ("amazonbot", &["crawl.amazonbot.amazon"]),
    // https://commoncrawl.org/ccbot
    ("ccbot", &["crawl.commoncrawl.org"]),
    // https://ahrefs.com/robot
    ("ahrefsbot", &["ahrefs.com", "ahrefs.net"]),
    // https://www.semrush.com/bot
    ("semrushbot", &["bot.semrush.com"]),
    // https://www.mojeek.com/bot.html
    ("mojeekbot", &["mojeek.com"]),
    // https://help.pinterest.com/en/business/article/pinterestbot
    ("pinterestbot", &["pinterest.com"]),
];
