//! Where lines go that gateways push: the binary's business, which knows what a line is.

/// What a gateway has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The gateway that the key is bound to.
    pub gateway: String,
    /// The body as it came.
    pub body: Vec<u8>,
    /// How it is compressed, as the request says.
    pub encoding: Option<String>,
}

/// Why nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushRefused {
    /// Compressed in a way that is not read.
    Encoding(String),
    /// Longer than anything that is read, once it is unpacked.
    TooLarge(String),
    /// Not what it says.
    Unreadable(String),
    /// There is no room, or the disk fails: to be sent again later.
    Later(String),
}

/// Takes lines over that are pushed.
pub trait LineSink: Send + Sync {
    /// Takes every line of a body or none, and returns how many once they are durable. Blocks.
    ///
    /// # Errors
    /// Why none was taken.
    fn take(&self, pushed: Pushed) -> Result<u64, PushRefused>;
}
