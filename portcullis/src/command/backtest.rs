//! `backtest`: what another policy would have decided about the traffic that was.

use super::replay::{self, Span, moment};
use super::scan;
use crate::operator::{Output, print_rows};
use crate::policy::{Change, Difference, Hits};
use crate::wiring::{PassOptions, WrongUsage};
use clap::Args as ClapArgs;
use domain::Timestamp;
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code when more clients are newly hit, or hit harder, than are allowed.
const TOO_MANY: u8 = 3;

/// Says what another policy would have decided about the same traffic, and who would newly have been hit.
///
/// The traffic is read twice, once with each policy: finished log files, or what a configuration's topics still hold between two
/// times. `--policy` names the new policy; what it is held against is `--against`, else the configuration's own, else none. Exit code 3
/// when more clients are newly hit, or hit harder, than `--most` allows: for a pipeline that changes policies.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pass: PassOptions,
    /// The policy that it is held against, instead of the configuration's.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// So many clients may be newly hit, or hit harder.
    #[arg(long, value_name = "N", default_value_t = 0)]
    most: usize,
    /// Form of the list.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    /// The first moment of a configuration's topics, instead of files, in RFC 3339: 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment, requires_all = ["to", "config"], conflicts_with = "files")]
    from: Option<Timestamp>,
    /// The moment after the last one; at most up to now.
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "from")]
    to: Option<Timestamp>,
    /// Read this topic of the configuration only; may be given several times.
    #[arg(long, value_name = "NAME", requires = "from")]
    topic: Vec<String>,
    /// Log files.
    files: Vec<PathBuf>,
}

const COLUMNS: &[crate::operator::Column] = &[
    ("change", "change"),
    ("client", "client"),
    ("before", "before"),
    ("after", "after"),
    ("its successes", "successful_requests"),
    ("others", "others"),
    ("why", "reason"),
];

/// Runs the command.
///
/// # Errors
/// When a file cannot be opened, a policy or a setting is wrong, or brokers do not answer.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let span = args.span();
    if span.is_none() && args.files.is_empty() {
        let text =
            "name log files, or a span of a configuration's topics: --config FILE --from TIME --to TIME";
        return Err(WrongUsage(text.to_owned()).into());
    }
    if args.pass.named_policy().is_none() {
        return Err(WrongUsage("--policy must name the new policy".to_owned()).into());
    }
    let pass = |options: &PassOptions| hits(options, (span.as_ref(), &args.files));
    let before = pass(&args.pass.with_policy(args.against.clone()))?;
    let after = pass(&args.pass)?;
    let difference = Difference::between(&before, &after);
    print_rows(&difference.rows(), COLUMNS, args.output)?;
    let count = |change| difference.count(change);
    eprintln!(
        "{} clients are acted on instead of {}: {} newly hit, {} hit harder, {} less hard, {} no more, {} as before",
        after.len(),
        before.len(),
        count(Change::New),
        count(Change::Harder),
        count(Change::Milder),
        count(Change::Spared),
        difference.same
    );
    if before.left_out + after.left_out > 0 {
        eprintln!(
            "warning: {} decisions were about more clients than are remembered: they are not compared",
            before.left_out + after.left_out
        );
    }
    let more = count(Change::New) + count(Change::Harder);
    Ok(if more > args.most {
        ExitCode::from(TOO_MANY)
    } else {
        ExitCode::SUCCESS
    })
}

/// What a policy does about the traffic.
fn hits(options: &PassOptions, (span, files): (Option<&Span>, &[PathBuf])) -> anyhow::Result<Hits> {
    let mut hits = Hits::default();
    match span {
        Some(span) => replay::watch(options, span, |outputs| hits.take(outputs))?,
        None => scan::watch(options, files, |outputs| hits.take(outputs))?,
    };
    Ok(hits)
}

impl Args {
    /// What of the topics is read; `None` for files.
    fn span(&self) -> Option<Span> {
        Some(Span {
            from: self.from?,
            to: self.to?,
            topic: self.topic.clone(),
        })
    }
}
