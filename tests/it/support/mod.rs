//! What the tests need: servers in the background, events, and a look into the store.

mod certificates;
mod collector;
mod events;
mod itself;
mod peer;
mod proxy;
mod scripted;
mod store;
mod told;
mod watch;

pub(crate) use certificates::Authority;
pub(crate) use collector::{Collector, Program};
pub(crate) use events::{Address, Line, Order, Shop};
pub(crate) use itself::{another_process, role};
pub(crate) use peer::{BabblingPeer, Front, Peer, SilentPeer, nowhere};
pub(crate) use proxy::Proxy;
pub(crate) use scripted::{Lie, Noise, Reply, ScriptedPeer};
pub(crate) use store::Store;
pub(crate) use told::Told;
pub(crate) use watch::{check_sum, watch};

use logeater_client::{Client, ClientBuilder};

/// A client of `url` with a short linger, so that tests do not wait.
pub(crate) fn client(url: &str) -> ClientBuilder {
    Client::builder(url)
        .service("it")
        .linger(std::time::Duration::from_millis(1))
}
