//! The configuration and the rules read anew, on SIGHUP and when a file changes: what can change at once does, the rest is named.

use super::{Service, Statutes};
use crate::config::{self, Config};
use crate::lists;
use crate::openapi;
use crate::policy;
use crate::rules;
use crate::scorer::ModelFiles;
use detector::policy::{ClauseSet, Listed};
use detector::rule::RuleSet;
use ingest::route::DocumentedRoutes;
use ingest::{Countries, Networks, NetworksError};
use std::path::Path;

/// Reads the file, and the files of rules that it names, again. A wrong one changes nothing, and every problem of it is
/// logged; wrong rules leave the rules as they were and keep nothing else from changing.
pub(crate) fn reload(service: &mut Service, file: &Path) {
    let mut loaded = match config::load(file, &ModelFiles { must_load: false }) {
        Ok(loaded) => loaded,
        Err(error) => {
            let why = api::neutralise(&format!("{error:#}")).into_owned();
            tracing::error!("the configuration stays as it was: {why}");
            service
                .figures
                .set_refused(Some(format!("the configuration stays as it was: {why}")));
            return;
        }
    };
    let changes = service.loaded.diff(&loaded);
    let rules = read_rules(&loaded.config);
    let clauses = read_clauses(&loaded.config);
    let listed = read_lists(&loaded.config);
    let refused = [
        rules.as_ref().err().cloned(),
        clauses.as_ref().err().cloned(),
        listed.as_ref().err().cloned(),
        read_networks(service).err(),
        read_documents(&service.loaded.config).err(),
        read_countries(service).err(),
    ];
    let refused: Vec<String> = refused.into_iter().flatten().collect();
    service
        .figures
        .set_refused((!refused.is_empty()).then(|| refused.join("; ")));
    let known = &service.statutes;
    let statutes = Statutes {
        rules: rules.unwrap_or_else(|_| known.rules.clone()),
        clauses: clauses.unwrap_or_else(|_| known.clauses.clone()),
        listed: listed.unwrap_or_else(|_| known.listed.clone()),
    };
    let have_statutes_changed = statutes.note_changes(known);
    if changes.is_empty() && !have_statutes_changed {
        tracing::info!("the configuration was read again: nothing differs");
        return;
    }
    for change in &changes.live {
        tracing::info!(setting = change.path, "changed: {}", change.path);
    }
    for change in &changes.restart {
        tracing::warn!(
            setting = change.path,
            "{} changes at the next start only",
            change.path
        );
    }
    let mut config = service.loaded.config.clone();
    config.take_live(&loaded.config);
    loaded.config = config;
    service.shared.blocklist.set_configured(loaded.config.allowlist());
    if let Some(detect) = &service.detect {
        detect.change(loaded.config.clone(), statutes.clone());
    }
    service.loaded = loaded;
    service.statutes = statutes;
}

impl Statutes {
    /// Logs what differs from what held before; whether anything does.
    fn note_changes(&self, before: &Self) -> bool {
        let rules = self.rules.len();
        if self.rules != before.rules {
            tracing::info!(rules, "changed: the rules; {rules} hold now");
        }
        let policy = self.clauses.title();
        let clauses = self.clauses.clauses().len();
        if self.clauses != before.clauses {
            tracing::info!(
                policy,
                clauses,
                "changed: the policy {policy}; {clauses} clauses hold now"
            );
        }
        let ranges = self.listed.len();
        if self.listed != before.listed {
            tracing::info!(
                ranges,
                "changed: the lists of addresses; {ranges} ranges stand on them now"
            );
        }
        self != before
    }
}

/// The clauses of the policy's file as they are now; when they are wrong, what is to be told: it was logged.
fn read_clauses(config: &Config) -> Result<ClauseSet, String> {
    let read = policy::load(config.policy.file.as_deref());
    let clauses = read.map_err(|error| {
        let why = api::neutralise(&format!("{error:#}")).into_owned();
        let why = format!("the policy's clauses stay as they were: {why}");
        tracing::error!("{why}");
        why
    })?;
    super::warn_of_unheard_clauses(&clauses, config);
    Ok(clauses)
}

/// The lists of addresses as they are now; when one is wrong, what is to be told: it was logged.
fn read_lists(config: &Config) -> Result<Listed, String> {
    lists::load(&config.lists.files).map_err(|error| {
        let why = api::neutralise(&format!("{error:#}")).into_owned();
        let why = format!("the lists of addresses stay as they were: {why}");
        tracing::error!("{why}");
        why
    })
}

/// Reads the database of autonomous systems again. A wrong one changes nothing: what is to be told was logged.
fn read_networks(service: &Service) -> Result<(), String> {
    let read = service.networks.as_ref().map_or(Ok(()), Networks::reload);
    read.map_err(|error| stays("the autonomous systems", &error))
}

/// As [`read_networks`], of countries.
fn read_countries(service: &Service) -> Result<(), String> {
    let read = service.countries.as_ref().map_or(Ok(()), Countries::reload);
    read.map_err(|error| stays("the countries", &error))
}

/// Logs what stays as it was, and gives what is to be told.
fn stays(what: &str, error: &NetworksError) -> String {
    let why = api::neutralise(&error.to_string()).into_owned();
    let why = format!("{what} stay as they were: {why}");
    tracing::error!("{why}");
    why
}

/// Reads the documents again that name routes. A wrong one changes nothing: what is to be told was logged.
fn read_documents(config: &Config) -> Result<(), String> {
    let known = openapi::in_force().map(DocumentedRoutes::catalogue);
    openapi::set(&config.openapi.files).map_err(|wrong| {
        let why = api::neutralise(&wrong.to_string()).into_owned();
        let why = format!("the documented routes stay as they were: {why}");
        tracing::error!("{why}");
        why
    })?;
    let found = openapi::in_force().map(DocumentedRoutes::catalogue);
    if let Some(found) = found.filter(|found| known.as_ref() != Some(found)) {
        let routes = found.len();
        tracing::info!(routes, "the documented routes were read again: {routes} hold now");
    }
    Ok(())
}

/// The rules of the files as they are now; when they are wrong, what is to be told: it was logged.
fn read_rules(config: &Config) -> Result<RuleSet, String> {
    let read = rules::load(&config.rules.files, config.rules.shipped);
    let checked = read.and_then(|written| Ok((rules::rule_set(&written)?, written)));
    match checked {
        Ok((rules, written)) => {
            super::warn_of_unheard(&written, config);
            Ok(rules)
        }
        Err(error) => {
            let why = format!(
                "the rules stay as they were: {}",
                api::neutralise(&format!("{error:#}"))
            );
            tracing::error!("{why}");
            Err(why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_of_rules_is_told_and_gives_no_rules() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rules.toml");
        let rule = "[[rule]]\nname = \"mine\"\nthreat = \"scraping\"\nby = \"client\"\ncount = 9\nwithin_secs = 9\n\
                    action = \"observe\"\nfor_secs = 9\n";
        std::fs::write(&file, rule).unwrap();
        let text = format!(
            "[rules]\nshipped = false\nfiles = [{:?}]\n",
            file.display().to_string()
        );
        let surroundings = config::Surroundings {
            environment: &std::collections::BTreeMap::new(),
            read_file: &|path| std::fs::read_to_string(path),
            models: &config::NoModels,
        };
        let config = config::read("portcullis.toml", &text, &surroundings)
            .unwrap()
            .config;
        let first = read_rules(&config).unwrap();
        assert_eq!(first.len(), 1);
        std::fs::write(&file, rule.replace("9", "90")).unwrap();
        let second = read_rules(&config).unwrap();
        assert!(second != first && second.len() == 1);
        for broken in ["[[rule]]\nname = 7\n", "[[", &format!("{rule}{rule}")] {
            std::fs::write(&file, broken).unwrap();
            let told = read_rules(&config).unwrap_err();
            assert!(told.starts_with("the rules stay as they were: "), "{told}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(read_rules(&config).is_err());
    }
}
