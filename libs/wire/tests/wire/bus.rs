//! What processes tell each other comes out as it went in; what is of another version or
//! broken is refused, and no bytes break anything.

use std::time::Duration;

use domain::command::{Change, Command, Create, Post, React, Request, Update};
use domain::content::{DialogContent, JsonText, MessageContent, Text};
use domain::event::MessageRef;
use domain::{CommandId, DialogId, Kind, MessageId, REACTION_BYTES_MAX, Refusal, Sequence, UserId};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use prost::Message as _;
use wire::bus::{
    Ask, Beat, Claim, Decided, Holding, Place, REQUEST_BYTES_MAX, Reply, Standing, Stopped, SystemMessage,
    decode_ask, decode_beat, decode_claim, decode_reply, decode_system_message, decode_tidings, encode_ask,
    encode_beat, encode_claim, encode_reply, encode_system_message, encode_tidings,
};

use crate::arbitrary::{
    dialog_change, dialog_content, mark, message, message_content, permissions, record, text, user, users,
};

fn id() -> impl Strategy<Value = MessageId> {
    any::<[u8; 12]>().prop_map(MessageId::from_bytes)
}

fn create() -> impl Strategy<Value = Command> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    (kind, users(), users(), permissions(), dialog_content()).prop_map(
        |(kind, occupants, admins, permissions, content)| {
            Command::Create(Create { kind, occupants, admins, permissions, content })
        },
    )
}

fn change() -> impl Strategy<Value = Command> {
    let people = (users(), users(), users(), users());
    let pins = (vec(message(), 0..4), vec(message(), 0..4));
    (dialog_change(), permissions(), people, pins).prop_map(
        |(content, permissions, (add, remove, add_admins, remove_admins), (pin, unpin))| {
            Command::Change(Change {
                content,
                permissions,
                add,
                remove,
                add_admins,
                remove_admins,
                pin,
                unpin,
            })
        },
    )
}

fn post() -> impl Strategy<Value = Command> {
    (id(), of(user()), message_content(), any::<[bool; 4]>()).prop_map(
        |(id, opens, content, [id_is_clients, send_to_chat, markable, silent])| {
            Command::Post(Post { id, id_is_clients, opens, content, send_to_chat, markable, silent })
        },
    )
}

fn update() -> impl Strategy<Value = Command> {
    (vec(message(), 0..4), of(text()), of(mark()))
        .prop_map(|(messages, text, mark)| Command::Update(Update { messages, text, mark }))
}

fn react() -> impl Strategy<Value = Command> {
    let kind = || of("[^\0]{1,12}".prop_map(Text::stored));
    (message(), kind(), kind())
        .prop_map(|(message, add, remove)| Command::React(React { message, add, remove }))
}

fn command() -> impl Strategy<Value = Command> {
    let messages = || vec(message(), 0..4);
    prop_oneof![
        create(),
        (user(), dialog_content()).prop_map(|(opponent, content)| Command::OpenPrivate { opponent, content }),
        change(),
        Just(Command::DeleteForSelf),
        Just(Command::DeleteForAll),
        Just(Command::ClearForSelf),
        Just(Command::ClearForAll),
        Just(Command::Subscribe),
        any::<bool>().prop_map(Command::SetNotifications),
        user().prop_map(Command::Block),
        user().prop_map(Command::Unblock),
        react(),
        post(),
        update(),
        messages().prop_map(Command::HideMessages),
        messages().prop_map(Command::RemoveMessages),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let request = (any::<[u8; 16]>(), any::<(u32, [u8; 8])>(), user(), command()).prop_map(
        |(id, (seconds, rest), actor, command)| Request {
            id: CommandId(id),
            dialog: DialogId::from_parts(seconds, rest),
            actor,
            command,
        },
    );
    (request, of("[0-9a-f-]{1,60}")).prop_map(|(request, trace)| Ask { request, trace })
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::NoSuchDialog),
        Just(Refusal::NoSuchMessage),
        Just(Refusal::NotPermitted),
        Just(Refusal::OccupantsFixed),
        any::<usize>().prop_map(Refusal::TooManyOccupants),
        any::<usize>().prop_map(Refusal::TooManyAdmins),
        Just(Refusal::AdminNotOccupant),
        Just(Refusal::MessageIdTaken),
        Just(Refusal::TooLarge),
        Just(Refusal::NotSubscribable),
        Just(Refusal::Blocked),
        Just(Refusal::BroadcastDisabled),
        Just(Refusal::NoSuchPin),
        any::<usize>().prop_map(Refusal::TooManyPins),
        any::<usize>().prop_map(Refusal::TooManyReactions),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let place = (any::<[u8; 16]>(), any::<u32>(), any::<u64>());
    let decided = (place, vec(record(), 0..4), of(message()), vec(id(), 0..4), vec(id(), 0..4)).prop_map(
        |((epoch, partition, next), records, message, denied, missing)| {
            Reply::Decided(Decided { epoch, partition, next, records, message, denied, missing })
        },
    );
    prop_oneof![
        decided,
        refusal().prop_map(Reply::Refused),
        any::<u64>().prop_map(|millis| Reply::Busy { retry_after: Duration::from_millis(millis) }),
        Just(Reply::Full),
        Just(Reply::Unavailable),
        Just(Reply::Undecided),
    ]
}

fn stopped() -> impl Strategy<Value = Option<Stopped>> {
    of((any::<u64>(), of(any::<[u8; 16]>()), ".{0,40}").prop_map(|(offset, event_id, reason)| Stopped {
        offset,
        event_id,
        reason,
    }))
}

fn places() -> impl Strategy<Value = Vec<Place>> {
    let place = (any::<(u32, u64, bool)>(), stopped())
        .prop_map(|((partition, next, folding), stopped)| Place { partition, next, folding, stopped });
    vec(place, 0..5)
}

fn beat() -> impl Strategy<Value = Beat> {
    let standing = (any::<(u64, u64, u64)>(), stopped())
        .prop_map(|((term, next, time_ms), stopped)| Standing { term, next, time_ms, stopped });
    let holding = (any::<(u32, u64, u64, bool)>(), standing).prop_map(
        |((partition, claim, millis, yielding), standing)| Holding {
            partition,
            claim,
            held_for: Duration::from_millis(millis),
            yielding,
            standing,
        },
    );
    (any::<([u8; 16], u64, bool)>(), ".{0,20}", vec(holding, 0..5)).prop_map(
        |((member, count, leaving), name, holdings)| Beat { member, name, count, leaving, holdings },
    )
}

fn claim() -> impl Strategy<Value = Claim> {
    (of(any::<[u8; 16]>()), ".{0,20}").prop_map(|(member, name)| Claim { member, name })
}

fn system_message() -> impl Strategy<Value = SystemMessage> {
    (id(), user(), user(), "[^\\x00]{0,40}").prop_map(|(id, sender, recipient, parameters)| SystemMessage {
        id,
        sender,
        recipient,
        parameters: JsonText::stored(parameters),
    })
}

/// Decode as everything: none may panic.
fn decode_all(bytes: &[u8]) {
    drop(decode_ask(bytes));
    drop(decode_reply(bytes));
    drop(decode_tidings(bytes));
    drop(decode_beat(bytes));
    drop(decode_claim(bytes));
    drop(decode_system_message(bytes));
}

proptest! {
    #[test]
    fn a_command_comes_out_as_it_went_in(ask in ask()) {
        let bytes = encode_ask(&ask.request, ask.trace.as_deref());
        prop_assert_eq!(decode_ask(&bytes), Ok(ask));
    }

    #[test]
    fn a_reply_comes_out_as_it_went_in(reply in reply()) {
        prop_assert_eq!(decode_reply(&encode_reply(&reply)), Ok(reply));
    }

    #[test]
    fn progress_and_leases_come_out_as_they_went_in(places in places(), beat in beat(), claim in claim()) {
        prop_assert_eq!(decode_tidings(&encode_tidings(&places)), Ok(places));
        prop_assert_eq!(decode_beat(&encode_beat(&beat)), Ok(beat));
        prop_assert_eq!(decode_claim(&encode_claim(&claim)), Ok(claim));
    }

    #[test]
    fn a_signal_comes_out_as_it_went_in(message in system_message()) {
        prop_assert_eq!(decode_system_message(&encode_system_message(&message)), Ok(message));
    }

    #[test]
    fn no_bytes_break_anything(bytes in vec(any::<u8>(), 0..200)) {
        decode_all(&bytes);
    }

    #[test]
    fn no_damage_breaks_anything(ask in ask(), reply in reply(), beat in beat(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        for mut bytes in [encode_ask(&ask.request, None), encode_reply(&reply), encode_beat(&beat)] {
            if bytes.is_empty() {
                continue;
            }
            let at = at.index(bytes.len());
            bytes[at] = to;
            decode_all(&bytes);
            bytes.truncate(at);
            decode_all(&bytes);
        }
    }
}

fn request(command: Command) -> Request {
    let dialog = DialogId::from_parts(1, [1; 8]);
    Request { id: CommandId([1; 16]), dialog, actor: UserId::new(1).unwrap(), command }
}

/// A field that is not known today: a command or a reply of a kind of tomorrow.
#[derive(Clone, PartialEq, prost::Message)]
struct Newer {
    #[prost(message, optional, tag = "99")]
    kind: Option<Empty>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Empty {}

#[test]
fn what_a_newer_version_asks_or_answers_is_refused() {
    let newer = Newer { kind: Some(Empty {}) }.encode_to_vec();
    assert!(decode_ask(&newer).is_err());
    assert!(decode_reply(&newer).is_err());
    // Added to what is known, it is passed over.
    let known = request(Command::DeleteForAll);
    let bytes = [encode_ask(&known, None), newer.clone()].concat();
    assert_eq!(decode_ask(&bytes).unwrap().request, known);
    let bytes = [encode_reply(&Reply::Full), newer].concat();
    assert_eq!(decode_reply(&bytes), Ok(Reply::Full));
}

/// A request as writers knew it before a change could name admins and pins.
#[derive(Clone, PartialEq, prost::Message)]
struct Older {
    #[prost(oneof = "OlderCommand", tags = "12")]
    command: Option<OlderCommand>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum OlderCommand {
    #[prost(message, tag = "12")]
    Change(Empty),
}

#[test]
fn an_older_writer_does_no_part_of_a_change() {
    let known = |change| {
        let bytes = encode_ask(&request(Command::Change(change)), None);
        Older::decode(bytes.as_slice()).unwrap().command.is_some()
    };
    let (users, messages) = (vec![UserId::new(2).unwrap()], vec![message_ref()]);
    assert!(known(Change { add: users.clone(), remove: users.clone(), ..Change::default() }));
    assert!(!known(Change { add_admins: users.clone(), ..Change::default() }));
    assert!(!known(Change { remove_admins: users, ..Change::default() }));
    assert!(!known(Change { pin: messages.clone(), ..Change::default() }));
    assert!(!known(Change { unpin: messages, ..Change::default() }));
}

fn message_ref() -> MessageRef {
    MessageRef { sequence: Sequence(1), id: MessageId::from_parts(1, [1; 8]) }
}

#[test]
fn a_text_that_no_store_can_hold_gets_no_further() {
    let nul = || Some(Text::stored("a\0b".to_owned()));
    let content = MessageContent { text: nul(), ..MessageContent::default() };
    let post = Post {
        id: MessageId::from_parts(1, [1; 8]),
        id_is_clients: false,
        opens: None,
        content,
        send_to_chat: false,
        markable: false,
        silent: false,
    };
    let named = DialogContent { name: nul(), ..DialogContent::default() };
    let extended = DialogContent {
        extensions: Some(vec![(nul().unwrap(), nul().unwrap())]),
        ..DialogContent::default()
    };
    let opponent = UserId::new(2).unwrap();
    for command in [
        Command::Post(post),
        Command::Update(Update { messages: vec![], text: nul(), mark: None }),
        Command::OpenPrivate { opponent, content: named },
        Command::OpenPrivate { opponent, content: extended },
    ] {
        assert!(decode_ask(&encode_ask(&request(command.clone()), None)).is_err(), "{command:?}");
    }
    let signal = SystemMessage {
        id: MessageId::from_parts(1, [1; 8]),
        sender: opponent,
        recipient: opponent,
        parameters: JsonText::stored("\0".to_owned()),
    };
    assert!(decode_system_message(&encode_system_message(&signal)).is_err());
}

#[test]
fn a_reaction_that_no_store_can_index_gets_no_further() {
    let message = message_ref();
    let asked = |kind: String| {
        let react = React { message, add: Some(Text::stored(kind)), remove: None };
        decode_ask(&encode_ask(&request(Command::React(react)), None))
    };
    assert!(asked("a".repeat(REACTION_BYTES_MAX)).is_ok());
    for unfit in [String::new(), "a\0b".to_owned(), "a".repeat(REACTION_BYTES_MAX + 1)] {
        assert!(asked(unfit).is_err());
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let messages = vec![];
    let long = Some(Text::stored("a".repeat(REQUEST_BYTES_MAX)));
    let update = Command::Update(Update { messages, text: long, mark: None });
    assert!(decode_ask(&encode_ask(&request(update), None)).is_err());
    let trace = "0".repeat(300);
    assert!(decode_ask(&encode_ask(&request(Command::DeleteForAll), Some(&trace))).is_err());
}
