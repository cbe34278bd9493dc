//! `replay`: reads what is still in the topics once more, and reports as `scan` does.

use super::scan::ReportOptions;
use crate::analysis::{self, Outcome, Pass};
use crate::config::used;
use crate::progress::Bar;
use crate::scorer::BundleScorer;
use crate::wiring::{self, PassOptions, WrongUsage};
use clap::Args as ClapArgs;
use detector::{Output, SourceTerms};
use domain::Timestamp;
use ingest::source::kafka::{ReplayPartition, ReplaySpan, replay};
use ingest::{LineReader, Merge, ParserConfig};
use std::process::ExitCode;
use std::time::Instant;

/// Reads topics again between two times, and reports the clients that misbehaved as `scan` does.
///
/// The brokers and topics are those of the configuration. No group is joined and no offset committed: whatever reads the
/// topics meanwhile is left alone. Partitions are merged by the times of their next lines, so that the same records give the same
/// report each time. A record's time is the broker's or its producer's, as the topic is set.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    pass: PassOptions,
    #[command(flatten)]
    report: ReportOptions,
}

/// What of a configuration's topics is read.
#[derive(Debug, Clone, ClapArgs)]
pub(super) struct Span {
    /// The first moment, in RFC 3339: 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) from: Timestamp,
    /// The moment after the last one; at most up to now.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) to: Timestamp,
    /// Read this topic of the configuration only; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) topic: Vec<String>,
}

pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "expected a moment such as 2027-01-31T00:00:00Z".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the configuration or an option is wrong, brokers do not answer or have no such topic, or the report cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let outcome = watch(&args.pass, &args.span, |_| {})?;
    args.report.conclude(&outcome, started)
}

/// Reads a span of a configuration's topics; `heard` is told what the detector says, in order.
pub(super) fn watch(
    options: &PassOptions,
    span: &Span,
    heard: impl FnMut(&[Output]),
) -> anyhow::Result<Outcome> {
    if span.from >= span.to {
        return Err(WrongUsage("--from must be before --to".to_owned()).into());
    }
    let needs = || WrongUsage("--config must name a configuration with a [kafka] section".to_owned());
    let config = options.config()?.ok_or_else(needs)?;
    let kafka = config.kafka.as_ref().ok_or_else(needs)?;
    let times = ReplaySpan {
        from: span.from,
        to: span.to,
    };
    let partitions = replay(&kafka.source_settings(), &span.topic, times)?;
    for partition in &partitions {
        if let Some(offset) = partition.lost_before {
            let name = format!("{}[{}]", partition.topic, partition.partition);
            eprintln!(
                "warning: {name} keeps nothing before offset {offset}: what came earlier cannot be read again"
            );
        }
    }
    let lateness_secs = config.detector.lateness_secs;
    pass(options, (kafka, lateness_secs), partitions, heard)
}

/// Reads the partitions to their ends, each as its topic is configured.
fn pass(
    options: &PassOptions,
    (kafka, lateness_secs): (&used::Kafka, u32),
    partitions: Vec<ReplayPartition>,
    mut heard: impl FnMut(&[Output]),
) -> anyhow::Result<Outcome> {
    let parts = options.parts()?;
    let scorer = BundleScorer::load(parts.model.as_deref())?;
    wiring::check_budget(&scorer, &parts.settings.policy)?;
    let messages = partitions
        .iter()
        .map(|partition| partition.progress.clone())
        .collect();
    let bar = Bar::over_messages(messages);
    let topic = |partition: &ReplayPartition| kafka.topics.get(partition.rule);
    let terms = |partition: &ReplayPartition| {
        let Some(topic) = topic(partition) else {
            return SourceTerms::default();
        };
        let first = partitions.iter().position(|other| other.topic == partition.topic);
        SourceTerms {
            most: topic.trust,
            lateness_millis: i64::from(topic.lateness_secs.unwrap_or(lateness_secs)) * 1000,
            cap: topic.acts_per_hour,
            counted_with: first.and_then(|first| u32::try_from(first).ok()),
        }
    };
    let terms: Vec<SourceTerms> = partitions.iter().map(terms).collect();
    let mut readers: Vec<(LineReader, ParserConfig)> = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let format = match (options.format(), topic(&partition)) {
            // What is said on the command line goes before the file.
            (None, Some(topic)) => wiring::format_choice(&topic.format)?,
            _ => parts.parser.format.clone(),
        };
        let parser = ParserConfig {
            format,
            ..parts.parser.clone()
        };
        readers.push((partition.reader, parser));
    }
    let progress: Vec<_> = readers.iter().map(|(reader, _)| reader.progress()).collect();
    let pass = Pass {
        scorer,
        parser: parts.parser,
        settings: parts.settings,
        threads: parts.threads,
    };
    let outcome = analysis::run_merged(pass, Merge::of(readers), &progress, &terms, |_, outputs, _| {
        heard(outputs);
        bar.tick();
    });
    bar.finish();
    Ok(outcome)
}
