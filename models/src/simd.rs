//! The widest vectors of the processor at hand, where the release is built for every processor of its family.

use pulp::{Arch, NullaryFnOnce};

/// Runs `work` compiled for the widest vectors that this processor has: whatever it calls must be inlined into it.
///
/// Nothing about a result changes: sums keep the order in which they are written, and no multiplication is fused with an
/// addition, so that every processor gives the same bits.
pub(crate) fn widest<T>(work: impl NullaryFnOnce<Output = T>) -> T {
    Arch::new().dispatch(work)
}
