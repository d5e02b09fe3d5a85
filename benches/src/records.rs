//! A purchase as a log record of OpenTelemetry's.

use std::time::SystemTime;

use logeater_client::Event;
use opentelemetry::logs::{AnyValue, LogRecord, Logger};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger};

use crate::Purchase;

/// Hands it over with an attribute for each field.
pub fn emit_attributes(logger: &SdkLogger, purchase: &Purchase) {
    let mut record = begin(logger, purchase);
    record.add_attributes([
        ("screen", AnyValue::from(purchase.screen.clone())),
        ("amount_cents", purchase.amount_cents.into()),
        ("currency", purchase.currency.into()),
        ("item_id", purchase.item_id.clone().into()),
        ("duration_ms", i64::from(purchase.duration_ms).into()),
        ("first", purchase.first.into()),
    ]);
    if let Some(experiment) = &purchase.experiment {
        record.add_attribute("experiment", experiment.clone());
    }
    logger.emit(record);
}

/// Hands it over with its details as JSON in the body.
pub fn emit_body(logger: &SdkLogger, purchase: &Purchase) {
    let mut record = begin(logger, purchase);
    if let Ok(json) = serde_json::to_string(purchase) {
        record.set_body(json.into());
    }
    logger.emit(record);
}

fn begin(logger: &SdkLogger, purchase: &Purchase) -> SdkLogRecord {
    let mut record = logger.create_log_record();
    record.set_event_name(purchase.event_type().name);
    record.set_timestamp(SystemTime::now());
    record.add_attribute("user_id", purchase.user.clone());
    record
}
