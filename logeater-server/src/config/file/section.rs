//! One table of the file: its keys are asked for one by one, and what nobody asked for is a mistake.
//!
//! A value that is wrong is noted and given as `None`, so that reading goes on and all mistakes are found.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;

/// How alike a known key must be to be the one that was meant, from 0 to 1.
const ALIKE_MIN: f64 = 0.75;

/// One table of the file.
#[derive(Debug)]
pub(crate) struct Section<'d> {
    document: &'d Document<'d>,
    /// How it is called, empty for the file itself.
    name: String,
    span: Range<usize>,
    entries: &'d DeTable<'d>,
    asked: Vec<&'static str>,
    /// Whether it may have keys that nobody asks for.
    is_open: bool,
}

/// A value, and where it stands.
type Entry<'d> = &'d Spanned<DeValue<'d>>;

impl<'d> Section<'d> {
    pub(super) fn new(
        document: &'d Document<'d>,
        name: String,
        span: Range<usize>,
        entries: &'d DeTable<'d>,
    ) -> Self {
        Self {
            document,
            name,
            span,
            entries,
            asked: Vec::new(),
            is_open: false,
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<&'d str> {
        let entry = self.entry(key)?;
        self.text_of(key, entry)
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<&'d str>> {
        let entry = self.entry(key)?;
        let Some(list) = entry.get_ref().as_array() else {
            self.wrong_type(key, entry, r#"a list of texts, such as ["a", "b"]"#);
            return None;
        };
        list.iter().map(|entry| self.text_of(key, entry)).collect()
    }

    /// A path; one that is relative is relative to the file.
    pub(crate) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(|path| self.document.resolve(path))
    }

    /// `true` or `false`.
    pub(crate) fn switch(&mut self, key: &'static str) -> Option<bool> {
        let entry = self.entry(key)?;
        let switch = entry.get_ref().as_bool();
        if switch.is_none() {
            self.wrong_type(key, entry, "true or false");
        }
        switch
    }

    /// A whole number within bounds.
    pub(crate) fn integer<T>(&mut self, key: &'static str, bounds: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let entry = self.entry(key)?;
        let Some(integer) = entry.get_ref().as_integer() else {
            self.wrong_type(key, entry, &format!("a whole number {}", within(&bounds)));
            return None;
        };
        i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .and_then(|value| T::try_from(value).ok())
            .filter(|value| bounds.contains(value))
            .or_else(|| self.out_of_bounds(key, &integer, &bounds))
    }

    /// A number within bounds, with or without a fraction.
    pub(crate) fn number(&mut self, key: &'static str, bounds: RangeInclusive<f64>) -> Option<f64> {
        let entry = self.entry(key)?;
        let text = match entry.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) => integer.as_str(),
            _ => {
                self.wrong_type(key, entry, &format!("a number {}", within(&bounds)));
                return None;
            }
        };
        text.parse()
            .ok()
            .filter(|value| bounds.contains(value))
            .or_else(|| self.out_of_bounds(key, &text, &bounds))
    }

    /// A number of bytes, such as `"64MiB"` or `"10GB"`, within bounds.
    pub(crate) fn size(&mut self, key: &'static str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let text = self.parsed(key, "a size", r#""64MiB" or "10GB""#, |text| {
            text.parse::<ByteSize>().ok()
        })?;
        let bytes = text.as_u64();
        if bounds.contains(&bytes) {
            return Some(bytes);
        }
        let bounds = ByteSize(*bounds.start())..=ByteSize(*bounds.end());
        self.out_of_bounds(key, &text, &bounds)
    }

    /// A length of time, such as `"10s"` or `"30d"`, above zero.
    pub(crate) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.parsed(
            key,
            "a length of time above zero",
            r#""10s" or "30d""#,
            |text| {
                humantime::parse_duration(text)
                    .ok()
                    .filter(|duration| !duration.is_zero())
            },
        )
    }

    /// A text of a form of its own: `what` it is, with `examples` for the message.
    pub(crate) fn parsed<T>(
        &mut self,
        key: &'static str,
        what: &str,
        examples: &str,
        parse: impl FnOnce(&'d str) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        let Some(text) = entry.get_ref().as_str() else {
            self.wrong_type(key, entry, &format!("{what}, such as {examples}"));
            return None;
        };
        let value = parse(text);
        if value.is_none() {
            self.problem(
                key,
                format!("`{text}` is not {what}: write one such as {examples}"),
            );
        }
        value
    }

    /// The table of this key, `[key]`.
    pub(crate) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'d>) -> T,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        self.table(&self.path_of(key), entry, &format!("[{key}]"), read)
    }

    /// The tables of a list, `[[key]]`.
    pub(crate) fn sections<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'d>) -> T,
    ) -> Vec<T> {
        let Some(entry) = self.entry(key) else {
            return Vec::new();
        };
        let Some(list) = entry.get_ref().as_array() else {
            self.wrong_type(key, entry, &format!("a list of tables, each [[{key}]]"));
            return Vec::new();
        };
        let name = format!("[{}]", self.path_of(key));
        list.iter()
            .filter_map(|entry| self.table(&name, entry, &format!("[[{key}]]"), &mut read))
            .collect()
    }

    /// The tables `[key.*]`, each with the name that the file gives it.
    pub(crate) fn named<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&'d str, &mut Section<'d>) -> T,
    ) -> Vec<T> {
        let Some(entry) = self.entry(key) else {
            return Vec::new();
        };
        let Some(entries) = entry.get_ref().as_table() else {
            self.wrong_type(key, entry, &format!("tables, each [{key}.NAME]"));
            return Vec::new();
        };
        let path = self.path_of(key);
        let one = |(name, entry): (&'d Spanned<_>, Entry<'d>)| {
            let name: &str = AsRef::<str>::as_ref(name.get_ref());
            let wanted = format!("[{key}.{name}]");
            self.table(&format!("{path}.{name}"), entry, &wanted, |section| {
                read(name, section)
            })
        };
        entries.iter().filter_map(one).collect()
    }

    /// Whether the file has this key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// All keys with their values, each as the file has it, in the order of the keys.
    pub(crate) fn keys_and_values(&self) -> String {
        let line = |(key, value): (&Spanned<_>, Entry<'_>)| {
            let key: &str = AsRef::<str>::as_ref(key.get_ref());
            format!("{key} = {}\n", self.document.part(value.span()))
        };
        self.entries.iter().map(line).collect()
    }

    /// What was asked for under a key that must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        ask: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        if self.entry(key).is_none() {
            let message = format!("`{key}` is missing in {}", self.title());
            self.document.missing(self.span.clone(), message);
        }
        ask(self, key)
    }

    /// Notes that the value of a key is wrong.
    pub(crate) fn problem(&self, key: &str, message: impl Display) {
        let place = self
            .entries
            .get(key)
            .map_or(self.span.clone(), Spanned::span);
        self.document.problem(place, format!("`{key}`: {message}"));
    }

    /// Notes that a text is wrong from this byte of it on.
    pub(crate) fn problem_within(&self, key: &str, offset: usize, message: impl Display) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let text = entry.get_ref().as_str().unwrap_or_default();
        let start = self.document.find(entry.span(), text);
        // With escapes in it, the place is only that of the whole.
        let place = start.map_or(entry.span().start, |start| start + offset);
        self.document
            .problem(place..place, format!("`{key}`: {message}"));
    }

    /// Lets all other keys pass, where it cannot be known which there may be.
    pub(crate) fn ignore_others(&mut self) {
        self.is_open = true;
    }

    /// Says which keys are unknown.
    pub(super) fn finish(self) {
        if self.is_open {
            return;
        }
        for key in self.entries.keys() {
            let name: &str = key.get_ref();
            if !self.asked.contains(&name) {
                let message = format!(
                    "unknown key `{name}` in {}: {}",
                    self.title(),
                    self.fix(name)
                );
                self.document.problem(key.span(), message);
            }
        }
    }

    fn fix(&self, unknown: &str) -> String {
        let alike = |known: &str| strsim::jaro_winkler(known, unknown);
        let nearest = self
            .asked
            .iter()
            .max_by(|a, b| alike(a).total_cmp(&alike(b)));
        match nearest {
            Some(known) if alike(known) >= ALIKE_MIN => format!("did you mean `{known}`?"),
            _ => format!("it has {}", self.asked.join(", ")),
        }
    }

    fn entry(&mut self, key: &'static str) -> Option<Entry<'d>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.entries.get(key)
    }

    fn text_of(&self, key: &str, entry: Entry<'d>) -> Option<&'d str> {
        match entry.get_ref().as_str() {
            Some("") => {
                self.document
                    .problem(entry.span(), format!("`{key}` is empty"));
                None
            }
            Some(text) => Some(text),
            None => {
                self.wrong_type(key, entry, "a text in quotes");
                None
            }
        }
    }

    fn table<T>(
        &self,
        name: &str,
        entry: Entry<'d>,
        wanted: &str,
        read: impl FnOnce(&mut Section<'d>) -> T,
    ) -> Option<T> {
        let Some(entries) = entry.get_ref().as_table() else {
            self.wrong_type(name, entry, &format!("a table, {wanted}"));
            return None;
        };
        let mut section = Section::new(self.document, name.to_owned(), entry.span(), entries);
        let value = read(&mut section);
        section.finish();
        Some(value)
    }

    fn wrong_type(&self, key: &str, entry: Entry<'_>, wanted: &str) {
        let found = entry.get_ref().type_str();
        let message = format!("`{key}` is of type {found}: write {wanted}");
        self.document.problem(entry.span(), message);
    }

    fn out_of_bounds<T, B: Display>(
        &self,
        key: &str,
        value: &impl Display,
        bounds: &RangeInclusive<B>,
    ) -> Option<T> {
        self.problem(key, format!("{value} is not {}", within(bounds)));
        None
    }

    fn path_of(&self, key: &str) -> String {
        match self.name.as_str() {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        }
    }

    fn title(&self) -> String {
        match self.name.as_str() {
            "" => "the file".to_owned(),
            name => format!("[{name}]"),
        }
    }
}

fn within<T: Display>(bounds: &RangeInclusive<T>) -> String {
    format!("from {} to {}", bounds.start(), bounds.end())
}
