//! What messages show beside what was written: previews, views, reactions, the time of change.

use domain::command::{Change, Command, React};
use domain::content::Text;
use domain::event::{Event, Kind, Mark, Marked, MessageRef, Permissions};
use domain::{DialogId, Refusal};

use super::super::{MessageView, ReactionsView};
use super::{Chat, at, user};

fn preview(chat: &Chat, viewer: u64, dialog: DialogId) -> Result<Vec<u64>, Refusal> {
    let found = chat.model.ask(async |queries| queries.preview(user(viewer), dialog, 20).await)?;
    assert_eq!(found.unread, [], "a preview is no reading");
    Ok(found.messages.iter().map(|message| message.sequence.0).collect())
}

fn allow(chat: &mut Chat, dialog: DialogId, allow_preview: bool) {
    let permissions = Some(Permissions { allow_preview });
    chat.does(1, dialog, Command::Change(Change { permissions, ..Change::default() })).unwrap();
}

#[test]
fn a_preview_shows_the_newest_to_whom_the_dialog_allows_it() {
    let mut chat = Chat::new();
    let private = chat.private(1, 2);
    assert_eq!(preview(&chat, 3, private), Err(Refusal::NotPermitted));
    assert_eq!(preview(&chat, 3, DialogId::from_parts(u32::MAX, [9; 8])), Err(Refusal::NoSuchDialog));
    for kind in [Kind::Group, Kind::Public] {
        let dialog = chat.create(kind, 1, &[2]);
        let messages = chat.posts::<30>(1, dialog);
        assert_eq!(preview(&chat, 3, dialog), Err(Refusal::NotPermitted));
        allow(&mut chat, dialog, true);
        assert_eq!(preview(&chat, 3, dialog), Ok(Vec::from_iter(11..=30)));
        chat.does(1, dialog, Command::RemoveMessages(messages[28..].to_vec())).unwrap();
        assert_eq!(preview(&chat, 3, dialog), Ok(Vec::from_iter(9..=28)));
        chat.does(2, dialog, Command::HideMessages(vec![messages[20]])).unwrap();
        assert_eq!(preview(&chat, 2, dialog), Ok(Vec::from_iter((8..=28).filter(|place| *place != 21))));
        allow(&mut chat, dialog, false);
        assert_eq!(preview(&chat, 3, dialog), Err(Refusal::NotPermitted));
        assert_eq!(
            preview(&chat, 1, dialog).map(|places| places.len()),
            Ok(20),
            "who is in it needs no leave"
        );
    }
}

#[test]
fn nobody_who_was_shut_out_gets_a_preview() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Public, 1, &[2]);
    chat.post(1, dialog);
    allow(&mut chat, dialog, true);
    chat.does(1, dialog, Command::Block(user(2))).unwrap();
    assert_eq!(
        [2, 3].map(|viewer| preview(&chat, viewer, dialog)),
        [Err(Refusal::NotPermitted), Ok(vec![1])]
    );
}

/// What `viewer` sees: how many have seen each message.
fn views(chat: &Chat, viewer: u64, dialog: DialogId) -> Vec<u64> {
    chat.history(viewer, dialog).messages.iter().map(|message| message.views).collect()
}

#[test]
fn a_page_says_what_is_seen_for_the_first_time() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Broadcast, 1, &[]);
    let messages = chat.posts::<3>(1, dialog);
    assert_eq!(chat.history(1, dialog).unread, [], "nobody is a viewer of his own");
    for viewer in [7, 8] {
        let unseen = chat.history(viewer, dialog).unread;
        assert_eq!(unseen.len(), 1, "all three in one");
        chat.mark(viewer, dialog, Mark::Viewed, Marked::Listed(unseen));
        assert_eq!(chat.history(viewer, dialog).unread, []);
    }
    assert_eq!(views(&chat, 1, dialog), [2, 2, 2]);
    chat.does(1, dialog, Command::RemoveMessages(vec![messages[1]])).unwrap();
    chat.post(1, dialog);
    assert_eq!(views(&chat, 7, dialog), [2, 2, 0]);
    let group = chat.create(Kind::Group, 1, &[2]);
    chat.post(1, group);
    chat.list(2, group);
    assert_eq!(views(&chat, 1, group), [0]);
}

#[test]
fn views_are_those_of_the_message_whatever_row_counts_it() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Public, 1, &[2]);
    chat.posts::<300>(1, dialog);
    let range = |first, last| domain::event::Range { first, last };
    let [low, high] = at(&[250, 260])[..] else { panic!("two places") };
    chat.mark(2, dialog, Mark::Viewed, Marked::Listed(vec![range(low, high)]));
    let places = at(&[249, 250, 256, 257, 260, 261]);
    let seen = chat.model.ask(async |queries| queries.messages(user(1), dialog, places.clone()).await);
    assert_eq!(seen.iter().map(|message| message.views).collect::<Vec<_>>(), [0, 1, 1, 1, 1, 0]);
}

fn react(chat: &mut Chat, who: u64, dialog: DialogId, message: MessageRef, [add, remove]: [&str; 2]) {
    let kind =
        |kind: &str| Some(kind).filter(|kind| !kind.is_empty()).map(|kind| Text::stored(kind.to_owned()));
    let react = React { message, add: kind(add), remove: kind(remove) };
    chat.does(who, dialog, Command::React(react)).unwrap();
}

#[test]
fn reactions_are_counted_for_all_and_named_for_each() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, two] = chat.posts(1, dialog);
    for (who, kind) in [(1, "\u{1f44d}"), (2, "\u{1f44d}"), (2, "it's \"\\"), (3, "z")] {
        react(&mut chat, who, dialog, one, [kind, ""]);
    }
    react(&mut chat, 3, dialog, one, ["", "z"]);
    let shown = |chat: &Chat, viewer| chat.history(viewer, dialog).messages[0].reactions.clone();
    let text = |text: &str| text.to_owned();
    let total = vec![(text("it's \"\\"), 1), (text("\u{1f44d}"), 2)];
    for (viewer, own) in [(1, vec!["\u{1f44d}"]), (2, vec!["it's \"\\", "\u{1f44d}"]), (3, vec![])] {
        let own = own.into_iter().map(text).collect();
        assert_eq!(shown(&chat, viewer), Some(ReactionsView { own, total: total.clone() }), "{viewer}");
    }
    let reacted = |chat: &Chat, viewer, message: MessageRef, within| {
        chat.model.ask(async |queries| queries.reacted(user(viewer), message.id, within).await)
    };
    let expected = vec![(text("it's \"\\"), vec![user(2)]), (text("\u{1f44d}"), vec![user(1), user(2)])];
    assert_eq!(reacted(&chat, 3, one, None), Some(expected.clone()));
    assert_eq!(reacted(&chat, 3, one, Some(dialog)), Some(expected));
    assert_eq!(reacted(&chat, 3, two, None), Some(vec![]));
    assert_eq!(reacted(&chat, 4, one, None), None, "he is not in it");
    assert_eq!(chat.history(3, dialog).messages[1].reactions, None);
    chat.does(1, dialog, Command::RemoveMessages(vec![one])).unwrap();
    assert_eq!(reacted(&chat, 1, one, None), None);
}

#[test]
fn a_thousand_of_a_kind_are_named_and_all_are_counted() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Broadcast, 1, &[]);
    let message = chat.post(1, dialog);
    let request = |actor| domain::command::Request {
        id: domain::CommandId([0; 16]),
        dialog,
        actor: user(actor),
        command: Command::Subscribe,
    };
    let added = vec![Text::stored("z".to_owned())];
    let reacts = |actor| {
        let event = Event::ReactionsChanged { message, added: added.clone(), removed: vec![] };
        chat.record(&request(actor), event)
    };
    let records: Vec<_> = (1..=1_001).rev().map(reacts).collect();
    chat.model.fold(records);
    let reacted = chat.model.ask(async |queries| queries.reacted(user(5), message.id, None).await).unwrap();
    assert_eq!(reacted, [("z".to_owned(), Vec::from_iter((1..=1_000).map(user)))]);
    let total = |message: &MessageView| message.reactions.clone().unwrap().total;
    assert_eq!(total(&chat.history(5, dialog).messages[0]), [("z".to_owned(), 1_001)]);
}

#[test]
fn reading_moves_the_time_of_change_once_for_each_reader() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, _] = chat.posts(1, dialog);
    let changed = |chat: &Chat| {
        let messages = chat.history(1, dialog).messages;
        messages.iter().map(|message| message.updated_at.0 - message.created_at.0).collect::<Vec<_>>()
    };
    assert_eq!(changed(&chat), [0, 0]);
    for moved in [2_000, 2_000] {
        chat.read(2, dialog, &[one]);
        assert_eq!(changed(&chat), [moved, 0], "to be read again changes nothing");
    }
    chat.read(3, dialog, &[one]);
    assert_eq!(changed(&chat), [4_000, 0]);
}
