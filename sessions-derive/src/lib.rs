//! The derive macro of the sessions library.
