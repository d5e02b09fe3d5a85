//! Text that is put together at compile time: names with a prefix, and messages that name a column.

/// Text that is put together at compile time.
pub(crate) struct Text<const N: usize> {
    pub(crate) bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    /// Appends what there is room for.
    pub(crate) const fn push(&mut self, text: &str) {
        let (_, rest) = self.bytes.split_at_mut(self.length);
        rest.split_at_mut(text.len())
            .0
            .copy_from_slice(text.as_bytes());
        self.length += text.len();
    }
}

/// Fails to compile, with words that name the column.
pub(crate) const fn refuse(words: &[&str]) -> ! {
    let mut message = Text::<2_048>::new();
    let mut at = 0;
    while at < words.len() {
        message.push(words[at]);
        at += 1;
    }
    panic!("{}", text(message.bytes.split_at(message.length).0))
}

/// What was put together of text is text.
pub(crate) const fn text(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("names are text"),
    }
}

/// Whether both are the same, case included.
pub(crate) const fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}
