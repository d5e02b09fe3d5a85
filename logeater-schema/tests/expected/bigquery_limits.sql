CREATE TABLE `logeater`.`limits` (
  `event_id` STRING NOT NULL OPTIONS (description = "Identity: a UUID, the same in both tables."),
  `cluster_key` DATE NOT NULL OPTIONS (description = "The UTC day of insertion."),
  `name` STRING(10),
  `digests` ARRAY<BYTES(16)>,
  `price` NUMERIC(10, 2),
  `inside` STRUCT<`vast` BIGNUMERIC(38, 0)>
)
CLUSTER BY `cluster_key`
OPTIONS (description = "The columns of the event types limits.*, joined to events by event_id.");
