//! The types of the standard library that are columns.

mod containers;
mod numbers;
mod texts;
mod times;
