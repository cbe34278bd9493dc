//! Playing a run to somebody who takes records in slices, with a gateway that lets everything through.

use crate::simulation::{Simulation, Verdict};
use domain::{HashKey, RequestRecord};

/// Records handed over together.
const SLICE: usize = 1024;

impl Simulation {
    /// Hands over whole slices of requests as records until there were at least `requests`, or the run is over; gives how many
    /// there were.
    pub fn play(&mut self, requests: u64, key: &HashKey, mut take: impl FnMut(&[RequestRecord<'_>])) -> u64 {
        let mut sent = 0;
        while sent < requests {
            let slice: Vec<_> = std::iter::from_fn(|| self.next_with(|_| Verdict::Pass))
                .take(SLICE)
                .collect();
            if slice.is_empty() {
                break;
            }
            let records: Vec<RequestRecord<'_>> = slice.iter().map(|request| request.record(key)).collect();
            take(&records);
            sent += slice.len() as u64;
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;
    use domain::Timestamp;

    #[test]
    fn a_run_is_handed_over_in_whole_slices() {
        let mixed = scenario("mixed").unwrap();
        let mut simulation = Simulation::sized(mixed, 7, Timestamp::from_secs(1_767_571_200), 3000);
        let (key, mut taken) = (HashKey::new([7; 16]), 0);
        let sent = simulation.play(3000, &key, |records| taken += records.len() as u64);
        assert_eq!((sent, taken), (3072, 3072));
    }
}
