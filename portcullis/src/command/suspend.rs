//! `portcullis suspend` and `portcullis resume`: the kill switch, and proof that it worked.

use crate::operator::{Api, ApiOptions, Column, print_one, print_rows};
use crate::service::wall_clock;
use anyhow::Context as _;
use domain::Timestamp;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Pause between two looks at the gateways.
const LOOK_EVERY: Duration = Duration::from_millis(200);

const COLUMNS: &[Column] = &[
    ("gateway", "name"),
    ("kind", "kind"),
    ("state", "state"),
    ("still held", "held"),
    ("confirmed", "confirmed_at"),
    ("error", "error"),
];

/// Carries nothing out any more: empties every gateway's list, and waits until each has confirmed it.
///
/// Requests go on to be judged, and decisions to be made and kept: those that have not ended hold again after `portcullis resume`.
/// Who asks (/check) is answered at once that everybody may pass; bouncers hear it at their next pull. Exit code 1 says that some
/// gateway had not confirmed it in time, or is kept by another process than the one that was asked: it is tried again until it does.
#[derive(Debug, clap::Args)]
pub(crate) struct SuspendArgs {
    #[command(flatten)]
    api: ApiOptions,
    /// Resume by itself after so many seconds
    #[arg(long, value_name = "SECS")]
    secs: Option<u32>,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How long to wait for the gateways, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 30)]
    wait: u64,
}

/// Carries out again what was decided and has not ended.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    api: ApiOptions,
    /// Why, for whoever reads it later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Suspends everything.
///
/// # Errors
/// When the API cannot be reached or refuses.
pub(crate) fn suspend(args: &SuspendArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&args.api)?;
    let mut order = json!({ "kind": "suspend", "reason": args.reason });
    if let Some(secs) = args.secs {
        order["until"] = json!(wall_clock().plus_secs(i64::from(secs)).to_string());
    }
    let receipt = api.post("/orders", &order)?;
    let at = moment(&receipt["order"]["at"]).context("the answer does not say when the order was given")?;
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let (gateways, proofs) = loop {
        let gateways = api.list("/gateways", &[], usize::MAX)?;
        let proofs: Vec<Proof> = gateways.iter().map(|gateway| proof(gateway, at)).collect();
        if !proofs.contains(&Proof::Awaited) || Instant::now() >= deadline {
            break (gateways, proofs);
        }
        std::thread::sleep(LOOK_EVERY);
    };
    if !gateways.is_empty() {
        print_rows(&gateways, COLUMNS, args.api.output)?;
    }
    let said = tell(&proofs);
    let pulled = bouncers(&api, at)?;
    let sentence = format!("{said}; bouncers that have pulled since: {pulled}");
    print_one(&receipt, &sentence, args.api.output)?;
    let is_proven = proofs.iter().all(|proof| *proof == Proof::Confirmed);
    Ok(if is_proven {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is known of a gateway since the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// It has confirmed that it holds nothing of ours.
    Confirmed,
    /// It has not.
    Awaited,
    /// The process that was asked does not keep it, and cannot say.
    Elsewhere,
}

fn tell(proofs: &[Proof]) -> String {
    let count = |wanted: Proof| proofs.iter().filter(|proof| **proof == wanted).count();
    let mut said = match count(Proof::Awaited) {
        0 => format!(
            "nothing is carried out any more; gateways that were told and have confirmed it: {}",
            count(Proof::Confirmed)
        ),
        awaited => format!(
            "nothing is to be carried out any more, and gateways that have not confirmed it: {awaited}; it is tried again until they do"
        ),
    };
    let elsewhere = count(Proof::Elsewhere);
    if elsewhere > 0 {
        said += &format!(
            "; kept by another process, which alone can confirm it: {elsewhere} (give its --url, that of one with the role enforce)"
        );
    }
    said
}

/// Resumes.
///
/// # Errors
/// When the API cannot be reached or refuses.
pub(crate) fn resume(args: &ResumeArgs) -> anyhow::Result<ExitCode> {
    let order = json!({ "kind": "resume", "reason": args.reason });
    let receipt = Api::new(&args.api)?.post("/orders", &order)?;
    let sentence = "decisions that have not ended are carried out again";
    print_one(&receipt, sentence, args.api.output)?;
    Ok(ExitCode::SUCCESS)
}

fn proof(gateway: &Value, at: Timestamp) -> Proof {
    if gateway["state"] == "standby" {
        return Proof::Elsewhere;
    }
    let is_since = moment(&gateway["confirmed_at"]).is_some_and(|confirmed| confirmed >= at);
    if gateway["state"] == "equal" && gateway["held"] == 0 && is_since {
        Proof::Confirmed
    } else {
        Proof::Awaited
    }
}

/// How many bouncers have pulled since, of how many.
fn bouncers(api: &Api, at: Timestamp) -> anyhow::Result<String> {
    let answer = api.get("/bouncers", &[])?;
    let all = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    let has_pulled = |bouncer: &&Value| moment(&bouncer["last_pull"]).is_some_and(|pulled| pulled >= at);
    Ok(format!(
        "{} of {}",
        all.iter().filter(has_pulled).count(),
        all.len()
    ))
}

/// Texts are no moments: one without milliseconds stands behind one of the same second that has them.
fn moment(text: &Value) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_confirmed_since_and_holds_nothing_is_proof() {
        let at = Timestamp::parse_rfc3339("2026-11-28T12:29:42.900Z").unwrap();
        let check = |state: &str, held: u64, confirmed: &str, expected: Proof| {
            let gateway = json!({ "state": state, "held": held, "confirmed_at": confirmed });
            assert_eq!(proof(&gateway, at), expected, "{gateway}");
        };
        check("equal", 0, "2026-11-28T12:29:43Z", Proof::Confirmed);
        check("equal", 0, "2026-11-28T12:29:42Z", Proof::Awaited);
        check("equal", 1, "2026-11-28T12:29:43Z", Proof::Awaited);
        check("broken", 0, "2026-11-28T12:29:43Z", Proof::Awaited);
        check("standby", 0, "2026-11-28T12:29:43Z", Proof::Elsewhere);
        assert!(tell(&[Proof::Confirmed, Proof::Elsewhere]).contains("--url"));
    }
}
