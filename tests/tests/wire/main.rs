//! The conventions of the wire, for every call that there is: how addresses, headers, bodies and
//! values may be spelt, and what every answer has. What the calls do is for other stories.
//!
//! Each story walks one convention over the calls; all of them share one chat on each kind of engines.

#![expect(clippy::unwrap_used, reason = "the stories are tests, though only one is marked as such")]

mod addresses;
mod answers;
mod bodies;
mod calls;
mod dates;
mod flags;
mod headers;
mod lists;
mod queries;
mod values;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, join_all};
use reqwest::Method;
use tests::{Answer, Chat, Person, Setup, Topology, each_engines};

/// How `curl -d` and the official clients announce a form.
const FORM: &str = "application/x-www-form-urlencoded";
/// How the official clients announce JSON.
const JSON: &str = "application/json;charset=utf-8";

/// A chat on which several stories happen at the same time, each with people of its own.
#[derive(Clone, Copy)]
struct Stage<'a> {
    chat: &'a Chat,
    /// What the logins of its people end with.
    story: &'static str,
}

impl Stage<'_> {
    /// Somebody's login in this story.
    fn login(&self, name: &str) -> String {
        format!("{name}-{}", self.story)
    }

    async fn user(&self, name: &str) -> Person {
        self.chat.user(&self.login(name)).await
    }

    async fn users<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let logins = names.map(|name| self.login(name));
        self.chat.users(logins.each_ref().map(String::as_str)).await
    }
}

#[tokio::test]
async fn every_convention() {
    let setup = |topology: Topology| Setup::of(topology).with("app.extension_keys", "mood");
    each_engines(setup, async |chat: Chat| {
        // Every story is heard to its end, so that one run shows all that is wrong.
        let stories = stories(&chat).into_iter().map(|story| AssertUnwindSafe(story).catch_unwind());
        let failed = join_all(stories).await.into_iter().filter(Result::is_err).count();
        assert_eq!(failed, 0, "stories failed; what each found is above");
        // Its broadcasts are in everybody's list, so it comes when nobody counts any more.
        values::ids_of_dialogs_and_messages(Stage { chat: &chat, story: "ids" }).await;
        chat.verify().await;
    })
    .await;
}

fn stories(chat: &Chat) -> Vec<LocalBoxFuture<'_, ()>> {
    let stage = |story: &'static str| Stage { chat, story };
    vec![
        addresses::the_suffix_is_no_part_of_an_address(stage("addresses-0")).boxed_local(),
        addresses::the_suffix_ends_ids_and_sub_resources(stage("addresses-1")).boxed_local(),
        addresses::neither_case_nor_a_bare_question_mark_counts(stage("addresses-2")).boxed_local(),
        headers::a_call_is_authorised_by_its_token_alone(stage("headers-0")).boxed_local(),
        headers::an_old_token_is_no_obstacle_to_a_session(stage("headers-1")).boxed_local(),
        headers::the_key_or_any_session_signs_users_up(stage("headers-2")).boxed_local(),
        headers::what_clients_tell_of_themselves_changes_nothing(stage("headers-3")).boxed_local(),
        headers::every_answer_says_when_the_session_ends(stage("headers-4")).boxed_local(),
        headers::browsers_may_call_from_anywhere(stage("headers-5")).boxed_local(),
        bodies::json_is_read_whatever_its_type_is_called(stage("bodies-0")).boxed_local(),
        bodies::forms_with_brackets_are_read_like_json(stage("bodies-1")).boxed_local(),
        bodies::a_get_may_have_its_parameters_in_a_body(stage("bodies-2")).boxed_local(),
        bodies::a_delete_may_be_forced_in_its_query_or_its_body(stage("bodies-3")).boxed_local(),
        bodies::a_delete_takes_its_query_and_its_body_together(stage("bodies-4")).boxed_local(),
        flags::messages_are_marked_by_any_yes(stage("flags-0")).boxed_local(),
        flags::notifications_are_switched_by_any_yes_or_no(stage("flags-1")).boxed_local(),
        flags::messages_go_for_all_only_by_a_yes(stage("flags-2")).boxed_local(),
        flags::listing_obeys_any_yes_or_no(stage("flags-3")).boxed_local(),
        flags::a_message_is_sent_and_markable_by_any_yes(stage("flags-4")).boxed_local(),
        flags::a_dialog_takes_numbers_and_flags_as_texts(stage("flags-5")).boxed_local(),
        lists::occupants_and_admins_of_a_new_dialog(stage("lists-0")).boxed_local(),
        lists::occupants_and_admins_to_add_and_to_take_out(stage("lists-1")).boxed_local(),
        lists::messages_to_pin_and_to_unpin(stage("lists-2")).boxed_local(),
        queries::dialogs_are_filtered_by_every_spelling_of_an_operator(stage("queries-0")).boxed_local(),
        queries::messages_and_counts_are_asked_for_by_lists_and_dotted_names(stage("queries-1"))
            .boxed_local(),
        queries::neither_order_nor_empty_words_of_parameters_break_a_call(stage("queries-2")).boxed_local(),
        dates::a_date_is_understood_in_every_spelling(stage("dates-0")).boxed_local(),
        answers::a_success_has_the_body_that_its_clients_read(stage("answers-0")).boxed_local(),
        answers::errors_are_json_too(stage("answers-1")).boxed_local(),
        values::times_of_dialogs_and_messages(stage("values-1")).boxed_local(),
        values::sessions_and_users(stage("values-2")).boxed_local(),
    ]
}

/// A call with a body of that type.
async fn send(who: &Person, method: Method, path: &str, (kind, body): (&str, String)) -> Answer {
    Answer::to(who.request(method, path).header("Content-Type", kind).body(body)).await
}

/// A call with a form.
async fn form(who: &Person, method: Method, path: &str, body: impl Into<String>) -> Answer {
    send(who, method, path, (FORM, body.into())).await
}
