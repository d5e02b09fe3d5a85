//! `rust_decimal`, `bigdecimal`: each is the other's witness.

use std::str::FromStr;

use bigdecimal::num_bigint::BigInt;
use bigdecimal::{BigDecimal, RoundingMode};
use logeater_schema::{Column, ColumnType};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::written;

fn unquoted(json: &str) -> &str {
    json.trim_matches('"')
}

prop_compose! {
    fn decimal()(mantissa in -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335, scale in 0..=28_u32) -> Decimal {
        Decimal::from_i128_with_scale(mantissa, scale)
    }
}

prop_compose! {
    /// Up to about 10^46, with digits far behind the point, many of them halves of the last one that is kept.
    fn big_decimal()(mantissa: i128, zeros in 0..20_usize, half in any::<bool>(), scale in -10_i64..=60) -> BigDecimal {
        let digits = format!("{mantissa}{}{}", "0".repeat(zeros), if half { "5" } else { "" });
        BigDecimal::new(digits.parse().expect("digits"), scale)
    }
}

proptest! {
    #[test]
    fn a_decimal_is_rounded_to_nine_digits(decimal in decimal()) {
        let json = written(&decimal).expect("every Decimal fits a NUMERIC");
        let text = unquoted(&json);
        if decimal.scale() <= 9 {
            prop_assert_eq!(text, decimal.to_string());
        }
        let exact = BigDecimal::from_str(&decimal.to_string()).expect("a decimal");
        let expected = exact.with_scale_round(9, RoundingMode::HalfUp);
        prop_assert_eq!(BigDecimal::from_str(text).expect("a decimal"), expected);
    }

    #[test]
    fn a_big_decimal_is_rounded_to_38_digits_or_refused(exact in big_decimal()) {
        // 2^255, the limit in units of 10^-38.
        let limit = BigDecimal::new(BigInt::from(2).pow(255), 38);
        let unit = BigDecimal::new(BigInt::from(1), 38);
        let Ok(json) = written(&exact) else {
            prop_assert!(exact.abs() > limit - unit);
            return Ok(());
        };
        let text = unquoted(&json);
        prop_assert!(!text.contains(['e', 'E', '+']));
        let rounded = BigDecimal::from_str(text).expect("a decimal");
        prop_assert!(rounded.abs() <= limit);
        prop_assert!(rounded.fractional_digit_count() <= 38);
        let error = (&rounded - &exact).abs() * 2;
        prop_assert!(error <= unit);
        if error == unit {
            prop_assert!(rounded.abs() > exact.abs());
        }
    }
}

#[test]
fn a_decimal_in_the_middle_is_rounded_away_from_zero() {
    for (decimal, expected) in [
        ("0.0000000005", "0.000000001"),
        ("-0.0000000025", "-0.000000003"),
        ("0.00000000249", "0.000000002"),
    ] {
        let decimal = Decimal::from_str(decimal).expect("a decimal");
        assert_eq!(written(&decimal), Ok(format!("\"{expected}\"")));
    }
}

#[test]
fn the_ends_of_a_bignumeric_are_those_of_256_bits() {
    let power = BigInt::from(2).pow(255);
    let decimal = |units: BigInt| BigDecimal::new(units, 38);
    let lowest =
        "\"-578960446186580977117854925043439539266.34992332820282019728792003956564819968\"";
    assert_eq!(written(&decimal(-&power)).as_deref(), Ok(lowest));
    assert!(written(&decimal(&power - 1)).is_ok());
    assert!(written(&decimal(power.clone())).is_err());
    assert!(written(&decimal(-power - 1)).is_err());
}

#[test]
fn an_exponent_of_any_size_costs_no_memory() {
    let huge = |scale| BigDecimal::new(BigInt::from(1), scale);
    assert!(written(&huge(i64::MIN)).is_err());
    assert_eq!(written(&huge(i64::MAX)).as_deref(), Ok("\"0\""));
    let zero = BigDecimal::new(BigInt::from(0), i64::MIN);
    assert_eq!(written(&zero).as_deref(), Ok("\"0\""));
}

#[test]
fn decimals_are_columns_of_their_types() {
    assert_eq!(
        (Decimal::TYPE, BigDecimal::TYPE),
        (ColumnType::Numeric, ColumnType::BigNumeric)
    );
}
