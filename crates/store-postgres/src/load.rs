//! Loads what a state is built from: pages of a stream's rows, checked and put together.

use bytes::Bytes;
use seriatim_core::reading::TypeNames;
use seriatim_core::{Load, Loaded, Payload, Sequence, Shape, Snapshot, StoreError};
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

use crate::load_batcher::{ACTION, LoadBatcher};
use crate::{driver_error, row};

/// The rows of one stream that one statement returned.
pub(crate) struct Page {
    pub(crate) rows: Vec<PgRow>,
    /// `true` if the statement may have more of them.
    pub(crate) is_full: bool,
}

/// Loads everything that `wanted` asks for. A long stream is read page by page, so that short streams get their turn in
/// between. A stream only grows, so its pages fit together.
pub(crate) async fn load(load_batcher: &LoadBatcher, wanted: Load) -> Result<Loaded, StoreError> {
    let failed = |error| driver_error::store_error(ACTION, error);
    let mut building = Building::default();
    let mut page = load_batcher.first_page(&wanted).await?;
    loop {
        let bytes = building.add(&page.rows, &wanted).map_err(failed)?;
        load_batcher.note_size(page.rows.len(), bytes);
        if !page.is_full {
            return Ok(building.loaded);
        }
        let after = Sequence(building.expected - 1);
        page = load_batcher.page_after(&wanted, after).await?;
    }
}

#[derive(Default)]
struct Building {
    loaded: Loaded,
    /// The sequence of the next row, unless that row is a snapshot.
    expected: u32,
    names: TypeNames,
}

impl Building {
    /// The row of a snapshot has no type; if there is one, it comes first. All data of a page goes into one buffer that
    /// the payloads share, because they are folded and dropped together. Returns the size of the data.
    fn add(&mut self, rows: &[PgRow], wanted: &Load) -> Result<usize, Error> {
        let payloads = &mut self.loaded.payloads;
        let known = payloads.len();
        payloads.reserve(rows.len());
        let (mut buffer, mut lengths) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let sequence = row::sequence(row, 0)?;
            let data: &[u8] = row.try_get(3)?;
            match (row.try_get::<Option<&str>, _>(1)?, wanted.snapshots) {
                (None, Some(fingerprint)) if self.expected == 0 => {
                    self.loaded.snapshot = Some(Snapshot {
                        fingerprint,
                        shape: Shape(row.try_get::<i64, _>(5)?.cast_unsigned()),
                        sequence,
                        event: row.try_get(4)?,
                        state: Bytes::copy_from_slice(data),
                    });
                }
                // A state must not be built over a gap.
                (Some(type_name), _) if sequence.0 == self.expected => {
                    buffer.extend_from_slice(data);
                    lengths.push(data.len());
                    let codec = row.try_get(2)?;
                    payloads.push(row::payload(
                        type_name,
                        codec,
                        Bytes::new(),
                        &mut self.names,
                    )?);
                }
                _ => {
                    return Err(row::unreadable(Gap {
                        expected: self.expected,
                    }));
                }
            }
            self.expected = sequence.0 + 1;
        }
        if let Some(last) = rows.last() {
            self.loaded.last = Some(last.try_get(4)?);
        }
        let bytes = buffer.len();
        share(Bytes::from(buffer), &lengths, &mut payloads[known..]);
        Ok(bytes)
    }
}

fn share(mut buffer: Bytes, lengths: &[usize], payloads: &mut [Payload]) {
    for (payload, length) in payloads.iter_mut().zip(lengths) {
        payload.data = buffer.split_to(*length);
    }
}

/// An event of a stream is missing, although a later one exists.
#[derive(Debug, thiserror::Error)]
#[error("the stream has no event {expected} but a later one; restore a backup")]
struct Gap {
    expected: u32,
}
