//! What a column's values are held to beside their type: the length of text and bytes, the digits of decimals.
//! No clock, no I/O.

use logeater_schema::TableColumn;

use crate::convert::Cell;

/// The parameters of one column's type.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    max_length: Option<u64>,
    digits: Option<Digits>,
}

/// How many digits stand before and behind the point.
#[derive(Clone, Copy, Debug)]
struct Digits {
    whole: usize,
    fraction: usize,
}

impl Limits {
    pub(crate) fn of(column: &TableColumn) -> Self {
        let digits = column.precision.map(|precision| {
            let scale = column.scale.unwrap_or(0);
            Digits {
                whole: precision.saturating_sub(scale) as usize,
                fraction: scale as usize,
            }
        });
        Self {
            max_length: column.max_length,
            digits,
        }
    }

    /// Whether a value of the column's type keeps to them.
    pub(crate) fn hold(self, cell: &Cell<'_>) -> bool {
        let length = match (cell, self.max_length) {
            // BigQuery counts code points.
            (Cell::Text(text), Some(_)) => text.chars().count(),
            (Cell::Blob(bytes), Some(_)) => bytes.len(),
            _ => 0,
        };
        let fits = self.max_length.is_none_or(|max| length as u64 <= max);
        fits && match (cell, self.digits) {
            (Cell::Text(decimal), Some(digits)) => digits.hold(decimal),
            _ => true,
        }
    }
}

impl Digits {
    fn hold(self, decimal: &str) -> bool {
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let whole = whole.trim_start_matches(['-', '+', '0']);
        whole.len() <= self.whole && fraction.trim_end_matches('0').len() <= self.fraction
    }
}
