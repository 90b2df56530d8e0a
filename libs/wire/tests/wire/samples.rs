//! One event of each type, with every field set, and what its golden file is called.

use domain::content::{Content, DialogChange, DialogContent, Extensions, JsonText, MessageContent, Text};
use domain::event::{Event, Mark, Marked, MessageRef, Permissions, Range, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, Kind, MessageId, Sequence, Time, UserId};

/// A golden file: its name without `.hex`, and what stands in it.
pub(crate) struct Sample {
    /// Type and schema, and what is special about it.
    pub(crate) file: &'static str,
    /// The event.
    pub(crate) record: Record,
}

/// The golden files that an event of this one's type must have.
///
/// No catch-all arm: a new event does not compile until someone has named its files.
pub(crate) fn files(event: &Event) -> &'static [&'static str] {
    match event {
        Event::LogOpened { .. } => &["log.opened-1"],
        Event::WriterStarted => &["writer.started-1"],
        Event::DialogCreated { .. } => &["dialog.created-1", "dialog.created-1-erased"],
        Event::DialogChanged { .. } => {
            &["dialog.changed-1", "dialog.changed-1-taken", "dialog.changed-1-erased"]
        }
        Event::ExtensionsMerged { .. } => {
            &["dialog.extensions_merged-1", "dialog.extensions_merged-1-erased"]
        }
        Event::DialogDeleted => &["dialog.deleted-1"],
        Event::DialogHidden => &["dialog.hidden-1"],
        Event::DialogShown => &["dialog.shown-1"],
        Event::HistoryCleared => &["dialog.history_cleared-1"],
        Event::HistoryClearedForAll => &["dialog.history_cleared_for_all-1"],
        Event::OccupantsAdded { .. } => &["occupants.added-1"],
        Event::OccupantsRemoved { .. } => &["occupants.removed-1"],
        Event::OccupantSubscribed => &["occupant.subscribed-1"],
        Event::OccupantLeft => &["occupant.left-1"],
        Event::AdminsAdded { .. } => &["admins.added-1"],
        Event::AdminsRemoved { .. } => &["admins.removed-1"],
        Event::MessagesPinned { .. } => &["messages.pinned-1"],
        Event::MessagesUnpinned { .. } => &["messages.unpinned-1"],
        Event::NotificationsSet { .. } => &["notifications.set-1", "notifications.set-1-off"],
        Event::UserBlocked { .. } => &["user.blocked-1"],
        Event::UserUnblocked { .. } => &["user.unblocked-1"],
        Event::MessagePosted { .. } => {
            &["message.posted-1", "message.posted-1-bare", "message.posted-1-erased"]
        }
        Event::MessageEdited { .. } => &["message.edited-1", "message.edited-1-erased"],
        Event::MessagesRemoved { .. } => &["messages.removed-1"],
        Event::MessagesHidden { .. } => &["messages.hidden-1"],
        Event::MessagesMarked { .. } => &[
            "messages.marked-1",
            "messages.marked-1-listed",
            "messages.marked-1-all",
            "messages.marked-1-viewed",
        ],
        Event::ReactionsChanged { .. } => &["reactions.changed-1"],
    }
}

/// What every golden file holds.
pub(crate) fn samples() -> Vec<Sample> {
    let application = Stream::Application(application());
    let mut samples = vec![
        Sample {
            file: "log.opened-1",
            record: Record { stream: application, actor: None, ..record(log_opened()) },
        },
        Sample {
            file: "writer.started-1",
            record: Record { stream: application, actor: None, ..record(Event::WriterStarted) },
        },
    ];
    let of_dialogs = dialogs().into_iter().chain(people()).chain(messages()).chain(marks());
    samples.extend(of_dialogs.map(|(file, event)| Sample { file, record: record(event) }));
    samples
}

fn dialogs() -> Vec<(&'static str, Event)> {
    let merged = |content| Event::ExtensionsMerged { content };
    vec![
        ("dialog.created-1", dialog_created(Content::Known(dialog_content()))),
        ("dialog.created-1-erased", dialog_created(Content::Erased)),
        ("dialog.changed-1", dialog_changed(Content::Known(everything_given()))),
        ("dialog.changed-1-taken", dialog_changed(Content::Known(everything_taken()))),
        ("dialog.changed-1-erased", dialog_changed(Content::Erased)),
        ("dialog.extensions_merged-1", merged(Content::Known(extensions()))),
        ("dialog.extensions_merged-1-erased", merged(Content::Erased)),
        ("dialog.deleted-1", Event::DialogDeleted),
        ("dialog.hidden-1", Event::DialogHidden),
        ("dialog.shown-1", Event::DialogShown),
        ("dialog.history_cleared-1", Event::HistoryCleared),
        ("dialog.history_cleared_for_all-1", Event::HistoryClearedForAll),
    ]
}

fn people() -> Vec<(&'static str, Event)> {
    vec![
        ("occupants.added-1", Event::OccupantsAdded { users: users(&[7, 300]) }),
        ("occupants.removed-1", Event::OccupantsRemoved { users: users(&[7, 300]) }),
        ("occupant.subscribed-1", Event::OccupantSubscribed),
        ("occupant.left-1", Event::OccupantLeft),
        ("admins.added-1", Event::AdminsAdded { users: users(&[7, 300]) }),
        ("admins.removed-1", Event::AdminsRemoved { users: users(&[7, 300]) }),
        ("notifications.set-1", Event::NotificationsSet { enabled: true }),
        ("notifications.set-1-off", Event::NotificationsSet { enabled: false }),
        ("user.blocked-1", Event::UserBlocked { user: user(300) }),
        ("user.unblocked-1", Event::UserUnblocked { user: user(300) }),
    ]
}

fn messages() -> Vec<(&'static str, Event)> {
    let (one, two) = (message(1), message(4_097));
    let edited = |content| Event::MessageEdited { message: one, content };
    vec![
        ("message.posted-1", message_posted(Content::Known(message_content()))),
        ("message.posted-1-bare", bare_message_posted()),
        ("message.posted-1-erased", message_posted(Content::Erased)),
        ("message.edited-1", edited(Content::Known(text("hello again")))),
        ("message.edited-1-erased", edited(Content::Erased)),
        ("messages.removed-1", Event::MessagesRemoved { messages: vec![one, two] }),
        ("messages.hidden-1", Event::MessagesHidden { messages: vec![one, two] }),
        ("messages.pinned-1", Event::MessagesPinned { messages: vec![two, one] }),
        ("messages.unpinned-1", Event::MessagesUnpinned { messages: vec![one, two] }),
        ("reactions.changed-1", reactions_changed(one)),
    ]
}

fn marks() -> Vec<(&'static str, Event)> {
    let range = |first, last| Range { first: Sequence(first), last: Sequence(last) };
    let marked = |mark, marked| Event::MessagesMarked { mark, marked };
    vec![
        ("messages.marked-1", marked(Mark::Delivered, Marked::Named(vec![message(1), message(2)]))),
        ("messages.marked-1-listed", marked(Mark::Read, Marked::Listed(vec![range(1, 1), range(3, 4_097)]))),
        ("messages.marked-1-all", marked(Mark::Read, Marked::All(Sequence(4_097)))),
        ("messages.marked-1-viewed", marked(Mark::Viewed, Marked::Listed(vec![range(1, 4_097)]))),
    ]
}

/// The event as it stands in a dialog's stream.
pub(crate) fn record(event: Event) -> Record {
    Record {
        id: std::array::from_fn(|index| 0x10 + u8::try_from(index).unwrap()),
        command: CommandId(std::array::from_fn(|index| 0x20 + u8::try_from(index).unwrap())),
        application: application(),
        stream: Stream::Dialog(DialogId::from_parts(
            0x5c09_4c0c,
            [0xe5, 0x88, 0xce, 0x68, 0x56, 0xf8, 0x74, 0x22],
        )),
        actor: Some(user(4_134_562)),
        at: Time(1_544_097_888_123),
        event,
    }
}

fn log_opened() -> Event {
    Event::LogOpened {
        partitions: 16,
        partition_hash: "blake3".to_owned(),
        private_dialog_key: std::array::from_fn(|index| u8::try_from(index).unwrap()),
    }
}

fn dialog_created(content: Content<DialogContent>) -> Event {
    Event::DialogCreated {
        kind: Kind::Group,
        owner: user(4_134_562),
        occupants: users(&[4_134_562, 7, 300]),
        admins: users(&[7]),
        permissions: Some(Permissions { allow_preview: true }),
        content,
    }
}

fn dialog_changed(content: Content<DialogChange>) -> Event {
    Event::DialogChanged { permissions: Some(Permissions { allow_preview: false }), content }
}

fn dialog_content() -> DialogContent {
    DialogContent {
        name: Some(text("lobby")),
        photo: Some(text("https://example.org/lobby.png")),
        description: Some(text("where people wait")),
        extensions: Some(extensions()),
    }
}

fn extensions() -> Extensions {
    vec![(text("city"), text("Zürich")), (text("floor"), text("2"))]
}

pub(crate) fn reactions_changed(message: MessageRef) -> Event {
    let [added, removed] = [["👍🏽", "+1"], ["smile", "😀"]].map(|kinds| kinds.map(text).to_vec());
    Event::ReactionsChanged { message, added, removed }
}

fn everything_given() -> DialogChange {
    let content = dialog_content();
    DialogChange {
        name: Some(content.name),
        photo: Some(content.photo),
        description: Some(content.description),
        extensions: Some(content.extensions),
    }
}

fn everything_taken() -> DialogChange {
    DialogChange { name: Some(None), photo: Some(None), description: Some(None), extensions: Some(None) }
}

fn message_posted(content: Content<MessageContent>) -> Event {
    Event::MessagePosted {
        message: message(4_097),
        recipient: Some(user(7)),
        date_sent: 1_544_097_888,
        send_to_chat: true,
        markable: true,
        silent: true,
        content,
    }
}

fn bare_message_posted() -> Event {
    Event::MessagePosted {
        message: message(1),
        recipient: None,
        date_sent: 0,
        send_to_chat: false,
        markable: false,
        silent: false,
        content: Content::Known(MessageContent::default()),
    }
}

fn message_content() -> MessageContent {
    MessageContent {
        text: Some(text("hello 😀")),
        attachments: Some(JsonText::stored(r#"[{"type":"image","id":"47863"}]"#.to_owned())),
        custom: Some(JsonText::stored(r#"{"priority":1}"#.to_owned())),
        client_id: Some(text("stanza-1")),
    }
}

pub(crate) fn message(sequence: u64) -> MessageRef {
    let id = MessageId::from_parts(0x5c09_4c0d, sequence.to_be_bytes());
    MessageRef { sequence: Sequence(sequence), id }
}

fn application() -> ApplicationId {
    ApplicationId::new(1).unwrap()
}

fn text(raw: &str) -> Text {
    Text::new(raw, 100).unwrap()
}

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

fn users(numbers: &[u64]) -> Vec<UserId> {
    numbers.iter().copied().map(user).collect()
}
