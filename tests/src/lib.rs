//! What the end-to-end tests share: the examples as real processes, a client that keeps cookies, and a
//! browser.
//!
//! Every wait is bounded and every process ends with the value that stands for it.

pub mod client;
pub mod example;
pub mod jar;
pub mod judge;
pub mod numbered;
pub mod process;
pub mod storage;

pub use leaks;

#[cfg(feature = "browser")]
pub mod browser;

/// What a test returns, so that it can use `?`.
pub type TestResult = Result<(), Box<dyn std::error::Error>>;

// The quick start has to compile as it stands in the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

// And so do the options' examples, which also say what is sent.
#[cfg(doctest)]
#[doc = include_str!("../../docs/attributes.md")]
struct Attributes;
