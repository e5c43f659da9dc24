//! Decodes rows of events; values that the events of a page share are made once.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row};
use seriatim_core::reading::{ChecksumDiffers, MetadataReader, SharedData, TypeNames, checksum};
use seriatim_core::{Domain, RecordedEvent, StreamId, Timestamp};

use crate::row;

/// The columns that [`Decoder::event`] reads.
pub(crate) const COLUMNS: &str =
    "position, sequence, recorded_at, id, type, codec, data, metadata, domain, root, checksum";

/// The index of the id in [`COLUMNS`].
pub(crate) const ID: usize = 3;

/// Makes events of rows.
pub(crate) struct Decoder<'c> {
    connection: &'c Connection,
    domains: HashMap<i64, Domain>,
    /// Events in a row are often of one domain.
    last: Option<(i64, Domain)>,
    metadata: MetadataReader,
    names: TypeNames,
    data: SharedData,
}

impl<'c> Decoder<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            domains: HashMap::new(),
            last: None,
            metadata: MetadataReader::default(),
            names: TypeNames::default(),
            data: SharedData::default(),
        }
    }

    pub(crate) fn event(&mut self, row: &Row<'_>) -> Result<RecordedEvent, Error> {
        let (id, sequence) = (row::uuid(row, ID)?, row::sequence(row, 1)?);
        let stream = StreamId::new(self.domain(row.get(8)?)?, row::uuid(row, 9)?);
        let data = self.data.copy(row::bytes(row, 6)?);
        let payload = row::payload(row, 4, &mut self.names, data)?;
        let text = row::optional_text(row, 7)?;
        let stored: Option<i64> = row.get(10)?;
        if let Some(stored) = stored
            && checksum(&stream, sequence, id, &payload, text) != stored.cast_unsigned()
        {
            let error = ChecksumDiffers { stream, sequence };
            return Err(row::unreadable(10, Type::Integer, error));
        }
        let metadata = self.metadata.read(text);
        Ok(RecordedEvent {
            id,
            stream,
            sequence,
            position: row::position(row, 0)?,
            recorded_at: Timestamp::from_micros(row.get(2)?),
            payload,
            metadata: metadata.map_err(|error| row::unreadable(7, Type::Text, error))?,
        })
    }

    fn domain(&mut self, id: i64) -> Result<Domain, Error> {
        if let Some((last, domain)) = &self.last
            && *last == id
        {
            return Ok(domain.clone());
        }
        let domain = self.find_domain(id)?;
        self.last = Some((id, domain.clone()));
        Ok(domain)
    }

    fn find_domain(&mut self, id: i64) -> Result<Domain, Error> {
        if let Some(known) = self.domains.get(&id) {
            return Ok(known.clone());
        }
        let mut select = self
            .connection
            .prepare_cached("SELECT name FROM seriatim_domains WHERE id = ?")?;
        let domain = select.query_row([id], |row| row::domain(row, 0))?;
        self.domains.insert(id, domain.clone());
        Ok(domain)
    }
}
