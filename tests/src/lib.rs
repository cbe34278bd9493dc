//! Whole-system tests against real components.

pub mod component;
pub mod ordinary;
pub mod reader;
pub mod requests;
pub mod stream;
