//! Figures for people and for programs.

mod json;
mod table;

use super::{BudgetVerdict, ClientDays, Figures};
use crate::evaluation::sweep::Sweep;
use std::io::{self, Write};

/// The form in which figures are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// One JSON object a log.
    Json,
}

/// Figures, and how much of them is asked for.
pub(crate) struct Shown<'a> {
    /// Name of the log, when there are several.
    pub name: Option<&'a str>,
    /// The figures.
    pub figures: &'a Figures,
    /// Budgets that they are held against, in false positives per million client-days.
    pub budgets: &'a [f64],
    /// Whether the clients that were missed or wrongly acted on are named.
    pub names: bool,
    /// The same logs judged at other thresholds, when asked for.
    pub sweep: Option<&'a Sweep>,
}

impl Shown<'_> {
    /// Prints them.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn write(&self, form: Form, out: &mut dyn Write) -> io::Result<()> {
        match form {
            Form::Table => table::write(self, out),
            Form::Json => json::write(self, out),
        }
    }

    fn verdicts(&self) -> impl Iterator<Item = (f64, BudgetVerdict, bool)> + '_ {
        let days = self.figures.days();
        self.budgets
            .iter()
            .map(move |&budget| (budget, days.verdict(budget), can_show(days, budget)))
    }
}

/// Whether so many client-days could show that a budget is kept at all.
fn can_show(days: ClientDays, budget: f64) -> bool {
    days.resolution().is_some_and(|resolution| resolution <= budget)
}
