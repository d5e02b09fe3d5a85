//! The beginning of a batch's file, by which the rest of it can be trusted. No I/O.
//!
//! Numbers are little-endian; behind them stand the bytes of the batch as they are sent.
//!
//! | bytes | |
//! |---|---|
//! | 8 | `logeater` |
//! | 4 | the version of the format, 1 |
//! | 4 | the number of events |
//! | 8 | the length of the batch in bytes |
//! | 4 | CRC-32 (that of zlib) of the bytes above and of the batch |

use logeater_proto::REQUEST_BYTES_MAX;

use super::flaw::Flaw;

pub(crate) const HEADER_BYTES: usize = 28;

const MAGIC: [u8; 8] = *b"logeater";
const VERSION: u32 = 1;

/// What is written before a batch of so many events.
pub(crate) fn header(events: u32, batch: &[u8]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&events.to_le_bytes());
    header[16..24].copy_from_slice(&(batch.len() as u64).to_le_bytes());
    let checksum = checksum(&header, batch);
    header[24..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// How long the batch is, if there is one of so many events, of the longest length at most.
pub(crate) fn length(header: &[u8; HEADER_BYTES], events: u32) -> Result<usize, Flaw> {
    if header[..8] != MAGIC {
        return Err(Flaw::Foreign);
    }
    let version = number(&header[8..12]);
    if version != u64::from(VERSION) {
        return Err(Flaw::Version(version));
    }
    if number(&header[12..16]) != u64::from(events) {
        return Err(Flaw::Events);
    }
    usize::try_from(number(&header[16..24]))
        .ok()
        .filter(|length| *length <= REQUEST_BYTES_MAX)
        .ok_or(Flaw::Length)
}

/// Whether this is the batch that the header was written for.
pub(crate) fn check(header: &[u8; HEADER_BYTES], batch: &[u8]) -> Result<(), Flaw> {
    if number(&header[24..]) == u64::from(checksum(header, batch)) {
        Ok(())
    } else {
        Err(Flaw::Checksum)
    }
}

fn number(little_endian: &[u8]) -> u64 {
    let digits = little_endian.iter().rev();
    digits.fold(0, |number, digit| number << 8 | u64::from(*digit))
}

fn checksum(header: &[u8; HEADER_BYTES], batch: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..24]);
    hasher.update(batch);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_magic_the_version_the_events_the_length_and_the_checksum() {
        // The checksum is that of Python's zlib.crc32.
        let bytes = b"logeater\x01\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0\x5f\x2a\xb1\x1b";
        assert_eq!(header(2, b"batch"), *bytes);
    }

    #[test]
    fn a_header_of_something_else_says_what_is_wrong() {
        let whole = header(2, b"batch");
        assert_eq!(length(&whole, 2), Ok(5));
        let with = |place: usize, byte| {
            let mut other = whole;
            other[place] = byte;
            length(&other, 2)
        };
        assert_eq!(with(0, b'L'), Err(Flaw::Foreign));
        assert_eq!(with(8, 2), Err(Flaw::Version(2)));
        assert_eq!(with(12, 3), Err(Flaw::Events));
        // 4 MiB and 5 bytes, and more than there is in the world.
        assert_eq!(with(18, 0x40), Err(Flaw::Length));
        assert_eq!(with(23, 0xff), Err(Flaw::Length));
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let whole = header(2, b"batch");
        assert_eq!(check(&whole, b"batch"), Ok(()));
        assert_eq!(check(&whole, b"match"), Err(Flaw::Checksum));
        let mut other = whole;
        other[12] = 3;
        assert_eq!(check(&other, b"batch"), Err(Flaw::Checksum));
    }
}
