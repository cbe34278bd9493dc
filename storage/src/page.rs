//! A slice of a long list, newest first.

use crate::Error;

/// Most items of one page. A person reads fifty; an export asks page after page.
pub const PAGE_MAX: u32 = 1000;

/// Which slice is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Most items; clamped to 1..=[`PAGE_MAX`].
    pub limit: u32,
    /// [`Paged::next`] of the page before; `None` for the first.
    pub cursor: Option<String>,
}

impl Page {
    /// The first page.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { limit, cursor: None }
    }

    /// The limit that holds.
    pub(crate) fn clamped(&self) -> u32 {
        self.limit.clamp(1, PAGE_MAX)
    }

    /// The cursor as `(number, tail)`; text after the first colon is the tail.
    pub(crate) fn position(&self) -> Result<Option<(i64, String)>, Error> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let (number, tail) = cursor.split_once(':').unwrap_or((cursor, ""));
        let number = number.parse().map_err(|_| Error::Refused {
            doing: "read a page",
            why: format!(
                "cursor {:?} is not one of ours",
                cursor.chars().take(64).collect::<String>()
            ),
        })?;
        Ok(Some((number, tail.to_owned())))
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(50)
    }
}

/// One slice of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Paged<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Cursor of the following page; `None` at the end.
    pub next: Option<String>,
}

impl<T> Paged<T> {
    /// Cuts `items`, of which one more than `limit` was asked for, and makes the cursor from the last one kept.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let limit = limit as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = if has_more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}
