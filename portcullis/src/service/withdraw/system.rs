//! What the machine decided about addresses whose autonomous system is on the allowlist. The blocklist cannot tell by itself: which system
//! announces an address stands in a database that whoever reads logs has.

use super::take_back;
use crate::service::Shared;
use domain::blocklist::{Blocklist, Entry};
use domain::{Client, DecisionId, Origin, Scope};
use ingest::Networks;
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;
use storage::LiveEvent;
use tokio::sync::broadcast::error::RecvError;

/// How often it is looked whether the allowlist has changed: a person who lets a system in waits no longer.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Takes back what is in force about addresses of allowed systems, now and from now on. A person's order stands, as the narrower word.
pub(crate) async fn watch_systems(shared: Shared, networks: Networks) {
    let mut events = shared.blocklist.subscribe();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut known = HashSet::new();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                // Decided before whoever decides had heard of the entry.
                Ok(LiveEvent::Decision(row)) if !known.is_empty() => {
                    let entry = Entry::new(&row);
                    let all = candidate(&entry).into_iter().collect();
                    if !take_back_all(&shared, all, (&networks, &known)).await {
                        known.clear();
                    }
                }
                // Somebody's view of what is in force was rebuilt: all is looked at again.
                Ok(LiveEvent::Rebuilt) | Err(RecvError::Lagged(_)) => known.clear(),
                Ok(_) => {}
                Err(RecvError::Closed) => return,
            },
            _ = look.tick() => {
                let allowed: HashSet<Client> = shared.blocklist.read(|list| list.allowed_systems().cloned().collect());
                let is_news = !allowed.is_subset(&known);
                let all = if is_news { shared.blocklist.read(candidates) } else { Vec::new() };
                // What the store did not take is looked for again at the next look.
                if take_back_all(&shared, all, (&networks, &allowed)).await {
                    known = allowed;
                }
            }
        }
    }
}

/// A decision of the machine about an address, or about a range by its first.
type Candidate = (DecisionId, Client, IpAddr);

fn candidate(entry: &Entry) -> Option<Candidate> {
    let range = entry
        .client
        .range()
        .filter(|_| entry.origin != Origin::Operator)?;
    Some((entry.id, entry.client.clone(), range.addr()))
}

/// Everything that may have to be taken back. Which system an address lies in is found out afterwards: the list waits for nobody.
fn candidates(list: &Blocklist) -> Vec<Candidate> {
    list.iter().filter_map(candidate).collect()
}

/// Takes back what lies in the allowed systems; false when the store did not take all of it.
async fn take_back_all(
    shared: &Shared,
    all: Vec<Candidate>,
    (networks, allowed): (&Networks, &HashSet<Client>),
) -> bool {
    let mut is_whole = true;
    let mut taken = 0;
    for (id, client, address) in all {
        let Some(number) = networks.system_of(address) else {
            continue;
        };
        let system = Client::parse(Scope::As, &number.to_string());
        if !system.is_ok_and(|system| allowed.contains(&system)) {
            continue;
        }
        let reason = format!("AS {number}, which announces its address, is on the allowlist");
        match take_back(shared, id, &client, &reason).await {
            Ok(is_taken) => taken += usize::from(is_taken),
            Err(error) => {
                tracing::debug!(%error, "could not take decision {id} back yet: {error}");
                is_whole = false;
                break;
            }
        }
    }
    if taken > 0 {
        tracing::info!(
            taken,
            "{taken} decisions are taken back: their autonomous systems are on the allowlist"
        );
    }
    is_whole
}
