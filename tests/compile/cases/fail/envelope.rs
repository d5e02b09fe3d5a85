//! What goes to the envelope names a user or a moment.

use logeater_client::{Column, Event};

#[derive(Column)]
struct Newtype(f64);

struct Own;

#[derive(Event)]
#[event("cart.add")]
struct CartAdd {
    #[event(user_id)]
    user: f64, //~ `f64` cannot be a user id … expected text, an integer
    #[event(timestamp)]
    at: u64, //~ `u64` is not a moment in time … expected `SystemTime`
}

#[derive(Event)]
#[event("cart.remove")]
struct CartRemove {
    #[event(user_id)]
    user: Newtype, //~ cannot be a user id
    #[event(timestamp)]
    at: Own, //~ `Own` is not a moment in time … implement `EventTime` for it
}

fn emit(_: impl Event) {}

fn main() {
    emit(Own); //~ `Own` is not an event … derive it: `#[derive(Event)] #[event("cart.add")]`
}
