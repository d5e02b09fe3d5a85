//! One load on one collector, and what it took.

use std::fs;
use std::path::Path;

use logeater_benches::{Failure, Process, process_seconds};

use crate::load::Load;
use crate::serve::{Setup, command};

/// A collector that runs, with its store.
#[derive(Debug)]
pub(crate) struct Collector<'a> {
    pub(crate) process: Process,
    data: &'a Path,
}

/// What a load took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) events: f64,
    pub(crate) seconds: f64,
    /// Of the collector.
    pub(crate) cpu: f64,
    /// Of the clients.
    pub(crate) load_cpu: f64,
    /// What the collector has had written to disk.
    pub(crate) written: f64,
    /// The waits of half of the requests, and of 99 of 100, in milliseconds.
    pub(crate) waits: [f64; 2],
}

impl Taken {
    pub(crate) fn events_a_second(self) -> f64 {
        self.events / self.seconds
    }

    /// The collector's CPU time of an event, in microseconds.
    pub(crate) fn micros_each(self) -> f64 {
        self.cpu * 1e6 / self.events
    }
}

impl<'a> Collector<'a> {
    pub(crate) fn start(data: &'a Path, setup: Setup) -> Result<Self, Failure> {
        let process = Process::start(&mut command(data, setup)?)?;
        Ok(Self { process, data })
    }

    pub(crate) fn push(&self, load: Load) -> Result<Taken, Failure> {
        let cpu = self.process.cpu_seconds()?;
        let written = self.process.written_bytes()?;
        let load_cpu = process_seconds("self")?;
        let answered = load.push(self.process.url())?;
        Ok(Taken {
            events: load.pushed().into(),
            seconds: answered.seconds,
            cpu: self.process.cpu_seconds()? - cpu,
            load_cpu: process_seconds("self")? - load_cpu,
            written: self.process.written_bytes()? - written,
            waits: [50, 99].map(|percent| answered.wait_millis(percent)),
        })
    }

    /// The bytes of the store's file.
    pub(crate) fn store_bytes(&self) -> Result<u64, Failure> {
        store_bytes(self.data)
    }

    /// Ends it; returns the bytes that the store has then.
    pub(crate) fn end(self) -> Result<u64, Failure> {
        self.process.end()?;
        store_bytes(self.data)
    }
}

fn store_bytes(data: &Path) -> Result<u64, Failure> {
    Ok(fs::metadata(data.join("logeater.db"))?.len())
}
