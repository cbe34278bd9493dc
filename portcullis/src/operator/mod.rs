//! An operator's work over the API, from a terminal: what the dashboard does, for scripts and for people who prefer it.

mod client;
mod show;

pub(crate) use client::{Api, ApiOptions};
pub(crate) use show::{Column, Output, print_one, print_rows};
