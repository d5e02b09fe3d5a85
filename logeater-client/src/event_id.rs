//! Identity: a UUIDv7 for each event, made of the clock, a counter and bits of the client's own.
//!
//! No random number is drawn per event, and the ids of one client ascend, so that an index over them grows
//! at its end. The layout is RFC 9562's (section 5.7): 48 bits of milliseconds, then a counter of 26 bits in
//! the places that the version and the variant leave, then 48 bits drawn once per client.

/// The counter's end: 2^26 events in one millisecond.
const COUNTER_END: u32 = 1 << 26;

/// Makes the ids of one client.
#[derive(Debug)]
pub(crate) struct EventIds {
    instance: [u8; 6],
    millis: u64,
    counter: u32,
}

impl EventIds {
    /// `instance` are random bits that no other client has.
    pub(crate) fn new(instance: [u8; 6]) -> Self {
        Self {
            instance,
            millis: 0,
            counter: 0,
        }
    }

    /// Tells the processes apart that one was forked into after `instance` was drawn.
    pub(crate) fn in_process(&mut self, process: u32) {
        for (bits, of_process) in self.instance.iter_mut().zip(process.to_be_bytes()) {
            *bits ^= of_process;
        }
    }

    /// The next id, greater than all before it even where the clock goes back.
    pub(crate) fn next(&mut self, now_millis: u64) -> [u8; 16] {
        if now_millis > self.millis {
            self.millis = now_millis;
            self.counter = 0;
        } else {
            self.counter += 1;
            if self.counter == COUNTER_END {
                self.millis += 1;
                self.counter = 0;
            }
        }
        self.id()
    }

    fn id(&self) -> [u8; 16] {
        // 12 bits of the counter behind the version, 14 behind the variant.
        let counter = (self.counter >> 14) << 16 | self.counter & 0x3fff;
        let mut id = [0; 16];
        id[..6].copy_from_slice(&self.millis.to_be_bytes()[2..]);
        id[6..10].copy_from_slice(&(0x7000_8000 | counter).to_be_bytes());
        id[10..].copy_from_slice(&self.instance);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_clock_the_version_the_variant_the_counter_and_the_instance() {
        let mut ids = EventIds::new([1, 2, 3, 4, 5, 6]);
        let id = ids.next(0x0102_0304_0506);
        assert_eq!(id, [1, 2, 3, 4, 5, 6, 0x70, 0, 0x80, 0, 1, 2, 3, 4, 5, 6]);
        for _ in 0..0x4001 {
            ids.next(0);
        }
        assert_eq!(ids.id()[6..10], [0x70, 1, 0x80, 1]);
    }

    #[test]
    fn processes_that_share_an_instance_make_ids_of_their_own() {
        let ids = [4_711, 4_712].map(|process| {
            let mut ids = EventIds::new([1, 2, 3, 4, 5, 6]);
            ids.in_process(process);
            ids.next(1_000)
        });
        assert_eq!(ids[0][..10], ids[1][..10]);
        assert_eq!(ids[0][10..], [1, 2, 3 ^ 0x12, 4 ^ 0x67, 5, 6]);
        assert_eq!(ids[1][10..], [1, 2, 3 ^ 0x12, 4 ^ 0x68, 5, 6]);
    }

    #[test]
    fn ids_ascend_when_the_clock_goes_back_and_when_the_counter_is_full() {
        let mut ids = EventIds::new([0; 6]);
        let first = ids.next(1_000);
        let second = ids.next(500);
        ids.counter = COUNTER_END - 1;
        let third = ids.next(1_000);
        assert!(first < second && second < third);
        assert_eq!(third[..6], 1_001_u64.to_be_bytes()[2..]);
    }
}
