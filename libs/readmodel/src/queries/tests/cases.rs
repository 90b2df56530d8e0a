//! The cases of reading: who has read what, and how much is unread, exactly.

use domain::command::Command;
use domain::event::{Kind, Mark, Marked, Range};
use domain::role::Role;
use domain::{Refusal, Sequence};

use super::super::Status;
use super::{Chat, at, user};

#[test]
fn everybody_else_has_a_new_message_unread() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    chat.posts::<3>(1, dialog);
    assert_eq!([1, 2, 3].map(|viewer| chat.unread(viewer, dialog)), [0, 3, 3]);
    assert_eq!(chat.readers(2, dialog), [(1, vec![1]), (2, vec![1]), (3, vec![1])]);
}

#[test]
fn a_late_joiner_reads_what_was_before_and_has_none_of_it_unread() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2]);
    let [one, _] = chat.posts(1, dialog);
    chat.change(1, dialog, &[3], &[]);
    assert_eq!(chat.unread(3, dialog), 0);
    assert_eq!(chat.readers(3, dialog), [(1, vec![1]), (2, vec![1])], "nobody reads by joining");
    let three = chat.post(1, dialog);
    assert_eq!(chat.unread(3, dialog), 1);
    chat.read(3, dialog, &[one]);
    assert_eq!(chat.unread(3, dialog), 1);
    assert_eq!(chat.readers(2, dialog), [(1, vec![1, 3]), (2, vec![1]), (3, vec![1])]);
    chat.read(3, dialog, &[three]);
    assert_eq!(chat.readers(2, dialog)[2], (3, vec![1, 3]));
    chat.mark(3, dialog, Mark::Read, Marked::All(Sequence(0)));
    assert_eq!(chat.readers(2, dialog), [(1, vec![1, 3]), (2, vec![1, 3]), (3, vec![1, 3])]);
}

#[test]
fn leaving_forgets_and_coming_back_is_joining_late() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, two, _] = chat.posts(1, dialog);
    chat.read(2, dialog, &[two]);
    chat.read(3, dialog, &[one]);
    chat.does(2, dialog, Command::HideMessages(vec![one])).unwrap();
    chat.does(2, dialog, Command::DeleteForSelf).unwrap();
    assert_eq!(chat.readers(1, dialog), [(1, vec![1, 3]), (2, vec![1]), (3, vec![1])]);
    assert_eq!(chat.unread(2, dialog), 0);
    chat.post(1, dialog);
    chat.change(1, dialog, &[2], &[]);
    assert_eq!(chat.unread(2, dialog), 0);
    assert_eq!(chat.readers(2, dialog).len(), 4, "what he had hidden is there again");
    let five = chat.post(3, dialog);
    assert_eq!(chat.unread(2, dialog), 1);
    chat.read(2, dialog, &[five]);
    let readers = chat.readers(1, dialog);
    assert_eq!(readers[1], (2, vec![1]), "old marks are gone");
    assert_eq!(readers[4], (5, vec![3, 2]));
}

#[test]
fn clearing_keeps_what_others_see() {
    let mut chat = Chat::new();
    let dialog = chat.private(1, 2);
    let [one, _, _] = chat.posts(1, dialog);
    chat.read(2, dialog, &[one]);
    chat.does(2, dialog, Command::DeleteForSelf).unwrap();
    assert_eq!(chat.unread(2, dialog), 0);
    assert!(chat.history(2, dialog).messages.is_empty());
    chat.posts::<2>(1, dialog);
    assert_eq!(chat.unread(2, dialog), 2);
    let seen: Vec<_> = chat.history(2, dialog).messages.iter().map(|m| m.sequence).collect();
    assert_eq!(seen, at(&[4, 5]));
    chat.mark(2, dialog, Mark::Read, Marked::All(Sequence(0)));
    assert_eq!(chat.unread(2, dialog), 0);
    let readers = chat.readers(1, dialog);
    let expected = [(1, vec![1, 2]), (2, vec![1]), (3, vec![1]), (4, vec![1, 2]), (5, vec![1, 2])];
    assert_eq!(readers, expected, "he never read 2 and 3");
}

#[test]
fn a_hidden_dialog_is_out_of_the_list_until_the_next_message() {
    let mut chat = Chat::new();
    let dialog = chat.private(1, 2);
    chat.post(1, dialog);
    chat.does(2, dialog, Command::DeleteForSelf).unwrap();
    let totals = |chat: &Chat| {
        let count = chat.model.ask(async |queries| queries.dialogs_count(user(2), vec![]).await);
        let page = chat.model.ask(async |queries| queries.dialogs(user(2), super::listing()).await);
        assert_eq!(page.items.len() as u64, page.total);
        (count, page.total)
    };
    assert_eq!(totals(&chat), (0, 0));
    let view = chat.model.ask(async |queries| queries.dialog(user(2), dialog).await).unwrap();
    assert!(view.hidden && view.last.is_none());
    assert_eq!(
        chat.model.ask(async |queries| queries.dialogs_count(user(1), vec![]).await),
        1,
        "the other one keeps it"
    );
    chat.post(1, dialog);
    assert_eq!(totals(&chat), (1, 1));
}

#[test]
fn a_hidden_message_is_neither_seen_nor_unread_by_him_alone() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, two, three] = chat.posts(1, dialog);
    chat.does(2, dialog, Command::HideMessages(vec![three, one])).unwrap();
    assert_eq!([2, 3].map(|viewer| chat.unread(viewer, dialog)), [1, 3]);
    assert_eq!(chat.readers(2, dialog), [(2, vec![1])]);
    assert_eq!(chat.readers(3, dialog).len(), 3);
    let last = |chat: &Chat, viewer| {
        let view = chat.model.ask(async |queries| queries.dialog(user(viewer), dialog).await).unwrap();
        view.last.map(|last| last.id)
    };
    assert_eq!(last(&chat, 2), Some(two.id));
    assert_eq!(last(&chat, 3), Some(three.id));
    chat.list(2, dialog);
    assert_eq!(chat.unread(2, dialog), 0);
    assert_eq!(chat.readers(3, dialog), [(1, vec![1]), (2, vec![1, 2]), (3, vec![1])]);
}

#[test]
fn removing_above_and_below_the_watermark_counts_once() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2]);
    let [one, two, three, four, _five] = chat.posts(1, dialog);
    chat.read(2, dialog, &[one, two]);
    assert_eq!(chat.unread(2, dialog), 3);
    chat.does(1, dialog, Command::RemoveMessages(vec![one])).unwrap();
    assert_eq!(chat.unread(2, dialog), 3, "read before");
    chat.does(1, dialog, Command::RemoveMessages(vec![three])).unwrap();
    assert_eq!(chat.unread(2, dialog), 2, "unread before");
    chat.read(2, dialog, &[four]);
    chat.does(1, dialog, Command::RemoveMessages(vec![four])).unwrap();
    assert_eq!(chat.unread(2, dialog), 1, "read out of order before");
    assert_eq!(chat.readers(2, dialog), [(2, vec![1, 2]), (5, vec![1])]);
    chat.list(2, dialog);
    assert_eq!(chat.unread(2, dialog), 0);
}

#[test]
fn sparse_reads_are_exact() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, _two, three, _four, five] = chat.posts(1, dialog);
    chat.read(2, dialog, &[three]);
    chat.read(2, dialog, &[five, one]);
    assert_eq!(chat.unread(2, dialog), 2);
    let readers = chat.readers(3, dialog);
    let expected = [(1, vec![1, 2]), (2, vec![1]), (3, vec![1, 2]), (4, vec![1]), (5, vec![1, 2])];
    assert_eq!(readers, expected);
    let unread = chat.history(2, dialog).unread;
    let single = |sequence| Range { first: Sequence(sequence), last: Sequence(sequence) };
    assert_eq!(unread, [Range { last: Sequence(4), ..single(2) }], "3 between them is read");
    chat.list(2, dialog);
    assert_eq!(chat.unread(2, dialog), 0);
    assert_eq!(chat.history(2, dialog).unread, [], "a page already read marks nothing");
}

#[test]
fn an_own_message_while_behind_reads_nothing_else() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2]);
    chat.posts::<2>(1, dialog);
    chat.post(2, dialog);
    assert_eq!([1, 2].map(|viewer| chat.unread(viewer, dialog)), [1, 2]);
    assert_eq!(chat.readers(1, dialog), [(1, vec![1]), (2, vec![1]), (3, vec![2])]);
}

#[test]
fn a_private_dialog_made_again_begins_anew() {
    let mut chat = Chat::new();
    let dialog = chat.private(1, 2);
    let [one, _] = chat.posts(1, dialog);
    chat.read(2, dialog, &[one]);
    chat.does(1, dialog, Command::DeleteForAll).unwrap();
    assert_eq!(chat.model.ask(async |queries| queries.dialog(user(2), dialog).await), None);
    assert_eq!(chat.unread(2, dialog), 0);
    assert_eq!(chat.private(2, 1), dialog);
    assert_eq!(chat.readers(1, dialog), []);
    assert_eq!(chat.unread(2, dialog), 0);
    chat.post(1, dialog);
    assert_eq!(chat.unread(2, dialog), 1);
    assert_eq!(chat.readers(2, dialog), [(3, vec![1])]);
}

#[test]
fn the_status_of_ones_last_message_is_the_least_of_the_others() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, two] = chat.posts(1, dialog);
    let status = |chat: &Chat, viewer| {
        let view = chat.model.ask(async |queries| queries.dialog(user(viewer), dialog).await).unwrap();
        view.last.unwrap().status
    };
    assert_eq!([1, 2].map(|viewer| status(&chat, viewer)), [Some(Status::Sent), None]);
    chat.mark(2, dialog, Mark::Delivered, Marked::All(Sequence(0)));
    assert_eq!(status(&chat, 1), Some(Status::Sent));
    chat.read(3, dialog, &[one, two]);
    assert_eq!(status(&chat, 1), Some(Status::Delivered));
    chat.read(2, dialog, &[two]);
    assert_eq!(status(&chat, 1), Some(Status::Read));
    chat.does(1, dialog, Command::RemoveMessages(vec![two])).unwrap();
    assert_eq!(status(&chat, 1), Some(Status::Delivered), "counted by visiting the members");
    chat.read(2, dialog, &[one]);
    assert_eq!(status(&chat, 1), Some(Status::Read));
    assert!(chat.history(1, dialog).messages[0].read);
}

#[test]
fn a_stranger_learns_that_he_may_not_read_and_nothing_else() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Group, 1, &[2]);
    let one = chat.post(1, dialog);
    let page = super::Page { skip: 0, limit: 10, order: super::Order::NewestFirst };
    assert_eq!(
        chat.model.ask(async |queries| queries.history(user(9), dialog, page).await),
        Err(Refusal::NotPermitted)
    );
    assert_eq!(
        chat.model.ask(async |queries| queries.history_count(user(9), dialog).await),
        Err(Refusal::NotPermitted)
    );
    assert_eq!(chat.model.ask(async |queries| queries.dialog(user(9), dialog).await), None);
    assert_eq!(chat.model.ask(async |queries| queries.messages(user(9), dialog, at(&[1])).await), []);
    assert_eq!(
        chat.model.ask(async |queries| queries.resolve(user(9), vec![one.id], Some(dialog)).await),
        []
    );
    assert_eq!(chat.unread(9, dialog), 0);
    assert_eq!(
        chat.model.ask(async |queries| queries.role(user(9), dialog).await),
        Some((Kind::Group, Role::Outsider))
    );
    let nowhere = domain::DialogId::from_parts(u32::MAX, [9; 8]);
    assert_eq!(
        chat.model.ask(async |queries| queries.history(user(1), nowhere, page).await),
        Err(Refusal::NoSuchDialog)
    );
    assert_eq!(chat.model.ask(async |queries| queries.role(user(1), nowhere).await), None);
}

#[test]
fn everybody_reads_a_broadcast_and_nobody_marks_it() {
    let mut chat = Chat::new();
    let dialog = chat.create(Kind::Broadcast, 1, &[]);
    chat.post(1, dialog);
    assert_eq!(chat.readers(7, dialog), [(1, vec![1])]);
    assert_eq!(chat.unread(7, dialog), 0);
    assert_eq!(chat.model.ask(async |queries| queries.dialogs_count(user(7), vec![]).await), 1);
    chat.does(7, dialog, Command::DeleteForSelf).unwrap();
    assert_eq!(chat.model.ask(async |queries| queries.dialogs_count(user(7), vec![]).await), 0);
    assert_eq!(chat.model.ask(async |queries| queries.dialogs_count(user(8), vec![]).await), 1);
    assert_eq!(chat.history(1, dialog).unread, []);
}

#[test]
fn above_the_limit_only_author_and_viewer_are_named() {
    let mut chat = Chat::new();
    chat.model = super::Model::new(2);
    let dialog = chat.create(Kind::Group, 1, &[2, 3]);
    let [one, _] = chat.posts(1, dialog);
    chat.read(2, dialog, &[one]);
    chat.read(3, dialog, &[one]);
    assert_eq!(chat.readers(2, dialog), [(1, vec![1, 2]), (2, vec![1])]);
    assert_eq!(chat.readers(3, dialog), [(1, vec![1, 3]), (2, vec![1])]);
    assert!(!chat.history(2, dialog).messages[0].read);
    assert_eq!([2, 3].map(|viewer| chat.unread(viewer, dialog)), [1, 1], "unread stays exact");
}
