//! Decodes rows of events; values that the events of a page share are made once.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use seriatim_core::reading::{ChecksumDiffers, MetadataReader, SharedData, TypeNames, checksum};
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
    /// Returns the known domains.
    pub(crate) fn known(&self) -> Arc<HashMap<i16, Domain>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns all the domains, which are known then.
    pub(crate) async fn read(
        &self,
        connections: &Connections,
    ) -> Result<Arc<HashMap<i16, Domain>>, StoreError> {
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
}

const DOMAIN: usize = 3;
const ID: usize = 6;

/// Makes a page from the rows of the log, from the event at `after` on if that exists.
pub(crate) struct PageReader {
    after: Position,
    limit: usize,
    domains: Arc<HashMap<i16, Domain>>,
    decoder: Decoder,
    page: LogPage,
    end: Option<End>,
}

/// The reason why a page ends before its rows do.
enum End {
    /// A row cannot be read.
    Unreadable(Error),
    /// A row is of a domain that is not known.
    UnknownDomain,
}

impl PageReader {
    pub(crate) fn new(after: Position, limit: usize, domains: Arc<HashMap<i16, Domain>>) -> Self {
        Self {
            after,
            limit,
            domains,
            decoder: Decoder::default(),
            page: LogPage::default(),
            end: None,
        }
    }

    /// Returns whether it met an event of a domain that is not known.
    pub(crate) fn lacks_a_domain(&self) -> bool {
        matches!(self.end, Some(End::UnknownDomain))
    }

    /// Returns the page. The events before one that cannot be read are returned; a reader that goes on from there meets
    /// that one first.
    pub(crate) fn finish(self) -> Result<LogPage, Error> {
        match self.end {
            Some(_) if !self.page.events.is_empty() => Ok(self.page),
            Some(End::Unreadable(error)) => Err(error),
            Some(End::UnknownDomain) => Err(Error::RowNotFound),
            None => Ok(self.page),
        }
    }

    fn read(&mut self, row: &PgRow) -> Result<(), End> {
        let is_first = self.page.events.is_empty() && self.page.follows.is_none();
        if is_first && positions::position(row, 0)? == self.after {
            self.page.follows = Some(row.try_get_unchecked(ID)?);
        } else if self.page.events.len() < self.limit {
            let domain: i16 = row.try_get_unchecked(DOMAIN)?;
            let domain = self.domains.get(&domain).ok_or(End::UnknownDomain)?;
            self.page.events.push(self.decoder.event(row, domain)?);
        }
        Ok(())
    }
}

impl Extend<PgRow> for PageReader {
    fn extend<T: IntoIterator<Item = PgRow>>(&mut self, rows: T) {
        for row in rows {
            if self.end.is_none() {
                self.end = self.read(&row).err();
            }
        }
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Makes events from rows of one domain.
pub(crate) fn events(rows: &[PgRow], domain: &Domain) -> Result<Vec<RecordedEvent>, Error> {
    let mut decoder = Decoder::default();
    rows.iter().map(|row| decoder.event(row, domain)).collect()
}

/// Makes events from rows. The types of the columns of our own tables are known; comparing them for each value takes
/// longer than decoding it.
#[derive(Default)]
struct Decoder {
    metadata: MetadataReader,
    names: TypeNames,
    data: SharedData,
}

impl Decoder {
    fn event(&mut self, row: &PgRow, domain: &Domain) -> Result<RecordedEvent, Error> {
        let stream = StreamId::new(domain.clone(), row.try_get_unchecked(5)?);
        let (id, sequence) = (row.try_get_unchecked(ID)?, row::sequence(row, 2)?);
        let number: i16 = row.try_get_unchecked(4)?;
        let payload = Payload {
            type_name: self.names.get(row.try_get_unchecked(7)?),
            codec: codec(number.into()).map_err(row::unreadable)?,
            data: self.data.copy(row.try_get_unchecked(10)?),
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
