//! The requests, and the shapes of their answers. The ids of the document stand here as names of
//! what the chat has made; values that mean nothing are as they are there.

/// One `curl` line.
pub(crate) struct Request {
    /// `-X`
    pub(crate) method: &'static str,
    /// The address after the host.
    pub(crate) path: &'static str,
    /// `-H "Content-Type: application/json"`
    pub(crate) announces_json: bool,
    /// `-d`
    pub(crate) data: Option<&'static str>,
    pub(crate) answers: Answers,
}

/// What is documented as its answer.
pub(crate) enum Answers {
    /// 200, with any body or none.
    Nothing,
    /// A status and a body of that shape.
    Json(u16, &'static str),
}

const fn get(path: &'static str, shape: &'static str) -> Request {
    Request { method: "GET", path, announces_json: false, data: None, answers: Answers::Json(200, shape) }
}

const fn get_with(path: &'static str, data: &'static str, shape: &'static str) -> Request {
    Request { data: Some(data), ..get(path, shape) }
}

const fn with_json(
    method: &'static str,
    path: &'static str,
    data: &'static str,
    answers: Answers,
) -> Request {
    Request { method, path, announces_json: true, data: Some(data), answers }
}

const fn delete(path: &'static str, answers: Answers) -> Request {
    Request { method: "DELETE", path, announces_json: false, data: None, answers }
}

const DIALOGS: &str =
    r#"{ "total_entries": "number", "skip": "number", "limit": "number", "items": ["dialog"] }"#;
const DIALOG: Answers = Answers::Json(200, r#""dialog""#);
const NOTIFICATIONS: &str = r#"{ "notifications": { "enabled": "number" } }"#;
const DELETED: Answers = Answers::Json(
    200,
    r#"{ "SuccessfullyDeleted": { "ids": "texts" }, "NotFound": { "ids": "texts" }, "WrongPermissions": { "ids": "texts" } }"#,
);

/// In the order of the document, which is also one in which they can be sent: what is deleted or
/// left is nothing that a later one needs.
pub(crate) const REQUESTS: &[Request] = &[
    get("chat/Dialog", DIALOGS),
    with_json(
        "POST",
        "chat/Dialog",
        r#"{"type":2, "name":"Night party", "occupants_ids": [{second},{third}], "extensions": { "location": "Sun bar", "unknown_field": "will be ignored" }, "permissions": { "allow_preview": true }}"#,
        Answers::Json(201, r#""dialog""#),
    ),
    with_json(
        "PUT",
        "chat/Dialog/{left}",
        r#"{ "extensions": { "location": "Sunbar", "unknown_field": "will be ignored" }}"#,
        DIALOG,
    ),
    Request { announces_json: true, ..get_with("chat/Dialog", "extensions[location]=Sunbar", DIALOGS) },
    with_json(
        "PUT",
        "chat/Dialog/{group}",
        r#"{"name":"Crossfit2","push_all":{"occupants_ids":[{fourth}],"pinned_messages_ids":["{message}"]},"photo":"gym2.jpeg", "permissions": { "allow_preview": false }}"#,
        DIALOG,
    ),
    delete("chat/Dialog/{left}", Answers::Nothing),
    delete("chat/Dialog/{deleted},499abe15e4b077ddd43e7b5h", DELETED),
    delete("chat/Dialog/clearHistory/{cleared}", Answers::Nothing),
    Request { data: None, ..with_json("POST", "chat/Dialog/{public}/subscribe", "", DIALOG) },
    delete("chat/dialog/{subscribed}/subscribe", Answers::Nothing),
    with_json("POST", "chat/dialog/{moderated}/block", r#"{"user_id":"{second}"}"#, Answers::Nothing),
    Request {
        data: Some(r#"{"user_id": "{second}"}"#),
        ..delete("chat/dialog/{moderated}/block", Answers::Nothing)
    },
    with_json("PUT", "chat/Dialog/{group}/admins", r#"{"push_all": {"admins_ids": [{third}]}}"#, DIALOG),
    with_json(
        "PUT",
        "chat/Dialog/{group}/notifications",
        r#"{"enabled":"0"}"#,
        Answers::Json(200, NOTIFICATIONS),
    ),
    get("chat/Dialog/{group}/notifications", NOTIFICATIONS),
    get("chat/Dialog/{moderated}/occupants", r#"{ "items": ["user"] }"#),
    get_with(
        "chat/Message",
        "chat_dialog_id={group}",
        r#"{ "skip": "number", "limit": "number", "items": ["message"] }"#,
    ),
    get_with(
        "chat/Message/unread",
        "chat_dialog_ids={group},{private}",
        r#"{ "total": "number", "{group}": "number", "{private}": "number" }"#,
    ),
    with_json(
        "POST",
        "chat/Message",
        r#"{"chat_dialog_id": "{private}", "message": "where are you?", "recipient_id": {second}, "attachments": {"3":  {"type": "image", "id": "3004"}, "7": {"type": "image", "id": "24504"}}}"#,
        Answers::Json(201, r#""message""#),
    ),
    with_json(
        "PUT",
        "chat/Message/{read}",
        r#"{"read": "1", "chat_dialog_id": "{private}"}"#,
        Answers::Nothing,
    ),
    delete("chat/Message/{hidden},5c094682e588ce59fff87424", DELETED),
    with_json(
        "POST",
        "chat/Message/system",
        r#"{"recipientId": {second}, "needToUpdatePhotosStories": "1", "friendId": "90675", "userExt": { "name": "Smith" }, "nickname": "Awesome_smith"}"#,
        Answers::Json(
            200,
            r#"{ "messageId": "text", "recipientId": "number", "extensionParams": { "needToUpdatePhotosStories": "text",
                "friendId": "text", "userExt": { "name": "text" }, "nickname": "text" } }"#,
        ),
    ),
    Request {
        method: "PUT",
        data: Some(r#"{"add": "👍", "remove": "👎"}"#),
        ..delete("chat/Message/{reacted}/reactions", Answers::Nothing)
    },
    get("chat/Message/{reacted}/reactions", r#"{ "👍": ["number"] }"#),
    Request {
        announces_json: true,
        ..get(
            "chat/search?search_text=lorem&limit=3",
            r#"{ "results": { "dialogs": ["dialog"], "messages": ["message"], "users": "list" },
                "dialogs*": "list", "messages*": "list", "users*": "list" }"#,
        )
    },
];
