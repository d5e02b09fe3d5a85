//! Writes entries: the fields in the contract's order, each length in as few bytes as it takes.

/// A tag is the field's number and its wire type: 0 is a varint, 2 is a length and its bytes.
const TIMESTAMP: u8 = 1 << 3;
const SERVICE: u8 = 2 << 3 | 2;
const TYPE: u8 = 3 << 3 | 2;
const USER_ID: u8 = 4 << 3 | 2;
const DETAILS: u8 = 5 << 3 | 2;
const EVENT_ID: u8 = 15 << 3 | 2;
const ENTRIES: u8 = 1 << 3 | 2;

/// The bytes that [`write_event_id`] appends.
pub const EVENT_ID_FIELD_BYTES: usize = 18;

/// What every event has, borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// When it happened, since the Unix epoch, in the unit that the sender chose.
    pub timestamp: i64,
    /// The service that says so.
    pub service: &'a str,
    /// The event type, such as `cart.add`.
    pub event_type: &'a str,
    /// Who did it.
    pub user_id: Option<&'a str>,
}

/// Appends an entry without its id: the envelope, then the details that `details` appends in place.
///
/// Allocates only where `out` has to grow. [`write_event_id`] or [`frame_entry`] completes it.
pub fn write_entry(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    details: Option<impl FnOnce(&mut Vec<u8>)>,
) {
    if envelope.timestamp != 0 {
        // proto3's int64 is its two's complement, so a negative one takes ten bytes.
        write_head(out, TIMESTAMP, envelope.timestamp.cast_unsigned());
    }
    if !envelope.service.is_empty() {
        write_text(out, SERVICE, envelope.service);
    }
    if !envelope.event_type.is_empty() {
        write_text(out, TYPE, envelope.event_type);
    }
    if let Some(user_id) = envelope.user_id {
        write_text(out, USER_ID, user_id);
    }
    if let Some(details) = details {
        write_in_place(out, DETAILS, details);
    }
}

/// Appends the id, the last field of an entry.
#[inline]
pub fn write_event_id(out: &mut Vec<u8>, event_id: &[u8; 16]) {
    let mut field = [0; EVENT_ID_FIELD_BYTES];
    field[0] = EVENT_ID;
    field[1] = 16;
    field[2..].copy_from_slice(event_id);
    out.extend_from_slice(&field);
}

/// Appends an entry to a batch: `entry` from [`write_entry`], completed by its id.
#[inline]
pub fn frame_entry(batch: &mut Vec<u8>, entry: &[u8], event_id: &[u8; 16]) {
    write_head(batch, ENTRIES, (entry.len() + EVENT_ID_FIELD_BYTES) as u64);
    batch.extend_from_slice(entry);
    write_event_id(batch, event_id);
}

/// The bytes that an entry of `entry_bytes`, its id included, takes in a batch.
#[must_use]
#[inline]
pub fn framed_len(entry_bytes: usize) -> usize {
    1 + varint_len(entry_bytes as u64) + entry_bytes
}

#[inline]
fn write_text(out: &mut Vec<u8>, tag: u8, text: &str) {
    write_head(out, tag, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a field whose length is known only after it was written.
fn write_in_place(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    // Room for two bytes of length, which is what most details take.
    out.extend_from_slice(&[tag, 0, 0]);
    let content = out.len();
    write(out);
    let len = (out.len() - content) as u64;
    if let Some(length) = two_byte_varint(len) {
        out[start + 1..content].copy_from_slice(&length);
    } else {
        out.drain(start..content);
        let end = out.len();
        write_head(out, tag, len);
        let head_len = out.len() - end;
        out[start..].rotate_right(head_len);
    }
}

/// Appends a tag and a varint.
#[inline]
fn write_head(out: &mut Vec<u8>, tag: u8, value: u64) {
    // Nearly all are lengths of one or two bytes, and a copy of a known size is no call.
    if let Ok(low @ ..0x80) = u8::try_from(value) {
        out.extend_from_slice(&[tag, low]);
    } else if let Some([low, high]) = two_byte_varint(value) {
        out.extend_from_slice(&[tag, low, high]);
    } else {
        write_long_head(out, tag, value);
    }
}

#[inline(never)]
fn write_long_head(out: &mut Vec<u8>, tag: u8, mut value: u64) {
    let mut head = [tag; 11];
    let mut len = 1;
    while value >= 0x80 {
        head[len] = low_byte(value) | 0x80;
        value >>= 7;
        len += 1;
    }
    head[len] = low_byte(value);
    out.extend_from_slice(&head[..=len]);
}

/// A number of 128 to 16,383 as a varint.
fn two_byte_varint(value: u64) -> Option<[u8; 2]> {
    let bytes = [low_byte(value) | 0x80, low_byte(value >> 7)];
    (0x80..0x4000).contains(&value).then_some(bytes)
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// The bytes of a varint: one for each seven bits.
fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
