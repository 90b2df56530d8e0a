"""Lets the calls that Schemathesis makes up meet something.

Most of them get the token of a user who has a group, a public dialog and messages, and many the
ids of these in place of made-up ones. He is renewed now and then, because what is called with his
token may delete all of that. Everything is decided by what a call is, never by chance.
"""

import hashlib
import json
import os

import requests
import schemathesis

API = os.environ["API"]
AUTH_KEY = os.environ["AUTH_KEY"]
APPLICATION = int(os.environ["APP_ID"])
# Calls after which another world is made.
CALLS_MAX = 40
# Out of 8 calls, how many get real ids, and how many a token.
REAL_IDS, TOKENS = 6, 7

http = requests.Session()
http.trust_env = False


class World:
    """What calls can be about."""

    number = 0

    def __init__(self):
        World.number += 1
        self.calls = 0
        self.names = [f"{name}{World.number}" for name in ("owner", "other")]
        (self.token, _), (_, self.other) = [person(name) for name in self.names]
        self.group = self.ask("chat/Dialog", {"type": 2, "name": "Lobby", "occupants_ids": [self.other]})["_id"]
        self.public = self.ask("chat/Dialog", {"type": 4, "name": "Town square"})["_id"]
        self.message = self.ask("chat/Message", {"chat_dialog_id": self.group, "message": "hello"})["_id"]

    def ask(self, path, body):
        return answered(http.post(f"{API}/{path}", json=body, headers={"CB-Token": self.token}))


def person(login):
    """Token and id of somebody who is new."""
    user = {"login": login, "password": "correct horse battery"}
    answered(http.post(f"{API}/users", json={"user": user}, headers={"CB-AuthKey": AUTH_KEY}))
    body = {"application_id": APPLICATION, "auth_key": AUTH_KEY, "user": user}
    session = answered(http.post(f"{API}/session", json=body))["session"]
    return session["token"], session["user_id"]


def answered(response):
    assert response.ok, f"{response.status_code} {response.text}"
    return response.json()


world = None


def current(case):
    """The world of this call. What ends a session or a user leaves nothing to the next one."""
    global world
    changes = case.path.startswith(("/session", "/users")) and case.method in ("DELETE", "PUT")
    ends = changes or case.path == "/login"
    if world is None or world.calls >= CALLS_MAX:
        world = World()
    world.calls = CALLS_MAX if ends else world.calls + 1
    return world


@schemathesis.hook
def before_call(context, case, kwargs):
    there = current(case)
    told = json.dumps([case.method, case.path, case.path_parameters, case.query, repr(case.body)], default=repr)
    digest = hashlib.sha256(told.encode()).digest()
    if digest[0] % 8 < TOKENS:
        case.headers["CB-Token"] = there.token
    if digest[1] % 8 < REAL_IDS:
        meet(case, there, digest[2])


def meet(case, there, chance):
    is_open = case.path.endswith(("/block", "/subscribe")) or chance % 4 == 0
    dialog = there.public if is_open else there.group
    path = {"id": dialog, "ids": dialog}
    if case.path.startswith("/chat/Message"):
        path = {"id": there.message, "ids": there.message}
    elif case.path.startswith("/users"):
        path = {"id": there.other}
    real = {
        "chat_dialog_id": dialog,
        "chat_dialog_ids": dialog,
        "recipient_id": there.other,
        "recipientId": there.other,
        "user_id": there.other,
        "occupants_ids": [there.other],
        "admins_ids": [there.other],
        "pinned_messages_ids": [there.message],
        "application_id": APPLICATION,
        "auth_key": AUTH_KEY,
    }
    for values, known in [(case.path_parameters, path), (case.query, real), (case.body, real)]:
        fill(values, known)


def fill(values, known):
    if isinstance(values, dict):
        for name in values:
            if name in known:
                values[name] = known[name]
            else:
                fill(values[name], known)
