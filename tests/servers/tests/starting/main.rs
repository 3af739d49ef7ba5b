//! The servers start, survive what they should, and leave nothing behind.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod nginx;
mod redis;
mod redis_cluster;
mod redis_sentinels;
mod support;
