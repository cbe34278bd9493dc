//! `portcullis rules`: what the rules are, and whether they do what their tests say.

use crate::analysis::scan_key;
use crate::rules::{self, Imported, Written};
use crate::wiring::{self, WrongUsage, load_config, load_rules};
use anyhow::Context as _;
use detector::rule::{By, Pace, RoleLearner, Roles, Who};
use detector::signal::RouteRole;
use domain::Action;
use ingest::{Merge, ParserConfig};
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Lines that are read together.
const SLICE_LINES: usize = 512;

/// Arguments of `portcullis rules`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the tests that stand beside the rules; exit code 1 when one fails, 2 when a file is wrong
    Test {
        /// Files of rules; without one, the shipped rules
        files: Vec<PathBuf>,
    },
    /// Write scenarios of CrowdSec (leaky, trigger, counter) as rules to standard output
    ///
    /// What could not be carried over is named on standard error for every scenario, and in the rules. A part that cannot
    /// be said makes a rule count less; patterns take upper and lower case for the same, and also fit what is decoded
    /// once. Exit code 1 when a scenario could not be written at all.
    Import {
        /// File of scenarios, in YAML
        file: PathBuf,
        /// What the rules are to do: observe, throttle or block
        #[arg(long, value_name = "ACTION", default_value = "observe")]
        action: Action,
    },
    /// List what routes can be for, with the words that tell; or say what paths are taken for
    Roles {
        /// Paths, without the query
        paths: Vec<String>,
        /// The configuration that sets roles by path
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Propose roles for routes on which clients of this log seem to sign in; may be given several times
        #[arg(long, value_name = "FILE", conflicts_with = "paths")]
        log: Vec<PathBuf>,
    },
    /// List the rules: the shipped ones, and those of the configuration or of the files
    List {
        /// Files of rules
        files: Vec<PathBuf>,
        /// The configuration whose rules are listed, too
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or is wrong, or standard output cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = String::new();
    let code = match &args.command {
        Command::Test { files } => test(&load_rules(files, files.is_empty())?, &mut out)?,
        Command::Import { file, action } => import(file, *action, &mut out)?,
        Command::Roles { log, .. } if !log.is_empty() => {
            propose(log, &mut out)?;
            ExitCode::SUCCESS
        }
        Command::Roles { paths, config, .. } => {
            let config = config.as_deref().map(load_config).transpose()?;
            roles(
                paths,
                &config.map(|config| config.roles()).unwrap_or_default(),
                &mut out,
            )?;
            ExitCode::SUCCESS
        }
        Command::List { files, config } => {
            let config = config.as_deref().map(load_config).transpose()?;
            let mut all = config
                .as_ref()
                .map_or_else(Vec::new, |config| config.rules.files.clone());
            all.extend(files.iter().cloned());
            let with_shipped = config.is_none_or(|config| config.rules.shipped);
            list(&load_rules(&all, with_shipped)?, &mut out)?;
            ExitCode::SUCCESS
        }
    };
    // Names and descriptions are text of the files.
    let lines: Vec<_> = out.lines().map(api::neutralise).collect();
    match io::stdout()
        .lock()
        .write_all((lines.join("\n") + "\n").as_bytes())
    {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(code),
        written => written.map(|()| code).context("could not write what was found"),
    }
}

/// Writes every scenario of a file as a rule, and says what is missing.
fn import(file: &Path, action: Action, out: &mut String) -> anyhow::Result<ExitCode> {
    if action == Action::Challenge {
        let text = "--action challenge is nothing that rules do: expected observe, throttle or block";
        return Err(WrongUsage(text.to_owned()).into());
    }
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {name}"))?;
    let all = rules::import(&text, action).with_context(|| format!("could not import {name}"))?;
    let mut are_whole = true;
    for Imported { name, rule, notes } in &all {
        match rule {
            Ok(rule) => {
                writeln!(out, "{rule}")?;
                for note in notes {
                    tell(&format!("{name}: {note}"));
                }
            }
            Err(why) => {
                are_whole = false;
                tell(&format!("{name}: not carried over: {why}"));
            }
        }
    }
    Ok(if are_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Says something on standard error.
fn tell(text: &str) {
    eprintln!("{}", api::neutralise(text));
}

/// Lists every role, or says what paths are taken for and by whose word.
fn roles(paths: &[String], set: &Roles, out: &mut String) -> anyhow::Result<()> {
    for path in paths {
        let (role, by) = match set.of(path) {
            Some(role) => (role, "by the configuration"),
            None => (RouteRole::of(path), "by its words"),
        };
        writeln!(out, "{:<15} {path} ({by})", role.as_str())?;
    }
    if paths.is_empty() {
        for role in RouteRole::ALL {
            let words = match role.words() {
                [] => "whatever has no other role".to_owned(),
                words => words.join(", "),
            };
            writeln!(out, "{:<15} {words}", role.as_str())?;
        }
    }
    Ok(())
}

/// Reads logs and proposes roles, in the configuration's own words.
fn propose(files: &[PathBuf], out: &mut String) -> anyhow::Result<()> {
    let mut merge = Merge::new(wiring::open(files)?, &ParserConfig::new(scan_key()));
    let mut learner = RoleLearner::new(scan_key());
    while merge.next(SLICE_LINES, |_, result| {
        result.iter().for_each(|record| learner.observe(record));
    }) {}
    if learner.passed_over > 0 {
        let passed_over = learner.passed_over;
        tell(&format!(
            "{passed_over} requests were not looked at: there are too many clients and routes"
        ));
    }
    for found in learner.proposals() {
        let pattern = ingest::route::template(&found.path).replace("{id}", "*");
        writeln!(
            out,
            "# {} of {} clients that write there failed and then succeeded, {:.1} times each",
            found.turned, found.clients, found.successes
        )?;
        let (path, role) = (toml::Value::String(pattern), found.role.as_str());
        writeln!(out, "[[routes]]\npath = {path}\nrole = \"{role}\"\n")?;
    }
    if out.is_empty() {
        writeln!(out, "# no route whose words tell nothing looks like a login")?;
    }
    Ok(())
}

/// Runs every test and writes what each came to.
fn test(all: &[Written], out: &mut String) -> anyhow::Result<ExitCode> {
    rules::rule_set(all)?;
    let (mut passed, mut failed, mut untested) = (0u32, 0u32, 0u32);
    for written in all {
        let name = &written.rule.name;
        if written.trials.is_empty() {
            untested += 1;
            writeln!(out, "no test  {name} ({}:{})", written.file, written.line)?;
        }
        for trial in &written.trials {
            let verdict = rules::run_trial(written, trial)
                .with_context(|| format!("{}:{}: {name}: {}", written.file, written.line, trial.name))?;
            if verdict.is_right() {
                passed += 1;
                writeln!(out, "ok       {name}: {}", trial.name)?;
                continue;
            }
            failed += 1;
            writeln!(
                out,
                "FAILED   {name}: {} ({}:{})",
                trial.name, written.file, written.line
            )?;
            let expected: Vec<String> = verdict.expected.iter().map(ToString::to_string).collect();
            writeln!(out, "         expected: {}", clients(&expected))?;
            let fired = verdict.fired.iter();
            let found: Vec<String> = fired.map(|(client, why)| format!("{client} ({why})")).collect();
            writeln!(out, "         found:    {}", clients(&found))?;
        }
    }
    let count = all.len();
    write!(out, "{count} rules, {passed} tests passed, {failed} failed")?;
    writeln!(
        out,
        "{}",
        if untested > 0 {
            format!(", {untested} rules have none")
        } else {
            String::new()
        }
    )?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn clients(all: &[String]) -> String {
    if all.is_empty() {
        "it fires for nobody".to_owned()
    } else {
        format!("it fires for {}", all.join(", "))
    }
}

fn list(all: &[Written], out: &mut String) -> anyhow::Result<()> {
    rules::rule_set(all)?;
    for written in all {
        let rule = &written.rule;
        let pace = match rule.limit.pace {
            Pace::Within { secs } => format!("within {secs} s"),
            Pace::Leak { millis } => format!("less one each {} s", f64::from(millis) / 1000.0),
        };
        let what = match rule.limit.distinct {
            None => "requests".to_owned(),
            Some(of) => format!("different {} values", of.as_str()),
        };
        writeln!(out, "{}", rule.name)?;
        if !rule.description.is_empty() {
            writeln!(out, "    {}", rule.description)?;
        }
        writeln!(
            out,
            "    {} {what} {pace} by {} -> {} for {} s as {}; {} tests; {}:{}",
            rule.limit.count,
            by(rule.by),
            rule.action,
            rule.for_secs,
            rule.threat.as_str(),
            written.trials.len(),
            written.file,
            written.line
        )?;
    }
    Ok(())
}

fn by(by: By) -> String {
    let who = by.who.map(|who| match who {
        Who::Client => "client",
        Who::Address => "address",
        Who::Named(scope) => scope.as_str(),
    });
    let parts = [who, by.route.then_some("route"), by.host.then_some("host")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}
