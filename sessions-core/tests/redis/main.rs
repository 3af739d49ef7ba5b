//! `RedisStorage`, against the contract and beyond it, on servers of this process's own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod cluster;
mod contract;
mod database;
mod everybody;
mod monitor;
mod outage;
mod round_trips;
mod strangers;
mod tracking;
