//! Looks up whether clients that say that they are crawlers are, and puts those on the allowlist that prove it.

use super::Shared;
use crate::config::Config;
use crate::crawlers::{self, Crawler, Lookup, NameServers, Proof, prove};
use anyhow::Context as _;
use domain::blocklist::Blocklist;
use domain::{Client, OrderKind, Origin};
use std::net::IpAddr;
use std::sync::Arc;
use storage::NewOrder;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;

/// Questions that wait. What comes when there are more is not looked up: the client is dealt with as anybody.
const QUESTIONS_MAX: usize = 1024;

/// Questions that are looked up at the same time.
const AT_ONCE: usize = 8;

/// So long an entry holds; then it is looked up anew, should it come to that.
const PROVEN_MILLIS: i64 = 24 * 3_600_000;

/// Where questions go. What is asked twice within a short while is looked up once.
#[derive(Debug, Clone, Default)]
pub(super) struct Questions {
    sender: Option<mpsc::Sender<(Client, IpAddr)>>,
    last: Option<Client>,
}

impl Questions {
    /// Asks, unless the same was asked just before: the preview of a tick asks as its end does.
    pub(super) fn ask(&mut self, client: Client, address: IpAddr) {
        if self.last.as_ref() == Some(&client) {
            return;
        }
        if let Some(sender) = &self.sender
            && sender.try_send((client.clone(), address)).is_err()
        {
            tracing::warn!("too many clients say that they are crawlers: {client} is not looked up");
        }
        self.last = Some(client);
    }
}

/// Starts to answer questions about crawlers, where the settings say so.
///
/// # Errors
/// When the system names no name server.
pub(super) fn start(shared: &Shared, config: &Config, tasks: &TaskTracker) -> anyhow::Result<Questions> {
    if !config.crawlers.verify {
        return Ok(Questions::default());
    }
    let lookup = NameServers::new(config.crawlers.name_server).context(
        "could not find out which name servers to ask about crawlers: name one (crawlers.name_server), or none (crawlers.verify = false)",
    )?;
    let known = config.crawlers.known.iter().map(|known| Crawler {
        name: known.name.clone(),
        domains: known
            .domains
            .iter()
            .map(|domain| domain.to_ascii_lowercase())
            .collect(),
    });
    let (sender, receiver) = mpsc::channel(QUESTIONS_MAX);
    tasks.spawn(answer(
        shared.clone(),
        Arc::new(lookup),
        Arc::new(crawlers::all(known)),
        receiver,
    ));
    Ok(Questions {
        sender: Some(sender),
        last: None,
    })
}

/// Answers questions until nobody asks any more.
async fn answer(
    shared: Shared,
    lookup: Arc<impl Lookup>,
    crawlers: Arc<Vec<Crawler>>,
    mut questions: mpsc::Receiver<(Client, IpAddr)>,
) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some((client, address)) = questions.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (shared, lookup, crawlers) = (shared.clone(), Arc::clone(&lookup), Arc::clone(&crawlers));
        tokio::spawn(async move {
            if let Some(proof) = prove(&*lookup, &crawlers, address).await {
                welcome(&shared, client, &proof).await;
            }
            drop(place);
        });
    }
}

/// Puts a crawler on the allowlist: that undoes what was decided about it everywhere, and a person can see it and take it back. Whom a
/// person blocked stays blocked, whoever he is: the machine's order would be the newer one, and win.
async fn welcome(shared: &Shared, client: Client, proof: &Proof) {
    let now = (shared.clock)();
    if shared
        .blocklist
        .read(|list| is_blocked_by_a_person(list, &client))
    {
        tracing::info!(%client, crawler = %proof.crawler, "{client} is a crawler of {}, and a person blocked it", proof.crawler);
        return;
    }
    let order = NewOrder {
        kind: OrderKind::Allow {
            until: Some(now.plus_millis(PROVEN_MILLIS)),
        },
        reason: format!(
            "crawler {}: {} is its name and has its address",
            proof.crawler, proof.host
        ),
        by: "crawlers".to_owned(),
        from: "name server".to_owned(),
        client,
    };
    let client = order.client.to_string();
    match shared.store.append_order(&order, now).await {
        Ok(_) => {
            tracing::info!(%client, crawler = %proof.crawler, "{client} is a crawler of {}: allowed for a day", proof.crawler);
            shared.blocklist.wake();
        }
        Err(error) => tracing::warn!(%error, %client, "could not allow the crawler {client}: {error}"),
    }
}

/// Whether a person's word about the client, or about a range around it, is in force.
fn is_blocked_by_a_person(list: &Blocklist, client: &Client) -> bool {
    let around = client.range().into_iter().flat_map(|range| list.covering(range));
    list.naming(client)
        .chain(around)
        .any(|entry| entry.origin == Origin::Operator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        Action, Allowlist, Decision, DecisionId, Mode, Price, Scope, StampedDecision, ThreatKind, Timestamp,
    };

    #[test]
    fn whom_a_person_blocked_no_proof_lets_in() {
        let now = Timestamp::from_secs(1_800_000_000);
        let parse = |scope, text| Client::parse(scope, text).unwrap();
        let list = |client: Client, origin| {
            let decision = Decision {
                id: DecisionId([1; 16]),
                client,
                conditions: Vec::new(),
                gateways: Vec::new(),
                action: Action::Block,
                priority: 0,
                origin,
                price: Price::default(),
                threat: ThreatKind::Scraping,
                alert_id: None,
                reason: String::new(),
                event_at: now,
                ttl_secs: 60,
                mode: Mode::Enforced,
                model: String::new(),
                completeness: None,
            };
            let mut list = Blocklist::new(&Allowlist::default(), now);
            list.apply_decision(&StampedDecision::stamp(decision, 1, now));
            list
        };
        let crawler = parse(Scope::Ip, "203.0.113.66");
        let range = parse(Scope::Range, "203.0.113.0/24");
        assert!(is_blocked_by_a_person(
            &list(crawler.clone(), Origin::Operator),
            &crawler
        ));
        assert!(is_blocked_by_a_person(&list(range, Origin::Operator), &crawler));
        assert!(!is_blocked_by_a_person(
            &list(crawler.clone(), Origin::Model),
            &crawler
        ));
    }
}
