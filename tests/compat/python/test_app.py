"""The app, its permissions, roles and users, through Stream's SDK for Python."""

from datetime import datetime, timedelta, timezone

import pytest
from getstream import Stream, StreamApiException, StreamRateLimitException
from getstream.models import QueryUsersPayload, SortParamRequest, UpdateUserPartialRequest, UserRequest
from house import KEY, SECRET, House, fresh, recent, refused


def find(client, filter_conditions, **more):
    return client.query_users(QueryUsersPayload(filter_conditions=filter_conditions, **more)).data.users


def test_the_app_says_what_it_is(client):
    response = client.get_app()
    app = response.data.app
    assert response.status_code() == 200 and response.data.duration.endswith("ms")
    assert (app.multi_tenant_enabled, app.guest_user_creation_disabled, app.permission_version) == (False, False, "v2")
    assert {"default", "audio_room", "livestream", "development"} <= set(app.call_types)
    assert isinstance(app.call_types["default"].created_at, datetime)
    assert "search-user" in app.grants["user"]


def test_answers_and_refusals_tell_what_is_left_of_the_rate(client):
    of_answer = client.get_app().rate_limit()
    with pytest.raises(StreamApiException) as caught:
        client.get_permission("nothing")
    for rate in (of_answer, caught.value.rate_limit_info):
        assert rate.limit > 0 and 0 <= rate.remaining <= rate.limit
        assert abs(datetime.now(timezone.utc) - rate.reset) < timedelta(minutes=2)


def test_a_setting_is_taken_and_the_others_left(client):
    client.update_app(guest_user_creation_disabled=True)
    app = client.get_app().data.app
    assert (app.guest_user_creation_disabled, app.multi_tenant_enabled) == (True, False)
    with refused(17, "CreateGuest"):
        client.create_guest(UserRequest(id=fresh("guest")))
    client.update_app(guest_user_creation_disabled=False)
    guest = client.create_guest(UserRequest(id=fresh("guest"), name="Gus")).data
    assert (guest.user.role, guest.user.name) == ("guest", "Gus")
    assert guest.access_token.count(".") == 2


def test_it_knows_its_key_and_its_secret(house, client):
    with refused(2, "GetApp"):
        Stream(api_key="another", api_secret=SECRET, base_url=house.url).get_app()
    with refused(43, "GetApp"):
        Stream(api_key=KEY, api_secret="another-secret-another-secret-another", base_url=house.url).get_app()
    with refused(40, "QueryCalls"):
        client.clone_for_token(client.create_token("ann", expiration=-600)).video.query_calls()
    with refused(5, "GetApp"):
        client.clone_for_token("nonsense").get_app()
    with refused(17, "GetApp", "User 'ann'"):
        house.user("ann").get_app()


def test_permissions_are_listed_whole(client):
    permissions = {permission.id: permission for permission in client.list_permissions().data.permissions}
    for of in ("mute-users", "block-user", "pin-call-track", "create-call-reaction", "start-recording", "update-call-member-role"):
        for variant in ("", "-owner", "-any-team", "-owner-any-team"):
            found = permissions[of + variant]
            assert (found.owner, found.same_team) == ("owner" in variant, "any-team" not in variant)
            assert found.action and found.name and found.level in ("app", "channel")
    assert client.get_permission("mute-users-owner").data.permission.action == "MuteUsers"
    with refused(16, "GetPermission", "sing"):
        client.get_permission("sing")


def test_roles_are_made_used_and_deleted(client):
    name = fresh("customrole")
    made = client.create_role(name).data.role
    assert (made.name, made.custom) == (name, True)
    recent(made.created_at)
    client.video.create_call_type(name=fresh("type"), grants={name: ["send-audio"]})
    roles = {role.name: role for role in client.list_roles().data.roles}
    assert {"user", "admin", "moderator", "guest", "call_member"} <= set(roles)
    assert not roles["user"].custom and len(roles[name].scopes) == 1
    with refused(4, "DeleteRole", name):
        client.delete_role(name)
    idle = fresh("idle")
    client.create_role(idle)
    client.delete_role(idle)
    with refused(16, "DeleteRole", idle):
        client.delete_role(idle)


def test_users_are_made_changed_and_found(client):
    ann, bo = fresh("ann"), fresh("bo")
    users = client.upsert_users(UserRequest(id=ann, name="Ann", custom={"seat": 1}), UserRequest(id=bo, role="admin")).data.users
    assert (users[ann].name, users[ann].custom, users[ann].role, users[ann].teams, users[bo].role) == ("Ann", {"seat": 1}, "user", [], "admin")
    recent(users[ann].created_at)
    partial = client.update_users_partial([UpdateUserPartialRequest(id=ann, set={"seat": 2, "name": "Anna"}, unset=["image"])]).data.users[ann]
    assert (partial.name, partial.custom) == ("Anna", {"seat": 2})
    assert [user.id for user in find(client, {"id": {"$in": [ann, bo]}}, sort=[SortParamRequest(field="id", direction=1)])] == sorted([ann, bo])
    assert [user.id for user in find(client, {"id": {"$in": [ann, bo]}, "role": "admin"}, limit=1)] == [bo]
    assert [user.id for user in find(client, {"name": {"$autocomplete": "ann"}, "id": ann})] == [ann]
    assert client.create_user(name="Cy", id=fresh("cy")).name == "Cy"
    with refused(4, "UpdateUsers", "no-such-role"):
        client.upsert_users(UserRequest(id=ann, role="no-such-role"))
    with refused(4, "QueryUsers", "$sounds"):
        find(client, {"name": {"$sounds": "an"}})


def test_users_are_deactivated_deleted_and_restored(client, house):
    ann = fresh("ann")
    client.upsert_users(UserRequest(id=ann, name="Ann"))
    done = client.wait_for_task(client.deactivate_users([ann]).data.task_id, poll_interval=0.05, timeout=10)
    assert done.data.status == "completed"
    with refused(17, "QueryCalls", ann):
        house.user(ann).video.query_calls()
    assert find(client, {"id": ann}) == []
    recent(find(client, {"id": ann}, include_deactivated_users=True)[0].deactivated_at)
    client.reactivate_users([ann])
    house.user(ann).video.query_calls()
    task = client.delete_users([ann], user="soft").data.task_id
    assert client.wait_for_task(task, poll_interval=0.05, timeout=10).data.status == "completed"
    assert find(client, {"id": ann}) == []
    client.restore_users([ann])
    assert find(client, {"id": ann})[0].name == "Ann"


def test_whoever_asks_too_often_is_told_how_long_to_wait():
    house = House(ROLECALL_LIMITS_REST_PER_MINUTE_USER="2")
    try:
        house.client.upsert_users(UserRequest(id="ann"))
        ann = house.user("ann").video
        ann.query_calls()
        ann.query_calls()
        with pytest.raises(StreamRateLimitException) as caught:
            ann.query_calls()
        assert (caught.value.code, caught.value.status_code) == (9, 429)
        assert timedelta(0) < caught.value.retry_after <= timedelta(minutes=1)
        house.client.video.query_calls()
    finally:
        house.close()
