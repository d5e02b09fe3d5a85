//! Clients that push the same events over and over, each time with new ids.

use std::time::{Duration, Instant};

use logeater_benches::{Failure, Purchase, entry};
use logeater_proto::event::EventBatch;
use logeater_proto::event::event_client::EventClient;
use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tonic::transport::{Channel, Endpoint};

use crate::ids::Ids;

pub(crate) const SERVICE: &str = "checkout";

/// What is to be pushed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Each has a connection of its own, and pushes again when it is answered.
    pub(crate) clients: u32,
    /// The events of a `PushBatch`; with 1, each is a `Push`.
    pub(crate) batch: u32,
    /// The events of all clients together.
    pub(crate) events: u32,
    /// How many a second at most.
    pub(crate) rate: Option<u32>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) seconds: f64,
    /// From a request to its answer, in order.
    pub(crate) waits: Vec<Duration>,
}

impl Answered {
    /// The wait in milliseconds that a share of all requests does not exceed.
    pub(crate) fn wait_millis(&self, percent: usize) -> f64 {
        let last = self.waits.len().saturating_sub(1);
        let wait = self.waits.get(last * percent / 100);
        wait.map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
    }
}

impl Load {
    /// The events that are pushed, which are whole batches of each client.
    pub(crate) fn pushed(self) -> u32 {
        self.requests() * self.batch * self.clients
    }

    fn requests(self) -> u32 {
        (self.events / self.batch / self.clients).max(1)
    }

    /// Connects, and pushes.
    pub(crate) fn push(self, url: &str) -> Result<Answered, Failure> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut clients = Vec::new();
            for number in 0..self.clients {
                clients.push(Client::connect(url, self.batch, number).await?);
            }
            let started = Instant::now();
            let mut pushing = JoinSet::new();
            for client in clients {
                pushing.spawn(client.push(self));
            }
            let mut waits = Vec::new();
            while let Some(client) = pushing.join_next().await {
                waits.extend(client??);
            }
            waits.sort();
            Ok(Answered {
                seconds: started.elapsed().as_secs_f64(),
                waits,
            })
        })
    }

    /// How long after one request the next one of the same client is due.
    fn pace(self) -> Option<Duration> {
        let batch = Duration::from_secs(self.batch.into());
        Some(batch * self.clients / self.rate?)
    }
}

struct Client {
    service: EventClient<Channel>,
    batch: EventBatch,
    ids: Ids,
}

impl Client {
    async fn connect(url: &str, batch: u32, number: u32) -> Result<Self, Failure> {
        let channel = Endpoint::from_shared(url.to_owned())?.connect().await?;
        let entry = entry(&Purchase::typical(), SERVICE)?;
        Ok(Self {
            service: EventClient::new(channel),
            batch: EventBatch {
                entries: vec![entry; batch as usize],
            },
            ids: Ids::new(number),
        })
    }

    async fn push(mut self, load: Load) -> Result<Vec<Duration>, tonic::Status> {
        let mut pace = load.pace().map(interval);
        if let Some(pace) = &mut pace {
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        }
        let mut waits = Vec::new();
        for _ in 0..load.requests() {
            if let Some(pace) = &mut pace {
                pace.tick().await;
            }
            let request = self.next_request();
            let started = Instant::now();
            self.request(request).await?;
            waits.push(started.elapsed());
        }
        Ok(waits)
    }

    /// The same events with new ids.
    fn next_request(&mut self) -> EventBatch {
        for (entry, id) in self.batch.entries.iter_mut().zip(self.ids.of_now()) {
            entry.event_id = Some(id.into_bytes().to_vec());
        }
        self.batch.clone()
    }

    async fn request(&mut self, mut batch: EventBatch) -> Result<(), tonic::Status> {
        if let [_] = batch.entries[..] {
            let entry = batch.entries.remove(0);
            return self.service.push(entry).await.map(drop);
        }
        let all = batch.entries.len();
        let answer = self.service.push_batch(batch).await?.into_inner();
        if answer.accepted as usize == all {
            Ok(())
        } else {
            Err(tonic::Status::data_loss(format!("{answer:?}")))
        }
    }
}
