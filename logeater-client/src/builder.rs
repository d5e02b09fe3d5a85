//! Makes a client: what can be set, the defaults, and whether it can work.

mod error;
mod spool;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logeater_proto::{REQUEST_BYTES_MAX, REQUEST_ENTRIES_MAX, SERVICE_BYTES_MAX};
use tracing::{Dispatch, dispatcher};

use self::spool::SpoolSettings;
use crate::client::Client;
use crate::connect::Connect;
use crate::encode::Encoder;
use crate::event_id::EventIds;
use crate::loss::{Loss, LossReports, OnLoss};
use crate::queue::{Limits, Queue};
use crate::sampling::Sampling;
use crate::shared::{FAR, Shared};
use crate::starter::NoWorker;
use crate::timestamp::TimestampUnit;
use crate::when_full::WhenFull;
use crate::worker::{self, Delivery};

pub use error::BuildError;
pub(crate) use error::needs_feature;

/// Into how many batches a buffer must be divided, so that some can wait while others are on their way.
const BATCHES_MIN: usize = 8;

/// Sets up a [`Client`]; made by [`Client::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    pub(crate) connect: Connect,
    service: String,
    unit: TimestampUnit,
    limits: Limits,
    timeout: Duration,
    retry_for: Duration,
    drop_timeout: Duration,
    sampling: Sampling,
    when_full: WhenFull,
    on_loss: Option<OnLoss>,
    spool: Option<SpoolSettings>,
    spool_bytes: u64,
    disabled: bool,
}

impl ClientBuilder {
    pub(crate) fn new(endpoint: String) -> Self {
        Self {
            connect: Connect::new(endpoint),
            service: String::new(),
            unit: TimestampUnit::default(),
            limits: Limits {
                batch_bytes: 512 << 10,
                batch_events: 10_000,
                linger: Duration::from_millis(100),
                buffer_bytes: 8 << 20,
            },
            timeout: Duration::from_secs(10),
            retry_for: Duration::from_mins(5),
            drop_timeout: Duration::from_secs(2),
            sampling: Sampling::default(),
            when_full: WhenFull::default(),
            on_loss: None,
            spool: None,
            spool_bytes: 1 << 30,
            disabled: false,
        }
    }

    /// One that builds a client that ignores its events, whatever else is set.
    pub(crate) fn disabled() -> Self {
        Self {
            disabled: true,
            ..Self::new(String::new())
        }
    }

    /// Names the service that sends, the same for all events. It must be set.
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Sets the unit of the timestamps; milliseconds by default.
    pub fn timestamp_unit(mut self, unit: TimestampUnit) -> Self {
        self.unit = unit;
        self
    }

    /// Sets how long the first event of a batch waits for company; 100 ms by default.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.limits.linger = linger;
        self
    }

    /// Sets how many bytes of events make a batch; 512 KiB by default, at most 4 MiB and an eighth of
    /// [`buffer_bytes`](Self::buffer_bytes). A larger event goes alone.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes;
        self
    }

    /// Sets how many events make a batch; 10,000 by default, at most 100,000.
    pub fn batch_events(mut self, events: u32) -> Self {
        self.limits.batch_events = events;
        self
    }

    /// Sets how many bytes of memory events may take while they wait or are on their way, a hard ceiling; 8 MiB by
    /// default. What does not fit is dropped and counted; [`when_full`](Self::when_full) says what that is.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.limits.buffer_bytes = bytes;
        self
    }

    /// Sets how long a request may take; 10 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long a batch is tried, from its first request on; 5 minutes by default.
    pub fn retry_for(mut self, time: Duration) -> Self {
        self.retry_for = time;
        self
    }

    /// Sets how long the drop of the last handle may take to deliver what is left; 2 seconds by default.
    pub fn drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// Sends only a share of the events of a type, such as `page.view`, or of a namespace, `page.*`, or of all, `*`:
    /// from 0 for none to 1 for all. The most exact one counts.
    ///
    /// Each event is picked by chance, for itself. Those left out are counted in
    /// [`sampled_out`](crate::Stats::sampled_out) alone. What is [pushed](crate::Client::push) is always sent.
    pub fn sample(mut self, event_type: impl Into<String>, share: f64) -> Self {
        self.sampling.set(event_type.into(), share);
        self
    }

    /// Sets what is dropped when the buffer is full, or the spool: the new event, by default.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Calls `on_loss` for events that are dropped or rejected, with their type, the reason and how many they are.
    ///
    /// It is called on a thread of its own, soon after: it may take its time, and losses are added up meanwhile. It
    /// is not called for what it emits itself and is lost at once. A shutdown waits for it, but no longer than a quarter of a second.
    pub fn on_loss(mut self, on_loss: impl Fn(&Loss) + Send + Sync + 'static) -> Self {
        self.on_loss = Some(OnLoss::new(on_loss));
        self
    }

    /// Makes the client. Its thread starts with the first event, or now if there is a [spool](Self::spool), and connects
    /// when there is something to send, so a server that is not there yet is no error.
    ///
    /// While the system gives no thread, each event asks for one anew, and is lost
    /// ([`NoThread`](crate::LossReason::NoThread)) until there is one.
    ///
    /// A process can be forked until that thread starts. In one that is forked later the client says so in the log, and
    /// is shut down: build another one there.
    ///
    /// # Errors
    ///
    /// When a setting cannot work; the message names the value and the fix. When the system gives no random bits, or no
    /// thread to a client with a spool.
    pub fn build(self) -> Result<Client, BuildError> {
        self.build_with(worker::start)
    }

    /// [`build`](Self::build), with what starts the client's thread.
    fn build_with(
        self,
        start: impl Fn(Arc<Shared>, Arc<Delivery>, Dispatch) -> io::Result<()> + Send + Sync + 'static,
    ) -> Result<Client, BuildError> {
        if self.disabled {
            return Ok(Client::disabled());
        }
        self.check_service()?;
        self.check_limits()?;
        let servers = self.connect.servers()?;
        let mut instance = [0; 6];
        getrandom::fill(&mut instance).map_err(|error| BuildError::System {
            what: "random bits",
            source: error.into(),
        })?;
        let spool = self.open_spool(instance)?;
        let has_spool = spool.is_some();
        let encoder = Encoder {
            service: self.service,
            unit: self.unit,
        };
        let mut limits = self.limits;
        limits.batch_bytes = limits
            .batch_bytes
            .min(limits.buffer_bytes.div_ceil(BATCHES_MIN));
        let queue = Queue::new(limits, EventIds::new(instance));
        let losses = self.on_loss.map(LossReports::new);
        let delivery = Arc::new(Delivery {
            servers,
            // gRPC has eight digits for it.
            timeout: self.timeout.min(FAR),
            retry_for: self.retry_for,
            spool: Mutex::new(spool),
        });
        let subscriber = dispatcher::get_default(Dispatch::clone);
        let start = move |shared| start(shared, Arc::clone(&delivery), subscriber.clone());
        let shared = Arc::new(Shared::new(
            encoder,
            self.sampling,
            self.when_full,
            has_spool,
            queue,
            losses,
            Box::new(start),
        ));
        // What others have left on disk is delivered even if there is never an event.
        if has_spool && let Err(NoWorker::System(source)) = shared.start() {
            let what = "thread";
            return Err(BuildError::System { what, source });
        }
        Ok(Client::sending(shared, self.drop_timeout))
    }

    /// Whether that which must be set still is to be.
    pub(crate) fn has_service(&self) -> bool {
        self.disabled || !self.service.trim().is_empty()
    }

    /// What `build` says, but for a service that is not set yet.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if self.has_service() {
            self.check_service()?;
        }
        self.check_limits()?;
        self.connect.servers().map(drop)
    }

    fn check_service(&self) -> Result<(), BuildError> {
        let reason = if !self.has_service() {
            "it is empty or not set; name the program that sends: .service(\"checkout\")".to_owned()
        } else if self.service.len() > SERVICE_BYTES_MAX {
            // The service is in every entry, and one entry must always fit.
            format!(
                "it has {} bytes; at most {SERVICE_BYTES_MAX}",
                self.service.len()
            )
        } else {
            return Ok(());
        };
        let setting = "service";
        Err(BuildError::Setting { setting, reason })
    }

    fn check_limits(&self) -> Result<(), BuildError> {
        let Limits {
            batch_bytes,
            batch_events,
            buffer_bytes,
            ..
        } = self.limits;
        let (setting, reason) = if !(1..=REQUEST_BYTES_MAX).contains(&batch_bytes) {
            let reason = format!("{batch_bytes} is not between 1 and {REQUEST_BYTES_MAX}");
            ("batch_bytes", reason)
        } else if !(1..=REQUEST_ENTRIES_MAX).contains(&batch_events) {
            let reason = format!("{batch_events} is not between 1 and {REQUEST_ENTRIES_MAX}");
            ("batch_events", reason)
        } else if buffer_bytes == 0 {
            let reason = "a buffer of no bytes holds no event".to_owned();
            ("buffer_bytes", reason)
        } else if let Err(reason) = self.sampling.check() {
            ("sample", reason)
        } else if self.spool_bytes == 0 {
            let reason = "a spool of no bytes keeps no batch".to_owned();
            ("spool_bytes", reason)
        } else if self.timeout.is_zero() {
            let reason = "no request can be answered in no time".to_owned();
            ("timeout", reason)
        } else {
            return Ok(());
        };
        Err(BuildError::Setting { setting, reason })
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use logeater_schema::Event;

    use super::*;
    use crate::blocking::block_on;
    use crate::client::PushError;
    use crate::loss::LossReason;

    #[derive(Event)]
    #[event("thread.wanted", crate = crate)]
    struct Wanted;

    /// A client of nobody, whose thread cannot be started the first `failures` times.
    fn without_thread(failures: usize, builder: ClientBuilder) -> Result<Client, BuildError> {
        let left = Mutex::new(vec![(); failures]);
        builder
            .service("s")
            .build_with(
                move |shared, delivery, subscriber| match left.lock().unwrap().pop() {
                    Some(()) => Err(io::Error::new(
                        io::ErrorKind::WouldBlock,
                        "too many threads",
                    )),
                    None => worker::start(shared, delivery, subscriber),
                },
            )
    }

    #[test]
    fn an_event_without_a_thread_is_lost_and_the_next_one_asks_for_it_again() {
        let client = without_thread(3, Client::builder("http://127.0.0.1:1")).unwrap();
        client.emit(Wanted);
        assert!(client.flush_blocking(Duration::ZERO).is_ok());
        let lost = Err(PushError::Lost(LossReason::NoThread));
        assert_eq!(block_on(client.push(Wanted)), lost);
        block_on(client.emit_wait(Wanted));
        let stats = client.stats();
        assert_eq!(
            (stats.dropped_for(LossReason::NoThread), stats.pending),
            (3, 0)
        );
        client.emit(Wanted);
        assert_eq!(client.stats().pending, 1);
        let report = client.shutdown_blocking(Duration::ZERO);
        assert_eq!((report.dropped, report.pending), (4, 0));
    }

    #[test]
    fn a_shutdown_without_a_thread_ends() {
        let client = without_thread(1, Client::builder("http://127.0.0.1:1")).unwrap();
        client.shutdown_blocking(FAR);
        client.emit(Wanted);
        assert_eq!(client.stats().dropped_for(LossReason::ShutDown), 1);
    }

    #[test]
    fn a_client_with_a_spool_is_not_built_without_a_thread_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let builder = Client::builder("http://127.0.0.1:1").spool(folder.path());
        let refusal = without_thread(1, builder).unwrap_err();
        assert_eq!(refusal.to_string(), "the system gives the client no thread");
        assert_eq!(refusal.source().unwrap().to_string(), "too many threads");
    }

    fn refusal(builder: ClientBuilder) -> String {
        builder.build().unwrap_err().to_string()
    }

    #[test]
    fn a_setting_that_cannot_work_is_refused_by_name() {
        let builder = || ClientBuilder::new("http://localhost:1".to_owned()).service("s");
        for (wrong, setting) in [
            (builder().service(" "), "`service`"),
            (builder().service("s".repeat(256)), "`service`"),
            (builder().batch_bytes(0), "`batch_bytes`"),
            (
                builder().batch_bytes(REQUEST_BYTES_MAX + 1),
                "`batch_bytes`",
            ),
            (builder().batch_events(0), "`batch_events`"),
            (builder().buffer_bytes(0), "`buffer_bytes`"),
            (builder().sample("cart.add", 1.5), "`sample`"),
            (builder().spool_bytes(0), "`spool_bytes`"),
            (builder().timeout(Duration::ZERO), "`timeout`"),
            (
                builder().connect_timeout(Duration::ZERO),
                "`connect_timeout`",
            ),
            (builder().keepalive(Duration::ZERO), "`keepalive`"),
        ] {
            assert!(refusal(wrong).starts_with(setting));
        }
    }
}
