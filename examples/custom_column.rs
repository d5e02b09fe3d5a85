//! Types as columns that cannot derive `Column`, four ways.
//!
//! `cargo run --example custom_column`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::fmt;

use logeater_client::{Client, Column, ColumnType, Event, JsonWriter, One};

/// A page was seen.
#[derive(Event)]
#[event("page.seen")]
struct Seen {
    // 1. Its text by `Display`: a STRING.
    #[event(display)]
    version: Version,
    // 2. What it converts into by `From`: here a RECORD.
    #[event(into = Size)]
    screen: (u32, u32),
    // 3. An adapter, for a type and a form that are both of others.
    #[event(with = country_name)]
    country: Country,
    // 4. `Column` by hand, where every field of the type should be this column.
    price: Cents,
}

struct Version(u8, u8);

/// By its number in ISO 3166; imagine another crate's type.
struct Country(u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[derive(Column)]
struct Size {
    width: u32,
    height: u32,
}

impl From<&(u32, u32)> for Size {
    fn from(&(width, height): &(u32, u32)) -> Self {
        Self { width, height }
    }
}

/// A code as the name that people read.
mod country_name {
    pub(super) type Column = &'static str;

    pub(super) fn column(country: &super::Country) -> Column {
        match country.0 {
            276 => "Germany",
            376 => "Israel",
            _ => "elsewhere",
        }
    }
}

/// Whole cents, which the warehouse has as a decimal.
struct Cents(i64);

impl Column for Cents {
    type Shape = One;
    type List = logeater_client::Many;
    const TYPE: ColumnType = ColumnType::Numeric;
    const DESCRIPTION: &'static str = "In euros.";

    /// NUMERIC is text on the wire: exact to the digit.
    fn write(&self, out: &mut JsonWriter<'_>) {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        out.string(&format!("{sign}{}.{:02}", cents / 100, cents % 100));
    }
}

fn main() {
    let [seen] = Seen::TYPES else { return };
    for field in seen.fields {
        println!("{:10}{}", field.name, field.column_type.name());
    }
    let (client, recorded) = Client::recording();
    client.emit(Seen {
        version: Version(1, 4),
        screen: (1920, 1080),
        country: Country(376),
        price: Cents(1_999),
    });
    for event in recorded.events() {
        println!("{}", event.details.as_deref().unwrap_or_default());
    }
}
