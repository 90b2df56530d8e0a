//! Any event, command or reply at all, and that an event comes out as it went in.

use domain::content::{Content, DialogChange, DialogContent, Extensions, JsonText, MessageContent, Text};
use domain::event::{Event, Mark, Marked, MessageRef, Permissions, Range, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, INTEGER_ID_MAX, Kind, MessageId, Sequence, Time, UserId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Some of the texts that every store can hold.
const STORABLE: &str = "[^\0\n]{0,12}";

pub(crate) fn user() -> impl Strategy<Value = UserId> {
    prop_oneof![1..1000u64, Just(INTEGER_ID_MAX)].prop_map(|number| UserId::new(number).unwrap())
}

pub(crate) fn users() -> impl Strategy<Value = Vec<UserId>> {
    vec(user(), 0..6)
}

fn sequence() -> impl Strategy<Value = Sequence> {
    prop_oneof![1..10_000u64, Just(u64::MAX)].prop_map(Sequence)
}

pub(crate) fn message() -> impl Strategy<Value = MessageRef> {
    (sequence(), any::<[u8; 12]>())
        .prop_map(|(sequence, id)| MessageRef { sequence, id: MessageId::from_bytes(id) })
}

pub(crate) fn text() -> impl Strategy<Value = Text> {
    STORABLE.prop_map(Text::stored)
}

fn json() -> impl Strategy<Value = JsonText> {
    STORABLE.prop_map(JsonText::stored)
}

pub(crate) fn extensions() -> impl Strategy<Value = Extensions> {
    vec((text(), text()), 0..4)
}

pub(crate) fn permissions() -> impl Strategy<Value = Option<Permissions>> {
    of(any::<bool>().prop_map(|allow_preview| Permissions { allow_preview }))
}

fn content<T: Clone + std::fmt::Debug>(known: impl Strategy<Value = T>) -> impl Strategy<Value = Content<T>> {
    of(known).prop_map(|known| known.map_or(Content::Erased, Content::Known))
}

pub(crate) fn dialog_content() -> impl Strategy<Value = DialogContent> {
    (of(text()), of(text()), of(text()), of(extensions())).prop_map(
        |(name, photo, description, extensions)| DialogContent { name, photo, description, extensions },
    )
}

pub(crate) fn dialog_change() -> impl Strategy<Value = DialogChange> {
    let changed = || of(of(text()));
    (changed(), changed(), changed(), of(of(extensions()))).prop_map(
        |(name, photo, description, extensions)| DialogChange { name, photo, description, extensions },
    )
}

pub(crate) fn message_content() -> impl Strategy<Value = MessageContent> {
    (of(text()), of(json()), of(json()), of(text())).prop_map(|(text, attachments, custom, client_id)| {
        MessageContent { text, attachments, custom, client_id }
    })
}

fn dialog_created() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    (kind, user(), users(), users(), permissions(), content(dialog_content())).prop_map(
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
    (permissions(), content(dialog_change()))
        .prop_map(|(permissions, content)| Event::DialogChanged { permissions, content })
}

fn posted() -> impl Strategy<Value = Event> {
    (message(), of(user()), any::<u64>(), any::<[bool; 3]>(), content(message_content())).prop_map(
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

pub(crate) fn mark() -> impl Strategy<Value = (Mark, Marked)> {
    let range = (sequence(), sequence())
        .prop_map(|(one, other)| Range { first: one.min(other), last: one.max(other) });
    let marked = prop_oneof![
        vec(message(), 0..4).prop_map(Marked::Named),
        vec(range, 0..4).prop_map(Marked::Listed),
        any::<u64>().prop_map(|up_to| Marked::All(Sequence(up_to))),
    ];
    (prop_oneof![Just(Mark::Delivered), Just(Mark::Read), Just(Mark::Viewed)], marked)
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
        mark().prop_map(|(mark, marked)| Event::MessagesMarked { mark, marked }),
        (message(), content(text())).prop_map(|(message, content)| Event::MessageEdited { message, content }),
        messages().prop_map(|messages| Event::MessagesRemoved { messages }),
        messages().prop_map(|messages| Event::MessagesHidden { messages }),
        content(extensions()).prop_map(|content| Event::ExtensionsMerged { content }),
        messages().prop_map(|messages| Event::MessagesPinned { messages }),
        messages().prop_map(|messages| Event::MessagesUnpinned { messages }),
        (message(), vec(text(), 0..4), vec(text(), 0..4))
            .prop_map(|(message, added, removed)| Event::ReactionsChanged { message, added, removed }),
        of_people(),
        prop::sample::select(vec![
            Event::WriterStarted,
            Event::DialogDeleted,
            Event::DialogHidden,
            Event::DialogShown,
            Event::HistoryCleared,
            Event::HistoryClearedForAll,
            Event::OccupantSubscribed,
            Event::OccupantLeft,
        ]),
    ]
}

fn of_people() -> impl Strategy<Value = Event> {
    prop_oneof![
        users().prop_map(|users| Event::OccupantsAdded { users }),
        users().prop_map(|users| Event::OccupantsRemoved { users }),
        users().prop_map(|users| Event::AdminsAdded { users }),
        users().prop_map(|users| Event::AdminsRemoved { users }),
        user().prop_map(|user| Event::UserBlocked { user }),
        user().prop_map(|user| Event::UserUnblocked { user }),
        any::<bool>().prop_map(|enabled| Event::NotificationsSet { enabled }),
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
