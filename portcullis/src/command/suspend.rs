//! `portcullis suspend` and `portcullis resume`: the kill switch, and proof that it worked.

use crate::operator::{Api, ApiOptions, Column, print_one, print_rows};
use crate::service::wall_clock;
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
/// gateway had not confirmed it in time: it is tried again until it does.
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
    let at = receipt["order"]["at"].as_str().unwrap_or_default().to_owned();
    let deadline = Instant::now() + Duration::from_secs(args.wait);
    let (gateways, is_proven) = loop {
        let gateways = api.list("/gateways", &[], usize::MAX)?;
        let is_proven = gateways.iter().all(|gateway| is_empty(gateway, &at));
        if is_proven || Instant::now() >= deadline {
            break (gateways, is_proven);
        }
        std::thread::sleep(LOOK_EVERY);
    };
    if !gateways.is_empty() {
        print_rows(&gateways, COLUMNS, args.api.output)?;
    }
    let said = if is_proven {
        format!(
            "nothing is carried out any more; gateways that were told and have confirmed it: {}",
            gateways.len()
        )
    } else {
        "nothing is to be carried out any more, and not every gateway has confirmed it: it is tried again until it does".to_owned()
    };
    let sentence = format!(
        "{said}; bouncers that have pulled since: {}",
        bouncers(&api, &at)?
    );
    print_one(&receipt, &sentence, args.api.output)?;
    Ok(if is_proven {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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

/// Whether a gateway has confirmed since `at` that it holds nothing of ours. Of one on standby here another process says it.
fn is_empty(gateway: &Value, at: &str) -> bool {
    let confirmed = gateway["confirmed_at"].as_str().unwrap_or_default();
    gateway["state"] == "standby" || (gateway["state"] == "equal" && gateway["held"] == 0 && confirmed >= at)
}

/// How many bouncers have pulled since, of how many.
fn bouncers(api: &Api, at: &str) -> anyhow::Result<String> {
    let answer = api.get("/bouncers", &[])?;
    let all = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    let has_pulled = |bouncer: &&Value| bouncer["last_pull"].as_str().is_some_and(|pulled| pulled >= at);
    Ok(format!(
        "{} of {}",
        all.iter().filter(has_pulled).count(),
        all.len()
    ))
}
