//! Whole-system tests against real components.

pub mod component;
pub mod ordinary;
pub mod stream;
