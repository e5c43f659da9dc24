//! Decodes rows of events; values that the events of a page share are made once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use seriatim_core::reading::{ChecksumDiffers, MetadataReader, TypeNames, checksum};
use seriatim_core::{
    Domain, LogPage, Payload, Position, RecordedEvent, StoreError, StreamId, Timestamp,
};
use seriatim_store_sql::codec;
use sqlx::postgres::PgRow;
use sqlx::{Error, Row};

use crate::opening::connections::Connections;
use crate::{positions, row};

/// The domains by their numbers. A domain keeps its number for ever, so a known number stays correct.
#[derive(Default)]
pub(crate) struct Domains(RwLock<Arc<HashMap<i16, Domain>>>);

impl Domains {
    /// Returns the known domains, after it has made sure that they include all the domains of `rows`.
    pub(crate) async fn of(
        &self,
        rows: &[PgRow],
        connections: &Connections,
    ) -> Result<Arc<HashMap<i16, Domain>>, StoreError> {
        let known = self.known();
        let is_known = |row: &PgRow| {
            let id = row.try_get_unchecked(DOMAIN);
            id.is_ok_and(|id: i16| known.contains_key(&id))
        };
        if rows.iter().all(is_known) {
            return Ok(known);
        }
        let all = self.by_name(connections).await?;
        let all = Arc::new(HashMap::from_iter(all));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&all);
        Ok(all)
    }

    /// Returns all the domains with their numbers, in the order of their names.
    pub(crate) async fn by_name(
        &self,
        connections: &Connections,
    ) -> Result<Vec<(i16, Domain)>, StoreError> {
        let select = || {
            connections
                .schema()
                .statement("SELECT id, name FROM seriatim_domains")
        };
        let domain = |row: &PgRow| {
            let domain = Domain::new(row.try_get("name")?).map_err(row::unreadable)?;
            Ok((row.try_get("id")?, domain))
        };
        let domains = connections.fetch_as("read the names of the domains", select, domain);
        let mut domains = domains.await?;
        domains.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        Ok(domains)
    }

    fn known(&self) -> Arc<HashMap<i16, Domain>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

const DOMAIN: usize = 3;
const ID: usize = 6;

/// Makes a page from the rows of the log, from the event at `after` on if that exists.
pub(crate) fn page(
    rows: &[PgRow],
    after: Position,
    limit: usize,
    domains: &HashMap<i16, Domain>,
) -> Result<LogPage, Error> {
    let (follows, rows) = match rows.split_first() {
        Some((first, rest)) if positions::position(first, 0)? == after => {
            (Some(first.try_get_unchecked(ID)?), rest)
        }
        _ => (None, rows),
    };
    let (mut events, mut decoder) = (Vec::new(), Decoder::default());
    for row in rows.iter().take(limit) {
        match decoder.event(row, domains) {
            Ok(event) => events.push(event),
            // The events before one that cannot be read are returned; a reader that goes on from there meets that one
            // first.
            Err(_) if !events.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(LogPage { follows, events })
}

/// Makes events from rows. The types of the columns of our own tables are known; comparing them for each value takes
/// longer than decoding it.
pub(crate) fn events(
    rows: &[PgRow],
    domains: &HashMap<i16, Domain>,
) -> Result<Vec<RecordedEvent>, Error> {
    let mut decoder = Decoder::default();
    rows.iter().map(|row| decoder.event(row, domains)).collect()
}

#[derive(Default)]
struct Decoder {
    metadata: MetadataReader,
    names: TypeNames,
}

impl Decoder {
    fn event(
        &mut self,
        row: &PgRow,
        domains: &HashMap<i16, Domain>,
    ) -> Result<RecordedEvent, Error> {
        let domain: i16 = row.try_get_unchecked(DOMAIN)?;
        let domain = domains.get(&domain).ok_or(Error::RowNotFound)?;
        let stream = StreamId::new(domain.clone(), row.try_get_unchecked(5)?);
        let (id, sequence) = (row.try_get_unchecked(ID)?, row::sequence(row, 2)?);
        let number: i16 = row.try_get_unchecked(4)?;
        let payload = Payload {
            type_name: self.names.get(row.try_get_unchecked(7)?),
            codec: codec(number.into()).map_err(row::unreadable)?,
            data: Bytes::copy_from_slice(row.try_get_unchecked(10)?),
        };
        let text: Option<&str> = row.try_get_unchecked(8)?;
        let stored: Option<i64> = row.try_get_unchecked(9)?;
        if let Some(stored) = stored
            && checksum(&stream, sequence, id, &payload, text) != stored.cast_unsigned()
        {
            return Err(row::unreadable(ChecksumDiffers { stream, sequence }));
        }
        Ok(RecordedEvent {
            position: positions::position(row, 0)?,
            recorded_at: Timestamp::from_micros(row.try_get_unchecked(1)?),
            sequence,
            stream,
            id,
            payload,
            metadata: self.metadata.read(text).map_err(row::unreadable)?,
        })
    }
}
