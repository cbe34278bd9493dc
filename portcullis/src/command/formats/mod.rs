//! `portcullis formats`: the known formats; what one file is, field by field, what it cannot show, and what to log instead.

mod explain;
mod field;
mod routes;

use crate::openapi;
use crate::wiring::{WrongUsage, format_choice};
use anyhow::Context;
use ingest::{FORMATS, Format, LANGUAGES};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `portcullis formats`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Says what one file is, field by field, which threats cannot be seen in it, and what to log instead
    Explain {
        /// Log file, plain, .gz or .zst; `-` for standard input
        file: PathBuf,
        /// Read it as this format: a name, or one written down ("nginx: $remote_addr …")
        #[arg(long, value_name = "FORMAT", default_value = "auto")]
        format: String,
        /// Document of OpenAPI 3 or Swagger 2: reads the whole file and says which documented routes were asked for, which were
        /// not, and what else was; may be given several times
        #[arg(long, value_name = "FILE")]
        openapi: Vec<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// When the format is not known, the file cannot be opened or the results cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    let code = match &args.command {
        None => {
            list(&mut out)?;
            ExitCode::SUCCESS
        }
        Some(Command::Explain {
            file,
            format,
            openapi,
        }) => {
            if !openapi.is_empty() && file.as_os_str() == "-" {
                let text = "--openapi reads the whole file: standard input can be read once only".to_owned();
                return Err(WrongUsage(text).into());
            }
            openapi::set(openapi)?;
            let code = explain::explain(file, format, &mut out)?;
            if !openapi.is_empty() && code == ExitCode::SUCCESS {
                routes::write_routes(file, format_choice(format)?, &mut out)?;
            }
            code
        }
    };
    match io::stdout().lock().write_all(&out) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(code),
        written => written.map(|()| code).context("could not write what was found"),
    }
}

fn list(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:<16} {:<11} {:<26} what it is", "name", "tier", "gateway")?;
    for format in FORMATS {
        writeln!(
            out,
            "{:<16} {:<11} {:<26} {}",
            format.name(),
            format.provenance().tier.as_str(),
            format.gateway().as_str(),
            format.description()
        )?;
    }
    writeln!(
        out,
        "\nrun: a real server wrote it in our tests; seen: a real line from a named source was read; documented: made \
         after the vendor's page."
    )?;
    if !LANGUAGES.is_empty() {
        writeln!(
            out,
            "\nA format of your own is written down as its gateway's configuration has it:"
        )?;
        for language in LANGUAGES {
            writeln!(out, "  --format '{}: {}'", language.name, language.example)?;
        }
    }
    writeln!(
        out,
        "\nWrappers of Vector, Fluent Bit, Filebeat, Docker, CRI and syslog are taken off by themselves.\n\
         `portcullis formats explain FILE` says what a file is, what it cannot show, and what to log instead."
    )
}

/// What none of the formats can show.
pub(crate) fn lost_in(formats: &[&dyn Format]) -> Vec<&'static str> {
    let mut spots = formats.iter().map(|format| format.blind_spots());
    let mut lost = spots.next().unwrap_or_default();
    for others in spots {
        lost.retain(|sentence| others.contains(sentence));
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_listed() {
        let mut out = Vec::new();
        list(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(FORMATS.iter().all(|format| text.contains(format.name())));
    }
}
