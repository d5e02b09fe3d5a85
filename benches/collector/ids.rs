//! Ids as logeater's client makes them: UUIDv7 of the milliseconds, a counter, and bits of the client's own.

use std::time::{SystemTime, UNIX_EPOCH};

use uuid::{Builder, Uuid};

/// Makes the ids of one client.
#[derive(Debug)]
pub(crate) struct Ids {
    client: u32,
    counter: u32,
}

impl Ids {
    pub(crate) fn new(client: u32) -> Self {
        Self { client, counter: 0 }
    }

    /// Ids of this moment, each greater than the one before.
    pub(crate) fn of_now(&mut self) -> impl Iterator<Item = Uuid> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        std::iter::repeat_with(move || self.next(millis))
    }

    fn next(&mut self, millis: u64) -> Uuid {
        self.counter += 1;
        // The version has four bits of the first two bytes, and the variant two of the next two.
        let counter = (self.counter >> 14) << 16 | self.counter & 0x3fff;
        let mut bits = [0; 10];
        bits[..4].copy_from_slice(&counter.to_be_bytes());
        bits[4..8].copy_from_slice(&self.client.to_be_bytes());
        Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
    }
}
