//! Copies the data of many small events with few allocations.

use bytes::{Bytes, BytesMut};

/// The size of the largest buffer that events share. A reader that keeps one event keeps at most so many bytes of others.
const LARGEST: usize = 32 << 10;

/// Makes copies of the data of events that are read one after another. Neighbours share buffers. The first buffers are
/// small, so that a few events take no more than twice their size.
#[derive(Debug, Default)]
pub struct SharedData {
    buffer: BytesMut,
    /// The number of bytes that were copied.
    copied: usize,
}

impl SharedData {
    /// Returns a copy of `data`.
    pub fn copy(&mut self, data: &[u8]) -> Bytes {
        if self.buffer.capacity() < data.len() {
            let capacity = self.copied.min(LARGEST);
            if data.len() > capacity / 4 {
                self.copied += data.len();
                return Bytes::copy_from_slice(data);
            }
            self.buffer = BytesMut::with_capacity(capacity);
        }
        self.copied += data.len();
        self.buffer.extend_from_slice(data);
        self.buffer.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_is_of_its_own_data() {
        let mut shared = SharedData::default();
        let all: Vec<_> = (0..2000_usize)
            .map(|n| vec![n.to_le_bytes()[0]; n * 7 % 300 + n / 1999 * LARGEST])
            .collect();
        let copies: Vec<_> = all.iter().map(|data| shared.copy(data)).collect();
        assert_eq!(copies, all);
    }

    #[test]
    fn buffers_are_no_larger_than_what_was_copied() {
        let mut shared = SharedData::default();
        for _ in 0..1000 {
            shared.copy(&[0; 100]);
            assert!(shared.buffer.capacity() <= shared.copied.min(LARGEST));
        }
    }
}
