//! A body that knows whether all of it was sent.

use axum::body::Bytes;
use futures::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Bytes that are handed to the connection at a time. The connection takes the next piece only when it has sent
/// most of the last, so a client that hangs up is noticed before the end of a long list.
const PIECE_BYTES: usize = 64 * 1024;

/// A body in pieces that runs `on_sent` once the connection has taken the last one, and never when it was dropped
/// before: a lost connection, a HEAD.
pub(crate) struct SentBody {
    rest: Bytes,
    on_sent: Option<Box<dyn FnOnce() + Send>>,
}

impl SentBody {
    pub(crate) fn new(bytes: Bytes, on_sent: impl FnOnce() + Send + 'static) -> Self {
        Self {
            rest: bytes,
            on_sent: Some(Box::new(on_sent)),
        }
    }
}

impl Stream for SentBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(self.rest.split_to(length))))
    }
}

impl Drop for SentBody {
    /// The connection drops the body after the last piece, whether or not it asked once more.
    fn drop(&mut self) {
        if self.rest.is_empty()
            && let Some(on_sent) = self.on_sent.take()
        {
            on_sent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    async fn check(pieces_read: usize, expected: bool) {
        let is_sent = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_sent);
        let bytes = Bytes::from(vec![0u8; 3 * PIECE_BYTES]);
        let mut body = SentBody::new(bytes, move || flag.store(true, Ordering::Relaxed));
        for _ in 0..pieces_read {
            body.next().await;
        }
        drop(body);
        assert_eq!(is_sent.load(Ordering::Relaxed), expected, "{pieces_read} pieces");
    }

    #[tokio::test]
    async fn only_a_body_that_was_taken_whole_counts_as_sent() {
        check(0, false).await;
        check(2, false).await;
        check(3, true).await;
        check(4, true).await;
    }
}
