//! Where attributes may stand, and which options they take there.

/// What an attribute stands on, which decides what it may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Event,
    EventVariant,
    EventField,
    Column,
    ColumnVariant,
    ColumnField,
}

/// The options of a field. The last of them are for an event's, since a column has no envelope.
const FIELD_OPTIONS: &[&str] = &[
    "rename",
    "skip",
    "flatten",
    "prefix",
    "required",
    "description",
    "json",
    "display",
    "with",
    "into",
    "int64",
    "numeric",
    "millis",
    "secs",
    "nanos",
    "max_length",
    "policy_tag",
    "user_id",
    "timestamp",
];

/// How many of the options of a field are for the envelope.
const ENVELOPE_OPTIONS: usize = 2;

impl Place {
    /// The name of the attribute.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Event | Self::EventVariant | Self::EventField => "event",
            Self::Column | Self::ColumnVariant | Self::ColumnField => "column",
        }
    }

    /// Where it stands, for a message.
    fn noun(self) -> &'static str {
        match self {
            Self::Event | Self::Column => "a type",
            Self::EventVariant | Self::ColumnVariant => "a variant",
            Self::EventField | Self::ColumnField => "a field",
        }
    }

    /// The options that it takes.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Event => &["crate", "description", "rename_all"],
            Self::Column => &["crate", "description", "rename_all", "kind"],
            Self::EventVariant => &["description", "rename_all"],
            Self::ColumnVariant => &["rename", "description", "rename_all"],
            Self::EventField => FIELD_OPTIONS,
            Self::ColumnField => &FIELD_OPTIONS[..FIELD_OPTIONS.len() - ENVELOPE_OPTIONS],
        }
    }

    /// Whether it takes the name of an event type, `#[event("cart.add")]`.
    pub(crate) fn takes_name(self) -> bool {
        matches!(self, Self::Event | Self::EventVariant)
    }

    /// The message for an option that this place does not take.
    pub(crate) fn refuses(self, option: &str) -> String {
        let (attribute, noun) = (self.attribute(), self.noun());
        let options = self.options().iter().map(|option| format!("`{option}`"));
        let options = options.collect::<Vec<_>>().join(", ");
        format!("`#[{attribute}(…)]` on {noun} does not know `{option}`: it takes {options}")
    }

    /// The message for an attribute without a list of options.
    pub(crate) fn wants_parentheses(self) -> String {
        let sample = if self.takes_name() {
            "\"cart.add\""
        } else {
            "rename = \"…\""
        };
        format!(
            "expected parentheses: write `#[{}({sample})]`",
            self.attribute()
        )
    }
}
