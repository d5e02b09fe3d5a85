//! A field whose type is no column says so once, and what to write instead.

use std::path::{Path, PathBuf};
use std::time::Instant;

use logeater_client::{Column, Event};

struct Own;
struct Other;

#[derive(Event)]
#[event("cart.add")]
struct CartAdd<'a> {
    own: Own, //~ `Own` cannot be a column … for a type of your own: `#[derive(Column)]`
    list: Vec<Own>, //~ `Own` cannot be a column
    tuple: (u8, u8), //~ `(u8, u8)` cannot be a column … for a tuple: a struct with named fields
    unit: (), //~ `()` cannot be a column … leave the field out: `#[event(skip)]`
    path: &'a Path, //~ `Path` cannot be a column … for a path: a `String`
    path_buf: PathBuf, //~ `PathBuf` cannot be a column … `#[event(display)]`
    result: Result<u8, u8>, //~ `Result<u8, u8>` cannot be a column … for a `Result`: an enum
    instant: Instant, //~ `Instant` cannot be a column … for an `Instant`: the `Duration` since it
    #[event(required)]
    required: Own, //~ `Own` cannot be a column
}

#[derive(Event)]
#[event("order")]
enum Order {
    Place { own: Own }, //~ `Own` cannot be a column
    Cancel { own: Other }, //~ `Other` cannot be a column
}

#[derive(Column)]
struct Record {
    own: Own, //~ `Own` cannot be a column
}

#[derive(Column)]
enum Data {
    Named { own: Own }, //~ `Own` cannot be a column
    Unnamed(Own), //~ `Own` cannot be a column
}

#[derive(Column)]
struct Newtype(Own); //~ `Own` cannot be a column

#[derive(Column)]
struct List(Vec<Own>); //~ `Own` cannot be a column

/// What is no column is said where it stands, and not where that is used.
#[derive(Event)]
#[event("cart.use")]
struct CartUse {
    newtype: Newtype,
    list: List,
    record: Record,
    data: Option<Data>,
}

fn main() {}
