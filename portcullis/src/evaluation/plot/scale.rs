//! From values to pixels.

/// A straight scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    /// Values at both ends.
    pub values: (f64, f64),
    /// Pixels at both ends.
    pub pixels: (f64, f64),
}

impl Linear {
    /// The pixel of a value; values beyond an end lie at it.
    #[must_use]
    pub(super) fn at(self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }
}

/// A logarithmic scale with room for zero to the left of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logarithmic {
    /// Values at both ends of the logarithmic part, above zero.
    pub values: (f64, f64),
    /// Pixels of zero, and of both ends of the logarithmic part.
    pub pixels: (f64, f64, f64),
}

impl Logarithmic {
    /// The pixel of a value: zero's own, or on the logarithmic part, values beyond an end at it.
    #[must_use]
    pub(super) fn at(self, value: f64) -> f64 {
        let (zero, low, high) = self.pixels;
        if value <= 0.0 {
            return zero;
        }
        let straight = Linear {
            values: (self.values.0.log10(), self.values.1.log10()),
            pixels: (low, high),
        };
        straight.at(value.log10())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_meet_their_ends_and_zero_has_its_own_place() {
        let linear = Linear {
            values: (0.0, 1.0),
            pixels: (300.0, 100.0),
        };
        assert_eq!(
            [0.0, 0.5, 1.0, 7.0].map(|value| linear.at(value)),
            [300.0, 200.0, 100.0, 100.0]
        );
        let log = Logarithmic {
            values: (1.0, 100.0),
            pixels: (10.0, 50.0, 250.0),
        };
        assert_eq!(
            [0.0, 0.1, 1.0, 10.0, 1e9].map(|value| log.at(value)),
            [10.0, 50.0, 50.0, 150.0, 250.0]
        );
    }
}
