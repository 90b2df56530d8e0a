//! Events: stored bytes, and what they say.

/// Any bytes as an event of the log.
pub fn event(bytes: &[u8]) {
    let opened = wire::open(bytes);
    let Ok(record) = wire::decode(bytes) else { return };
    let opened = opened.expect("what is an event has an envelope");
    assert_eq!((opened.event_id, opened.stream), (record.id, record.stream));
    assert_eq!((opened.actor, opened.at, opened.command), (record.actor, record.at, record.command));
    let written = wire::encode(&record);
    assert_eq!(wire::decode(&written).as_ref(), Ok(&record), "an event is read as it was written");
    assert_eq!(wire::open(&written).map(|envelope| envelope.type_name), Ok(opened.type_name));
    assert_eq!(wire::encode(&record), written, "it is written in one way only");
}
