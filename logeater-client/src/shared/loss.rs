//! What is done about a loss, whoever has it: it is counted, told to the hook and to who waits, and said now and then.

use tracing::warn;

use super::{GRACE, Shared};
use crate::client::PushError;
use crate::log::say;
use crate::loss::LossReason;
use crate::queue::Queue;
use crate::segment::{Batch, event_types};
use crate::stats::{Gauge, is_worth_a_line};

/// A line for the log: so many events were lost for this reason by now.
#[must_use = "the log is to say it"]
pub(crate) struct Lost {
    events: u64,
    reason: LossReason,
}

impl Lost {
    pub(crate) fn say(&self) {
        let (lost, reason) = (self.events, self.reason);
        say(|| warn!(lost, %reason, "events were dropped"));
    }
}

/// None of these may be called with the lock.
impl Shared {
    /// Loses an event that was not taken.
    #[cold]
    pub(crate) fn lose(
        &self,
        event_type: &str,
        reason: LossReason,
        message: Option<&str>,
    ) -> LossReason {
        let line = self.count_loss(reason, 1, |queue| queue.lose(reason));
        if let Some(Lost { events: lost, .. }) = line {
            say(|| warn!(lost, %reason, event_type, why = message, "an event was dropped"));
        }
        if let Some(losses) = &self.losses {
            losses.add(event_type, reason, 1, message);
        }
        reason
    }

    /// Loses a batch that is not on disk, and gives what is to be said of it.
    pub(crate) fn lose_batch(&self, batch: Batch, reason: LossReason) -> Option<Lost> {
        let count = |queue: &mut Queue| queue.give_up(&batch, reason);
        let line = self.count_loss(reason, batch.events, count);
        self.bury(batch, reason);
        line
    }

    /// Loses the events of a file, and gives what is to be said of it: `batch` is what is known of them.
    pub(crate) fn lose_file(&self, events: u32, batch: &[u8], reason: LossReason) -> Option<Lost> {
        let line = self.count_loss(reason, events, |queue| queue.lose_spooled(reason, events));
        match &self.losses {
            Some(losses) if batch.is_empty() => losses.add("", reason, events.into(), None),
            Some(losses) => losses.add_each(event_types(batch), reason),
            None => {}
        }
        line
    }

    fn count_loss(
        &self,
        reason: LossReason,
        events: u32,
        count: impl FnOnce(&mut Queue),
    ) -> Option<Lost> {
        let lost = {
            let mut queue = self.queue();
            count(&mut queue);
            queue.stats().dropped_for(reason)
        };
        is_worth_a_line(lost, events.into()).then_some(Lost {
            events: lost,
            reason,
        })
    }

    /// Ends the client: drops what has no end yet, and ends everybody's wait.
    pub(crate) fn end(&self) {
        self.queue().close();
        self.abandon(LossReason::ShutDown);
    }

    /// Drops what has no end yet, and ends everybody's wait.
    pub(super) fn abandon(&self, reason: LossReason) {
        let (lost, events, (waits, batches)) = {
            let mut queue = self.queue();
            let before = queue.stats().dropped_for(reason);
            let abandoned = queue.abandon(reason);
            let events = queue.stats().dropped_for(reason);
            (events - before, events, abandoned)
        };
        if is_worth_a_line(events, lost) {
            Lost { events, reason }.say();
        }
        for batch in batches {
            match batch.gauge {
                Gauge::Pending => self.bury(batch, reason),
                Gauge::Spooled => self.let_go(batch),
            }
        }
        self.admit();
        if !waits.is_empty() {
            self.settle_losses();
        }
        self.end_waits(waits);
    }

    /// Tells everybody who is to know that the events of a batch were dropped, which are counted already, and takes
    /// back its memory.
    fn bury(&self, mut batch: Batch, reason: LossReason) {
        if let Some(losses) = &self.losses {
            losses.add_each(batch.event_types(), reason);
        }
        batch.tell(|_| Err(PushError::Lost(reason)));
        self.queue().reuse(batch);
    }

    /// Waits until the hook knows of every loss, but not for a hook that hangs.
    fn settle_losses(&self) {
        if let Some(losses) = &self.losses {
            losses.settle(GRACE / 2);
        }
    }

    /// Tells the hook what the server rejected: the places of events in a batch, ascending, and the server's words.
    pub(crate) fn report_rejected(&self, batch: &Batch, rejected: &[(u32, String)]) {
        let Some(losses) = &self.losses else { return };
        let mut rejected = rejected.iter().peekable();
        for (event, event_type) in (0..).zip(batch.event_types()) {
            if let Some((_, why)) = rejected.next_if(|(index, _)| *index == event) {
                losses.add(event_type, LossReason::Rejected, 1, Some(why));
            }
        }
    }
}
