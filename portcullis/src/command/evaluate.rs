//! `evaluate`: how good the decisions on labelled logs are.

use crate::analysis::{self, Pass};
use crate::challenger::Duel;
use crate::evaluation::form::{Form, Shown};
use crate::evaluation::{Figures, Log, Suite, Sweep, Truth, Watch, compare, plot};
use crate::progress::Bar;
use crate::wiring::{self, PassOptions, WrongUsage};
use clap::Args as ClapArgs;
use detector::Scorer as _;
use detector::policy::PolicySettings;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Compares the decisions on log files with a truth file.
///
/// The truth file is CSV with the header `client,label,requests,first_attack_at`. The client is the unit; positive is
/// whoever was given throttle, challenge or block. Every figure comes with its exact 95% interval, in all and for each
/// kind of threat; false positives are also counted by client-day, as budgets are, with what so many client-days can
/// show. A feature that separates the labels by itself is warned of. With --suite, several labelled logs are judged,
/// each by itself and all together, and falling below a floor is a failure.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pass: PassOptions,
    /// The truth file.
    #[arg(long, value_name = "FILE", required_unless_present = "suite")]
    truth: Option<PathBuf>,
    /// Labelled logs and their floors, as TOML.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["truth", "files"], requires = "data")]
    suite: Option<PathBuf>,
    /// Folder that the suite's files lie in.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Leave out clients with fewer requests.
    #[arg(long, value_name = "N", default_value_t = 5)]
    requests_min: u64,
    /// Form of the figures.
    #[arg(long, value_enum, default_value = "table")]
    output: Form,
    /// The same as --output json.
    #[arg(long, hide = true)]
    json: bool,
    /// Name every client that was missed or wrongly acted on.
    #[arg(long)]
    names: bool,
    /// Hold false positives against these budgets, in wrongly acted-on clients per million client-days.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1_000.0, 100.0, 10.0])]
    budgets: Vec<f64>,
    /// A model that scores beside the one that decides: how alike they are goes to standard error.
    #[arg(long, value_name = "FILE")]
    challenger: Option<PathBuf>,
    /// Judge again at other thresholds, the logs anew for each of them.
    #[arg(long)]
    thresholds: bool,
    /// Draw recall, delays, thresholds and single features as SVG files in this folder; of a suite, all logs together.
    #[arg(long, value_name = "FOLDER")]
    plots: Option<PathBuf>,
    /// Log files; `-` or none for standard input.
    files: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.check()?;
    match (&args.suite, &args.data, &args.truth) {
        (Some(suite), Some(data), _) => run_suite(args, &Suite::read(suite)?, data),
        (_, _, Some(truth)) => {
            let figures = judge(args, truth, &args.files, None)?;
            let sweep = args.sweep(|policy| judge(args, truth, &args.files, Some(policy)))?;
            args.write(None, &figures, sweep.as_ref())?;
            args.draw(&figures, sweep.as_ref())?;
            Ok(ExitCode::SUCCESS)
        }
        // The command line's parser asks for one of them.
        _ => anyhow::bail!("could not tell what to evaluate: expected --truth, or --suite with --data"),
    }
}

/// Judges every log of a suite, then all together.
fn run_suite(args: &Args, suite: &Suite, data: &Path) -> anyhow::Result<ExitCode> {
    let mut pooled = Figures::default();
    let mut broken = Vec::new();
    for log in &suite.logs {
        let figures = judge_log(args, log, data, None)?;
        args.write(Some(&log.name), &figures, None)?;
        let of_log = |problem| format!("{}: {problem}", log.name);
        broken.extend(log.floors.broken_by(&figures).into_iter().map(of_log));
        pooled.pool(figures);
    }
    let sweep = args.sweep(|policy| {
        let mut pooled = Figures::default();
        for log in &suite.logs {
            pooled.pool(judge_log(args, log, data, Some(policy))?);
        }
        Ok(pooled)
    })?;
    args.write(Some("pooled"), &pooled, sweep.as_ref())?;
    args.draw(&pooled, sweep.as_ref())?;
    let of_all = |problem| format!("pooled: {problem}");
    broken.extend(suite.pooled.broken_by(&pooled).into_iter().map(of_all));
    for problem in &broken {
        eprintln!("below its floor: {problem}");
    }
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn judge_log(
    args: &Args,
    log: &Log,
    data: &Path,
    policy: Option<&PolicySettings>,
) -> anyhow::Result<Figures> {
    let figures = judge(args, &data.join(&log.truth), &[data.join(&log.file)], policy)?;
    Ok(if log.judges_attackers {
        figures
    } else {
        figures.without_attackers()
    })
}

/// Judges one log; with a policy, by that instead of the one in use.
fn judge(
    args: &Args,
    truth: &Path,
    files: &[PathBuf],
    policy: Option<&PolicySettings>,
) -> anyhow::Result<Figures> {
    let truth = Truth::read(truth)?;
    let mut watch = Watch::new(&truth, args.requests_min);
    let readers = wiring::open(files)?;
    let mut parts = args.pass.parts()?;
    if let Some(policy) = policy {
        parts.settings.policy = policy.clone();
    }
    let named = args.challenger.clone().or(parts.challenger);
    let scorer = Duel::load(parts.model.as_deref(), named.as_deref())?;
    if named.is_some() && scorer.challenger().is_none() && policy.is_none() {
        eprintln!("the challenger is the model that decides: there is nothing to compare");
    }
    // Said once, and not again for every threshold.
    let challenger = scorer.challenger().cloned().filter(|_| policy.is_none());
    let pass = Pass {
        scorer,
        parser: parts.parser,
        settings: parts.settings,
        threads: parts.threads,
    };
    let bar = Bar::over(&readers);
    let outcome = analysis::run_watched(pass, readers, |detector, outputs, records| {
        watch.observe(detector, outputs, records);
        bar.tick();
    });
    bar.finish();
    if let Some(challenger) = challenger {
        let version = api::neutralise(challenger.scorer().version());
        eprintln!("challenger {version}: {}", challenger.agreement());
    }
    // Figures of half a log would be compared with the labels of a whole one.
    anyhow::ensure!(outcome.problems.is_empty(), "{}", outcome.problems.join("\n"));
    Ok(compare(&outcome, &truth, watch, args.requests_min))
}

impl Args {
    fn check(&self) -> anyhow::Result<()> {
        let wrong = self
            .budgets
            .iter()
            .find(|budget| budget.is_nan() || **budget <= 0.0);
        if let Some(budget) = wrong {
            let text = format!("--budgets {budget} is out of range: expected numbers above 0");
            return Err(WrongUsage(text).into());
        }
        let reads_stdin = self.files.is_empty() || self.files.iter().any(|file| file.as_os_str() == "-");
        if self.is_swept() && self.suite.is_none() && reads_stdin {
            let text = "--thresholds and --plots read the logs once for each threshold: expected files, not standard input";
            return Err(WrongUsage(text.to_owned()).into());
        }
        Ok(())
    }

    const fn is_swept(&self) -> bool {
        self.thresholds || self.plots.is_some()
    }

    fn sweep(
        &self,
        judge: impl FnMut(&PolicySettings) -> anyhow::Result<Figures>,
    ) -> anyhow::Result<Option<Sweep>> {
        if !self.is_swept() {
            return Ok(None);
        }
        let used = self.pass.parts()?.settings.policy;
        Sweep::over(&used, judge).map(Some)
    }

    fn draw(&self, figures: &Figures, sweep: Option<&Sweep>) -> anyhow::Result<()> {
        let (Some(folder), Some(sweep)) = (&self.plots, sweep) else {
            return Ok(());
        };
        for file in plot::write(folder, &plot::draw(figures, sweep, &self.budgets)?)? {
            eprintln!("wrote {}", file.display());
        }
        Ok(())
    }

    fn write(&self, name: Option<&str>, figures: &Figures, sweep: Option<&Sweep>) -> anyhow::Result<()> {
        let form = if self.json { Form::Json } else { self.output };
        let shown = Shown {
            name,
            figures,
            budgets: &self.budgets,
            names: self.names,
            sweep,
        };
        let mut out = io::stdout().lock();
        match shown.write(form, &mut out).and_then(|()| out.flush()) {
            // A reader that has seen enough (`| head`) is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}
