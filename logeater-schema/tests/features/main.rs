//! Types of other crates as columns, held against what those crates write of the same values.

mod decimals;
mod texts;
mod times;

use logeater_schema::{Column, JsonWriter};

fn written<C: Column>(column: &C) -> Result<String, String> {
    let mut out = Vec::new();
    let mut json = JsonWriter::new(&mut out);
    column.write(&mut json);
    json.finish().map_err(std::borrow::Cow::into_owned)?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}
