//! `laws::frame`, for whatever libFuzzer finds.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::frame(bytes));
