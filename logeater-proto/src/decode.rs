//! Reads entries where they lie, by protobuf's rules: the last value of a field counts, unknown fields are
//! passed over, text is UTF-8.

use std::error::Error;
use std::fmt;

/// One entry of a request, borrowed from its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// When it happened, since the Unix epoch, in the unit that the sender chose.
    pub timestamp: i64,
    /// The service that says so.
    pub service: &'a str,
    /// The event type, such as `cart.add`.
    pub event_type: &'a str,
    /// Who did it.
    pub user_id: Option<&'a str>,
    /// The event's own fields, the text of a JSON object.
    pub details: Option<&'a str>,
    /// Identity: 16 bytes, if the sender keeps to the contract.
    pub event_id: Option<&'a [u8]>,
}

impl<'a> EntryRef<'a> {
    /// Reads one encoded `EventEntry`.
    ///
    /// # Errors
    ///
    /// When the bytes are no such message: cut short, of another wire type, or text that is not UTF-8.
    pub fn decode(entry: &'a [u8]) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        let mut rest = Reader(entry);
        while let Some((number, value)) = rest.field()? {
            match number {
                1 => read.timestamp = value.int("timestamp")?,
                2 => read.service = value.text("service")?,
                3 => read.event_type = value.text("type")?,
                4 => read.user_id = Some(value.text("user_id")?),
                5 => read.details = Some(value.text("details")?),
                15 => read.event_id = Some(value.bytes("event_id")?),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// The encoded entries of an encoded `EventBatch`, in their order.
///
/// The first error is the last item.
pub fn entries(batch: &[u8]) -> impl Iterator<Item = Result<&[u8], DecodeError>> {
    let mut rest = Reader(batch);
    std::iter::from_fn(move || {
        loop {
            let entry = match rest.field() {
                Ok(Some((1, value))) => value.bytes("entries"),
                Ok(Some(_)) => continue,
                Ok(None) => return None,
                Err(error) => Err(error),
            };
            if entry.is_err() {
                rest = Reader(&[]);
            }
            return Some(entry);
        }
    })
}

/// Bytes that are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end within a field.
    Truncated,
    /// A number of more than 64 bits, a field number of 0 or beyond 2^29, or a group that does not close.
    Malformed,
    /// The field has another type than the contract's.
    WireType(&'static str),
    /// The field's text is not UTF-8.
    Utf8(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the message ends within a field"),
            Self::Malformed => f.write_str("the message is not protobuf"),
            Self::WireType(field) => write!(f, "`{field}` has another type than in the contract"),
            Self::Utf8(field) => write!(f, "`{field}` is not UTF-8"),
        }
    }
}

impl Error for DecodeError {}

/// One field's value, by its wire type.
enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Skipped,
}

impl<'a> Value<'a> {
    fn int(self, field: &'static str) -> Result<i64, DecodeError> {
        match self {
            Self::Varint(value) => Ok(value.cast_signed()),
            _ => Err(DecodeError::WireType(field)),
        }
    }

    fn bytes(self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(DecodeError::WireType(field)),
        }
    }

    fn text(self, field: &'static str) -> Result<&'a str, DecodeError> {
        str::from_utf8(self.bytes(field)?).map_err(|_| DecodeError::Utf8(field))
    }
}

/// What is left of a message.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn field(&mut self) -> Result<Option<(u64, Value<'a>)>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        Ok(Some((
            number,
            self.value(number, wire_type, GROUP_DEPTH_MAX)?,
        )))
    }

    fn tag(&mut self) -> Result<(u64, u64), DecodeError> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || tag > u64::from(u32::MAX) {
            return Err(DecodeError::Malformed);
        }
        Ok((number, tag & 7))
    }

    fn value(
        &mut self,
        number: u64,
        wire_type: u64,
        depth: usize,
    ) -> Result<Value<'a>, DecodeError> {
        match wire_type {
            0 => Ok(Value::Varint(self.varint()?)),
            1 => self.take(8).map(|_| Value::Skipped),
            2 => {
                let len = self.varint()?;
                let len = usize::try_from(len).map_err(|_| DecodeError::Truncated)?;
                self.take(len).map(Value::Bytes)
            }
            3 => self.group(number, depth).map(|()| Value::Skipped),
            5 => self.take(4).map(|_| Value::Skipped),
            _ => Err(DecodeError::Malformed),
        }
    }

    /// Passes over a group, a form that proto3 no longer writes but an unknown field may have.
    fn group(&mut self, group: u64, depth: usize) -> Result<(), DecodeError> {
        let depth = depth.checked_sub(1).ok_or(DecodeError::Malformed)?;
        loop {
            match self.tag()? {
                (number, 4) if number == group => return Ok(()),
                (number, wire_type) => {
                    self.value(number, wire_type, depth)?;
                }
            }
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (place, byte) in self.0.iter().copied().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                self.0 = &self.0[place + 1..];
                // Nine bytes hold 63 bits: the tenth may add one.
                return if place == 9 && byte > 1 {
                    Err(DecodeError::Malformed)
                } else {
                    Ok(value)
                };
            }
        }
        Err(if self.0.len() < 10 {
            DecodeError::Truncated
        } else {
            DecodeError::Malformed
        })
    }
}

/// How deep groups may nest, prost's limit for any nesting.
const GROUP_DEPTH_MAX: usize = 100;
