//! Which decimals BigQuery's NUMERIC and BIGNUMERIC hold.
//!
//! <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#decimal_types>

/// How large a decimal may be, and how fine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecimalRange {
    /// The digits of the largest value before the point.
    whole_max: &'static str,
    /// The digits of the largest value behind the point.
    fraction_max: &'static str,
    /// The most digits behind the point.
    scale: usize,
}

/// 38 digits, nine of them behind the point.
pub(crate) const NUMERIC: DecimalRange = DecimalRange {
    whole_max: "99999999999999999999999999999",
    fraction_max: "999999999",
    scale: 9,
};

/// 2^255 − 1 with the point before its last 38 digits. The one more that is negative is not taken.
pub(crate) const BIGNUMERIC: DecimalRange = DecimalRange {
    whole_max: "578960446186580977117854925043439539266",
    fraction_max: "34992332820282019728792003956564819967",
    scale: 38,
};

impl DecimalRange {
    /// Whether `text` is a decimal within this range: a sign or none, digits, a point or none; no exponent.
    pub(crate) fn contains(self, text: &str) -> bool {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        if !is_digits(whole) || !is_digits(fraction) {
            return false;
        }
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        // Digits of one length, and digits behind a point, compare as text.
        fraction.len() <= self.scale
            && (whole.len(), whole, fraction)
                <= (self.whole_max.len(), self.whole_max, self.fraction_max)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_digits_with_a_sign_or_a_point() {
        for text in ["0", "-0", "007", "12.50", "-0.000000001", "1.0000000000000"] {
            assert!(NUMERIC.contains(text), "{text}");
        }
        for text in [
            "", "-", "+1", ".5", "5.", "1e3", "1,5", "--1", "1.2.3", "NaN", " 1",
        ] {
            assert!(!NUMERIC.contains(text), "{text}");
        }
    }

    #[test]
    fn numeric_holds_29_digits_and_a_scale_of_9() {
        assert!(NUMERIC.contains("-99999999999999999999999999999.999999999"));
        assert!(!NUMERIC.contains("100000000000000000000000000000"));
        assert!(!NUMERIC.contains("0.0000000001"));
    }

    #[test]
    fn bignumeric_holds_all_of_u128_and_ends_where_bigquery_says() {
        assert!(BIGNUMERIC.contains(&u128::MAX.to_string()));
        let max = "578960446186580977117854925043439539266.34992332820282019728792003956564819967";
        assert!(BIGNUMERIC.contains(max));
        assert!(!BIGNUMERIC.contains("578960446186580977117854925043439539266.35"));
        assert!(!BIGNUMERIC.contains("578960446186580977117854925043439539267"));
        assert!(!BIGNUMERIC.contains("0.000000000000000000000000000000000000001"));
    }
}
