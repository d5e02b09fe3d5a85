//! Writes the wire's JSON straight into the buffer that is sent: natural, and exact to the digit.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use serde::Serialize;

use crate::Column;
use crate::civil::{
    DATE_DAYS, TIME_MICROS, TIMESTAMP_MICROS, write_date, write_datetime, write_time,
    write_timestamp,
};
use crate::derived::DEPTH_MAX;
use crate::json_path;

/// Appends JSON to a buffer, on behalf of [`Column::write`] and of the derives.
///
/// A column writes exactly one value. What the JSON can hold but the column's type cannot is reported with
/// [`invalid`](Self::invalid), and the event counts as lost for that reason instead of being sent.
#[derive(Debug)]
pub struct JsonWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where in `out` the JSON begins.
    begin: usize,
    invalid: Option<Cow<'static, str>>,
}

/// Where an object begins, between [`JsonWriter::begin_object`] and [`JsonWriter::end_object`].
#[derive(Debug)]
pub struct ObjectStart(usize);

impl<'a> JsonWriter<'a> {
    /// Appends to `out`.
    #[must_use]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let begin = out.len();
        Self {
            out,
            begin,
            invalid: None,
        }
    }

    /// Ends the writing.
    ///
    /// # Errors
    ///
    /// The first reason given to [`invalid`](Self::invalid); what was written is then of no use.
    pub fn finish(self) -> Result<(), Cow<'static, str>> {
        self.invalid.map_or(Ok(()), Err)
    }

    /// Reports a value that its column cannot hold, with the reason and the fix; the column's name is put
    /// before them.
    #[cold]
    pub fn invalid(&mut self, reason: impl Into<Cow<'static, str>>) {
        if self.invalid.is_none() {
            let column = json_path::unfinished(&self.out[self.begin..]);
            self.invalid = Some(match column.as_str() {
                "" => reason.into(),
                column => format!("column `{column}`: {}", reason.into()).into(),
            });
        }
        self.raw("null");
    }

    /// Writes `true` or `false`.
    pub fn boolean(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Writes an integer of any width.
    pub fn integer(&mut self, value: impl itoa::Integer) {
        self.raw(itoa::Buffer::new().format(value));
    }

    /// Writes an integer as text, as the types NUMERIC and BIGNUMERIC have it.
    pub fn integer_text(&mut self, value: impl itoa::Integer) {
        self.out.push(b'"');
        self.integer(value);
        self.out.push(b'"');
    }

    /// Writes a float with the shortest digits that read back equal; what JSON has no number for as the
    /// text "NaN", "Infinity" or "-Infinity", as BigQuery does.
    pub fn float(&mut self, value: impl zmij::Float + Into<f64>) {
        let wide: f64 = value.into();
        if wide.is_finite() {
            self.raw(zmij::Buffer::new().format_finite(value));
        } else if wide.is_nan() {
            self.raw("\"NaN\"");
        } else {
            self.raw(if wide > 0.0 {
                "\"Infinity\""
            } else {
                "\"-Infinity\""
            });
        }
    }

    /// Writes text, with the escapes that JSON wants.
    pub fn string(&mut self, text: &str) {
        self.out.push(b'"');
        self.escaped(text);
        self.out.push(b'"');
    }

    /// Writes the text of a value's `Display`.
    pub fn display(&mut self, value: impl Display) {
        self.out.push(b'"');
        if write!(Escaping(self), "{value}").is_err() {
            self.invalid("its `Display` failed");
        }
        self.out.push(b'"');
    }

    /// Writes a value as serde writes it, for a column of type JSON; one of more than 468 arrays and objects in each
    /// other is reported as [`invalid`](Self::invalid).
    pub fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        let start = self.out.len();
        if let Err(error) = serde_json::to_writer(&mut *self.out, value) {
            self.out.truncate(start);
            self.invalid(format!("its `Serialize` failed: {error}"));
        } else if json_path::is_deeper(&self.out[start..], JSON_DEPTH_MAX) {
            self.out.truncate(start);
            self.invalid(format!(
                "its JSON nests deeper than {JSON_DEPTH_MAX} levels, which BigQuery does not take: write its inner part as text"
            ));
        }
    }

    /// Writes a moment, given in microseconds since the Unix epoch: "2026-01-31T12:00:00.000000Z".
    pub fn timestamp(&mut self, micros: i64) {
        if TIMESTAMP_MICROS.contains(&micros) {
            write_timestamp(self.out, micros);
        } else {
            self.invalid("a TIMESTAMP lies in the years 1 to 9999");
        }
    }

    /// Writes a day and a time without a zone, given in microseconds since 1970-01-01 there:
    /// "2026-01-31T12:00:00.000000".
    pub fn datetime(&mut self, micros: i64) {
        if TIMESTAMP_MICROS.contains(&micros) {
            write_datetime(self.out, micros);
        } else {
            self.invalid("a DATETIME lies in the years 1 to 9999");
        }
    }

    /// Writes a day, given in days since 1970-01-01: "2026-01-31".
    pub fn date(&mut self, days: i64) {
        if DATE_DAYS.contains(&days) {
            write_date(self.out, days);
        } else {
            self.invalid("a DATE lies in the years 1 to 9999");
        }
    }

    /// Writes a time of day, given in microseconds since midnight: "12:00:00.000000".
    pub fn time(&mut self, micros: i64) {
        if TIME_MICROS.contains(&micros) {
            write_time(self.out, micros);
        } else {
            self.invalid("a TIME has less than 24 hours");
        }
    }

    /// Writes a list of columns. An absent one is reported as [`invalid`](Self::invalid), since BigQuery's arrays
    /// hold no NULL.
    pub fn array<'c, C: Column + 'c>(&mut self, items: impl IntoIterator<Item = &'c C>) {
        self.elements(items, |item, out| {
            if item.is_absent() {
                out.invalid(
                    "a list holds a null, which BigQuery's arrays cannot; leave it out of the list",
                );
            } else {
                item.write(out);
            }
        });
    }

    /// Writes a list, each element with `write`.
    pub(crate) fn elements<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(T, &mut Self),
    ) {
        let start = self.out.len();
        for item in items {
            self.out.push(b',');
            write(item, self);
        }
        self.close(start, b'[', b']');
    }

    /// Writes a map as a list of objects of `key` and `value`.
    pub fn entries<'c, K: AsRef<str> + 'c, V: Column + 'c>(
        &mut self,
        entries: impl IntoIterator<Item = (&'c K, &'c V)>,
    ) {
        let start = self.out.len();
        for (key, value) in entries {
            self.out.push(b',');
            self.object(|entry| {
                entry.field(",\"key\":", key.as_ref());
                entry.field(",\"value\":", value);
            });
        }
        self.close(start, b'[', b']');
    }

    /// Writes an object whose members `members` writes with [`field`](Self::field).
    pub fn object(&mut self, members: impl FnOnce(&mut Self)) {
        let start = self.begin_object();
        members(self);
        self.end_object(start);
    }

    /// Begins an object whose members follow with [`field`](Self::field), until
    /// [`end_object`](Self::end_object) gets what this returns: [`object`](Self::object) without a closure
    /// to compile.
    #[must_use = "`end_object` wants it"]
    pub fn begin_object(&mut self) -> ObjectStart {
        ObjectStart(self.out.len())
    }

    /// Ends an object that [`begin_object`](Self::begin_object) began.
    pub fn end_object(&mut self, ObjectStart(start): ObjectStart) {
        self.close(start, b'{', b'}');
    }

    /// Writes one member of an object, unless the value is absent.
    ///
    /// `key` is the text of a comma, the name in quotation marks and a colon: `,"sku":`.
    #[inline]
    pub fn field<C: Column + ?Sized>(&mut self, key: &'static str, value: &C) {
        if !value.is_absent() {
            self.raw(key);
            value.write(self);
        }
    }

    /// Writes the members of a RECORD among those of the object that was begun, unless it is absent; the
    /// name of each begins with `prefix`.
    pub fn flat<C: Column + ?Sized>(&mut self, prefix: &str, record: &C) {
        if record.is_absent() {
            return;
        }
        let (start, was_valid) = (self.out.len(), self.invalid.is_none());
        record.write(self);
        if was_valid && self.invalid.is_some() {
            self.prefix_reason(start, prefix);
        }
        let members = match &self.out[start..] {
            [b'{', members @ .., b'}'] => members.trim_ascii(),
            _ => &[],
        };
        if members.is_empty() {
            return self.out.truncate(start);
        }
        self.out[start] = b',';
        self.out.pop();
        if !prefix.is_empty() {
            json_path::prefix_keys(self.out, start, prefix);
        }
    }

    /// Names a flattened column in the reason as the table names it.
    #[cold]
    fn prefix_reason(&mut self, start: usize, prefix: &str) {
        let mut column = json_path::unfinished(&self.out[self.begin..start]);
        if !column.is_empty() {
            column.push('.');
        }
        let before = format!("column `{column}");
        if let Some(reason) = self
            .invalid
            .as_mut()
            .filter(|reason| reason.starts_with(&before))
        {
            reason.to_mut().insert_str(before.len(), prefix);
        }
    }

    /// Writes one member of an object as serde writes it, unless that is `null`; `key` as in
    /// [`field`](Self::field).
    pub fn json_field(&mut self, key: &'static str, value: &(impl Serialize + ?Sized)) {
        let start = self.out.len();
        self.raw(key);
        self.json(value);
        if self.out.ends_with(b"null") && self.out.len() == start + key.len() + b"null".len() {
            self.out.truncate(start);
        }
    }

    /// Writes bytes as padded base64 text.
    pub fn base64<'b>(&mut self, bytes: impl IntoIterator<Item = &'b u8>) {
        self.out.push(b'"');
        let mut bytes = bytes.into_iter();
        while let Some(first) = bytes.next() {
            let (second, third) = (bytes.next(), bytes.next());
            let group =
                u32::from_be_bytes([0, *first, *second.unwrap_or(&0), *third.unwrap_or(&0)]);
            let digit = |place: u32| BASE64[(group >> (6 * place)) as usize & 0x3f];
            let third_digit = if second.is_some() { digit(1) } else { b'=' };
            let fourth_digit = if third.is_some() { digit(0) } else { b'=' };
            self.out
                .extend_from_slice(&[digit(3), digit(2), third_digit, fourth_digit]);
        }
        self.out.push(b'"');
    }

    /// Writes what is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
    }

    /// How far the writing has got.
    pub(crate) fn position(&self) -> usize {
        self.out.len()
    }

    /// What was written since.
    pub(crate) fn since(&self, position: usize) -> &[u8] {
        &self.out[position..]
    }

    /// Takes back what was written since.
    pub(crate) fn rewind(&mut self, position: usize) {
        self.out.truncate(position);
    }

    /// The members of a container each begin with a comma: the first comma becomes the opening bracket.
    fn close(&mut self, start: usize, open: u8, close: u8) {
        match self.out.get_mut(start) {
            Some(first) => *first = open,
            None => self.out.push(open),
        }
        self.out.push(close);
    }

    fn escaped(&mut self, text: &str) {
        // Nearly all text is as it should be, and is copied at once.
        if is_clean(text.as_bytes()) {
            self.raw(text);
        } else {
            self.escape_each(text.as_bytes());
        }
    }

    #[cold]
    fn escape_each(&mut self, bytes: &[u8]) {
        let mut clean = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let escape = ESCAPES[usize::from(byte)];
            if escape != 0 {
                self.out.extend_from_slice(&bytes[clean..at]);
                self.escape(byte, escape);
                clean = at + 1;
            }
        }
        self.out.extend_from_slice(&bytes[clean..]);
    }

    fn escape(&mut self, byte: u8, escape: u8) {
        self.out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let [high, low] = [byte >> 4, byte & 0xf].map(|digit| HEX[usize::from(digit)]);
            self.out.extend_from_slice(&[b'0', b'0', high, low]);
        }
    }
}

/// Whether nothing in a text has to be escaped.
fn is_clean(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().all(|byte| ESCAPES[usize::from(*byte)] == 0);
    };
    let (eights, _) = bytes.as_chunks();
    !has_escape(*last) && !eights.iter().any(|eight| has_escape(*eight))
}

/// Whether one of eight bytes is a control character, a quotation mark or a backslash.
///
/// All at once, as the lanes of one number: a lane's highest bit is set by the subtraction where the byte is one of
/// them; bytes beyond ASCII, which have it set themselves, do not count. With its second bit turned a quotation mark
/// is 0x20, next to the control characters, which stay below. A borrow reaches the next lane only from one that counts
/// already.
fn has_escape(eight: [u8; 8]) -> bool {
    const fn lanes(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let word = u64::from_ne_bytes(eight);
    let control_or_quotation_mark = (word ^ lanes(0x02)).wrapping_sub(lanes(0x21));
    let backslash = (word ^ lanes(b'\\')).wrapping_sub(lanes(1));
    (control_or_quotation_mark | backslash) & !word & lanes(0x80) != 0
}

/// Formatted text on its way into a JSON string.
struct Escaping<'w, 'a>(&'w mut JsonWriter<'a>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text);
        Ok(())
    }
}

/// How deep a value of type JSON may nest. BigQuery takes 500 levels, and the details are one such value as well: the
/// object that they are, 15 RECORDs in lists, which a column may be in, and a list of such values come before.
///
/// <https://cloud.google.com/bigquery/docs/json-data#limitations>
const JSON_DEPTH_MAX: usize = 500 - 1 - 2 * DEPTH_MAX - 1;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// For each byte what follows its backslash, `u` for a hexadecimal escape, 0 for none (RFC 8259, section 7).
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};
