//! AWS WAF (version 2): two IP sets, one for each kind of address, to which a rule of yours refers.
//!
//! A set is replaced as a whole, and only while it is what was read (its lock token). Ours are described as such; a set that is not is
//! left alone. A set that is not there is made.

use super::{Connector, Piece, PointError, ranges};
use crate::item::{Expresses, Holding, Item};
use crate::plan::Changes;
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_wafv2::Client as Waf;
use aws_sdk_wafv2::config::timeout::TimeoutConfig;
use aws_sdk_wafv2::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_wafv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_wafv2::types::{IpAddressVersion, Scope as WafScope};
use aws_smithy_http_client::Builder as HttpBuilder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use domain::{Action, Client, Scope};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// By this description a set is known for ours.
const DESCRIPTION: &str = "kept by Portcullis";

/// Most clients that are held: AWS has room for 10,000 in a set.
const CAPACITY: usize = 10_000;

/// AWS takes one call a second that changes anything, of an account in a region.
const WRITE_EVERY: Duration = Duration::from_millis(1_100);

/// Longest time for an answer, with what the SDK tries again.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a set is read anew that somebody changed meanwhile.
const ATTEMPTS: usize = 3;

/// Sets of one page, and most pages that are looked through: an account has 100 sets in a region unless it asked for more.
const PAGE: i32 = 100;

/// See [`PAGE`].
const PAGES_MAX: usize = 100;

/// Longest name of a set, by AWS' documentation.
const NAME_BYTES_MAX: usize = 128;

/// How an account is reached.
#[derive(Clone)]
pub struct AwsWafv2Settings {
    /// The region; `us-east-1` for CloudFront.
    pub region: String,
    /// Whether the sets are CloudFront's, and not a region's.
    pub is_cloudfront: bool,
    /// The names of the sets of IPv4 and IPv6.
    pub sets: [String; 2],
    /// A key and its secret; without them what AWS' own tools look for: environment, files, roles.
    pub key: Option<(String, String)>,
    /// Where AWS is asked, if not at its own address.
    pub endpoint: Option<String>,
}

/// See the module.
pub struct AwsWafv2 {
    settings: AwsWafv2Settings,
    /// The way there, once it was needed.
    waf: Option<Waf>,
    /// The sets as they were last read.
    known: [Option<Set>; 2],
    /// Whether a set was not there when they were last read: a rule can refer to it only once it is.
    is_short: bool,
    /// When something was last changed.
    written_at: Option<Instant>,
}

/// A set as it was read.
#[derive(Debug, Clone)]
struct Set {
    id: String,
    token: String,
    addresses: Vec<String>,
}

/// The kinds of addresses, in the order of the sets.
const KINDS: [IpAddressVersion; 2] = [IpAddressVersion::Ipv4, IpAddressVersion::Ipv6];

impl AwsWafv2 {
    /// A way to that account.
    ///
    /// # Errors
    /// When a set's name is none.
    pub fn new(settings: AwsWafv2Settings) -> Result<Self, PointError> {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "_-".contains(one);
        let [first, second] = &settings.sets;
        for name in [first, second] {
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) {
                let told = "the name of an IP set is letters, digits and _- only";
                return Err(PointError::Refused(told.to_owned()));
            }
        }
        if first == second {
            let told = "IPv4 and IPv6 have an IP set each, with a name of its own";
            return Err(PointError::Refused(told.to_owned()));
        }
        Ok(Self {
            settings,
            waf: None,
            known: [None, None],
            is_short: false,
            written_at: None,
        })
    }

    /// The way there.
    async fn waf(&mut self) -> Waf {
        if let Some(waf) = &self.waf {
            return waf.clone();
        }
        let http = HttpBuilder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.settings.region.clone()))
            .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build())
            .http_client(http);
        if let Some((key, secret)) = &self.settings.key {
            let key = Credentials::new(key, secret, None, None, "portcullis");
            config = config.credentials_provider(SharedCredentialsProvider::new(key));
        }
        if let Some(endpoint) = &self.settings.endpoint {
            config = config.endpoint_url(endpoint);
        }
        let waf = Waf::new(&config.load().await);
        self.waf.insert(waf).clone()
    }

    fn scope(&self) -> WafScope {
        match self.settings.is_cloudfront {
            true => WafScope::Cloudfront,
            false => WafScope::Regional,
        }
    }

    /// The numbers of both sets, where they are there.
    async fn ids(&mut self) -> Result<[Option<String>; 2], PointError> {
        let (waf, mut ids, mut marker) = (self.waf().await, [None, None], None);
        for _ in 0..PAGES_MAX {
            let asked = waf.list_ip_sets().scope(self.scope()).limit(PAGE);
            let page = asked.set_next_marker(marker).send().await.map_err(told)?;
            for set in page.ip_sets() {
                let at = self
                    .settings
                    .sets
                    .iter()
                    .position(|name| Some(name.as_str()) == set.name());
                if let Some(id) = at.and_then(|at| ids.get_mut(at)) {
                    *id = set.id().map(str::to_owned);
                }
            }
            marker = page
                .next_marker()
                .filter(|marker| !marker.is_empty())
                .map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        Ok(ids)
    }

    /// A set as it is.
    async fn set(&mut self, at: usize, id: String) -> Result<Set, PointError> {
        let (waf, name) = (self.waf().await, &self.settings.sets[at]);
        let asked = waf.get_ip_set().name(name).scope(self.scope()).id(&id);
        let answer = asked.send().await.map_err(told)?;
        let (Some(set), Some(token)) = (answer.ip_set(), answer.lock_token()) else {
            return Err(PointError::Refused(format!(
                "AWS shows nothing of the IP set {name}"
            )));
        };
        if set.description() != Some(DESCRIPTION) || set.ip_address_version() != &KINDS[at] {
            return Err(PointError::Refused(format!(
                "the IP set {name} is not described as \"{DESCRIPTION}\", or of the other kind of addresses: it is left alone"
            )));
        }
        Ok(Set {
            id,
            token: token.to_owned(),
            addresses: set.addresses().to_vec(),
        })
    }

    /// Waits until something may be changed again.
    async fn pace(&mut self) {
        if let Some(at) = self.written_at {
            tokio::time::sleep_until(at + WRITE_EVERY).await;
        }
        self.written_at = Some(Instant::now());
    }

    /// Makes a set.
    async fn make(&mut self, at: usize, addresses: Vec<String>) -> Result<(), PointError> {
        self.pace().await;
        let made = self.waf().await.create_ip_set().name(&self.settings.sets[at]);
        let made = made
            .scope(self.scope())
            .description(DESCRIPTION)
            .ip_address_version(KINDS[at].clone())
            .set_addresses(Some(addresses));
        made.send().await.map(drop).map_err(told)
    }

    /// Replaces what a set holds. Who was overtaken by somebody else reads it anew: the list that is written is whole in any case.
    async fn replace(&mut self, at: usize, mut set: Set, addresses: &[String]) -> Result<(), PointError> {
        for _ in 0..ATTEMPTS {
            self.pace().await;
            let update = self.waf().await.update_ip_set().name(&self.settings.sets[at]);
            let update = update
                .scope(self.scope())
                .id(&set.id)
                .description(DESCRIPTION)
                .lock_token(&set.token)
                .set_addresses(Some(addresses.to_vec()));
            match update.send().await {
                Ok(_) => return Ok(()),
                Err(error) if is_overtaken(&error) => set = self.set(at, set.id).await?,
                Err(error) => return Err(told(error)),
            }
        }
        Err(PointError::Changed(
            "somebody else keeps changing the IP set".to_owned(),
        ))
    }
}

#[async_trait]
impl Connector for AwsWafv2 {
    fn kind(&self) -> &'static str {
        "aws_wafv2"
    }

    fn expresses(&self) -> Expresses {
        Expresses {
            scopes: &[Scope::Ip, Scope::Range],
            actions: &[Action::Block],
            capacity: Some(CAPACITY),
            is_aggregated: true,
            is_disjoint: false,
        }
    }

    fn read_every(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Others of the account want to change something as well.
    fn change_every(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn advice(&self) -> Vec<Piece> {
        let [first, second] = &self.settings.sets;
        vec![Piece {
            place: "a rule of the web ACL, when the sets have been made; the numbers (ARNs) stand beside them in the console",
            text: include_str!("aws_wafv2.json")
                .replace("{ipv4}", first)
                .replace("{ipv6}", second),
        }]
    }

    fn is_due(&self) -> bool {
        self.is_short
    }

    async fn read(&mut self) -> Result<Holding, PointError> {
        self.known = [None, None];
        let mut holding = Holding::new();
        for (at, id) in self.ids().await?.into_iter().enumerate() {
            let Some(id) = id else { continue };
            let set = self.set(at, id).await?;
            let entries = set.addresses.iter().map(String::as_str);
            // A set with something that we do not write is written anew.
            holding.extend(ranges::holding(entries).unwrap_or_default());
            self.known[at] = Some(set);
        }
        self.is_short = self.known.iter().any(Option::is_none);
        Ok(holding)
    }

    async fn apply(&mut self, _: &Changes, wanted: &BTreeMap<Client, Item>) -> Result<(), PointError> {
        let all = ranges::written(wanted);
        let of_kind = |at: usize| {
            let fits = |range: &&IpNet| matches!(range, IpNet::V4(_)) == (at == 0);
            let some: Vec<String> = all.iter().filter(fits).map(ToString::to_string).collect();
            some
        };
        let known = std::mem::take(&mut self.known);
        if known.iter().all(Option::is_none) {
            self.read().await?;
        } else {
            self.known = known;
        }
        for at in 0..KINDS.len() {
            let addresses = of_kind(at);
            match self.known[at].take() {
                None => self.make(at, addresses).await?,
                Some(set) if is_alike(&set.addresses, &addresses) => self.known[at] = Some(set),
                Some(set) => self.replace(at, set, &addresses).await?,
            }
        }
        self.read().await.map(drop)
    }
}

/// Whether a set names the same ranges, in whatever order and form.
fn is_alike(held: &[String], wanted: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut ranges: Vec<Option<IpNet>> = list.iter().map(|entry| ranges::parse(entry)).collect();
        ranges.sort_unstable();
        ranges
    };
    sorted(held) == sorted(wanted)
}

/// Whether somebody else changed it meanwhile.
fn is_overtaken<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("WAFOptimisticLockException")
}

/// What is to be said of an error: AWS' own words, and nothing of the request.
fn told<E: ProvideErrorMetadata>(error: SdkError<E>) -> PointError {
    let words = |code: &str, message: Option<&str>| -> String {
        let message: String = message
            .unwrap_or("no reason was given")
            .chars()
            .take(300)
            .collect();
        format!("AWS: {code}: {message}")
    };
    match (error.code(), &error) {
        (Some(code), _) => {
            let passes =
                code.contains("Throttling") || code.contains("InternalError") || code.contains("Unavailable");
            let told = words(code, error.message());
            // What was made a moment ago is not seen everywhere yet.
            if ["WAFOptimisticLockException", "WAFDuplicateItemException"].contains(&code) {
                PointError::Changed(told)
            } else if passes {
                PointError::Unreachable(told)
            } else {
                PointError::Refused(told)
            }
        }
        (None, SdkError::TimeoutError(_)) => PointError::Unreachable("AWS: no answer in time".to_owned()),
        (None, SdkError::DispatchFailure(failure)) if failure.is_other() => {
            PointError::Refused("AWS: no credentials were found, or the request could not be made".to_owned())
        }
        (None, _) => PointError::Unreachable("AWS could not be reached".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(sets: [&str; 2]) -> Result<AwsWafv2, PointError> {
        AwsWafv2::new(AwsWafv2Settings {
            region: "eu-central-1".to_owned(),
            is_cloudfront: false,
            sets: sets.map(str::to_owned),
            key: None,
            endpoint: None,
        })
    }

    #[test]
    fn each_kind_has_a_set_with_a_name() {
        assert!(aws(["portcullis-ipv4", "portcullis-ipv6"]).is_ok());
        assert!(aws(["portcullis", "portcullis"]).is_err());
        assert!(aws(["", "portcullis"]).is_err());
        assert!(aws(["a b", "portcullis"]).is_err());
    }

    #[test]
    fn addresses_are_alike_in_whatever_order_and_form() {
        let list =
            |entries: &[&str]| -> Vec<String> { entries.iter().map(|entry| (*entry).to_owned()).collect() };
        let held = list(&["2001:0db8:0000:0000:0000:0000:0000:0000/64", "203.0.113.9/32"]);
        assert!(is_alike(&held, &list(&["203.0.113.9/32", "2001:db8::/64"])));
        assert!(!is_alike(&held, &list(&["203.0.113.9/32"])));
        assert!(!is_alike(&held, &list(&["203.0.113.10/32", "2001:db8::/64"])));
    }
}
