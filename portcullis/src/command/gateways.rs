//! `portcullis gateways`: whose bouncers ask, and when they last did; what to put into the configuration of one that is told.

use crate::config::{
    self, Config, Gateway, NoModels, Surroundings, is_gateway_kind, required_gateway_settings,
};
use crate::operator::{Api, ApiOptions, Column, print_rows};
use crate::service::{connector, wall_clock};
use crate::wiring::{WrongUsage, load_config};
use anyhow::Context as _;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const COLUMNS: &[Column] = &[
    ("key", "name"),
    ("gateway", "gateway"),
    ("kind", "kind"),
    ("version", "version"),
    ("address", "address"),
    ("last seen", "last_seen"),
    ("last pull", "last_pull"),
];

/// Where the examples have their secrets from.
const SECRETS: &[&str] = &[
    "PORTCULLIS_WEBHOOK_SECRET",
    "PORTCULLIS_CROWDSEC_PASSWORD",
    "PORTCULLIS_APISIX_KEY",
    "PORTCULLIS_CLOUDFLARE_TOKEN",
];

/// Lists the gateways' bouncers, and prints what to put into a gateway's own configuration.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    api: ApiOptions,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the gateways' bouncers
    List {
        #[command(flatten)]
        api: ApiOptions,
    },
    /// Print what to put into the configuration of a gateway that is told
    Connect {
        /// A gateway of the configuration, by its name, or a kind: nginx
        #[arg(value_name = "NAME|KIND")]
        gateway: String,
        /// Configuration file that names the gateway; without it, a kind with what holds when nothing else is said
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// When the API cannot be reached or refuses; when no gateway is called or of that kind.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        None => list(&args.api),
        Some(Command::List { api }) => list(api),
        Some(Command::Connect { gateway, config }) => {
            let text = connect(gateway, config.as_deref())?;
            std::io::stdout()
                .write_all(text.as_bytes())
                .context("could not write")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(api: &ApiOptions) -> anyhow::Result<ExitCode> {
    let answer = Api::new(api)?.get("/bouncers", &[])?;
    let rows = answer["items"].as_array().or(answer.as_array());
    print_rows(rows.map_or(&[][..], Vec::as_slice), COLUMNS, api.output)?;
    Ok(ExitCode::SUCCESS)
}

/// What to paste for a gateway of a configuration, or for one of that kind.
fn connect(gateway: &str, file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(file) = file {
        let config = load_config(file)?;
        let named = config.gateways.iter().find(|one| one.name == gateway);
        let named = named.ok_or_else(|| WrongUsage(format!("no [[gateways]] is called {gateway:?}")))?;
        return pieces(named);
    }
    if !is_gateway_kind(gateway) {
        return Err(WrongUsage(format!(
            "{gateway:?} is no kind of gateway that is told: name one of a configuration with --config, or one of {}",
            config::gateway_kinds().join(", ")
        ))
        .into());
    }
    let settings = required_gateway_settings(gateway);
    let config = read(&settings)?;
    let one = config.gateways.first().context("no gateway was read")?;
    Ok(format!(
        "# The configuration of Portcullis\n{settings}\n{}",
        pieces(one)?
    ))
}

/// Reads a configuration that holds a gateway and nothing else that matters.
fn read(settings: &str) -> anyhow::Result<Config> {
    let text = format!("[stdin]\n{settings}");
    // What is printed holds no secret, whatever stands in for it here.
    let secrets = SECRETS.iter().map(|name| ((*name).to_owned(), "A".repeat(32)));
    let surroundings = Surroundings {
        environment: &secrets.collect(),
        read_file: &|_| Ok("0".repeat(32)),
        models: &NoModels,
    };
    Ok(config::read("portcullis.toml", &text, &surroundings)?.config)
}

fn pieces(gateway: &Gateway) -> anyhow::Result<String> {
    let clock: enforcer::Clock = Arc::new(wall_clock);
    let connector = connector(gateway, &clock)?;
    let mut out = String::new();
    for piece in connector.advice() {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# {}: {}\n{}", connector.kind(), piece.place, piece.text);
    }
    Ok(out.trim_end().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of each kind, and what `connect` prints without its own comments.
    #[test]
    fn the_pages_show_what_connect_prints() {
        for kind in config::gateway_kinds() {
            let page = format!("{}/../docs/gateways/{kind}.md", env!("CARGO_MANIFEST_DIR"));
            let page = std::fs::read_to_string(&page).expect(&page);
            let settings = required_gateway_settings(kind);
            let config = read(&settings).expect("it can be read");
            let clock: enforcer::Clock = Arc::new(wall_clock);
            let connector = connector(&config.gateways[0], &clock).expect("it can be used");
            for piece in connector.advice() {
                assert!(
                    page.contains(&piece.text),
                    "docs/gateways/{kind}.md lacks:\n{}",
                    piece.text
                );
            }
            assert!(
                page.contains(&settings),
                "docs/gateways/{kind}.md lacks:\n{settings}"
            );
            let printed = connect(kind, None).expect("it is a kind");
            assert!(printed.contains(&settings), "{printed}");
            let index = include_str!("../../../docs/README.md");
            assert!(
                index.contains(&format!("(gateways/{kind}.md)")),
                "{kind} is not in docs/README.md"
            );
        }
    }

    #[test]
    fn a_gateway_of_a_configuration_is_printed_with_what_it_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("portcullis.toml");
        let haproxy = "[gateways.haproxy]\nsocket = \"127.0.0.1:9999\"\nmap = \"/srv/deny.map\"\n";
        std::fs::write(
            &file,
            format!("[stdin]\n[[gateways]]\nname = \"edge-1\"\n{haproxy}"),
        )
        .expect("a file");
        let printed = connect("edge-1", Some(&file)).expect("it is there");
        assert!(
            printed.contains("stats socket 127.0.0.1:9999 level admin"),
            "{printed}"
        );
        assert!(printed.contains("map_ip(/srv/deny.map,none)"), "{printed}");
        assert!(
            connect("haproxy", Some(&file))
                .expect_err("a kind, and no name")
                .is::<WrongUsage>()
        );
    }

    #[test]
    fn what_is_neither_a_name_nor_a_kind_is_wrong_usage() {
        let error = connect("iptables", None).expect_err("it is none");
        assert!(error.is::<WrongUsage>());
        assert!(error.to_string().contains("nginx, haproxy, nftables"), "{error}");
    }
}
