//! Sessions on the server: what each thing that a handler can do asks of the storage, and what it tells the client.

mod end;
mod insert_take;
mod read;
mod set;
mod start;
mod update;
