//! Whether somebody who says that he is a crawler is one: his address has a name within the domain of a crawler's operator, and that
//! name has his address. Both, for anybody may name his own addresses as he likes; and never by the user agent, which is anybody's.

mod known;
mod names;

pub(crate) use names::NameServers;

use known::KNOWN;
use std::net::IpAddr;

/// Names of one address that are looked at: a crawler's has one.
const NAMES_MAX: usize = 4;

/// A crawler, and the domains under which its addresses' names lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crawler {
    /// How people know it.
    pub(crate) name: String,
    /// Domains of its operator, without a dot at either end.
    pub(crate) domains: Vec<String>,
}

/// Looks names up. Whoever is asked may know nothing, or fail: then nothing is proven.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// The names of an address.
    fn names_of(&self, address: IpAddr) -> impl Future<Output = Vec<String>> + Send;
    /// The addresses of a name.
    fn addresses_of(&self, name: &str) -> impl Future<Output = Vec<IpAddr>> + Send;
}

/// What proves that an address is a crawler's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The crawler's name.
    pub(crate) crawler: String,
    /// The address's name.
    pub(crate) host: String,
}

/// The crawlers that are known here, and further ones.
pub(crate) fn all(further: impl IntoIterator<Item = Crawler>) -> Vec<Crawler> {
    let known = KNOWN.iter().map(|(name, domains)| Crawler {
        name: (*name).to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
    });
    known.chain(further).collect()
}

/// Looks up whose an address is; `None` when it is no crawler's that is known here.
pub(crate) async fn prove(lookup: &impl Lookup, crawlers: &[Crawler], address: IpAddr) -> Option<Proof> {
    let address = address.to_canonical();
    let names = lookup.names_of(address).await;
    for name in names.into_iter().take(NAMES_MAX) {
        let host = name.trim_end_matches('.').to_ascii_lowercase();
        let Some(crawler) = crawlers.iter().find(|crawler| crawler.has(&host)) else {
            continue;
        };
        let addresses = lookup.addresses_of(&host).await;
        if addresses.into_iter().any(|known| known.to_canonical() == address) {
            return Some(Proof {
                crawler: crawler.name.clone(),
                host,
            });
        }
    }
    None
}

impl Crawler {
    /// Whether a name lies in one of its domains.
    fn has(&self, host: &str) -> bool {
        self.domains.iter().any(|domain| {
            let before = host.strip_suffix(domain.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What names and addresses there are.
    struct Zone(
        Vec<(&'static str, &'static str)>,
        Vec<(&'static str, &'static str)>,
    );

    impl Lookup for Zone {
        async fn names_of(&self, address: IpAddr) -> Vec<String> {
            let of_it = self.0.iter().filter(|(known, _)| *known == address.to_string());
            of_it.map(|(_, name)| (*name).to_owned()).collect()
        }

        async fn addresses_of(&self, name: &str) -> Vec<IpAddr> {
            let of_it = self.1.iter().filter(|(known, _)| *known == name);
            of_it.filter_map(|(_, address)| address.parse().ok()).collect()
        }
    }

    async fn check(zone: &Zone, address: &str, crawler: Option<&str>) {
        let proof = prove(zone, &all([]), address.parse().unwrap()).await;
        assert_eq!(
            proof.as_ref().map(|proof| proof.crawler.as_str()),
            crawler,
            "{proof:?}"
        );
    }

    #[tokio::test]
    async fn both_ways_have_to_fit() {
        let zone = Zone(
            vec![
                ("203.0.113.1", "crawl-203-0-113-1.googlebot.com."),
                // Anybody may name his own address so.
                ("203.0.113.2", "crawl-203-0-113-1.googlebot.com."),
                ("203.0.113.3", "crawl.googlebot.com.evil.example."),
                ("203.0.113.4", "evilgooglebot.com."),
                ("203.0.113.5", "Crawl.Search.MSN.com"),
                ("2001:db8::7", "crawl-7.googlebot.com"),
            ],
            vec![
                ("crawl-203-0-113-1.googlebot.com", "203.0.113.1"),
                ("crawl.googlebot.com.evil.example", "203.0.113.3"),
                ("evilgooglebot.com", "203.0.113.4"),
                ("crawl.search.msn.com", "203.0.113.5"),
                ("crawl-7.googlebot.com", "2001:db8::7"),
            ],
        );
        check(&zone, "203.0.113.1", Some("googlebot")).await;
        check(&zone, "203.0.113.2", None).await;
        check(&zone, "203.0.113.3", None).await;
        check(&zone, "203.0.113.4", None).await;
        check(&zone, "203.0.113.5", Some("bingbot")).await;
        check(&zone, "2001:db8::7", Some("googlebot")).await;
        check(&zone, "203.0.113.9", None).await;
    }

    #[test]
    fn what_is_known_is_written_as_it_is_compared() {
        for crawler in all([]) {
            assert!(!crawler.domains.is_empty(), "{}", crawler.name);
            for domain in &crawler.domains {
                assert_eq!(*domain, domain.to_ascii_lowercase());
                assert!(domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.'));
            }
        }
    }
}
