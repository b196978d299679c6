//! What was seen of a room, as Stream's SDKs read it: with users as the Directory knows them. It
//! must not know who may see what.

use std::{collections::BTreeMap, sync::Arc};

use rolecall_protocol::{
    dialect::stream::glimpse::{Glimpse, Present},
    directory::Directory,
    id::{Timestamp, UserId},
    room::{member::Member, people::Person},
};
use serde_json::Value;

use super::super::Stream;
use crate::http::stream::{
    body::{
        call::{CallIngressResponse, CallResponse, CallState, EgressResponse},
        member::MemberResponse,
        session::{CallParticipantResponse, CallSessionResponse},
        user::UserResponse,
    },
    speech::{Moment, Speech},
};

/// Who is shown to have created what the server itself did.
pub(super) const HOUSE: &str = "server";

/// How somebody is shown things.
pub(super) struct Shown<'a> {
    stream: &'a Stream,
    directory: Arc<Directory>,
    speech: Speech,
}

impl<'a> Shown<'a> {
    pub(super) fn new(stream: &'a Stream, speech: Speech) -> Self {
        Self { stream, directory: stream.directory.now(), speech }
    }

    pub(super) fn moment(&self, at: Timestamp) -> Moment {
        self.speech.moment(at)
    }

    /// A user as the Directory knows him, or as a stranger of that name.
    pub(super) fn user(&self, id: &UserId, name: Option<&str>) -> UserResponse {
        match self.directory.user(id) {
            Some(user) => self.stream.shown(user, self.speech),
            None => UserResponse::of_stranger(id, name, false, self.speech),
        }
    }

    /// A call with all that was seen of it.
    pub(super) fn state(&self, glimpse: &Glimpse) -> CallState {
        CallState {
            call: self.call(glimpse),
            members: self.members(&glimpse.members),
            own_capabilities: glimpse.capabilities.clone(),
            membership: glimpse.membership.as_ref().map(|(user, it)| self.member(user, it)),
        }
    }

    pub(super) fn call(&self, glimpse: &Glimpse) -> CallResponse {
        let settings = glimpse.settings();
        let backstage = settings.get("backstage");
        let ahead = backstage.and_then(|section| section.get("join_ahead_time_seconds"));
        let created_by = match &glimpse.created_by {
            Some(user) => self.user(user, None),
            None => self.house(),
        };
        CallResponse {
            call_type: glimpse.cid.call_type().to_owned(),
            id: glimpse.cid.id().to_owned(),
            cid: glimpse.cid.to_string(),
            team: glimpse.team.clone(),
            created_by,
            created_at: self.moment(glimpse.created_at),
            updated_at: self.moment(glimpse.updated_at),
            starts_at: self.speech.moments(glimpse.starts_at),
            ended_at: self.speech.moments(glimpse.ended_at),
            custom: glimpse.custom.clone(),
            blocked_user_ids: glimpse.blocked.clone(),
            backstage: glimpse.backstage,
            join_ahead_time_seconds: ahead.and_then(Value::as_u64),
            settings,
            recording: false,
            transcribing: false,
            captioning: false,
            translating: false,
            current_session_id: glimpse
                .session
                .as_ref()
                .map_or_else(String::new, |session| session.id.to_string()),
            session: self.session(glimpse),
            egress: EgressResponse::default(),
            ingress: CallIngressResponse::nowhere(),
        }
    }

    fn session(&self, glimpse: &Glimpse) -> Option<CallSessionResponse> {
        let session = glimpse.session.as_ref()?;
        let by_role = glimpse.by_role.iter();
        Some(CallSessionResponse {
            id: session.id.to_string(),
            started_at: self.moment(session.started_at),
            live_started_at: self.speech.moments(glimpse.live_since),
            participants: glimpse.present.iter().map(|one| self.participant(one)).collect(),
            participants_count_by_role: by_role
                .map(|(role, many)| (role.to_string(), *many))
                .collect(),
            anonymous_participant_count: glimpse.anonymous,
            accepted_by: BTreeMap::new(),
            rejected_by: BTreeMap::new(),
            missed_by: BTreeMap::new(),
        })
    }

    pub(super) fn participant(&self, present: &Present) -> CallParticipantResponse {
        CallParticipantResponse {
            user: self.user(&present.user_id, Some(&present.name)),
            user_session_id: present.peer_id.clone(),
            role: present.role.clone(),
            joined_at: self.moment(present.joined_at),
        }
    }

    pub(super) fn members<'m>(
        &self,
        members: impl IntoIterator<Item = &'m (UserId, Member)>,
    ) -> Vec<MemberResponse> {
        members.into_iter().map(|(user, member)| self.member(user, member)).collect()
    }

    pub(super) fn member(&self, user: &UserId, member: &Member) -> MemberResponse {
        MemberResponse {
            user_id: user.clone(),
            user: self.user(user, None),
            role: member.role(),
            custom: member.custom.clone(),
            created_at: self.moment(member.created_at),
            updated_at: self.moment(member.updated_at),
        }
    }

    /// Somebody who said or did something.
    pub(super) fn person(&self, person: &Person) -> UserResponse {
        match &person.user_id {
            Some(user) => self.user(user, Some(&person.name)),
            None => self.house(),
        }
    }

    /// The server, where no user did it.
    fn house(&self) -> UserResponse {
        #[expect(clippy::expect_used, reason = "a literal of this file")]
        let id = UserId::parse(HOUSE).expect("well formed");
        UserResponse::of_stranger(&id, Some(HOUSE), false, self.speech)
    }
}
