//! Writes entries: the fields in the contract's order, each length in as few bytes as it takes.

use bytes::BufMut;

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
        out.push(TIMESTAMP);
        // proto3's int64 is its two's complement, so a negative one takes ten bytes.
        write_varint(out, envelope.timestamp.cast_unsigned());
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
pub fn write_event_id(out: &mut impl BufMut, event_id: &[u8; 16]) {
    let mut field = [0; EVENT_ID_FIELD_BYTES];
    field[0] = EVENT_ID;
    field[1] = 16;
    field[2..].copy_from_slice(event_id);
    out.put_slice(&field);
}

/// Appends an entry to a batch: `entry` from [`write_entry`], completed by its id.
pub fn frame_entry(batch: &mut impl BufMut, entry: &[u8], event_id: &[u8; 16]) {
    batch.put_u8(ENTRIES);
    write_varint(batch, (entry.len() + EVENT_ID_FIELD_BYTES) as u64);
    batch.put_slice(entry);
    write_event_id(batch, event_id);
}

/// The bytes that an entry of `entry_bytes`, its id included, takes in a batch.
#[must_use]
pub fn framed_len(entry_bytes: usize) -> usize {
    1 + varint_len(entry_bytes as u64) + entry_bytes
}

fn write_text(out: &mut Vec<u8>, tag: u8, text: &str) {
    out.push(tag);
    write_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a field whose length is known only after it was written.
fn write_in_place(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    // Two bytes are the right room for 128 to 16,383 bytes, which is what details have.
    out.extend_from_slice(&[tag, 0, 0]);
    let start = out.len();
    write(out);
    let len = out.len().saturating_sub(start);
    match varint_len(len as u64) {
        1 => drop(out.drain(start - 1..start)),
        2 => {}
        more => drop(out.splice(start..start, std::iter::repeat_n(0, more - 2))),
    }
    let mut room = &mut out[start - 2..];
    write_varint(&mut room, len as u64);
}

fn write_varint(out: &mut impl BufMut, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.put_u8(low);
        }
        out.put_u8(low | 0x80);
    }
}

/// The bytes of a varint: one for each seven bits.
fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}
