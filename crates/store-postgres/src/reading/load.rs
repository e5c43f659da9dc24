//! Loads what a state is built from: pages of a stream's rows, checked and put together.

use bytes::Bytes;
use seriatim_core::{Load, Loaded, Sequence, Shape, Snapshot, StoreError};
use seriatim_store_sql::Payloads;
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

use crate::opening::driver_error;
use crate::reading::load_batcher::{ACTION, LoadBatcher};
use crate::row;

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
    let (mut loaded, mut payloads) = (Loaded::default(), Payloads::default());
    let mut page = load_batcher.first_page(&wanted).await?;
    loop {
        add(&mut loaded, &mut payloads, &page.rows, &wanted).map_err(failed)?;
        load_batcher.note_size(page.rows.len(), payloads.end_page());
        if !page.is_full {
            loaded.payloads = payloads.finish();
            return Ok(loaded);
        }
        let after = Sequence(u32::try_from(payloads.next() - 1).unwrap_or(u32::MAX));
        page = load_batcher.page_after(&wanted, after).await?;
    }
}

/// The row of a snapshot has no type; if there is one, it comes first.
fn add(
    loaded: &mut Loaded,
    payloads: &mut Payloads,
    rows: &[PgRow],
    wanted: &Load,
) -> Result<(), Error> {
    for row in rows {
        let sequence = row::sequence(row, 0)?;
        let data: &[u8] = row.try_get(3)?;
        if let Some(type_name) = row.try_get(1)? {
            let codec: i16 = row.try_get(2)?;
            let added = payloads.push(sequence, type_name, codec.into(), data);
            added.map_err(row::unreadable)?;
        } else {
            loaded.snapshot = Some(Snapshot {
                fingerprint: wanted.snapshots.ok_or(Error::RowNotFound)?,
                shape: Shape(row.try_get::<i64, _>(5)?.cast_unsigned()),
                sequence,
                event: row.try_get(4)?,
                state: Bytes::copy_from_slice(data),
            });
            payloads.skip_to(Sequence::count(Some(sequence)));
        }
    }
    if let Some(last) = rows.last() {
        loaded.last = Some(last.try_get(4)?);
    }
    Ok(())
}
