// Holds the facade against Daily's own typings: a page written in TypeScript for Daily compiles over it.
// `FACADE` is replaced by the path of the facade, or of one that is wrong on purpose.
import type { DailyCall, DailyEventObject, DailyFactoryOptions, DailyCallFactory, DailyCallStaticUtils, DailyParticipant, DailyParticipantPermissions,
  DailyParticipantPermissionsUpdate, DailyParticipantUpdateOptions, DailyParticipantsObject, DailyParticipantCounts, DailyWaitingParticipant } from "@daily-co/daily-js";
import Daily, { type Facade, type Events, type Participant, type Participants, type Permissions, type PermissionsUpdate, type ParticipantUpdate } from "FACADE";

// Methods that return the call itself: Daily's type promises the whole DailyCall, the facade itself.
type Chained = "updateParticipant" | "updateParticipants" | "setLocalAudio" | "setLocalVideo" | "setSubscribeToTracksAutomatically" | "sendAppMessage";
type Listening = "on" | "once" | "off";

// Everything that the facade serves.
type Subset =
  | "callClientId" | "join" | "leave" | "destroy" | "isDestroyed" | "meetingState" | "participants" | "participantCounts" | "setUserName" | "setUserData"
  | "meetingSessionSummary" | "meetingSessionState" | "setMeetingSessionData" | "getMeetingSession" | "accessState" | "preAuth" | "requestAccess" | "waitingParticipants"
  | "updateWaitingParticipant" | "updateWaitingParticipants" | "localAudio" | "localVideo" | "startCamera" | "localScreenAudio" | "localScreenVideo" | "startScreenShare"
  | "stopScreenShare" | "subscribeToTracksAutomatically" | "setInputDevicesAsync" | "getInputDevices" | "enumerateDevices" | "room" | "load" | "iframe" | "getNetworkTopology"
  | "getNetworkStats" | "getCpuLoadStats" | "getInputSettings" | "getReceiveSettings" | "getSendSettings" | "isLocalAudioLevelObserverRunning"
  | "isRemoteParticipantsAudioLevelObserverRunning" | "getActiveSpeaker" | "activeSpeakerMode" | "properties" | Chained | Listening;

declare const facade: Facade;

// 1. What does not chain is Daily's, to the letter.
export const served: Pick<DailyCall, Exclude<Subset, Chained | Listening>> = facade;
export const factory: Pick<DailyCallStaticUtils, "supportedBrowser" | "version"> = Daily;
export const created: Facade = Daily.createCallObject({} as Pick<DailyFactoryOptions, "url" | "token" | "userName" | "userData" | "startVideoOff" | "startAudioOff"
  | "subscribeToTracksAutomatically" | "videoSource" | "audioSource" | "allowMultipleCallInstances" | "strictMode">);
export const found: Facade | undefined = Daily.getCallInstance(...([] as Parameters<DailyCallFactory["getCallInstance"]>));

// 2. What chains takes what Daily's takes, and returns the facade.
type Holds<T extends true> = T;
type IsAny<T> = 0 extends 1 & T ? true : false;
type Within<A, B> = [A] extends [B] ? true : false;
type Takes = { [K in Chained]: Within<Parameters<DailyCall[K]>, Parameters<Facade[K]>> }[Chained];
type Returns = { [K in Chained]: Within<ReturnType<Facade[K]>, Facade> }[Chained];
export type Known = Holds<IsAny<Facade> | IsAny<Events["participant-updated"]> | IsAny<Participant> | IsAny<Permissions> | IsAny<ReturnType<Facade["participants"]>> extends false ? true : false>;
export type TakesAll = Holds<Takes>;
export type ReturnsAll = Holds<Returns>;
export const chained: Facade = facade.on("joined-meeting", () => {}).once("left-meeting", () => {}).off("error", () => {}).sendAppMessage(1).setLocalAudio(true).setLocalVideo(false);
export const unthenable: "then" extends keyof Facade ? never : true = true;

// 3. Every event is Daily's, but for those that only this client tells.
type Own = "rolecall-refused" | "rolecall-hidden-participants-updated" | "rolecall-unmute-request";
type DailyEvents = Exclude<keyof Events & string, Own>;
type Told = { [K in DailyEvents]: K extends Parameters<DailyCall["on"]>[0] ? Within<Events[K], DailyEventObject<K>> : false }[DailyEvents];
export type ToldAll = Holds<Told>;

// 4. Shapes: read as Daily's, written as Daily's.
export const person = (given: Participant): DailyParticipant => given;
export const people = (given: Participants): DailyParticipantsObject => given;
export const rights = (given: Permissions): DailyParticipantPermissions => given;
export const rightsBack = (given: DailyParticipantPermissions): Permissions => given;
export const patch = (given: DailyParticipantPermissionsUpdate): PermissionsUpdate => given;
export const update = (given: DailyParticipantUpdateOptions): ParticipantUpdate => given;
export const counts: DailyParticipantCounts = facade.participantCounts();
export const waiting: { [id: string]: DailyWaitingParticipant } = facade.waitingParticipants();

// 5. A page's own lines.
export async function page(url: string): Promise<void> {
  const call = Daily.createCallObject({ url, userName: "Ann" });
  call.on("participant-updated", ({ participant }) => {
    const { canSend, canAdmin } = participant.permissions;
    const sends: boolean = typeof canSend === "boolean" ? canSend : canSend.has("audio");
    const administers: boolean = typeof canAdmin === "boolean" ? canAdmin : canAdmin.has("participants");
    if (sends || administers) call.setLocalAudio(true);
  });
  call.on("participant-left", ({ participant, reason }) => {
    if (reason === "hidden") call.updateParticipant(participant.session_id, { updatePermissions: { hasPresence: true } });
  });
  call.on("track-started", ({ track, type, participant }) => void [track.kind, type, participant?.session_id]);
  call.on("app-message", ({ data, fromId }) => void [data, fromId.length]);
  await call.join({ url, token: "t" });
  const local: DailyParticipant = call.participants().local;
  call.updateParticipant(local.session_id, { updatePermissions: { canSend: new Set(["audio"]), canReceive: { base: true, byUserId: { ann: { video: true } } }, canAdmin: false } });
  await call.leave();
}
