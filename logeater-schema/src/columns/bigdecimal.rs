//! The type of the crate `bigdecimal`.

use bigdecimal::{BigDecimal, RoundingMode, Zero};

use crate::{Column, ColumnType, JsonWriter, Many, One};

/// The most digits behind the point that a BIGNUMERIC has, and about as many as it has before it.
///
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types>
const SCALE_MAX: i64 = 38;

/// A BIGNUMERIC; beyond 38 digits behind the point a value is rounded half away from zero, as BigQuery rounds.
impl Column for BigDecimal {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::BigNumeric;

    fn write(&self, out: &mut JsonWriter<'_>) {
        // Exponents that would fill the memory with zeros are decided without writing them.
        let digits = i64::try_from(self.digits()).unwrap_or(i64::MAX);
        let whole_digits = digits.saturating_sub(self.fractional_digit_count());
        if self.is_zero() || whole_digits < -SCALE_MAX {
            return out.raw("\"0\"");
        }
        let too_large = "a BIGNUMERIC ends at 2^255 / 10^38, which is about 5.79 * 10^38";
        if whole_digits > SCALE_MAX + 1 {
            return out.invalid(too_large);
        }
        let rounded = if self.fractional_digit_count() > SCALE_MAX {
            self.with_scale_round(SCALE_MAX, RoundingMode::HalfUp)
        } else {
            self.clone()
        };
        if fits(&rounded) {
            out.string(&rounded.to_plain_string());
        } else {
            out.invalid(too_large);
        }
    }
}

/// Whether it is, in units of the last digit, a signed number of 256 bits.
fn fits(decimal: &BigDecimal) -> bool {
    let (units, _) = decimal.with_scale(SCALE_MAX).into_bigint_and_scale();
    units.bits() <= 255 || (units + 1_u8).bits() <= 255
}
