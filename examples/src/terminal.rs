//! Text that fits a terminal: aligned, cut, and without control characters. Prints nothing itself.

use unicode_width::UnicodeWidthChar;

/// The columns that the output of an example takes at most.
pub const COLUMNS: usize = 100;

/// The text in at most this many columns, with an ellipsis where there was more.
#[must_use]
pub fn shortened(text: &str, columns: usize) -> String {
    let mut shortened = String::new();
    // Where to cut if the rest does not fit: one column is kept for the ellipsis.
    let (mut used, mut cut) = (0, 0);
    for letter in text.chars().map(harmless) {
        used += columns_of(letter);
        if used > columns {
            shortened.truncate(cut);
            shortened.push('…');
            return shortened;
        }
        shortened.push(letter);
        if used < columns {
            cut = shortened.len();
        }
    }
    shortened
}

/// The text in exactly this many columns, on the left.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    let text = shortened(text, columns);
    let missing = columns.saturating_sub(columns_in(&text));
    text + &" ".repeat(missing)
}

/// How many columns a text takes.
#[must_use]
pub fn columns_in(text: &str) -> usize {
    text.chars()
        .map(|letter| columns_of(harmless(letter)))
        .sum()
}

/// A number with its digits in groups of three: `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Rows under their header, each column as wide as its longest cell, but at most as wide as is said.
#[must_use]
pub fn table(header: &[(&str, usize)], rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize, (name, most): (&str, usize)| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| columns_in(cell));
        cells
            .chain([columns_in(name)])
            .max()
            .unwrap_or_default()
            .min(most)
    };
    let widths: Vec<_> = header
        .iter()
        .enumerate()
        .map(|(column, of)| width(column, *of))
        .collect();
    let line = |cells: Vec<&str>| {
        let cells: Vec<_> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| padded(cell, *width))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    let rule = widths
        .iter()
        .map(|width| "─".repeat(*width))
        .collect::<Vec<_>>()
        .join("  ");
    let names = line(header.iter().map(|(name, _)| *name).collect());
    let rows = rows
        .iter()
        .map(|row| line(row.iter().map(String::as_str).collect()));
    [names, rule].into_iter().chain(rows).collect()
}

/// A bar for each value, in proportion to the greatest, with its label before and its number behind it.
#[must_use]
pub fn bars(values: &[(String, u64)], label_columns: usize, bar_columns: usize) -> Vec<String> {
    let most = values
        .iter()
        .map(|(_, value)| *value)
        .max()
        .unwrap_or_default();
    let longest = values
        .iter()
        .map(|(label, _)| columns_in(label))
        .max()
        .unwrap_or_default();
    let line = |(label, value): &(String, u64)| {
        let bar = "█".repeat(proportion(*value, most, bar_columns));
        format!(
            "{}  {bar} {}",
            padded(label, longest.min(label_columns)),
            grouped(*value)
        )
    };
    values.iter().map(line).collect()
}

/// How many of `columns` a value takes: at least one, unless it is 0.
fn proportion(value: u64, most: u64, columns: usize) -> usize {
    let columns = u128::try_from(columns).unwrap_or(u128::MAX);
    let share = (u128::from(value) * columns).div_ceil(u128::from(most.max(1)));
    usize::try_from(share).unwrap_or(usize::MAX)
}

/// The character, unless it would move the cursor, change the colour or turn the direction of the text:
/// what others have written is shown, not obeyed.
fn harmless(letter: char) -> char {
    match letter {
        '\t' | '\n' | '\r' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        _ if letter.is_control() => char::REPLACEMENT_CHARACTER,
        _ => letter,
    }
}

fn columns_of(letter: char) -> usize {
    letter.width().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_as_it_is() {
        assert_eq!(shortened("", 0), "");
        assert_eq!(shortened("quick", 5), "quick");
        assert_eq!(shortened("日本語", 6), "日本語");
    }

    #[test]
    fn what_does_not_fit_is_cut_with_an_ellipsis_in_the_last_column() {
        assert_eq!(shortened("quickstart", 5), "quic…");
        assert_eq!(shortened("quickstart", 1), "…");
        assert_eq!(shortened("日本語", 5), "日本…");
        assert_eq!(shortened("日本語", 4), "日…");
    }

    #[test]
    fn wide_and_combining_characters_are_padded_by_their_columns() {
        assert_eq!(padded("日本", 5), "日本 ");
        assert_eq!(padded("e\u{301}", 3), "e\u{301}  ");
    }

    #[test]
    fn a_message_cannot_control_the_terminal() {
        assert_eq!(
            shortened("a\u{1b}[31mb\tc\nd\u{202e}e", 20),
            "a\u{fffd}[31mb c d\u{fffd}e"
        );
        assert_eq!(padded("\u{1b}", 2), "\u{fffd} ");
    }

    #[test]
    fn digits_stand_in_groups() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_column_is_as_wide_as_its_cells_up_to_its_limit() {
        let rows = [
            vec!["1".to_owned(), "a long subject".to_owned()],
            vec!["22".to_owned(), "b".to_owned()],
        ];
        assert_eq!(
            table(&[("n", 9), ("subject", 10)], &rows),
            ["n   subject", "──  ──────────", "1   a long su…", "22  b",]
        );
    }

    #[test]
    fn the_greatest_bar_is_full_and_the_smallest_is_seen() {
        let values = [
            ("Ann".to_owned(), 2_000),
            ("Bo".to_owned(), 1_000),
            ("C".to_owned(), 1),
            ("D".to_owned(), 0),
        ];
        assert_eq!(
            bars(&values, 10, 4),
            ["Ann  ████ 2,000", "Bo   ██ 1,000", "C    █ 1", "D     0"]
        );
        assert_eq!(bars(&[], 10, 4), [""; 0]);
    }
}
