//! Sampling: of which event types only a share is sent.

use std::cmp::Reverse;

/// What share of which event types is sent; all of the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sampling {
    /// The more exact comes first.
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    /// `cart.add`, all of a namespace as `cart.*`, or `*`.
    pattern: String,
    share: f64,
}

impl Rule {
    fn is_of(&self, event_type: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(namespace) => event_type.starts_with(namespace),
            None => event_type == self.pattern,
        }
    }

    fn check(&self) -> Result<(), String> {
        let Self { pattern, share } = self;
        let is_name = |text: &str| !text.is_empty() && !text.contains('*') && !text.ends_with('.');
        let is_pattern = match pattern.strip_suffix('*') {
            None => is_name(pattern),
            Some("") => true,
            Some(namespace) => namespace.strip_suffix('.').is_some_and(is_name),
        };
        if !is_pattern {
            return Err(format!(
                "`{pattern}` is no event type; write one as `cart.add`, a namespace as `cart.*`, or `*`"
            ));
        }
        if !(0.0..=1.0).contains(share) {
            return Err(format!(
                "{share} of `{pattern}` is no share; write a number from 0 (none) to 1 (all)"
            ));
        }
        Ok(())
    }
}

impl Sampling {
    /// Sets the share of an event type or of a namespace; the last word counts.
    pub(crate) fn set(&mut self, pattern: String, share: f64) {
        self.rules.retain(|rule| rule.pattern != pattern);
        self.rules.push(Rule { pattern, share });
        self.rules
            .sort_by_key(|rule| (rule.pattern.ends_with('*'), Reverse(rule.pattern.len())));
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        self.rules.iter().try_for_each(Rule::check)
    }

    /// Whether every event is sent.
    pub(crate) fn is_none(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether this event of the type is sent, by chance.
    pub(crate) fn picks(&self, event_type: &str) -> bool {
        let rule = self.rules.iter().find(|rule| rule.is_of(event_type));
        rule.is_none_or(|rule| fastrand::f64() < rule.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(rules: &[(&str, f64)]) -> Sampling {
        let mut sampling = Sampling::default();
        for (pattern, share) in rules {
            sampling.set((*pattern).to_owned(), *share);
        }
        sampling
    }

    #[test]
    fn the_most_exact_rule_counts_and_of_two_for_one_pattern_the_last() {
        let sampling = sampling(&[
            ("*", 0.0),
            ("page.view", 0.0),
            ("page.*", 1.0),
            ("page.view.mobile.*", 0.0),
            ("page.view.mobile.tap", 1.0),
            ("page.view.*", 1.0),
            ("cart.*", 0.0),
            ("cart.*", 1.0),
        ]);
        for (event_type, is_sent) in [
            ("page.view", false),
            ("page.open", true),
            ("pages.open", false),
            ("page.view.desktop", true),
            ("page.view.mobile.swipe", false),
            ("page.view.mobile.tap", true),
            ("cart.add", true),
            ("cart", false),
        ] {
            assert_eq!(sampling.picks(event_type), is_sent, "{event_type}");
        }
        assert!(sampling.check().is_ok());
    }

    #[test]
    fn what_is_no_rule_is_told_what_to_write() {
        for pattern in ["", ".*", "cart*", "cart.", "c*.add", "cart.**", "*.add"] {
            let reason = sampling(&[(pattern, 0.5)]).check().unwrap_err();
            assert!(reason.contains("`cart.add`"), "{pattern}: {reason}");
        }
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let reason = sampling(&[("cart.add", share)]).check().unwrap_err();
            assert!(reason.contains("from 0 (none) to 1 (all)"), "{reason}");
        }
    }
}
