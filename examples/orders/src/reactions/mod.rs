//! The components that react to an order, one file each.

mod fulfilment;
mod reserve_stock;
#[cfg(test)]
mod tests;

pub(crate) use fulfilment::Fulfilment;
pub(crate) use reserve_stock::ReserveStock;
