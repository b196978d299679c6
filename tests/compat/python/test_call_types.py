"""Call types through Stream's SDK for Python, and the documentation's snippets about them."""

from getstream.models import AudioSettingsRequest, CallSettingsRequest, EventNotificationSettingsRequest, NotificationSettingsRequest, OwnCapability, SessionSettingsRequest
from house import fresh, recent, refused


def test_the_documentations_snippets(client):
    # "Please note that for the below code to work, you need to create the customrole beforehand."
    client.create_role("customrole")
    made = client.video.create_call_type(
        name='call-type-name',
        grants={
            "admin": ["send-audio", "send-video", "mute-users"],
            "customrole": ["send-audio", "send-video"],
        },
    )
    assert sorted(made.data.grants["admin"]) == ["mute-users", "send-audio", "send-video"]
    assert sorted(made.data.grants["customrole"]) == ["send-audio", "send-video"]

    updated = client.video.update_call_type(
        name='default',
        grants={
            # ...
        },
    )
    assert updated.data.name == "default"

    older = client.video.create_call_type(
        name='call-type-of-older-days',
        grants={
            "admin": [
                OwnCapability.SEND_AUDIO,  # had a `.to_str()`
                OwnCapability.SEND_VIDEO,
                OwnCapability.MUTE_USERS,
            ],
            "customrole": [
                OwnCapability.SEND_AUDIO,
                OwnCapability.SEND_VIDEO,
            ],
        },
    )
    assert sorted(older.data.grants["admin"]) == ["mute-users", "send-audio", "send-video"]

    response = client.list_permissions()
    assert len(response.data.permissions) > 50  # `response.permissions` in the page


def test_they_are_listed_as_a_map(client):
    types = client.video.list_call_types().data.call_types
    assert {"default", "audio_room", "livestream", "development"} <= set(types)
    default = client.video.get_call_type("default").data
    assert default.grants == types["default"].grants
    assert default.settings.audio.default_device == "earpiece" and default.settings.video.target_resolution.width >= 240
    assert types["livestream"].settings.backstage.enabled and not types["audio_room"].settings.video.enabled


def test_one_made_with_grants_for_admin_has_the_defaults_for_the_others(client):
    name = fresh("type")
    made = client.video.create_call_type(name=name, grants={"admin": ["send-audio"]}).data
    recent(made.created_at)
    default = client.video.get_call_type("default").data
    assert (made.grants["admin"], made.grants["user"]) == (["send-audio"], default.grants["user"])
    assert made.settings == default.settings


def test_an_update_replaces_the_roles_it_mentions(client):
    name = fresh("type")
    made = client.video.create_call_type(name=name, settings=CallSettingsRequest(session=SessionSettingsRequest(inactivity_timeout_seconds=60))).data
    updated = client.video.update_call_type(
        name=name,
        grants={"host": ["join-backstage"], "guest": []},
        settings=CallSettingsRequest(audio=AudioSettingsRequest(default_device="speaker", mic_default_on=False)),
        notification_settings=NotificationSettingsRequest(enabled=True, call_ring=EventNotificationSettingsRequest(enabled=False)),
    ).data
    assert (updated.grants["host"], updated.grants.get("guest", [])) == (["join-backstage"], [])
    assert {role: ids for role, ids in updated.grants.items() if role not in ("host", "guest")} == {role: ids for role, ids in made.grants.items() if role not in ("host", "guest")}
    assert (updated.settings.audio.mic_default_on, updated.settings.session.inactivity_timeout_seconds) == (False, 60)
    assert (updated.notification_settings.enabled, updated.notification_settings.call_ring.enabled) == (True, False)
    assert client.video.get_call_type(name).data.settings == updated.settings


def test_what_is_unknown_is_refused_by_name(client):
    for grants, word in (({"singer": ["send-audio"]}, "singer"), ({"admin": ["sing"]}, "sing")):
        with refused(4, "UpdateCallType", word):
            client.video.update_call_type(name="default", grants=grants)
    with refused(4, "UpdateCallType", "default_device"):
        client.video.update_call_type(name="default", settings=CallSettingsRequest(audio=AudioSettingsRequest(default_device="megaphone")))
    with refused(16, "GetCallType", "no-such-type: call type does not exist"):
        client.video.get_call_type("no-such-type")


def test_one_is_deleted(client):
    name = fresh("type")
    client.video.create_call_type(name=name)
    with refused(4, "CreateCallType", name):
        client.video.create_call_type(name=name)
    client.video.delete_call_type(name)
    with refused(16, "DeleteCallType", name):
        client.video.delete_call_type(name)
