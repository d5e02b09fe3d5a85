//! The type of the crate `rust_decimal`.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::{Column, ColumnType, JsonWriter, Many, One};

/// The most digits behind the point that a NUMERIC has.
const SCALE_MAX: u32 = 9;

/// A NUMERIC, which has room for all 29 digits before the point; beyond nine behind it a value is rounded half
/// away from zero, as BigQuery rounds.
impl Column for Decimal {
    type Shape = One;
    type List = Many;
    const TYPE: ColumnType = ColumnType::Numeric;

    fn write(&self, out: &mut JsonWriter<'_>) {
        if self.scale() > SCALE_MAX {
            let away = RoundingStrategy::MidpointAwayFromZero;
            out.display(self.round_dp_with_strategy(SCALE_MAX, away));
        } else {
            out.display(self);
        }
    }
}
