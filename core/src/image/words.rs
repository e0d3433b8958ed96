//! Values that are written as one of a few words.

/// What is written as one of a few words.
pub trait Words: Copy + PartialEq + 'static {
    /// The words, and what each of them stands for.
    const WORDS: &'static [(&'static str, Self)];

    /// Returns what a word stands for.
    fn from_word(text: &[u8]) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words.find(|(word, _)| word.as_bytes() == text).map(|(_, value)| *value)
    }

    /// Returns the word for it; empty where there is none.
    fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        words.find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}
