//! The views: each table without its duplicates, and the usual questions. No I/O.
//!
//! A sink delivers at least once, so a view counts ids and not rows.

use logeater_schema::{Catalog, EVENTS_TABLE};

/// A view that there should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) query: String,
}

/// The questions: the name of the view, what it answers, and how, after the table of all events.
const QUESTIONS: [(&str, &str, &str, &str); 4] = [
    (
        "active_users_by_day",
        "How many users did something, and how many events there were, on each UTC day.",
        "SELECT DATE(`timestamp`) AS `day`, COUNT(DISTINCT `user_id`) AS `users`, COUNT(DISTINCT `event_id`) AS `events`",
        "GROUP BY `day`",
    ),
    (
        "active_users_by_month",
        "How many users did something, and how many events there were, in each UTC month.",
        "SELECT DATE_TRUNC(DATE(`timestamp`), MONTH) AS `month`, COUNT(DISTINCT `user_id`) AS `users`, \
         COUNT(DISTINCT `event_id`) AS `events`",
        "GROUP BY `month`",
    ),
    (
        "events_by_type",
        "How many events and users each event type has, and when it came first and last.",
        "SELECT `type`, COUNT(DISTINCT `event_id`) AS `events`, COUNT(DISTINCT `user_id`) AS `users`, \
         MIN(`timestamp`) AS `first`, MAX(`timestamp`) AS `last`",
        "GROUP BY `type`",
    ),
    (
        "most_active_users",
        "The hundred users with the most events.",
        "SELECT `user_id`, COUNT(DISTINCT `event_id`) AS `events`, MIN(`timestamp`) AS `first`, \
         MAX(`timestamp`) AS `last`",
        "WHERE `user_id` IS NOT NULL\nGROUP BY `user_id`\nORDER BY `events` DESC, `user_id`\nLIMIT 100",
    ),
];

/// The views of a catalog's tables in a dataset.
pub(crate) fn views(catalog: &Catalog, project: &str, dataset: &str) -> Vec<View> {
    let from = |table: &str| format!("FROM `{project}`.`{dataset}`.`{table}`");
    let unique = catalog.tables().map(|table| View {
        name: format!("unique_{}", table.name),
        description: format!("The table {} with one row for each event_id.", table.name),
        query: format!(
            "SELECT *\n{}\nWHERE TRUE\nQUALIFY ROW_NUMBER() OVER (PARTITION BY `event_id`) = 1",
            from(&table.name)
        ),
    });
    let questions = QUESTIONS.map(|(name, description, select, rest)| View {
        name: name.to_owned(),
        description: description.to_owned(),
        query: format!("{select}\n{}\n{rest}", from(EVENTS_TABLE)),
    });
    questions.into_iter().chain(unique).collect()
}
