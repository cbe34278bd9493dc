//! Programs that fetch a link because somebody wrote it into a message, to show what is behind it: whoever writes the message chooses
//! what they ask for.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::sync::LazyLock;

/// What they call themselves, each as its operator or its source code has it.
static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .ascii_case_insensitive(true)
        .build([
            "facebookexternalhit",
            "facebot",
            "twitterbot",
            "slackbot-linkexpanding",
            "slack-imgproxy",
            "discordbot",
            "telegrambot",
            "whatsapp/",
            "linkedinbot",
            "skypeuripreview",
            "redditbot",
            "pinterestbot",
            "mattermost",
            "synapse (bot",
            "mastodon/",
            "zulipurlpreview",
            "viber/",
            "vkshare",
            "iframely",
            "embedly",
            "bitlybot",
        ])
        .expect("a few names make an automaton")
});

/// Whether a user agent says that it shows what is behind a link. Anybody can say so: it makes his acts somebody else's, perhaps, as
/// a page of another site does that a browser says it came from.
pub(crate) fn shows_links(agent: &str) -> bool {
    NAMES.is_match(agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_show_links_say_so() {
        for (agent, expected) in [
            ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", true),
            (
                "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
                true,
            ),
            ("TelegramBot (like TwitterBot)", true),
            ("WhatsApp/2.23.20.0 A", true),
            (
                "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
                true,
            ),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                false,
            ),
            ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", false),
            ("", false),
        ] {
            assert_eq!(shows_links(agent), expected, "{agent}");
        }
    }
}
