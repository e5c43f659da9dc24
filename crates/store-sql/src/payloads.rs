//! Collects the payloads that a state is built from.

use bytes::Bytes;
use seriatim_core::reading::TypeNames;
use seriatim_core::{Payload, Sequence};

use crate::columns::{Unreadable, codec};

/// The payloads of a stream, page by page. All data of a page goes into one buffer that its payloads share, because
/// they are folded and dropped together.
#[derive(Debug, Default)]
pub struct Payloads {
    next: u64,
    names: TypeNames,
    payloads: Vec<Payload>,
    buffer: Vec<u8>,
    /// The lengths of the data in the buffer. It belongs to the last payloads.
    lengths: Vec<usize>,
}

impl Payloads {
    /// Returns the number of the next event.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Makes the event with this number the next one: those before it are in a snapshot.
    pub fn skip_to(&mut self, next: u64) {
        self.next = next;
    }

    /// Adds the next event. Fails if events before it are missing, because a state must not be built over a gap.
    pub fn push(
        &mut self,
        sequence: Sequence,
        type_name: &str,
        codec_number: i64,
        data: &[u8],
    ) -> Result<(), Unreadable> {
        if u64::from(sequence.0) != self.next {
            return Err(Unreadable::Gap(self.next));
        }
        self.payloads.push(Payload {
            type_name: self.names.get(type_name),
            codec: codec(codec_number)?,
            data: Bytes::new(),
        });
        self.buffer.extend_from_slice(data);
        self.lengths.push(data.len());
        self.next += 1;
        Ok(())
    }

    /// Ends a page. Returns the size of its data in bytes.
    pub fn end_page(&mut self) -> usize {
        let mut rest = Bytes::from(std::mem::take(&mut self.buffer));
        let bytes = rest.len();
        let first = self.payloads.len() - self.lengths.len();
        for (payload, length) in self.payloads[first..]
            .iter_mut()
            .zip(self.lengths.drain(..))
        {
            payload.data = rest.split_to(length);
        }
        bytes
    }

    /// Ends the last page. Returns all payloads.
    pub fn finish(mut self) -> Vec<Payload> {
        self.end_page();
        self.payloads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_has_its_own_data() {
        let mut payloads = Payloads::default();
        payloads.skip_to(3);
        payloads.push(Sequence(3), "One", 0, b"a").unwrap();
        payloads.push(Sequence(4), "None", 1, b"").unwrap();
        assert_eq!(payloads.end_page(), 1);
        payloads.push(Sequence(5), "Two", 0, b"bc").unwrap();
        let data = payloads.finish().into_iter().map(|payload| payload.data);
        assert!(data.eq([&b"a"[..], b"", b"bc"]));
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        let mut payloads = Payloads::default();
        let gap = payloads.push(Sequence(1), "Late", 0, b"").unwrap_err();
        assert!(matches!(gap, Unreadable::Gap(0)), "{gap}");
        let codec = payloads.push(Sequence(0), "New", 9, b"").unwrap_err();
        assert!(matches!(codec, Unreadable::Codec(9)), "{codec}");
    }
}
