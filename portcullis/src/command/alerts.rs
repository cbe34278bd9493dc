//! `portcullis alerts`: who stood out, and why; and a person's verdict on it.

use crate::evaluation::{Label, Truth, TruthRow};
use crate::operator::{Api, ApiOptions, Column, print_one, print_rows};
use anyhow::Context as _;
use domain::{AlertId, Client, Judgement, Scope};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

const COLUMNS: &[Column] = &[
    ("id", "id"),
    ("alerted", "alerted_at"),
    ("scope", "client.scope"),
    ("client", "client.value"),
    ("action", "action"),
    ("threat", "threats.0.kind"),
    ("verdict", "verdict.judgement"),
    ("why", "reasons.0.sentence"),
    ("held back", "held_back"),
];

/// Columns of alerts in the order of how likely people would call them attacks.
const LIKELIEST_COLUMNS: &[Column] = &[
    ("likely", "likelihood"),
    ("id", "alert.id"),
    ("alerted", "alert.alerted_at"),
    ("scope", "alert.client.scope"),
    ("client", "alert.client.value"),
    ("action", "alert.action"),
    ("threat", "alert.threats.0.kind"),
    ("why", "alert.reasons.0.sentence"),
];

/// Most alerts that the API ranks.
const RANKED_MAX: usize = 500;

/// Verdicts that one truth file is made of: more than a team judges within the days for which alerts are kept.
const VERDICTS_MAX: usize = 100_000;

/// Lists alerts, the latest first; judges them, and makes a truth file of the verdicts.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    api: ApiOptions,
    /// Only those with this action: block, throttle, challenge or observe
    #[arg(long, value_name = "ACTION")]
    action: Option<domain::Action>,
    /// Only those of this threat, as in `credential_stuffing`
    #[arg(long, value_name = "THREAT")]
    threat: Option<String>,
    /// Only those in which this text is found
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Only those of which a person said this: attack, false_positive, any, or none for those nobody has judged
    #[arg(long, value_name = "VERDICT")]
    verdict: Option<String>,
    /// Those that nobody has judged, the likeliest attacks first, as verdicts so far tell
    #[arg(long, conflicts_with_all = ["action", "threat", "text", "verdict"])]
    likeliest: bool,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say what an alert was
    ///
    /// `attack` is a label and blocks nobody: `portcullis decisions add` does. `false-positive` lifts every decision that rests on
    /// the alert, of a campaign its members', and leaves those clients alone for a day. Of several verdicts the newest holds.
    ///
    /// The id stands in the first column of `portcullis alerts`.
    Judge {
        #[command(flatten)]
        api: ApiOptions,
        /// Which alert
        #[arg(value_name = "ID", value_parser = id)]
        id: AlertId,
        /// What it was: attack or false-positive
        #[arg(value_name = "JUDGEMENT", value_parser = judgement)]
        judgement: Judgement,
        /// Why, for whoever reads it later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Write the verdicts down as a truth file, for `evaluate` and for `train --verdicts`
    ///
    /// A client is an attacker where a person called one of its alerts an attack, and harmless where all that was said was that
    /// they were false positives. Of a campaign each member counts that its alert lists. Clients known by a name are left
    /// out: logs alone do not show them. Requests are those up to the alert.
    ExportTruth {
        #[command(flatten)]
        api: ApiOptions,
        /// Where the file goes
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

fn id(text: &str) -> Result<AlertId, String> {
    AlertId::parse(text).ok_or_else(|| "an alert's id has 32 hexadecimal digits".to_owned())
}

fn judgement(text: &str) -> Result<Judgement, String> {
    Judgement::from_name(&text.replace('-', "_"))
        .ok_or_else(|| "expected attack or false-positive".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the API cannot be reached or refuses, or a file cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        None if args.likeliest => list_likeliest(args)?,
        None => list(args)?,
        Some(Command::Judge {
            api,
            id,
            judgement,
            reason,
        }) => {
            let verdict = json!({ "judgement": judgement.as_str(), "reason": reason });
            let receipt = Api::new(api)?.post(&format!("/alerts/{id}/verdict"), &verdict)?;
            let done = match judgement {
                Judgement::Attack => "an attack; nobody is blocked by that".to_owned(),
                Judgement::FalsePositive => {
                    format!("a false positive; {} decisions ended", receipt["revoked"])
                }
            };
            print_one(&receipt, &format!("alert {id} was {done}"), api.output)?;
        }
        Some(Command::ExportTruth { api, out }) => {
            let (truth, left_out) = truth(&Api::new(api)?)?;
            std::fs::write(out, truth.to_text())
                .with_context(|| format!("could not write {}", out.display()))?;
            eprintln!(
                "{} clients are judged in {}; {left_out} known by a name are left out",
                truth.rows.len(),
                out.display()
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &Args) -> anyhow::Result<()> {
    let mut query = Vec::new();
    query.extend(args.action.map(|action| ("action", action.to_string())));
    query.extend(args.threat.clone().map(|threat| ("threat", threat)));
    query.extend(args.text.clone().map(|text| ("text", text)));
    let verdict = args.verdict.as_ref().map(|verdict| verdict.replace('-', "_"));
    query.extend(verdict.map(|verdict| ("verdict", verdict)));
    let rows = Api::new(&args.api)?.list("/alerts", &query, args.limit)?;
    print_rows(&rows, COLUMNS, args.api.output)
}

fn list_likeliest(args: &Args) -> anyhow::Result<()> {
    let limit = args.limit.min(RANKED_MAX).to_string();
    let ranked = Api::new(&args.api)?.get("/alerts/likeliest", &[("limit", limit)])?;
    let rows = ranked["items"].as_array().map_or(&[][..], Vec::as_slice);
    eprintln!("{}", rests_on(&ranked));
    print_rows(rows, LIKELIEST_COLUMNS, args.api.output)
}

/// What the order of a ranked list rests on.
fn rests_on(ranked: &Value) -> String {
    let (attacks, false_positives) = (&ranked["attacks"], &ranked["false_positives"]);
    match ranked["is_ranked"].as_bool().unwrap_or_default() {
        true => format!(
            "the order rests on {attacks} attacks and {false_positives} false positives that people named"
        ),
        false => format!(
            "the latest first: people named {attacks} attacks and {false_positives} false positives, and an order takes {} verdicts \
             with {} of each",
            ranked["verdicts_needed"], ranked["each_needed"]
        ),
    }
}

/// What people said of clients, and how many clients were left out.
fn truth(api: &Api) -> anyhow::Result<(Truth, usize)> {
    let mut alerts = api.list("/alerts", &[("verdict", "any".to_owned())], VERDICTS_MAX)?;
    for alert in &mut alerts {
        // A list shows a campaign's latest few members only.
        let shown = alert["members"].as_array().map_or(0, Vec::len) as u64;
        if alert["members_in_all"].as_u64().unwrap_or_default() > shown {
            let id = alert["id"].as_str().unwrap_or_default();
            *alert = api.get(&format!("/alerts/{id}"), &[])?;
        }
    }
    Ok(truth_of(&alerts))
}

/// The truth that judged alerts tell: one attack outweighs any number of false positives, because what learns from this
/// must not learn an attacker as harmless.
fn truth_of(alerts: &[Value]) -> (Truth, usize) {
    let mut judged: BTreeMap<String, Option<TruthRow>> = BTreeMap::new();
    for alert in alerts {
        let is_attack = alert["verdict"]["judgement"] == Judgement::Attack.as_str();
        for (named, requests) in clients(alert) {
            let row = row(named, is_attack, requests);
            let known = judged.entry(named.to_string()).or_insert_with(|| row.clone());
            if let (Some(known), Some(row)) = (known, row) {
                known.requests = known.requests.max(row.requests);
                if is_attack {
                    known.label = row.label;
                }
            }
        }
    }
    let left_out = judged.values().filter(|row| row.is_none()).count();
    let rows = judged.into_values().flatten().collect();
    (Truth { rows }, left_out)
}

/// The clients of an alert, as the API names them, and their requests up to it.
fn clients(alert: &Value) -> Vec<(&Value, u64)> {
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let members = alert["members"].as_array().filter(|members| !members.is_empty());
    match members {
        Some(members) => members
            .iter()
            .map(|member| (&member["client"], count(&member["requests"])))
            .collect(),
        None => {
            let requests =
                count(&alert["requests_before_action"]).max(count(&alert["requests_before_alert"]));
            vec![(&alert["client"], requests)]
        }
    }
}

/// A client's row; `None` for one that a truth file cannot name.
fn row(named: &Value, is_attack: bool, requests: u64) -> Option<TruthRow> {
    let scope = Scope::from_name(named["scope"].as_str()?)?;
    let client = Client::parse(scope, named["value"].as_str()?).ok()?;
    client.range()?;
    let label = match is_attack {
        true => Label::Attacker("attacker".to_owned()),
        false => Label::Innocent("benign:false_positive".to_owned()),
    };
    Some(TruthRow {
        client,
        label,
        variant: None,
        requests,
        first_attack_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(client: Value, judgement: &str, requests: u64, members: &[Value]) -> Value {
        json!({
            "client": client,
            "verdict": {"judgement": judgement},
            "requests_before_alert": requests,
            "requests_before_action": null,
            "members": members,
            "members_in_all": members.len(),
        })
    }

    #[test]
    fn verdicts_become_a_truth_file_that_is_read_back() {
        let ip = |address: &str| json!({"scope": "ip", "value": address});
        let range = json!({"scope": "range", "value": "198.51.100.0/24"});
        let member = |address: &str| json!({"client": ip(address), "requests": 3});
        let alerts = [
            alert(ip("203.0.113.9"), "false_positive", 40, &[]),
            alert(ip("203.0.113.9"), "attack", 31, &[]),
            alert(ip("203.0.113.9"), "false_positive", 7, &[]),
            alert(ip("203.0.113.8"), "false_positive", 12, &[]),
            alert(json!({"scope": "api_key", "value": "7f"}), "attack", 12, &[]),
            alert(
                range,
                "attack",
                0,
                &[member("198.51.100.1"), member("198.51.100.2")],
            ),
        ];
        let (truth, left_out) = truth_of(&alerts);
        assert_eq!(left_out, 1);
        let text = truth.to_text();
        let expected = "client,label,requests,first_attack_at\n\
            198.51.100.1,attacker,3,\n\
            198.51.100.2,attacker,3,\n\
            203.0.113.8,benign:false_positive,12,\n\
            203.0.113.9,attacker,40,\n";
        assert_eq!(text, expected);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("truth.csv");
        std::fs::write(&file, &text).unwrap();
        assert_eq!(Truth::read(&file).unwrap().rows, truth.rows);
    }

    #[test]
    fn a_ranked_list_says_what_it_rests_on() {
        let mut ranked = json!({
            "attacks": 15, "false_positives": 4, "verdicts_needed": 20, "each_needed": 5, "is_ranked": false,
        });
        assert_eq!(
            rests_on(&ranked),
            "the latest first: people named 15 attacks and 4 false positives, and an order takes 20 verdicts with 5 of each"
        );
        ranked["is_ranked"] = json!(true);
        assert!(rests_on(&ranked).starts_with("the order rests on 15 attacks and 4 false positives"));
    }

    #[test]
    fn a_judgement_is_written_as_people_write_it() {
        assert_eq!(judgement("false-positive"), Ok(Judgement::FalsePositive));
        assert_eq!(judgement("false_positive"), Ok(Judgement::FalsePositive));
        assert_eq!(judgement("attack"), Ok(Judgement::Attack));
        assert!(judgement("perhaps").is_err());
    }
}
