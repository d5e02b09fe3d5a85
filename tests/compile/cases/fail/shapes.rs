//! BigQuery's arrays are never NULL, hold no NULL and hold no arrays.

use logeater_client::{Column, Event};

#[derive(Event)]
#[event("cart.add")]
struct CartAdd {
    optional_list: Option<Vec<String>>, //~ instead of `Option<Vec<T>>` or `Option<Option<T>>` write `Vec<T>` or `Option<T>`
    options: Vec<Option<String>>, //~ instead of `Vec<Option<T>>` or `Vec<Vec<T>>` write a `Vec` of a struct that derives `Column`
    lists: Vec<Vec<String>>, //~ instead of `Vec<Option<T>>` or `Vec<Vec<T>>` write a `Vec` of a struct that derives `Column`
    option: Option<Option<String>>, //~ instead of `Option<Vec<T>>` or `Option<Option<T>>` write `Vec<T>` or `Option<T>`
}

#[derive(Column)]
struct Tag {
    optional_list: Option<Vec<String>>, //~ write `Vec<T>` or `Option<T>`
}

#[derive(Column)]
enum Tagged {
    Named { options: Vec<Option<String>> }, //~ write a `Vec` of a struct that derives `Column`
    Unnamed(Vec<Vec<String>>), //~ write a `Vec` of a struct that derives `Column`
}

#[derive(Column)]
struct Tags(Option<Vec<String>>); //~ write `Vec<T>` or `Option<T>`

#[derive(Column)]
struct ManyTags(Vec<String>);

#[derive(Event)]
#[event("cart.tag")]
struct CartTag {
    newtypes: Vec<ManyTags>, //~ write a `Vec` of a struct that derives `Column`
}

fn main() {}
