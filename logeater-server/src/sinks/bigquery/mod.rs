//! The sink `bigquery`: a row for each event, and one in its extended table.

mod rows;
