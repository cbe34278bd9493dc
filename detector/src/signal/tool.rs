//! Programs for attacking that say so in their user agent. Whoever hides says something else: this only finds the loud.

use super::probe::lowercase_ascii;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What a tool is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToolKind {
    /// Finding out what is there.
    #[default]
    Scanner,
    /// Trying payloads.
    Injector,
    /// Trying passwords.
    Guesser,
    /// Holding connections and workers.
    Stresser,
}

/// A tool that a user agent names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// What it is for.
    pub kind: ToolKind,
    /// Points of evidence, 0 for none.
    pub points: f32,
}

use ToolKind::{Guesser, Injector, Scanner, Stresser};

/// Nobody innocent uses these against somebody else's site.
const ATTACKS: f32 = 1.7;
/// These look at the whole internet: a nuisance, seldom an attack.
const SURVEYS: f32 = 0.6;

/// Fragments of the lower-cased user agent, with the points that they are worth.
const TOOLS: &[(&str, ToolKind, f32)] = &[
    ("sqlmap", Injector, ATTACKS),
    ("nikto", Scanner, ATTACKS),
    ("nuclei", Scanner, ATTACKS),
    ("wpscan", Scanner, ATTACKS),
    ("joomscan", Scanner, ATTACKS),
    ("dirbuster", Scanner, ATTACKS),
    ("dirsearch", Scanner, ATTACKS),
    ("gobuster", Scanner, ATTACKS),
    ("feroxbuster", Scanner, ATTACKS),
    ("fuzz faster u fool", Scanner, ATTACKS),
    ("wfuzz", Scanner, ATTACKS),
    ("(hydra)", Guesser, ATTACKS),
    ("acunetix", Scanner, ATTACKS),
    ("netsparker", Scanner, ATTACKS),
    ("invicti", Scanner, ATTACKS),
    ("wapiti", Injector, ATTACKS),
    ("w3af", Scanner, ATTACKS),
    ("arachni/", Scanner, ATTACKS),
    ("commix", Injector, ATTACKS),
    ("havij", Injector, ATTACKS),
    ("jorgee", Scanner, ATTACKS),
    ("openvas", Scanner, ATTACKS),
    ("nessus", Scanner, ATTACKS),
    ("zmeu", Scanner, ATTACKS),
    ("morfeus", Scanner, ATTACKS),
    ("skipfish", Scanner, ATTACKS),
    ("xsstrike", Injector, ATTACKS),
    ("dalfox", Injector, ATTACKS),
    ("slowhttptest", Stresser, ATTACKS),
    ("l9explore", Scanner, ATTACKS),
    ("l9tcpid", Scanner, ATTACKS),
    ("jndi:", Injector, ATTACKS),
    ("whatweb", Scanner, SURVEYS),
    ("nmap scripting engine", Scanner, SURVEYS),
    ("masscan", Scanner, SURVEYS),
    ("zgrab", Scanner, SURVEYS),
    ("httpx - open-source", Scanner, SURVEYS),
];

/// Longest user agent that is looked at: these tools' are short.
const AGENT_BYTES_MAX: usize = 256;

#[expect(clippy::expect_used, reason = "the list is constant and a test builds it")]
static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .build(TOOLS.iter().map(|(text, ..)| *text))
        .expect("a constant list of short fragments fits an automaton")
});

/// The tool that a user agent names; one without points when it names none.
pub(super) fn named(agent: &str) -> Tool {
    let mut buffer = [0u8; AGENT_BYTES_MAX];
    let len = lowercase_ascii(agent.as_bytes(), &mut buffer);
    let hits = AUTOMATON.find_iter(&buffer[..len]);
    let tool = hits.map(|hit| TOOLS[hit.pattern().as_usize()]).next();
    tool.map_or_else(Tool::default, |(_, kind, points)| Tool { kind, points })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points_of(agent: &str) -> f32 {
        named(agent).points
    }

    #[test]
    fn tools_are_known_by_name_and_browsers_and_crawlers_are_not() {
        assert!(points_of("sqlmap/1.8.11#stable (https://sqlmap.org)") > 1.0);
        assert!(points_of("Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:Port Check)") > 1.0);
        assert!(points_of("Mozilla/5.0 (Hydra)") > 1.0);
        assert!((0.1..1.0).contains(&points_of("Mozilla/5.0 zgrab/0.x")));
        for innocent in [
            "",
            "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "python-requests/2.32.3",
            "curl/8.7.1",
        ] {
            assert!(points_of(innocent) <= 0.0, "{innocent}");
        }
    }
}
