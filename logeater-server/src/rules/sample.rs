//! Leaves out a share of the events: always the same ones, so that all sinks and all tries agree.

/// A share of events that is kept, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Ids whose checksum is below are kept.
    end: u64,
}

impl Sample {
    /// `None` if it is no share.
    pub(super) fn new(share: f64) -> Option<Self> {
        let values = f64::from(u32::MAX) + 1.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 2 to the power of 32"
        )]
        let end = |share: f64| (share * values) as u64;
        (0.0..=1.0)
            .contains(&share)
            .then(|| Self { end: end(share) })
    }

    /// Whether the event with this id is kept.
    pub(super) fn keeps(self, event_id: &str) -> bool {
        u64::from(crc32fast::hash(event_id.as_bytes())) < self.end
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn about_the_share_of_ids_that_follow_each_other_is_kept() {
        let sample = Sample::new(0.1).unwrap();
        let ids = (0..10_000_u128).map(|number| Uuid::from_u128(number << 64).to_string());
        let kept = ids.filter(|id| sample.keeps(id)).count();
        assert!((900..1_100).contains(&kept), "{kept}");
    }

    #[test]
    fn all_or_none_is_kept_at_the_ends() {
        let keeps = |share| Sample::new(share).unwrap().keeps("any");
        assert!(keeps(1.0) && !keeps(0.0));
        assert!(Sample::new(1.1).is_none() && Sample::new(f64::NAN).is_none());
    }
}
