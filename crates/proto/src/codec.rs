//! Encodes and decodes messages as tonic does, but bytes that are not a message count as a fault of their sender. tonic
//! reports them as an internal error of the reader.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use prost::{DecodeError, Message};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::ProstEncoder;

use crate::convert::Invalid;
use crate::status::WireError;

/// The bytes that a call begins with, for each of its two ways; a longer message makes room for itself. Most messages are
/// shorter, and an allocator is much slower to give the 8 KiB that tonic begins with.
const BUFFER: usize = 1024;
/// The bytes after which a stream of messages is passed on, although more are ready.
const ENOUGH: usize = 32 * 1024;

fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER, ENOUGH)
}

/// The codec of all generated clients and servers.
#[derive(Debug)]
pub(crate) struct WireCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for WireCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for WireCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = WireDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        WireDecoder(PhantomData)
    }
}

/// Reads messages.
#[derive(Debug)]
pub(crate) struct WireDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for WireDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        match U::decode(bytes) {
            Ok(message) => Ok(Some(message)),
            Err(error) => Err(Undecodable(error).into_status()),
        }
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

/// The other side sent bytes that are not a message.
#[derive(Debug)]
pub(crate) struct Undecodable(pub(crate) DecodeError);

impl Undecodable {
    /// Returns `true` if the status means this for an answer. For a request the status comes from the server and has no
    /// source here.
    pub(crate) fn is_in(status: &Status) -> bool {
        use std::error::Error;
        status.source().is_some_and(<dyn Error>::is::<Self>)
    }

    fn as_invalid(&self) -> Invalid {
        Invalid::field("request", self.to_string())
    }

    pub(crate) fn into_status(self) -> Status {
        let mut status = self.as_invalid().to_status();
        status.set_source(Arc::new(self));
        status
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bytes are not the message of this call: {}", self.0)
    }
}

impl std::error::Error for Undecodable {}
