//! `[[rules]]`: which events go to which sinks, and how they are changed on the way.

use super::Section;
use crate::rules::{Rule, RuleError, Rules};

/// All rules of the file, which may name these sinks. One with a mistake is not among them.
pub(super) fn read(root: &mut Section<'_>, sinks: &[String]) -> Rules {
    let rules = root.sections("rules", |section| rule(section, sinks));
    Rules::new(rules.into_iter().flatten().collect())
}

fn rule(section: &mut Section<'_>, sinks: &[String]) -> Option<Rule> {
    let pattern = section.required("match", Section::text);
    let drop = section.switch("drop");
    let sample = section.number("sample", 0.0..=1.0);
    let names = section.texts("sinks");
    let filter = section.text("filter");
    let does_something = ["drop", "sample", "sinks", "filter"]
        .into_iter()
        .any(|key| section.has(key));
    if !does_something {
        let message = "it does nothing: give the rule `drop`, `sample`, `sinks` or `filter`";
        section.problem("match", message);
    }
    for name in names.iter().flatten() {
        if !sinks.iter().any(|sink| sink == name) {
            section.problem("sinks", format!("there is no [sinks.{name}]"));
        }
    }
    let rule = pattern.and_then(|pattern| noted(section, "match", Rule::new(pattern)));
    // With a mistake nothing of the file counts: this one finds the others.
    let mut rule = rule.or_else(|| Rule::new("*").ok())?;
    if drop == Some(true) {
        rule = rule.drop_all();
    }
    if let Some(share) = sample {
        rule = noted(section, "sample", rule.sample(share))?;
    }
    if let Some(names) = names {
        rule = rule.sinks(names);
    }
    match filter {
        Some(code) => noted(section, "filter", rule.filter(code)),
        None => Some(rule),
    }
}

/// The rule, unless there is a mistake, which is noted at its key or at its place in the filter.
fn noted(section: &Section<'_>, key: &str, rule: Result<Rule, RuleError>) -> Option<Rule> {
    rule.map_err(|error| match &error {
        RuleError::Filter(filter) => section.problem_within(key, filter.offset(), &error),
        _ => section.problem(key, &error),
    })
    .ok()
}
