CREATE TABLE `logeater`.`cart` (
  `event_id` STRING NOT NULL OPTIONS (description = "Identity: a UUID, the same in both tables."),
  `cluster_key` DATE NOT NULL OPTIONS (description = "The UTC day of insertion."),
  `sku` STRING OPTIONS (description = "Stock keeping unit."),
  `tags` ARRAY<STRING>,
  `shipping` STRUCT<`city` STRING NOT NULL OPTIONS (description = "Say \"hi\" \\ there."), `zip` BYTES>,
  `state` STRING OPTIONS (description = "One of: `Open`, `Paid`. (no longer sent)"),
  `amount` FLOAT64 OPTIONS (description = "(no longer sent)")
)
CLUSTER BY `cluster_key`
OPTIONS (description = "The columns of the event types cart.*, joined to events by event_id.");
