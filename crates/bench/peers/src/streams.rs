//! The streams that are there before anything is measured, the same for every contender.

use uuid::Uuid;

/// So many streams of so many events. They were written at the same time, so that a stream's events lie apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams {
    /// Events of each.
    pub(crate) length: u32,
    pub(crate) count: u64,
}

/// The most streams that grew at the same time.
const ABREAST: u64 = 10_000;

/// Milliseconds since 1970 of the first root, in 2025.
const EPOCH: u64 = 0x0199_0000_0000;

impl Streams {
    /// The root of stream number 0, 1, 2 ...: of version 7, in ascending order, as applications make them.
    pub(crate) fn root(self, number: u64) -> Uuid {
        let high = (self.first() + number) << 16 | 0x7000;
        Uuid::from_u64_pair(high, 0x8000_0000_0000_0000)
    }

    /// Streams of different lengths have different roots.
    fn first(self) -> u64 {
        EPOCH + (u64::from(self.length) << 24)
    }

    /// Returns how many of them grew at the same time.
    pub(crate) fn abreast(self) -> u64 {
        self.count.min(ABREAST)
    }

    /// SQL for rows `(root uuid, n int, id uuid)` in the order of the log: `n` counts a stream's events from 1,
    /// `id` is a new one in ascending order.
    pub(crate) fn rows(self) -> String {
        let (first, abreast) = (self.first(), self.abreast());
        let (length, chunks) = (self.length, self.count / abreast);
        let events = u64::from(length) * self.count;
        format!(
            "(SELECT (lpad(to_hex({first}::bigint + chunk * {abreast} + lane), 12, '0')
                      || '70008000000000000000')::uuid AS root,
                     n,
                     (lpad(to_hex({first}::bigint + place / 4096), 12, '0') || '7'
                      || lpad(to_hex(place % 4096), 3, '0') || '8'
                      || substr(md5((place + {events})::text), 1, 15))::uuid AS id
              FROM (SELECT chunk, lane, n, row_number() OVER () AS place
                    FROM (SELECT chunk, lane, n
                          FROM generate_series(0, {chunks} - 1) AS chunk,
                               generate_series(1, {length}) AS n,
                               generate_series(0, {abreast} - 1) AS lane
                          ORDER BY chunk, n, lane) AS ordered) AS numbered) AS rows"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_of_version_7_and_ascend() {
        let streams = Streams {
            length: 10,
            count: 100_000,
        };
        let root = streams.root(65_537);
        assert_eq!(root.get_version_num(), 7);
        assert!(streams.root(65_536) < root);
        assert_eq!(root.to_string(), "01990a01-0001-7000-8000-000000000000");
    }
}
