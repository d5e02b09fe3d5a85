//! BigQuery, as far as the stand-in of `support::warehouse` is like it.

mod apply;
mod insert_all;
