//! `image-gate migrate`

use std::path::PathBuf;

use crate::error::{CliError, ExitStatus, error_with_code};
use crate::files;

/// Rewrites an nginx configuration from image_filter and secure_link to this module
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Writes the file instead of standard output
    #[arg(long)]
    in_place: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), CliError> {
    let Arguments { file, in_place } = arguments;
    let name = files::input_name(file);
    if *in_place && files::is_standard(file) {
        return Err("--in-place needs a file".into());
    }
    let text = files::read(file)?;
    let migrated = Migrated::of(&text).map_err(|(line, reason)| {
        error_with_code(ExitStatus::Input, format_args!("{name}:{line}: {reason}"))
    })?;
    for (line, note) in &migrated.notes {
        files::print_error(&format!("{name}:{line}: {note}"));
    }
    if migrated.changes == 0 {
        files::print_error(&format!("{name}: no directive of image_filter or secure_link"));
    } else if !migrated.is_loaded {
        files::print_error(&format!(
            "{name}: needs \"load_module {OURS};\" at the top of nginx.conf, unless modules-enabled \
             has it, as by Debian's package"
        ));
    }
    match in_place {
        true if migrated.changes == 0 => Ok(()),
        true => files::write(file, &migrated.text),
        false => files::print(&migrated.text),
    }
}

const OURS: &str = "modules/ngx_http_image_gate_module.so";
const LOADED: (&[u8], &[u8]) =
    (b"ngx_http_image_filter_module.so", b"ngx_http_image_gate_module.so");

/// What a directive is called here, and what is to be looked at once it is.
const DIRECTIVES: [(&[u8], &[u8], Option<&str>); 10] = [
    (b"image_filter", b"image_resize", None),
    (b"image_filter_buffer", b"image_resize_buffer", None),
    (b"image_filter_interlace", b"image_resize_interlace", None),
    (b"image_filter_jpeg_quality", b"image_resize_jpeg_quality", None),
    (b"image_filter_sharpen", b"image_resize_sharpen", None),
    (b"image_filter_transparency", b"image_resize_transparency", None),
    (b"image_filter_webp_quality", b"image_resize_webp_quality", None),
    (b"secure_link", b"secure_link_hash", None),
    (
        b"secure_link_md5",
        b"secure_link_hash_md5",
        Some("links stay valid; make new ones by secure_link_hash_message"),
    ),
    (
        b"secure_link_secret",
        b"secure_link_hash_secret",
        Some("links stay valid; make new ones by secure_link_hash_message, with an expiry"),
    ),
];

/// What variables are called here, without their dollar.
const VARIABLES: [(&[u8], &[u8]); 2] =
    [(b"secure_link", b"secure_link_hash"), (b"secure_link_expires", b"secure_link_hash_expires")];

/// A configuration that was rewritten.
struct Migrated {
    text: Vec<u8>,
    /// Lines of the source, and what is to be looked at there.
    notes: Vec<(usize, String)>,
    changes: usize,
    /// The line of the first image_filter.
    filter: Option<usize>,
    /// Whether it says how large a source may be.
    has_buffer: bool,
    /// Whether it loads our module.
    is_loaded: bool,
    /// The blocks around what is read.
    blocks: Vec<Block>,
}

/// What is to be known of a block once it ends.
#[derive(Default)]
struct Block {
    /// The directive that it is of.
    name: Vec<u8>,
    /// The lines of each `if` that asks whether a link is right.
    asking: Vec<usize>,
    /// A `return` or `rewrite` by which requests are gone before access is checked, and its line.
    left: Option<(&'static str, usize)>,
}

impl Migrated {
    /// Rewrites a configuration. What it does not know it copies, byte by byte.
    fn of(text: &[u8]) -> Result<Migrated, (usize, String)> {
        let mut made = Migrated {
            text: Vec::with_capacity(text.len() + text.len() / 8),
            notes: Vec::new(),
            changes: 0,
            filter: None,
            has_buffer: false,
            is_loaded: false,
            blocks: vec![Block::default()],
        };
        let (mut rest, mut line, mut words) = (text, 1, Vec::new());
        while let Some((token, after)) = next(rest).map_err(|reason| (line, reason))? {
            let (raw, behind) = rest.split_at(rest.len() - after.len());
            match token {
                Token::Space => made.text.extend_from_slice(raw),
                Token::End => {
                    made.text.extend_from_slice(raw);
                    made.end(raw, line, &words);
                    words.clear();
                }
                Token::Word => {
                    made.word(raw, line, &words);
                    words.push(raw.to_vec());
                }
            }
            line += raw.iter().filter(|&&byte| byte == b'\n').count();
            rest = behind;
        }
        while !made.blocks.is_empty() {
            made.leave();
        }
        if let (Some(line), false) = (made.filter, made.has_buffer) {
            let note =
                "without image_resize_buffer sources may have 16 MB, where image_filter took 1 MB";
            made.notes.push((line, note.to_owned()));
        }
        made.notes.sort_by_key(|(line, _)| *line);
        Ok(made)
    }

    /// Ends a directive of those words.
    fn end(&mut self, end: &[u8], line: usize, words: &[Vec<u8>]) {
        let word = |at: usize| words.get(at).map_or(&b""[..], |word| unquoted(word));
        match end {
            b"{" => self.blocks.push(Block { name: word(0).to_vec(), ..Block::default() }),
            b"}" => self.leave(),
            _ => {
                let Some(block) = self.blocks.last_mut() else { return };
                match (word(0), word(3)) {
                    (b"return", _) if block.name == b"location" => {
                        block.left = block.left.or(Some(("return", line)));
                    }
                    (b"rewrite", b"last" | b"") => {
                        block.left = block.left.or(Some(("rewrite", line)));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Ends a block.
    fn leave(&mut self) {
        let Some(block) = self.blocks.pop() else { return };
        if let (b"if", Some(around)) = (&block.name[..], self.blocks.last_mut()) {
            around.left = around.left.or(block.left);
        }
        let note = match block.left.filter(|_| block.name == b"location") {
            None => {
                "in place of this if, secure_link_hash_require on answers 403 and 410".to_owned()
            }
            Some((name, line)) => format!(
                "keep this if: the {name} in line {line} comes before secure_link_hash_require would \
                 ask"
            ),
        };
        self.notes.extend(block.asking.iter().map(|&line| (line, note.clone())));
    }

    /// Writes a word of a directive, of which those words came before.
    fn word(&mut self, word: &[u8], line: usize, before: &[Vec<u8>]) {
        let note = |made: &mut Migrated, note: &str| made.notes.push((line, note.to_owned()));
        match before.first().map(|name| unquoted(name)) {
            None => {
                match unquoted(word) {
                    b"image_filter" => _ = self.filter.get_or_insert(line),
                    b"image_filter_buffer" | b"image_resize_buffer" => self.has_buffer = true,
                    _ => {}
                }
                if let Some((_, ours, look)) =
                    DIRECTIVES.iter().find(|(theirs, ..)| *theirs == unquoted(word))
                {
                    self.text.extend_from_slice(ours);
                    self.changes += 1;
                    if let Some(look) = look {
                        note(self, look);
                    }
                    return;
                }
            }
            Some(b"load_module") => {
                self.is_loaded |= ends_with(word, LOADED.1);
                if ends_with(word, LOADED.0) {
                    self.text.extend(replaced(word, LOADED.0, LOADED.1));
                    self.changes += 1;
                    self.is_loaded = true;
                    return;
                }
            }
            Some(b"include") if !ends_with(word, b"mime.types") => {
                note(self, "the files of include are to be migrated, too");
            }
            Some(b"error_page") if unquoted(word) == b"415" => {
                note(self, "a source that is missing is 404 here, and not 415");
            }
            Some(b"if") if has_variable(word) => {
                self.blocks.last_mut().into_iter().for_each(|block| block.asking.push(line));
            }
            Some(_) => {}
        }
        let (text, changes) = with_variables(word);
        self.text.extend(text);
        self.changes += changes;
    }
}

#[derive(Clone, Copy)]
enum Token {
    /// White space and comments.
    Space,
    /// What ends a directive: ";", "{" or "}".
    End,
    Word,
}

/// Returns what a configuration begins with, as nginx reads it, and what comes behind that.
fn next(text: &[u8]) -> Result<Option<(Token, &[u8])>, String> {
    let Some(&first) = text.first() else { return Ok(None) };
    let (token, len) = match first {
        b'#' => (Token::Space, text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len())),
        b';' | b'{' | b'}' => (Token::End, 1),
        byte if byte.is_ascii_whitespace() => (Token::Space, 1),
        quote @ (b'"' | b'\'') => {
            let end = unescaped(&text[1..], |byte, _| byte == quote);
            (Token::Word, end.ok_or("a quote is not closed")? + 2)
        }
        _ => {
            let ends = |byte: u8, before: u8| {
                byte.is_ascii_whitespace() || byte == b';' || (byte == b'{' && before != b'$')
            };
            (Token::Word, unescaped(text, ends).unwrap_or(text.len()))
        }
    };
    Ok(Some((token, text.get(len..).unwrap_or_default())))
}

/// Returns where the first byte is that has no backslash before it and is found, given the byte
/// before it.
fn unescaped(text: &[u8], is_found: impl Fn(u8, u8) -> bool) -> Option<usize> {
    let (mut before, mut is_escaped) = (0, false);
    for (at, &byte) in text.iter().enumerate() {
        if !is_escaped && is_found(byte, before) {
            return Some(at);
        }
        is_escaped = !is_escaped && byte == b'\\';
        before = byte;
    }
    None
}

/// Returns a word without the quotes around it.
fn unquoted(word: &[u8]) -> &[u8] {
    match word {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => word,
    }
}

fn ends_with(word: &[u8], end: &[u8]) -> bool {
    unquoted(word).ends_with(end)
}

/// Returns a word with its last `from` replaced.
fn replaced(word: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let Some(at) = word.windows(from.len()).rposition(|part| part == from) else {
        return word.to_vec();
    };
    [&word[..at], to, &word[at + from.len()..]].concat()
}

fn has_variable(word: &[u8]) -> bool {
    with_variables(word).1 > 0
}

/// Returns a word with our variables in place of others, and how many there are.
fn with_variables(word: &[u8]) -> (Vec<u8>, usize) {
    let (mut text, mut changes, mut rest) = (Vec::with_capacity(word.len()), 0, word);
    while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
        let (before, behind) = rest.split_at(at + 1);
        let (brace, behind) = behind.split_at(usize::from(behind.first() == Some(&b'{')));
        let is_end = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
        let (name, after) = behind.split_at(behind.iter().position(is_end).unwrap_or(behind.len()));
        let ours = VARIABLES.iter().find(|(theirs, _)| *theirs == name);
        changes += usize::from(ours.is_some());
        text.extend([before, brace, ours.map_or(name, |(_, ours)| *ours)].concat());
        rest = after;
    }
    text.extend_from_slice(rest);
    (text, changes)
}
