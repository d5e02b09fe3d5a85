CREATE TABLE `logeater`.`events` (
  `event_id` STRING NOT NULL OPTIONS (description = "Identity: a UUID, the same in both tables."),
  `cluster_key` DATE NOT NULL OPTIONS (description = "The UTC day of insertion."),
  `timestamp` TIMESTAMP NOT NULL OPTIONS (description = "When it happened."),
  `service` STRING NOT NULL OPTIONS (description = "The service that sent it."),
  `type` STRING NOT NULL OPTIONS (description = "The event type, such as cart.add."),
  `user_id` STRING OPTIONS (description = "Who did it."),
  `details` JSON OPTIONS (description = "The event's own fields, one JSON object.")
)
CLUSTER BY `cluster_key`
OPTIONS (description = "One row per event. An event's own columns are in the extended table of its namespace, joined by event_id.");
