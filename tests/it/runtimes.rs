//! A client on no runtime, on a current-thread runtime, on a multi-thread one.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake};
use std::thread;
use std::time::Duration;

use logeater_client::{Client, EventExt, PushError};
use tokio::runtime::Builder;

use crate::support::{Collector, Order, client};

const PATIENCE: Duration = Duration::from_secs(30);

/// What every one of them does, without a runtime's help.
fn emit_and_flush(client: &Client) {
    for number in 0..10 {
        client.emit(Order { number });
    }
    client.flush_blocking(PATIENCE).unwrap();
    assert_eq!(client.stats().delivered, 10);
}

async fn emit_push_and_flush(client: &Client) {
    let before = client.stats().delivered;
    for number in 0..10 {
        client.emit(Order { number });
    }
    client.push(Order { number: 10 }).await.unwrap();
    client.flush(PATIENCE).await.unwrap();
    assert_eq!(client.stats().delivered, before + 11);
    let report = client.shutdown(PATIENCE).await;
    assert_eq!((report.delivered, report.pending), (before + 11, 0));
    assert!(matches!(
        client.push(Order { number: 11 }).await,
        Err(PushError::Lost(_))
    ));
}

#[test]
fn on_no_runtime() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    emit_and_flush(&client);
    assert_eq!(client.shutdown_blocking(PATIENCE).delivered, 10);
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        10
    );
}

/// All of it, within a runtime of this kind.
fn works_on(kind: &mut Builder) {
    let collector = Collector::start();
    kind.build().unwrap().block_on(async {
        let client = client(&collector.url).build().unwrap();
        emit_push_and_flush(&client).await;
    });
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        11
    );
}

#[test]
fn on_a_current_thread_runtime() {
    works_on(Builder::new_current_thread().enable_all());
}

#[test]
fn on_a_multi_thread_runtime() {
    works_on(Builder::new_multi_thread().worker_threads(2).enable_all());
}

#[test]
fn on_a_runtime_without_a_timer_or_any_driver() {
    works_on(&mut Builder::new_current_thread());
}

#[test]
fn on_a_runtime_whose_clock_is_stopped_and_put_forward() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::advance(Duration::from_hours(24)).await;
        client.emit(Order { number: 0 });
        // Nothing hurries it but its linger.
        while client.stats().delivered == 0 {
            thread::yield_now();
        }
        emit_push_and_flush(&client.clone()).await;
    });
}

#[test]
fn the_blocking_twins_and_the_drop_work_within_a_current_thread_runtime() {
    let collector = Collector::start();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let first = client(&collector.url).build().unwrap();
        emit_and_flush(&first);
        first.shutdown_blocking(PATIENCE);
        let second = client(&collector.url).build().unwrap();
        second.emit(Order { number: 100 });
        drop(second);
    });
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        11
    );
}

#[test]
fn the_last_handles_drop_delivers_what_is_left() {
    let collector = Collector::start();
    let client = client(&collector.url)
        .linger(Duration::from_hours(1))
        .build()
        .unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let client = client.clone();
            scope.spawn(move || client.emit(Order { number }.by("u-1")));
        }
    });
    drop(client);
    assert_eq!(
        collector.stop().one::<i64>("SELECT count(*) FROM events"),
        4
    );
}

/// An executor that looks at the client whenever it is woken.
struct Curious {
    client: Client,
    thread: thread::Thread,
}

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        assert!(self.client.stats().emitted > 0);
        self.thread.unpark();
    }
}

#[test]
fn whoever_is_woken_may_use_the_client_at_once() {
    let collector = Collector::start();
    let client = client(&collector.url).build().unwrap();
    let waker = Arc::new(Curious {
        client: client.clone(),
        thread: thread::current(),
    })
    .into();
    let mut context = Context::from_waker(&waker);
    client.emit(Order { number: 0 });
    let mut pushed = pin!(client.push(Order { number: 1 }));
    while pushed.as_mut().poll(&mut context).is_pending() {
        thread::park();
    }
    let mut flushed = pin!(client.flush(PATIENCE));
    while flushed.as_mut().poll(&mut context).is_pending() {
        thread::park();
    }
    let mut shut_down = pin!(client.shutdown(PATIENCE));
    while shut_down.as_mut().poll(&mut context).is_pending() {
        thread::park();
    }
    assert_eq!(client.stats().delivered, 2);
}
