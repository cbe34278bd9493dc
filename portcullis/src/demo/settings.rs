//! The demo's configuration: an ordinary one, read the ordinary way.

use crate::config::{self, Loaded, Surroundings};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use toml::Value;

/// Name of the gateway, as decisions and the bouncer's key have it.
pub(super) const GATEWAY: &str = "demo";

/// Nobody watches an hour of harmless traffic: the attacks begin after this.
const WARM_UP_SECS: u32 = 20;

/// Where things are for one run.
pub(super) struct Places<'a> {
    /// The broker's `host:port`.
    pub(super) broker: &'a str,
    /// The access log's topic.
    pub(super) topic: &'a str,
    /// The folder of database and checkpoints.
    pub(super) folder: &'a Path,
    /// Where to listen.
    pub(super) listen: SocketAddr,
}

/// Writes and reads the configuration. The environment has no say: a demo is the same everywhere.
///
/// # Errors
/// When the folder's path cannot stand in a configuration.
pub(super) fn load(places: &Places<'_>) -> anyhow::Result<Loaded> {
    let environment = BTreeMap::new();
    let surroundings = Surroundings {
        environment: &environment,
        read_file: &|path| std::fs::read_to_string(path),
        models: &config::NoModels,
    };
    config::read("the demo's configuration", &text(places)?, &surroundings).map_err(anyhow::Error::from)
}

fn text(places: &Places<'_>) -> anyhow::Result<String> {
    let folder = std::path::absolute(places.folder)
        .with_context(|| format!("could not find out where {} is", places.folder.display()))?;
    let folder = folder
        .to_str()
        .with_context(|| format!("the folder's name is not UTF-8: {}", places.folder.display()))?;
    let quoted = |text: String| Value::String(text).to_string();
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "[kafka]\nbrokers = [{}]\ngroup = \"portcullis-demo\"\nstart = \"earliest\"\n\
         [[kafka.topics]]\nname = {}\nformat = \"nginx_json\"\ngateway = \"{GATEWAY}\"\n\
         [clients]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
         [policy]\nwarm_up_secs = {WARM_UP_SECS}\n\
         # Its clients are simulated: no name server knows them.\n[crawlers]\nverify = false\n\
         [storage]\nurl = {}\ncheckpoints = {}\n\
         [[api.listeners]]\naddress = {}\n",
        quoted(places.broker.to_owned()),
        quoted(places.topic.to_owned()),
        quoted(format!("sqlite://{folder}/portcullis.db")),
        quoted(format!("file://{folder}/checkpoints")),
        quoted(places.listen.to_string()),
    );
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_configuration_is_a_right_one_wherever_its_folder_is() {
        for folder in ["/tmp/demo", "/tmp/a \"quoted\" folder", "relative/folder"] {
            let loaded = load(&Places {
                broker: "127.0.0.1:9092",
                topic: "access-log-1",
                folder: Path::new(folder),
                listen: "127.0.0.1:8600".parse().unwrap(),
            });
            let config = loaded
                .unwrap_or_else(|error| panic!("{folder}: {error:#}"))
                .config;
            let anyone = config
                .clients
                .trusted_proxies()
                .resolve(Some([127, 0, 0, 1].into()), "203.0.113.9");
            assert_eq!(
                anyone.map(|(address, _)| address),
                Some([203, 0, 113, 9].into()),
                "people on this machine ask /check about any client"
            );
            assert_eq!(config.api.listeners[0].address.port(), 8600);
            assert_eq!(config.kafka.unwrap().topics[0].gateway.as_deref(), Some(GATEWAY));
        }
    }
}
