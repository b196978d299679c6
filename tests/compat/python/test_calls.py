"""Calls through Stream's SDK for Python, synchronous and asynchronous."""

import asyncio
from datetime import datetime, timedelta, timezone

import pytest
from getstream.models import AudioSettingsRequest, CallRequest, CallSettingsRequest, MemberRequest, ScreensharingSettingsRequest, SortParamRequest, UserRequest
from house import fresh, recent, refused


@pytest.fixture(scope="module", autouse=True)
def people(client):
    client.upsert_users(*(UserRequest(id=name, name=name.title()) for name in ("ann", "bo", "cy")))
    client.create_role("presenter")
    client.video.update_call_type(name="default", grants={"presenter": ["send-audio"]})


@pytest.fixture
def call(client):
    """A call that Ann made."""
    made = client.video.call("default", fresh("call"))
    made.get_or_create(data=CallRequest(created_by_id="ann"))
    return made


def own(house, user, call):
    return house.user(user).video.call(call.call_type, call.id).get().data.own_capabilities


def test_one_is_made_once_and_read(client):
    call = client.video.call("default", fresh("call"))
    starts_at = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
    data = CallRequest(
        created_by_id="ann",
        custom={"topic": "roses"},
        starts_at=starts_at,
        members=[MemberRequest(user_id="bo", role="admin", custom={"desk": 1}), MemberRequest(user_id="cy")],
        settings_override=CallSettingsRequest(screensharing=ScreensharingSettingsRequest(enabled=False)),
    )
    made = call.get_or_create(data=data).data
    assert made.created and made.own_capabilities == []
    assert (made.call.cid, made.call.custom, made.call.created_by.id, made.call.team) == (f"default:{call.id}", {"topic": "roses"}, "ann", None)
    assert (made.call.starts_at, made.call.ended_at, made.call.settings.screensharing.enabled) == (starts_at, None, False)
    assert [(member.user_id, member.user.name) for member in made.members] == [("cy", "Cy"), ("bo", "Bo")]
    assert (made.members[1].role, made.members[1].custom) == ("admin", {"desk": 1})
    for time in (made.call.created_at, made.call.updated_at, made.members[0].created_at, made.call.created_by.created_at):
        recent(time)
    again = call.create(data=CallRequest(created_by_id="bo")).data
    assert (again.created, again.call.created_by.id) == (False, "ann")
    assert call.get().data.call == again.call
    assert len(call.get(members_limit=1).data.members) == 1


def test_what_is_missing_is_said(client):
    with refused(4, "GetOrCreateCall", "either data.created_by or data.created_by_id must be provided when using server side auth"):
        client.video.call("default", fresh("call")).get_or_create()
    with refused(4, "GetOrCreateCall", "don't exist: [nobody-there]"):
        client.video.call("default", fresh("call")).get_or_create(data=CallRequest(created_by_id="nobody-there"))
    with refused(16, "GetCall", "Can't find call with id default:nowhere"):
        client.video.call("default", "nowhere").get()
    with refused(16, "GetOrCreateCall", "no-such-type: call type does not exist"):
        client.video.call("no-such-type", "a").get_or_create(data=CallRequest(created_by_id="ann"))
    with refused(4, "GetOrCreateCall"):
        client.video.call("default", "a/b").get_or_create(data=CallRequest(created_by_id="ann"))


def test_one_is_changed(call):
    updated = call.update(custom={"a": 1}, settings_override=CallSettingsRequest(audio=AudioSettingsRequest(default_device="speaker", mic_default_on=False))).data.call
    assert (updated.custom, updated.settings.audio.mic_default_on) == ({"a": 1}, False)
    assert call.get().data.call.settings == updated.settings


def test_members_come_change_and_go(house, call):
    members = call.update_call_members(update_members=[MemberRequest(user_id="cy", role="presenter"), MemberRequest(user_id="bo")]).data.members
    assert [member.user_id for member in members] == ["cy", "bo"]
    call.update_call_members(update_members=[MemberRequest(user_id="cy", role="admin")])
    assert "block-users" in own(house, "cy", call)
    call.update_call_members(remove_members=["cy"])
    assert "block-users" not in own(house, "cy", call)
    query = call.client.query_call_members(type=call.call_type, id=call.id, filter_conditions={"user_id": {"$in": ["bo", "cy"]}}, sort=[SortParamRequest(field="user_id", direction=1)])
    assert [member.user_id for member in query.data.members] == ["bo"]
    with refused(4, "UpdateCallMembers", "the provided users [u2] don't exist"):
        call.update_call_members(update_members=[MemberRequest(user_id="u2")])


def test_rights_are_given_and_taken(house, call):
    call.update_user_permissions(user_id="bo", revoke_permissions=["send-audio"])
    assert "send-audio" not in own(house, "bo", call)
    call.update_user_permissions(user_id="bo", grant_permissions=["send-audio"])
    assert "send-audio" in own(house, "bo", call)
    with refused(4, "UpdateUserPermissions", "mute-users"):
        call.update_user_permissions(user_id="bo", grant_permissions=["mute-users"])
    with refused(17, "UpdateUserPermissions", "User 'bo'"):
        house.user("bo").video.call(call.call_type, call.id).update_user_permissions(user_id="bo", grant_permissions=["screenshare"])


def test_people_are_ruled(house, call):
    call.mute_users(mute_all_users=True, audio=True, muted_by_id="ann")
    call.mute_users(user_ids=["bo"], audio=True, video=True, screenshare=True)
    call.kick_user(user_id="bo")
    call.block_user(user_id="bo")
    assert call.get().data.call.blocked_user_ids == ["bo"]
    with refused(17, "GetCall", "blocked"):
        own(house, "bo", call)
    call.unblock_user(user_id="bo")
    assert call.get().data.call.blocked_user_ids == []
    call.send_call_event(user_id="ann", custom={"hello": "there"})
    participants = call.query_call_participants(limit=10).data
    assert (participants.participants, participants.total_participants, participants.call.id) == ([], 0, call.id)
    with refused(16, "VideoPin"):
        call.video_pin(session_id="no-such-session", user_id="bo")


def test_one_goes_live_ends_and_is_deleted(client):
    call = client.video.call("livestream", fresh("call"))
    assert call.get_or_create(data=CallRequest(created_by_id="ann")).data.call.backstage
    assert not call.go_live().data.call.backstage
    assert call.stop_live().data.call.backstage
    call.end()
    recent(call.get().data.call.ended_at)
    assert call.delete().data.call.id == call.id
    with refused(16, "GetCall"):
        call.get()
    call.get_or_create(data=CallRequest(created_by_id="ann"))
    task = call.delete(hard=True).data.task_id
    assert client.wait_for_task(task, poll_interval=0.05, timeout=10).data.status == "completed"


def test_they_are_found_page_after_page(client):
    series = fresh("series")
    for n in range(5):
        client.video.call("default" if n < 3 else "livestream", f"{series}-{n}").get_or_create(data=CallRequest(created_by_id="ann", custom={"series": series, "n": n}))

    def found(more, **rest):
        query = client.video.query_calls(filter_conditions={"custom.series": series, **more}, sort=[SortParamRequest(field="id", direction=1)], **rest)
        return [one.call.custom["n"] for one in query.data.calls], query.data

    assert found({})[0] == [0, 1, 2, 3, 4]
    assert found({"type": "livestream"})[0] == [3, 4]
    assert found({"custom.n": {"$gte": 1, "$lt": 4}})[0] == [1, 2, 3]
    assert found({"$or": [{"id": f"{series}-0"}, {"backstage": True}]})[0] == [0, 3, 4]
    assert found({"created_at": {"$gt": (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()}})[0] == []
    first, page = found({}, limit=3)
    second, last = found({}, limit=3, next=page.next)
    assert (first, second, last.next or "") == ([0, 1, 2], [3, 4], "")
    assert found({}, limit=3, prev=last.prev)[0] == [0, 1, 2]
    with refused(4, "QueryCalls", "shoe_size"):
        client.video.query_calls(filter_conditions={"shoe_size": 42})


def test_the_asynchronous_client_does_the_same(house):
    async def walk():
        async with house.asynchronous() as client:
            await client.upsert_users(UserRequest(id="dora", name="Dora"))
            call = client.video.call("default", fresh("call"))
            made = (await call.get_or_create(data=CallRequest(created_by_id="dora"))).data
            assert made.created and made.call.created_by.name == "Dora"
            recent(made.call.created_at)
            await call.update_call_members(update_members=[MemberRequest(user_id="dora", role="admin")])
            await call.block_user(user_id="bo")
            assert (await call.get()).data.call.blocked_user_ids == ["bo"]
            await call.end()
            recent((await call.get()).data.call.ended_at)
            return (await client.video.list_call_types()).data.call_types

    assert "default" in asyncio.run(walk())
