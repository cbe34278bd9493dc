//! The first key: without one nobody could make any.

use crate::auth::{RandomnessError, Secret};
use domain::Timestamp;
use storage::{NewApiKey, Role, Store};

/// Name of the first key.
const BOOTSTRAP_NAME: &str = "bootstrap";

/// Why the first key could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The operating system gave no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The store cannot be asked.
    #[error("could not make the first key: {0}")]
    Store(#[from] storage::Error),
}

/// Makes an administrator's key when there is none, and returns its secret, to be shown once.
///
/// `None` when there is an administrator's key, also when another process made it at this very moment.
///
/// # Errors
/// When the store or the operating system fails.
pub async fn bootstrap_key(store: &dyn Store, now: Timestamp) -> Result<Option<Secret>, BootstrapError> {
    let keys = store.api_keys().await?;
    if keys
        .iter()
        .any(|key| key.role == Role::Admin && key.revoked_at.is_none())
    {
        return Ok(None);
    }
    // Names are never used twice: where the first key was revoked, the next one is told apart by its time.
    let name = match keys.iter().any(|key| key.name == BOOTSTRAP_NAME) {
        true => format!("{BOOTSTRAP_NAME}-{}", now.as_secs()),
        false => BOOTSTRAP_NAME.to_owned(),
    };
    let secret = Secret::generate()?;
    let key = NewApiKey {
        name,
        hash: secret.hash(),
        role: Role::Admin,
        gateway: None,
        created_by: BOOTSTRAP_NAME.to_owned(),
    };
    match store.add_api_key(&key, now).await {
        Ok(_) => Ok(Some(secret)),
        Err(storage::Error::AlreadyExists { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Rig;

    #[tokio::test]
    async fn there_is_one_first_key_until_every_administrator_is_gone() {
        let rig = Rig::new().await;
        let first = bootstrap_key(&*rig.store, rig.now()).await.unwrap().unwrap();
        let stored = rig.store.api_key_by_hash(&first.hash()).await.unwrap().unwrap();
        assert_eq!((stored.name.as_str(), stored.role), ("bootstrap", Role::Admin));
        assert!(bootstrap_key(&*rig.store, rig.now()).await.unwrap().is_none());
        rig.store
            .revoke_api_key("bootstrap", "test", rig.now())
            .await
            .unwrap();
        let second = bootstrap_key(&*rig.store, rig.now()).await.unwrap().unwrap();
        assert_ne!(first.reveal(), second.reveal());
        assert!(bootstrap_key(&*rig.store, rig.now()).await.unwrap().is_none());
    }
}
