//! The rows that a model learns from: what the detector would have scored, one client-day after the other.

use crate::analysis::{DESCRIBE, scan_key};
use crate::evaluation::{Label, Truth, TruthRow};
use crate::progress::Bar;
use crate::wiring;
use anyhow::Context as _;
use detector::{DAYS_PER_RUN, Detector, Output, Recorded, Recorder, Serial, Settings};
use domain::{Allowlist, Client, RequestRecord, Timestamp};
use ingest::{Merge, ParserConfig};
use ipnet::IpNet;
use simulator::Simulation;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Start of simulated time: any fixed moment gives the same model.
const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// Records handed to the detector together.
const SLICE: usize = 1024;

/// A range of addresses, /24 or /48, may be this share of the client-days: nobody who owns a network decides what is normal.
const RANGE_SHARE: f64 = 0.02;

/// So many client-days a range may be in any case.
const RANGE_CLIENT_DAYS_MIN: usize = 20;

/// Seconds of a day.
const DAY_SECS: i64 = 86_400;

/// What was left out of recorded rows, and why.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LeftOut {
    /// Clients in all.
    pub(super) clients: usize,
    /// Clients that evidence speaks against.
    pub(super) flagged: usize,
    /// Clients that a truth file calls something else than harmless.
    pub(super) labelled: usize,
    /// Clients that evidence speaks against and that are learnt from all the same: a person called them false positives.
    pub(super) acquitted: usize,
    /// Client-days that are not a day old.
    pub(super) young: usize,
    /// Client-days beyond their range's share.
    pub(super) crowded: usize,
}

fn recorder(run: i64) -> Detector<Recorder> {
    let mut settings = Settings::new(scan_key(), DESCRIBE);
    settings.allowlist = Allowlist::new(Vec::new(), Vec::new(), false);
    Detector::new(settings, Recorder::new(run))
}

/// Plays a scenario; gives its rows and the keyed hashes of its attackers.
pub(super) fn simulated(
    name: &str,
    (seed, run, requests): (u64, i64, u64),
) -> anyhow::Result<(Recorded, BTreeSet<u64>)> {
    let unknown = || {
        wiring::WrongUsage(format!(
            "unknown scenario {name:?}: see portcullis simulate --list"
        ))
    };
    let scenario = simulator::scenario(name).ok_or_else(unknown)?;
    let mut simulation = Simulation::sized(scenario, seed, START, requests);
    let mut detector = recorder(run);
    let mut outputs = Vec::new();
    let sent = simulation.play(requests, &scan_key(), |records| {
        detector.observe(records, &Serial, &mut outputs);
        outputs.clear();
    });
    detector.flush(&mut outputs);
    eprintln!("{name}: {sent} requests");
    let truth = simulation.truth().filter(|row| row.label.is_attack());
    let attackers = truth.map(|row| scan_key().hash(&row.client)).collect();
    Ok((detector.into_scorer().into_rows(), attackers))
}

/// What people know of clients, by keyed hash.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Not to be learnt from.
    harmful: BTreeSet<u64>,
    /// To be learnt from although evidence speaks against them.
    acquitted: BTreeSet<u64>,
}

impl Known {
    /// Reads a truth file, of which only the harmful are believed, and verdicts, which are a person's word in both ways. Whom
    /// either calls harmful is left out.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn read(exclude: Option<&Path>, verdicts: Option<&Path>) -> anyhow::Result<Self> {
        let mut known = Self::default();
        let (exclude, verdicts) = (
            exclude.map(Truth::read).transpose()?.unwrap_or_default(),
            verdicts.map(Truth::read).transpose()?.unwrap_or_default(),
        );
        let key = |row: &TruthRow| scan_key().hash(&row.client);
        let is_harmless = |row: &&TruthRow| matches!(row.label, Label::Innocent(_));
        let all = exclude.rows.iter().chain(&verdicts.rows);
        known.harmful.extend(all.filter(|row| !is_harmless(row)).map(key));
        known
            .acquitted
            .extend(verdicts.rows.iter().filter(is_harmless).map(key));
        known.acquitted.retain(|key| !known.harmful.contains(key));
        Ok(known)
    }
}

/// Reads logs; gives the rows of clients that nothing speaks against, and what was left out.
pub(super) fn recorded(
    files: &[PathBuf],
    known: &Known,
    (run, width, today): (i64, usize, i64),
) -> anyhow::Result<(Recorded, LeftOut)> {
    let readers = wiring::open(files)?;
    let bar = Bar::over(&readers);
    let mut merge = Merge::new(readers, &ParserConfig::new(scan_key()));
    let mut detector = recorder(run);
    let (mut outputs, mut flagged) = (Vec::new(), BTreeSet::new());
    let mut ranges: BTreeMap<u64, u64> = BTreeMap::new();
    loop {
        let mut records: Vec<RequestRecord<'_>> = Vec::with_capacity(SLICE);
        if !merge.next(SLICE, |_, result| records.extend(result.ok())) {
            break;
        }
        for record in &records {
            let key = scan_key().hash(&record.client);
            ranges.entry(key).or_insert_with(|| range_of(&record.client));
        }
        detector.observe(&records, &Serial, &mut outputs);
        flag(&mut outputs, &mut flagged);
        bar.tick();
    }
    bar.finish();
    detector.flush(&mut outputs);
    flag(&mut outputs, &mut flagged);
    let harmful = &known.harmful;
    let acquitted = flagged.intersection(&known.acquitted).count();
    flagged.retain(|client| !known.acquitted.contains(client));
    let mut left_out = LeftOut {
        acquitted,
        clients: ranges.len(),
        flagged: flagged.len(),
        labelled: ranges.keys().filter(|key| harmful.contains(key)).count(),
        ..LeftOut::default()
    };
    let rows = detector.into_scorer().into_rows();
    let clean = {
        let clients = rows.clients.clone();
        rows.retain(width, |row| {
            !flagged.contains(&clients[row]) && !harmful.contains(&clients[row])
        })
    };
    let old = {
        let days = clean.days.clone();
        let young = |day: i64| day - run * DAYS_PER_RUN > today - 2;
        let is_young = clean
            .client_days(&scan_key())
            .into_iter()
            .zip(&days)
            .filter(|(_, day)| young(**day));
        left_out.young = is_young
            .map(|(client_day, _)| client_day)
            .collect::<BTreeSet<u64>>()
            .len();
        clean.retain(width, |row| !young(days[row]))
    };
    let (kept, crowded) = within_ranges(old, width, &ranges);
    left_out.crowded = crowded;
    Ok((kept, left_out))
}

fn flag(outputs: &mut Vec<Output>, flagged: &mut BTreeSet<u64>) {
    for output in outputs.drain(..) {
        if let Output::Alert(alert) = output {
            flagged.insert(scan_key().hash(&alert.client));
            let members = alert.members.iter();
            flagged.extend(members.map(|member| scan_key().hash(&member.client)));
        }
    }
}

/// The range around a client, as a number; clients by name are ranges of their own.
fn range_of(client: &Client) -> u64 {
    let net = client.range().and_then(|net| {
        let bits = if net.addr().is_ipv4() { 24 } else { 48 };
        IpNet::new(net.addr(), bits).ok()
    });
    match net {
        Some(net) => scan_key().hash(&net.trunc()),
        None => scan_key().hash(client),
    }
}

/// Drops client-days beyond their range's share, by lot; gives how many.
fn within_ranges(rows: Recorded, width: usize, ranges: &BTreeMap<u64, u64>) -> (Recorded, usize) {
    let client_days = rows.client_days(&scan_key());
    let by_client: BTreeMap<u64, u64> = client_days
        .iter()
        .copied()
        .zip(rows.clients.iter().copied())
        .collect();
    let most = ((by_client.len() as f64 * RANGE_SHARE) as usize).max(RANGE_CLIENT_DAYS_MIN);
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    // Client-days are keyed hashes: their order is the lot.
    let kept: BTreeSet<u64> = by_client
        .iter()
        .filter(|(_, client)| {
            let range = ranges.get(client).copied().unwrap_or(**client);
            let count = seen.entry(range).or_default();
            *count += 1;
            *count <= most
        })
        .map(|(client_day, _)| *client_day)
        .collect();
    let crowded = by_client.len() - kept.len();
    (
        rows.retain(width, |row| kept.contains(&client_days[row])),
        crowded,
    )
}

/// The present day, counted from 1970.
///
/// # Errors
/// When the machine's clock stands before 1970.
pub(super) fn today() -> anyhow::Result<i64> {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("could not tell the day: the clock stands before 1970")?;
    Ok(since.as_secs() as i64 / DAY_SECS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(clients: u64) -> Recorded {
        Recorded {
            values: (0..clients).map(|client| client as f32).collect(),
            requests: vec![5; clients as usize],
            clients: (0..clients).collect(),
            days: vec![0; clients as usize],
        }
    }

    #[test]
    fn one_range_has_no_more_than_its_share() {
        // Half of two thousand clients stand in one range, the others each in their own.
        let ranges = (0..2000)
            .map(|client| (client, if client < 1000 { 1 } else { client }))
            .collect();
        let (kept, crowded) = within_ranges(rows(2000), 1, &ranges);
        assert_eq!((kept.requests.len(), crowded), (1040, 960));
        assert!(
            kept.values
                .iter()
                .zip(&kept.clients)
                .all(|(value, client)| *value == *client as f32)
        );
    }

    /// Two clients of a log: one reads pages, the other asks for what only scanners ask for.
    const READER: &str = "203.0.113.1";
    const SCANNER: &str = "198.51.100.2";

    /// A line of the log, one client after the other.
    fn line(step: u32) -> String {
        let (address, agent, (path, status)) = match step % 2 {
            0 => (READER, "reader", ("/news".to_owned(), 200)),
            _ => (SCANNER, "scanner", (format!("/.git/{step}"), 404)),
        };
        let (minute, second) = (step / 12, step % 12 * 5);
        format!(
            "{address} - - [22/Nov/2026:10:{minute:02}:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} {} \"-\" \"{agent}\"\n",
            900 + step
        )
    }

    #[test]
    fn verdicts_say_who_is_learnt_from() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let log = write("access.log", (0..120).map(line).collect());
        let learnt = |rows: &[(&str, &str)]| {
            let rows: String = rows
                .iter()
                .map(|(client, label)| format!("{client},{label},60,\n"))
                .collect();
            let verdicts = write(
                "truth.csv",
                format!("client,label,requests,first_attack_at\n{rows}"),
            );
            let known = Known::read(None, Some(&verdicts)).unwrap();
            let files = std::slice::from_ref(&log);
            let (rows, left_out) = recorded(
                files,
                &known,
                (0, crate::scorer::schema().unwrap().len(), 1 << 30),
            )
            .unwrap();
            let key = |address: &str| scan_key().hash(&Client::parse(domain::Scope::Ip, address).unwrap());
            let learnt = [READER, SCANNER].map(|address| rows.clients.contains(&key(address)));
            (learnt, left_out.flagged, left_out.acquitted)
        };
        assert_eq!(
            learnt(&[]),
            ([true, false], 1, 0),
            "evidence speaks against the second"
        );
        assert_eq!(
            learnt(&[(SCANNER, "benign:false_positive")]),
            ([true, true], 0, 1)
        );
        assert_eq!(learnt(&[(READER, "attacker")]), ([false, false], 1, 0));
        let both = [(SCANNER, "benign"), (SCANNER, "attacker")];
        assert_eq!(
            learnt(&both),
            ([true, false], 1, 0),
            "in doubt nobody is learnt from"
        );
    }

    #[test]
    fn a_client_is_of_its_range_of_256() {
        let client = |text: &str| Client::parse(domain::Scope::Ip, text).unwrap();
        assert_eq!(
            range_of(&client("203.0.113.9")),
            range_of(&client("203.0.113.200"))
        );
        assert_ne!(range_of(&client("203.0.113.9")), range_of(&client("203.0.114.9")));
    }
}
