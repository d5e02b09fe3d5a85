CREATE TABLE `logeater`.`commit` (
  `event_id` STRING NOT NULL OPTIONS (description = "Identity: a UUID, the same in both tables."),
  `cluster_key` DATE NOT NULL OPTIONS (description = "The UTC day of insertion."),
  `hash` STRING OPTIONS (description = "The commit's id."),
  `subject` STRING OPTIONS (description = "The first paragraph of its message, on one line."),
  `author` STRUCT<`name` STRING OPTIONS (description = "The name."), `email` STRING OPTIONS (description = "The email.")> OPTIONS (description = "Who wrote it. Name and email, as the commit has them."),
  `files` INT64 OPTIONS (description = "How many files it changed."),
  `changes` ARRAY<STRUCT<`path` STRING OPTIONS (description = "The file, by its new name if it was renamed."), `added` INT64 OPTIONS (description = "Lines added; none for binary files."), `removed` INT64 OPTIONS (description = "Lines removed; none for binary files.")>> OPTIONS (description = "The files that it changed; of thousands only the first. A path, with the lines added and removed."),
  `parents` ARRAY<STRING> OPTIONS (description = "The ids of the commits that it merges.")
)
CLUSTER BY `cluster_key`
OPTIONS (description = "The columns of the event types commit.*, joined to events by event_id.");
