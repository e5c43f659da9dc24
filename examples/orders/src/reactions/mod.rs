//! What happens because of an order: one file a component.

mod fulfilment;
mod reserve_stock;
#[cfg(test)]
mod tests;

pub(crate) use fulfilment::Fulfilment;
pub(crate) use reserve_stock::ReserveStock;
