//! Any event at all, and that it comes out as it went in.

use domain::content::{Content, DialogChange, DialogContent, Extensions, JsonText, MessageContent, Text};
use domain::event::{Event, Mark, Marked, MessageRef, Permissions, Range, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, INTEGER_ID_MAX, Kind, MessageId, Sequence, Time, UserId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

fn user() -> impl Strategy<Value = UserId> {
    prop_oneof![1..1000u64, Just(INTEGER_ID_MAX)].prop_map(|number| UserId::new(number).unwrap())
}

fn users() -> impl Strategy<Value = Vec<UserId>> {
    vec(user(), 0..6)
}

fn sequence() -> impl Strategy<Value = Sequence> {
    prop_oneof![1..10_000u64, Just(u64::MAX)].prop_map(Sequence)
}

fn message() -> impl Strategy<Value = MessageRef> {
    (sequence(), any::<[u8; 12]>())
        .prop_map(|(sequence, id)| MessageRef { sequence, id: MessageId::from_bytes(id) })
}

fn text() -> impl Strategy<Value = Text> {
    ".{0,12}".prop_map(Text::stored)
}

fn json() -> impl Strategy<Value = JsonText> {
    ".{0,12}".prop_map(JsonText::stored)
}

fn extensions() -> impl Strategy<Value = Extensions> {
    vec((text(), text()), 0..4)
}

fn permissions() -> impl Strategy<Value = Option<Permissions>> {
    of(any::<bool>().prop_map(|allow_preview| Permissions { allow_preview }))
}

fn content<T: Clone + std::fmt::Debug>(known: impl Strategy<Value = T>) -> impl Strategy<Value = Content<T>> {
    of(known).prop_map(|known| known.map_or(Content::Erased, Content::Known))
}

fn dialog_created() -> impl Strategy<Value = Event> {
    let known = (of(text()), of(text()), of(text()), of(extensions())).prop_map(
        |(name, photo, description, extensions)| DialogContent { name, photo, description, extensions },
    );
    let kind = prop::sample::select(Kind::ALL.to_vec());
    (kind, user(), users(), users(), permissions(), content(known)).prop_map(
        |(kind, owner, occupants, admins, permissions, content)| Event::DialogCreated {
            kind,
            owner,
            occupants,
            admins,
            permissions,
            content,
        },
    )
}

fn dialog_changed() -> impl Strategy<Value = Event> {
    let changed = || of(of(text()));
    let known = (changed(), changed(), changed(), of(of(extensions()))).prop_map(
        |(name, photo, description, extensions)| DialogChange { name, photo, description, extensions },
    );
    (permissions(), content(known))
        .prop_map(|(permissions, content)| Event::DialogChanged { permissions, content })
}

fn posted() -> impl Strategy<Value = Event> {
    let known = (of(text()), of(json()), of(json()), of(text())).prop_map(
        |(text, attachments, custom, client_id)| MessageContent { text, attachments, custom, client_id },
    );
    (message(), of(user()), any::<u64>(), any::<[bool; 3]>(), content(known)).prop_map(
        |(message, recipient, date_sent, [send_to_chat, markable, silent], content)| Event::MessagePosted {
            message,
            recipient,
            date_sent,
            send_to_chat,
            markable,
            silent,
            content,
        },
    )
}

fn marked() -> impl Strategy<Value = Event> {
    let range = (sequence(), sequence())
        .prop_map(|(one, other)| Range { first: one.min(other), last: one.max(other) });
    let marked = prop_oneof![
        vec(message(), 0..4).prop_map(Marked::Named),
        vec(range, 0..4).prop_map(Marked::Listed),
        any::<u64>().prop_map(|up_to| Marked::All(Sequence(up_to))),
    ];
    (prop_oneof![Just(Mark::Delivered), Just(Mark::Read)], marked)
        .prop_map(|(mark, marked)| Event::MessagesMarked { mark, marked })
}

fn log_opened() -> impl Strategy<Value = Event> {
    (any::<u32>(), ".{0,12}", any::<[u8; 32]>()).prop_map(
        |(partitions, partition_hash, private_dialog_key)| Event::LogOpened {
            partitions,
            partition_hash,
            private_dialog_key,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let messages = || vec(message(), 0..4);
    prop_oneof![
        log_opened(),
        dialog_created(),
        dialog_changed(),
        posted(),
        marked(),
        (message(), content(text())).prop_map(|(message, content)| Event::MessageEdited { message, content }),
        messages().prop_map(|messages| Event::MessagesRemoved { messages }),
        messages().prop_map(|messages| Event::MessagesHidden { messages }),
        users().prop_map(|users| Event::OccupantsAdded { users }),
        users().prop_map(|users| Event::OccupantsRemoved { users }),
        prop::sample::select(vec![
            Event::WriterStarted,
            Event::DialogDeleted,
            Event::DialogHidden,
            Event::DialogShown,
            Event::OccupantLeft,
        ]),
    ]
}

/// An event of any type with any fields, in any stream.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let application = || (1..=INTEGER_ID_MAX).prop_map(|number| ApplicationId::new(number).unwrap());
    let stream = prop_oneof![
        (any::<u32>(), any::<[u8; 8]>())
            .prop_map(|(seconds, rest)| Stream::Dialog(DialogId::from_parts(seconds, rest))),
        application().prop_map(Stream::Application),
    ];
    let ids = (any::<[u8; 16]>(), any::<[u8; 16]>(), application());
    (ids, stream, of(user()), any::<u64>(), event()).prop_map(
        |((id, command, application), stream, actor, at, event)| Record {
            id,
            command: CommandId(command),
            application,
            stream,
            actor,
            at: Time(at),
            event,
        },
    )
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(record in record()) {
        let bytes = wire::encode(&record);
        prop_assert_eq!(wire::decode(&bytes), Ok(record.clone()));
        prop_assert_eq!(wire::open(&bytes).unwrap().stream, record.stream);
    }
}
