//! Frames of a log: stored bytes, sealed by their hash.

use bytes::Bytes;
use eventlog::{EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, Frame, FrameError, NUMBER_MAX};

/// Any bytes as a frame, and as one but for its hash, which is added: nobody finds a hash by trying.
pub fn frame(bytes: &[u8]) {
    whole(Bytes::copy_from_slice(bytes));
    let mut sealed = bytes.to_vec();
    sealed.extend_from_slice(blake3::hash(bytes).as_bytes());
    let sealed = Bytes::from(sealed);
    let intact = whole(sealed.clone());
    if intact {
        // One bit of it is another: whichever, that is seen.
        let mut damaged = sealed.to_vec();
        let place = usize::from(damaged[damaged.len() - 1]) * 7 % damaged.len();
        damaged[place] ^= 1 << (place % 8);
        let error = Frame::decode(damaged.into()).expect_err("a damaged frame is none");
        assert!(matches!(error, FrameError::Hash | FrameError::Format(_)), "{error:?}");
        assert!(Frame::decode(sealed.slice(..sealed.len() - 1)).is_err(), "a torn frame is none");
    }
}

/// Whether it is one; if so, it is within its limits and the same when it is made again.
fn whole(bytes: Bytes) -> bool {
    let Ok(frame) = Frame::decode(bytes.clone()) else { return false };
    let header = *frame.header();
    assert!(bytes.len() <= FRAME_BYTES_MAX && (1..=FRAME_EVENTS_MAX).contains(&frame.count()));
    assert!(frame.events().iter().all(|event| event.len() <= EVENT_BYTES_MAX));
    assert!([header.term, header.time_ms, frame.next().0].iter().all(|number| *number <= NUMBER_MAX));
    assert_eq!(frame.next().0 - frame.first().0, frame.count() as u64, "no offset is used twice");
    let again = Frame::seal(header, frame.events()).expect("what was read can be written");
    assert_eq!(again.encoded(), &bytes, "a frame is written as it was read");
    true
}
