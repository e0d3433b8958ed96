//! The headers that tell a sum of a body's bytes.

/// Words of header names that stand for a sum. With a number behind them they are the name of a
/// function, as in `sha256` and `crc32c`.
const WORDS: [&str; 5] = ["md5", "sha", "crc", "checksum", "digest"];

/// Names without such a word.
const NAMES: [&[u8]; 7] = [
    b"x-goog-hash",
    b"x-goog-stored-content-length",
    b"x-goog-stored-content-encoding",
    b"x-amz-decoded-content-length",
    b"x-content-hash",
    // Of messages (RFC 9421), the sums of their bodies among them.
    b"signature",
    b"signature-input",
];

/// Whether a header of that name tells a sum of the body's bytes, or how many there are, in any way
/// that is known: `Content-MD5`, `Digest`, `Content-Digest` and `Repr-Digest` (RFC 9530), and those
/// of object stores, `x-amz-checksum-*`, `x-goog-hash`, `x-ms-blob-content-md5`,
/// `x-oss-hash-crc64ecma`, and user metadata that says it in its name.
#[must_use]
pub fn is_digest(name: &[u8]) -> bool {
    let is_word = |part: &[u8]| {
        let first = part.first().map_or(0, u8::to_ascii_lowercase);
        WORDS.iter().filter(|word| word.as_bytes().first() == Some(&first)).any(|word| {
            let behind = part.split_at_checked(word.len());
            behind.is_some_and(|(part, rest)| {
                part.eq_ignore_ascii_case(word.as_bytes())
                    && (rest.is_empty()
                        || rest.first().is_some_and(u8::is_ascii_digit)
                        || rest.eq_ignore_ascii_case(b"sum")
                        || rest.eq_ignore_ascii_case(b"chksum"))
            })
        })
    };
    NAMES.iter().any(|known| name.len() == known.len() && name.eq_ignore_ascii_case(known))
        || name.split(|byte| matches!(byte, b'-' | b'_')).any(is_word)
}

#[cfg(test)]
mod tests {
    use super::is_digest;

    #[test]
    fn sums() {
        for name in [
            "Content-MD5",
            "content-md5",
            "Digest",
            "Content-Digest",
            "REPR-DIGEST",
            "Signature",
            "Signature-Input",
            "x-amz-checksum-crc32",
            "x-amz-checksum-sha256",
            "x-amz-checksum-type",
            "x-amz-content-sha256",
            "x-amz-meta-md5chksum",
            "x-amz-meta-sha256",
            "x-amz-meta-content_md5",
            "x-goog-hash",
            "x-ms-blob-content-md5",
            "x-ms-content-crc64",
            "x-oss-hash-crc64ecma",
            "x-cos-hash-crc64ecma",
            "X-Bz-Content-Sha1",
            "X-Checksum-Sha1",
            "X-Checksum",
        ] {
            assert!(is_digest(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn others() {
        for name in [
            "ETag",
            "Content-Type",
            "Content-Disposition",
            "x-amz-meta-author",
            "x-amz-storage-class",
            "X-Shard",
            "X-Shared-Secret",
            "X-Hash-Key",
            "Digestive",
            "Last-Modified",
            "X-Cache",
            "Vary",
            "",
        ] {
            assert!(!is_digest(name.as_bytes()), "{name}");
        }
    }
}
