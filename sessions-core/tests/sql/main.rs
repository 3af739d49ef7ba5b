//! `PostgresStorage` and `MySqlStorage`, against the contract and beyond it, on servers of this process's own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod contract;
mod database;
mod outage;
mod statements;
mod tables;
