"""Teams through Stream's SDK for Python, with clients of users: refused, filtered, and no filter that widens."""

import pytest
from getstream.models import CallRequest, QueryUsersPayload, UserRequest
from house import fresh, refused


@pytest.fixture(scope="module", autouse=True)
def teams(client):
    assert client.get_app().data.app.multi_tenant_enabled is False
    client.update_app(multi_tenant_enabled=True)
    assert client.get_app().data.app.multi_tenant_enabled is True
    client.upsert_users(
        UserRequest(id="sara", name="Sara", teams=["red", "blue"]),
        UserRequest(id="rob", name="Nick", teams=["red"]),
        UserRequest(id="bea", name="Nick", teams=["blue"], teams_role={"blue": "admin"}),
        UserRequest(id="tom", name="Tom"),
    )
    for name, team, creator in (("red", "red", "rob"), ("blue", "blue", "sara"), ("open", None, "tom")):
        client.video.call("default", name).get_or_create(data=CallRequest(team=team, created_by_id=creator))


def calls(client, filter_conditions=None):
    """Which of our calls are found: the server has one for its demo besides."""
    found = sorted(one.call.id for one in client.video.query_calls(filter_conditions=filter_conditions).data.calls)
    return [name for name in found if name != "demo"]


def users(client, **filter_conditions):
    return sorted(user.id for user in client.query_users(QueryUsersPayload(filter_conditions=filter_conditions)).data.users)


def test_a_foreign_teams_call_is_refused(house):
    assert house.user("rob").video.call("default", "red").get().data.call.team == "red"
    for user, name in (("rob", "blue"), ("rob", "open"), ("tom", "red"), ("sara", "open")):
        call = house.user(user).video.call("default", name)
        with refused(17, "GetCall", user):
            call.get()
        with refused(17, "UpdateCall", user):
            call.update(custom={"by": user})
        with refused(17, "BlockUser", user):
            call.block_user(user_id="bea")


def test_a_call_is_made_in_ones_own_team(house):
    made = house.user("rob").video.call("default", fresh("call")).get_or_create(data=CallRequest(team="red"))
    assert made.data.call.team == "red"
    for user, team in (("rob", "blue"), ("sara", None), ("tom", "red")):
        with refused(17, "GetOrCreateCall", "team"):
            house.user(user).video.call("default", fresh("call")).get_or_create(data=CallRequest(team=team))
    made.data and house.client.video.call("default", made.data.call.id).delete()


def test_calls_are_filtered(house, client):
    assert (calls(client), calls(client, {"team": {"$exists": False}}), calls(client, {"team": "blue"})) == (["blue", "open", "red"], ["open"], ["blue"])
    rob, sara, tom = house.user("rob"), house.user("sara"), house.user("tom")
    assert (calls(rob), calls(sara), calls(tom)) == (["red"], ["blue", "red"], ["open"])
    assert (calls(rob, {"team": {}}), calls(tom, {"team": {}})) == (["red"], ["open"])
    for widening in ({"team": None}, {"team": {"$exists": True}}, {"team": {"$in": ["red", "blue"]}}, {"$or": [{"team": "blue"}, {"team": "red"}]}):
        assert set(calls(rob, widening)) <= {"red"}, widening


def test_users_are_filtered(house, client):
    assert users(client, name="Nick", teams={"$in": ["red", "blue"]}) == ["bea", "rob"]
    assert users(client, name="Tom", teams=None) == ["tom"]
    rob = house.user("rob")
    assert (users(rob), users(house.user("tom")), users(rob, teams={})) == (["rob", "sara"], ["tom"], ["rob", "sara"])
    for widening in ({"teams": None}, {"teams": {"$in": ["red", "blue"]}}, {"$or": [{"teams": {"$contains": "blue"}}, {"teams": None}]}):
        assert set(users(rob, **widening)) <= {"rob", "sara"}, widening


def test_a_role_of_his_own_in_a_team(house, client):
    assert "block-users" in house.user("bea").video.call("default", "blue").get().data.own_capabilities
    assert client.query_users(QueryUsersPayload(filter_conditions={"id": "bea"})).data.users[0].teams_role == {"blue": "admin"}


def test_teams_have_bounds_and_are_the_backends(house, client):
    with refused(4, "UpdateUsers", "250"):
        client.upsert_users(UserRequest(id="rob", teams=[f"team-{n}" for n in range(251)]))
    with refused(4, "UpdateUsers", "100"):
        client.upsert_users(UserRequest(id="rob", teams=["x" * 101]))
    with refused(17, "UpdateUsers"):
        house.user("rob").upsert_users(UserRequest(id="rob", teams=["blue"]))
    with refused(17, "UpdateUsers"):
        house.user("new").upsert_users(UserRequest(id="new"))
    with refused(17, "CreateGuest"):
        house.user("rob").create_guest(UserRequest(id="gus"))
    assert client.query_users(QueryUsersPayload(filter_conditions={"id": "rob"})).data.users[0].teams == ["red"]
