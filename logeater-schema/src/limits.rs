//! What a column's values are held to beside their type, as BigQuery's parameterized types have it.

/// The parameters of a column's type; without any it holds what its type holds.
///
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_data_types>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most characters of a STRING, or bytes of BYTES.
    pub max_length: Option<u64>,
    /// The most digits of a NUMERIC or BIGNUMERIC, those behind the point included.
    pub precision: Option<u32>,
    /// The most digits behind the point; beyond it a value is rounded, half away from zero.
    pub scale: Option<u32>,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        max_length: None,
        precision: None,
        scale: None,
    };

    /// At most this many characters or bytes.
    #[must_use]
    pub const fn max_length(max_length: u64) -> Self {
        Self {
            max_length: Some(max_length),
            ..Self::NONE
        }
    }

    /// At most `precision` digits, `scale` of them behind the point.
    #[must_use]
    pub const fn numeric(precision: u32, scale: u32) -> Self {
        Self {
            precision: Some(precision),
            scale: Some(scale),
            ..Self::NONE
        }
    }

    /// Whether both are the same, at compile time.
    pub(crate) const fn is(self, other: Self) -> bool {
        same(self.max_length, other.max_length)
            && same_digits(self.precision, other.precision)
            && same_digits(self.scale, other.scale)
    }

    /// What follows the name of a type: `(10)`, `(10, 2)`, or nothing.
    pub(crate) fn parameters(
        max_length: Option<u64>,
        precision: Option<u32>,
        scale: Option<u32>,
    ) -> String {
        match (max_length, precision, scale) {
            (Some(max_length), _, _) => format!("({max_length})"),
            (None, Some(precision), Some(scale)) => format!("({precision}, {scale})"),
            (None, Some(precision), None) => format!("({precision})"),
            (None, None, _) => String::new(),
        }
    }
}

const fn same(a: Option<u64>, b: Option<u64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (None, None) => true,
        _ => false,
    }
}

const fn same_digits(a: Option<u32>, b: Option<u32>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (None, None) => true,
        _ => false,
    }
}
