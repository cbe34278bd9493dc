//! Programs for attacking that say so in their user agent. Whoever hides says something else: this only finds the loud.

use super::probe::lowercase_ascii;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use std::sync::LazyLock;

/// Nobody innocent uses these against somebody else's site.
const ATTACKS: f32 = 1.7;
/// These look at the whole internet: a nuisance, seldom an attack.
const SURVEYS: f32 = 0.6;

/// Fragments of the lower-cased user agent, with the points that they are worth.
const TOOLS: &[(&str, f32)] = &[
    ("sqlmap", ATTACKS),
    ("nikto", ATTACKS),
    ("nuclei", ATTACKS),
    ("wpscan", ATTACKS),
    ("joomscan", ATTACKS),
    ("dirbuster", ATTACKS),
    ("dirsearch", ATTACKS),
    ("gobuster", ATTACKS),
    ("feroxbuster", ATTACKS),
    ("fuzz faster u fool", ATTACKS),
    ("wfuzz", ATTACKS),
    ("(hydra)", ATTACKS),
    ("acunetix", ATTACKS),
    ("netsparker", ATTACKS),
    ("invicti", ATTACKS),
    ("wapiti", ATTACKS),
    ("w3af", ATTACKS),
    ("arachni/", ATTACKS),
    ("commix", ATTACKS),
    ("havij", ATTACKS),
    ("jorgee", ATTACKS),
    ("openvas", ATTACKS),
    ("nessus", ATTACKS),
    ("zmeu", ATTACKS),
    ("morfeus", ATTACKS),
    ("skipfish", ATTACKS),
    ("xsstrike", ATTACKS),
    ("dalfox", ATTACKS),
    ("slowhttptest", ATTACKS),
    ("l9explore", ATTACKS),
    ("l9tcpid", ATTACKS),
    ("jndi:", ATTACKS),
    ("whatweb", SURVEYS),
    ("nmap scripting engine", SURVEYS),
    ("masscan", SURVEYS),
    ("zgrab", SURVEYS),
    ("httpx - open-source", SURVEYS),
];

/// Longest user agent that is looked at: these tools' are short.
const AGENT_BYTES_MAX: usize = 256;

#[expect(clippy::expect_used, reason = "the list is constant and a test builds it")]
static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(TOOLS.iter().map(|(text, _)| *text))
        .expect("a constant list of short fragments fits an automaton")
});

/// The points that a user agent is worth, 0 when it names no tool.
pub(super) fn points(agent: &str) -> f32 {
    let mut buffer = [0u8; AGENT_BYTES_MAX];
    let len = lowercase_ascii(agent.as_bytes(), &mut buffer);
    AUTOMATON
        .find_iter(&buffer[..len])
        .map(|hit| TOOLS[hit.pattern().as_usize()].1)
        .fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_name_and_browsers_and_crawlers_are_not() {
        assert!(points("sqlmap/1.8.11#stable (https://sqlmap.org)") > 1.0);
        assert!(points("Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)") > 1.0);
        assert!(points("Mozilla/5.0 (Hydra)") > 1.0);
        assert!((0.1..1.0).contains(&points("Mozilla/5.0 zgrab/0.x")));
        for innocent in [
            "",
            "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "python-requests/2.32.3",
            "curl/8.7.1",
        ] {
            assert!(points(innocent) <= 0.0, "{innocent}");
        }
    }
}
