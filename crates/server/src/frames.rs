//! Finds where the messages of a request begin and end.

use seriatim_proto::convert::Invalid;
use seriatim_proto::status::WireError;
use tonic::Status;

/// The length of a message's header: a flag of one byte, and the message's length in four, most significant first.
const HEADER_BYTES: usize = 5;
/// The largest flag that has a meaning. tonic refuses compressed messages.
const COMPRESSED: u8 = 1;

/// A walk through the bytes of a request in the pieces in which they come.
#[derive(Debug)]
pub(crate) struct Frames {
    max_bytes: usize,
    /// The known bytes of the next message's header.
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// The length of the arriving message, and how much of it is still to come.
    announced: usize,
    message_bytes: usize,
    /// The number of complete messages.
    finished: usize,
}

/// The reason why the bytes of a request are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    TooLarge { bytes: u32, max_bytes: usize },
    Flag(u8),
    Truncated,
    Missing,
}

impl Frames {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            header: [0; HEADER_BYTES],
            header_bytes: 0,
            announced: 0,
            message_bytes: 0,
            finished: 0,
        }
    }

    /// Goes through the next bytes. Fails at a message that must not be read. The error has the index of that message's
    /// first byte among them, or 0 if it began before them.
    pub(crate) fn pass(&mut self, data: &[u8]) -> Result<(), (usize, Malformed)> {
        let mut seen = 0;
        while seen < data.len() {
            let left = &data[seen..];
            if self.message_bytes > 0 {
                let skip = self.message_bytes.min(left.len());
                self.message_bytes -= skip;
                self.finished += usize::from(self.message_bytes == 0);
                seen += skip;
                continue;
            }
            let take = (HEADER_BYTES - self.header_bytes).min(left.len());
            self.header[self.header_bytes..self.header_bytes + take].copy_from_slice(&left[..take]);
            self.header_bytes += take;
            seen += take;
            if self.header_bytes == HEADER_BYTES {
                self.header_bytes = 0;
                let at = seen.saturating_sub(HEADER_BYTES);
                self.announced = self.announced().map_err(|malformed| (at, malformed))?;
                self.message_bytes = self.announced;
                self.finished += usize::from(self.message_bytes == 0);
            }
        }
        Ok(())
    }

    /// Returns how many messages are complete.
    pub(crate) fn finished(&self) -> usize {
        self.finished
    }

    /// Returns the length of the message that came last, or is arriving.
    pub(crate) fn last_bytes(&self) -> usize {
        self.announced
    }

    /// Returns the length of the message that has begun and is not complete; 0 while that is not known.
    pub(crate) fn unfinished(&self) -> Option<usize> {
        match (self.header_bytes, self.message_bytes) {
            (0, 0) => None,
            (0, _) => Some(self.announced),
            _ => Some(0),
        }
    }

    /// Ends the bytes. Fails if they end in the middle of a message, or if there is no message though one `is_due`.
    pub(crate) fn end(&self, is_due: bool) -> Result<(), Malformed> {
        match self.unfinished() {
            Some(_) => Err(Malformed::Truncated),
            None if is_due && self.finished == 0 => Err(Malformed::Missing),
            None => Ok(()),
        }
    }

    /// Returns the length that the header announces.
    fn announced(&self) -> Result<usize, Malformed> {
        let [flag, length @ ..] = self.header;
        if flag > COMPRESSED {
            return Err(Malformed::Flag(flag));
        }
        let (bytes, max_bytes) = (u32::from_be_bytes(length), self.max_bytes);
        usize::try_from(bytes)
            .ok()
            .filter(|bytes| *bytes <= max_bytes)
            .ok_or(Malformed::TooLarge { bytes, max_bytes })
    }
}

impl Malformed {
    pub(crate) fn to_status(self) -> Status {
        let why = match self {
            Self::TooLarge { bytes, max_bytes } => format!(
                "{bytes} bytes in one message; at most {max_bytes} are allowed, so send less at once"
            ),
            Self::Flag(flag) => format!(
                "a message begins with the byte {flag}, which is no flag of gRPC; send 0 for one that is not compressed"
            ),
            Self::Missing => "has no message; send one".into(),
            Self::Truncated => {
                "ends in the middle of a message; send all the bytes that its length announces"
                    .into()
            }
        };
        Invalid::field("request", why).to_status()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        [&[0][..], &length, &vec![7; bytes]].concat()
    }

    /// Goes through `bytes` in pieces. The error says how many of them passed.
    fn pass(frames: &mut Frames, bytes: &[u8], piece: usize) -> Result<(), (usize, Malformed)> {
        for (n, data) in bytes.chunks(piece).enumerate() {
            let passed = frames.pass(data);
            passed.map_err(|(at, malformed)| (n * piece + at, malformed))?;
        }
        frames
            .end(true)
            .map_err(|malformed| (bytes.len(), malformed))
    }

    fn messages(sizes: &[usize]) -> Vec<u8> {
        sizes.iter().flat_map(|bytes| message(*bytes)).collect()
    }

    #[test]
    fn messages_up_to_the_limit_pass() {
        for piece in [1, 2, 5, 6, 1000] {
            let bytes = messages(&[0, 100, 1, 0, 99]);
            let passed = pass(&mut Frames::new(100), &bytes, piece);
            assert_eq!(passed, Ok(()), "{piece}");
        }
    }

    #[test]
    fn a_message_over_the_limit_is_refused_and_those_before_it_pass() {
        for piece in [1, 2, 5, 6, 1000] {
            for (sizes, before) in [
                (&[101][..], 0),
                (&[0, 100, 101], 5 + 105),
                (&[1, 1000, 1], 6),
            ] {
                let mut frames = Frames::new(100);
                let (passed, _) = pass(&mut frames, &messages(sizes), piece).unwrap_err();
                // A part of the message's own header may have passed already; no message comes of that.
                let header = before..before + HEADER_BYTES;
                assert!(header.contains(&passed), "{piece} {sizes:?}: {passed}");
            }
        }
    }

    #[test]
    fn a_message_is_known_by_its_number_and_its_length() {
        let mut frames = Frames::new(100);
        let bytes = messages(&[3, 0, 50]);
        let mut seen = Vec::new();
        for byte in bytes.chunks(1) {
            frames.pass(byte).unwrap();
            seen.push((frames.finished(), frames.unfinished()));
        }
        let header = |number| [(number, Some(0)); 4];
        let message = |number, bytes: usize| vec![(number, Some(bytes)); bytes];
        let expected = [
            &header(0)[..],
            &message(0, 3),
            &[(1, None)],
            &header(1),
            &[(2, None)],
            &header(2),
            &message(2, 50),
            &[(3, None)],
        ];
        assert_eq!(seen, expected.concat());
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        let mut bytes = messages(&[3, 3]);
        for (flag, expected) in [(0, Ok(())), (1, Ok(())), (2, Err((8, Malformed::Flag(2))))] {
            bytes[8] = flag;
            assert_eq!(pass(&mut Frames::new(100), &bytes, 1000), expected);
        }
    }

    #[test]
    fn a_request_must_end_with_a_message() {
        let bytes = messages(&[3, 0, 5]);
        for length in 0..=bytes.len() {
            let whole = [0, 8, 13, bytes.len()].contains(&length);
            let mut frames = Frames::new(100);
            let passed = pass(&mut frames, &bytes[..length], 4);
            assert_eq!(passed.is_ok(), whole && length > 0, "{length}");
            assert_eq!(frames.end(false).is_ok(), whole, "{length}");
            assert_eq!(frames.unfinished().is_none(), whole, "{length}");
        }
    }
}
