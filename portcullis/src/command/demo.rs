//! `portcullis demo`: an attack to watch, from the first request to the block, in one process.

use crate::demo::{self, Ending, Options, USUAL_RATE};
use crate::wiring::WrongUsage;
use anyhow::Context as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Exit code of a run that somebody ended.
const INTERRUPTED: u8 = 130;

/// Shows Portcullis at work: simulated clients, attacks among them, and everything that finds and blocks them.
///
/// One process plays all the parts: a Kafka broker, a gateway in front of some shops and APIs with a few thousand
/// clients, and the whole service, which reads the gateway's access log from the broker and decides. The gateway fetches
/// its blocklist from the service like a real one and answers blocked clients with 403. After half a minute of
/// harmless traffic one attack after the other begins; the terminal shows when each was detected and blocked, and
/// how many harmless clients were hit by mistake. Nothing leaves this machine.
///
/// Open the dashboard at the address that is printed and sign in with the key beside it. Or ask what a gateway asks:
/// `curl -i -H 'X-Forwarded-For: <client>' http://127.0.0.1:8600/check`. Ctrl-C ends the demo, reads what is left and
/// says what was done.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  portcullis demo                        watch, until Ctrl-C
  portcullis demo --for 180              three minutes, then the table
  portcullis demo --rate 500             a quarter of the clients, for a small machine
  portcullis demo --seed 7               other people, other attackers
  portcullis demo --data ./demo-data     keep the database to look at afterwards

Exit codes: 0 its time was over, 1 failed, 2 wrong usage, 130 interrupted.")]
pub(crate) struct Args {
    /// Where dashboard and API listen; on the loopback only. Port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8600")]
    listen: SocketAddr,
    /// Keep database and checkpoints in this folder; otherwise they go with the demo
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// End by itself after so many seconds
    #[arg(long = "for", value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..))]
    length_secs: Option<u64>,
    /// Which clients and attackers come: the same seed, the same ones
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Requests a second, about: the number of clients follows
    #[arg(long, value_name = "N", default_value_t = USUAL_RATE, value_parser = clap::value_parser!(u32).range(50..=10_000))]
    rate: u32,
}

/// Runs the command.
///
/// # Errors
/// When a part cannot start or gives up.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !args.listen.ip().is_loopback() {
        let text = format!(
            "--listen {}: the demo listens on this machine only, as in 127.0.0.1:8600",
            args.listen
        );
        return Err(WrongUsage(text).into());
    }
    let options = Options {
        listen: args.listen,
        data: args.data.clone(),
        length: args.length_secs.map(Duration::from_secs),
        seed: args.seed,
        rate: args.rate,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    Ok(match runtime.block_on(demo::play(&options))? {
        Ending::Done => ExitCode::SUCCESS,
        Ending::Interrupted => ExitCode::from(INTERRUPTED),
    })
}
