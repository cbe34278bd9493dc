//! `portcullis why`: one client on one screen.

use crate::operator::{ApiOptions, Output};
use crate::why;
use crate::wiring::{PassOptions, WrongUsage};
use anyhow::Context as _;
use domain::{Client, Scope};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Says why a client is treated as it is: what was seen, how it scored, what was missing for a block.
///
/// With files, `-`, or standard input and no key: one pass over them, as `scan` makes it. Without files and with a key:
/// what the running service keeps of the client.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pass: PassOptions,
    #[command(flatten)]
    api: ApiOptions,
    /// An address, a range, or SCOPE=VALUE as in subject=alice
    #[arg(value_parser = client)]
    client: Client,
    /// Log files, plain, .gz or .zst; `-` for standard input
    files: Vec<PathBuf>,
}

/// Reads a client as people write one; `SCOPE:VALUE` is how reports print it.
fn client(text: &str) -> Result<Client, String> {
    let named = text
        .split_once(['=', ':'])
        .and_then(|(scope, value)| Some((Scope::from_name(scope)?, value)));
    let (scope, value) = match named {
        Some(named) => named,
        None if text.contains('/') => (Scope::Range, text),
        None => (Scope::Ip, text),
    };
    Client::parse(scope, value)
        .map_err(|error| format!("{error}; expected an address, a range, or SCOPE=VALUE as in subject=alice"))
}

/// Runs the command.
///
/// # Errors
/// When there is nothing to explain the client from, it is not found there, or the result cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let screen = if args.files.is_empty() && args.api.has_key() {
        why::from_service(&args.client, &args.api, args.pass.policy()?.as_ref())?
    } else {
        if args.files.is_empty() && io::stdin().is_terminal() {
            return Err(nothing_to_read(&args.client).into());
        }
        why::from_files(&args.client, &args.pass, &args.files)?
    };
    let mut out = Vec::new();
    match args.api.output {
        Output::Table => why::write(&screen, &mut out)?,
        Output::Json => {
            serde_json::to_writer(&mut out, &screen)?;
            writeln!(out)?;
        }
    }
    match io::stdout().lock().write_all(&out) {
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("could not write what was found")?,
    }
    // What was read of a broken file is explained above, and is a failure for a script, as in `scan`.
    Ok(match screen.problems.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn nothing_to_read(client: &Client) -> WrongUsage {
    WrongUsage(format!(
        "nothing to explain {client} from: name log files (`portcullis why {client} access.log`), pipe one in, or set \
         PORTCULLIS_KEY to ask the running service (`portcullis keys bootstrap` makes the first key)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_read_as_people_and_reports_write_them() {
        for (text, scope, value) in [
            ("203.0.113.9", Scope::Ip, "203.0.113.9"),
            ("2001:db8:1:2::5", Scope::Range, "2001:db8:1:2::/64"),
            ("2001:db8:1:2::/64", Scope::Range, "2001:db8:1:2::/64"),
            ("subject=a/b=c", Scope::Subject, "a/b=c"),
            ("consumer:shop", Scope::Consumer, "shop"),
        ] {
            let found = client(text).expect(text);
            assert_eq!((found.scope(), found.value().as_ref()), (scope, value), "{text}");
        }
        assert!(client("alice").unwrap_err().contains("SCOPE=VALUE"));
    }
}
