//! `payloads DATA [--misses SET | --cost LOG]`: how many attack payloads the detector sees in a request, and how many ordinary
//! texts it takes for one, beside the floors of `evaluation/payloads.toml`.
//!
//! "Strong" is a weight that the injection threat acts on when it comes again, "any" is any weight at all. Fragments were
//! chosen by looking at even rows of the rule set's attacks and of the parameters only: there the odd rows say how far they
//! carry. The `gotestwaf` sets and the rule set's negatives were seen whole; their halves are both tuned on.
//! `--misses` shows the wrong even rows of a set, `--cost` what the signals of a log's lines cost (in an optimised build).

mod cost;
mod sets;

use anyhow::{Context as _, Result, bail};
use detector::signal;
use domain::{AddressSource, Client, Position, RequestRecord, Route, Timestamp};
use serde_json::Value;
use sets::{Case, SETS, Set};
use std::borrow::Cow;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// From this weight on a payload counts as strong: more than one weak fragment.
const STRONG_MIN: f32 = 0.5;

/// Rows of one half of a set, and how many of them were found.
#[derive(Debug, Default, Clone, Copy)]
struct Half {
    rows: usize,
    strong: usize,
    any: usize,
}

impl Half {
    fn shares(self) -> (f64, f64) {
        let of = |count: usize| count as f64 / self.rows.max(1) as f64;
        (of(self.strong), of(self.any))
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let data = PathBuf::from(
        arguments
            .next()
            .context("usage: payloads DATA [--misses SET | --cost LOG]")?,
    );
    let option = arguments.next();
    let shown = option.as_ref().and_then(|_| arguments.next());
    if let (Some("--cost"), Some(log)) = (option.as_deref(), &shown) {
        return cost::print(&data.join(log));
    }
    let floors = portcullis_tests::component::checkout().join("evaluation/payloads.toml");
    let floors: toml::Table = std::fs::read_to_string(&floors)
        .with_context(|| format!("could not read {}", floors.display()))?
        .parse()
        .context("could not read the payload floors")?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "payloads: share found, even rows / odd rows (gotestwaf and rules-negative were tuned on both)"
    )?;
    writeln!(
        out,
        "{:<24} {:>13} {:>19} {:>19}  floor",
        "set", "rows", "strong", "any"
    )?;
    let mut failed = Vec::new();
    for set in SETS {
        let Some(cases) = load(set, &data)? else {
            writeln!(out, "{:<24} NOT IN THE FOLDER: {}", set.name, set.file)?;
            continue;
        };
        let halves = judge(
            &cases,
            shown.as_deref() == Some(set.name),
            set.is_attack,
            &mut out,
        )?;
        let floor = floors
            .get(set.name)
            .with_context(|| format!("no floor for {}", set.name))?;
        let limit = floor
            .as_float()
            .with_context(|| format!("the floor of {} is no number", set.name))?;
        let is_met = print(set, halves, limit, &mut out)?;
        if !is_met {
            failed.push(set.name);
        }
    }
    if !failed.is_empty() {
        bail!(
            "payload sets beyond their limit in evaluation/payloads.toml: {}",
            failed.join(", ")
        );
    }
    Ok(())
}

/// The cases of a set; `None` when its file is not there.
fn load(set: &Set, data: &Path) -> Result<Option<Vec<Case>>> {
    let path = data.join(set.file);
    if !path.exists() {
        return Ok(None);
    }
    let cases = (set.read)(&path).with_context(|| format!("could not read {}", path.display()))?;
    Ok((!cases.is_empty()).then_some(cases))
}

/// Searches every case; shows the wrong ones of the tuned half when asked to.
fn judge(
    cases: &[Case],
    is_shown: bool,
    is_attack: bool,
    out: &mut impl std::io::Write,
) -> Result<[Half; 2]> {
    let mut halves = [Half::default(); 2];
    for case in cases {
        let payload = signal::read(&record(case), false, true, u32::MAX).payload;
        let half = &mut halves[case.row % 2];
        half.rows += 1;
        half.strong += usize::from(payload.weight >= STRONG_MIN);
        half.any += usize::from(payload.weight > 0.0);
        if is_shown && case.row % 2 == 0 && (payload.weight >= STRONG_MIN) != is_attack {
            writeln!(
                out,
                "{} {:.1} {}",
                case.row,
                payload.weight,
                Value::from(case.uri.as_str())
            )?;
        }
    }
    Ok(halves)
}

/// Prints a set's line. For attacks the share found must not fall under the limit, for ordinary texts not rise over it.
fn print(set: &Set, halves: [Half; 2], limit: f64, out: &mut impl std::io::Write) -> Result<bool> {
    let [(strong_even, any_even), (strong_odd, any_odd)] = halves.map(Half::shares);
    let rows = halves[0].rows + halves[1].rows;
    let strong = (halves[0].strong + halves[1].strong) as f64 / rows.max(1) as f64;
    let is_met = if set.is_attack {
        strong >= limit
    } else {
        strong <= limit
    };
    let sign = if set.is_attack { ">=" } else { "<=" };
    writeln!(
        out,
        "{:<24} {:>6}/{:<6} {:>8.2}% /{:>7.2}% {:>8.2}% /{:>7.2}%  strong {sign} {:.2}%{}",
        set.name,
        halves[0].rows,
        halves[1].rows,
        100.0 * strong_even,
        100.0 * strong_odd,
        100.0 * any_even,
        100.0 * any_odd,
        100.0 * limit,
        if is_met { "" } else { "  NOT MET" },
    )?;
    Ok(is_met)
}

/// The request that a case makes.
fn record(case: &Case) -> RequestRecord<'_> {
    let (path, query) = match case.uri.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (case.uri.as_str(), None),
    };
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    RequestRecord {
        at: Timestamp::from_millis(0),
        client: Client::from_address(address),
        former: None,
        claim: None,
        address: Some(address),
        address_source: AddressSource::Peer,
        method: Cow::Borrowed("GET"),
        host: None,
        path: Cow::Borrowed(path),
        query: query.map(Cow::Borrowed),
        route: Route::default(),
        status: 200,
        bytes_in: None,
        bytes_out: None,
        duration_ms: None,
        upstream_ms: None,
        protocol: None,
        user_agent: case.user_agent.as_deref().map(Cow::Borrowed),
        referer: None,
        tls: None,
        fingerprint: None,
        network: None,
        is_malformed: false,
        is_ambiguous: false,
        is_stopped: false,
        position: Position::default(),
    }
}
