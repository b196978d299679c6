/** @file The shapes of Daily's client as JSDoc types; nothing here runs, and nothing imports it at run time. */

/** @typedef {"video" | "audio" | "screenVideo" | "screenAudio" | "customVideo" | "customAudio"} CanSend */
/** @typedef {"participants" | "streaming" | "transcription"} CanAdmin */
/** @typedef {"new" | "loading" | "loaded" | "joining-meeting" | "joined-meeting" | "left-meeting" | "error"} MeetingState */
/** @typedef {"ejected" | "nbf-room" | "nbf-token" | "exp-room" | "exp-token" | "no-room" | "meeting-full" | "not-allowed" | "connection-error"} FatalType */
/** @typedef {{ [name: string]: boolean }} CustomPartial */
/** @typedef {{ "*": boolean, [name: string]: boolean }} CustomFull */
/** @typedef {{ video: boolean, audio: boolean, screenVideo: boolean, screenAudio: boolean, customVideo: CustomFull, customAudio: CustomFull }} MediaFull */
/** @typedef {{ video?: boolean, audio?: boolean, screenVideo?: boolean, screenAudio?: boolean, customVideo?: CustomPartial, customAudio?: CustomPartial }} MediaPartial */

/**
 * @typedef {object} CanReceive
 * @property {MediaFull | boolean} base
 * @property {{ [userId: string]: MediaPartial | boolean }} [byUserId]
 * @property {{ [sessionId: string]: MediaPartial | boolean }} [byParticipantId]
 */

/**
 * What is read: sets or booleans, never arrays.
 * @typedef {object} Permissions
 * @property {boolean} hasPresence
 * @property {Set<CanSend> | boolean} canSend
 * @property {CanReceive} canReceive
 * @property {Set<CanAdmin> | boolean} canAdmin
 */

/**
 * What is written: what is absent stays.
 * @typedef {object} PermissionsUpdate
 * @property {boolean} [hasPresence]
 * @property {CanSend[] | Set<CanSend> | boolean} [canSend]
 * @property {Partial<CanReceive>} [canReceive]
 * @property {CanAdmin[] | Set<CanAdmin> | boolean} [canAdmin]
 */

/** @typedef {boolean | "staged"} Subscription */
/** @typedef {{ byDeviceMissing?: boolean, byDeviceInUse?: boolean, byPermissions?: boolean }} BlockedBy */
/** @typedef {{ byUser?: boolean, byRemoteRequest?: boolean, byCanSendPermission?: boolean, byCanReceivePermission?: boolean }} OffBy */

/**
 * @typedef {object} TrackState
 * @property {Subscription} subscribed
 * @property {"blocked" | "off" | "sendable" | "loading" | "interrupted" | "playable"} state
 * @property {BlockedBy} [blocked]
 * @property {OffBy} [off]
 * @property {MediaStreamTrack} [track] only while `playable`
 * @property {MediaStreamTrack} [persistentTrack]
 */

/** @typedef {{ audio: TrackState, video: TrackState, screenAudio: TrackState, screenVideo: TrackState, [customTrack: string]: TrackState | undefined }} Tracks */

/**
 * @typedef {object} Participant
 * @property {string} session_id
 * @property {string} user_id
 * @property {string} user_name
 * @property {unknown} [userData]
 * @property {Date} [joined_at]
 * @property {Date} will_eject_at
 * @property {boolean} local
 * @property {boolean} owner
 * @property {Permissions} permissions
 * @property {Tracks} tracks
 * @property {boolean} record
 * @property {boolean} audio
 * @property {boolean} video
 * @property {boolean} screen
 * @property {MediaStreamTrack | false} audioTrack
 * @property {MediaStreamTrack | false} videoTrack
 * @property {MediaStreamTrack | false} screenAudioTrack
 * @property {MediaStreamTrack | false} screenVideoTrack
 * @property {{}} cam_info
 * @property {{}} screen_info
 */

/** @typedef {{ local: Participant, [sessionId: string]: Participant }} Participants */
/** @typedef {{ present: number, hidden: number }} Counts */
/** @typedef {{ level: "none" | "lobby" | "full" }} SpecifiedAccess */
/** @typedef {"unknown" | SpecifiedAccess} Access */
/** @typedef {{ access: Access, awaitingAccess?: SpecifiedAccess }} AccessState */
/** @typedef {{ id: string, name: string, awaitingAccess: SpecifiedAccess }} WaitingParticipant */
/** @typedef {{ grantRequestedAccess?: boolean }} WaitingUpdate */
/** @typedef {{ access?: { level: "full" }, name: string }} AccessRequest */
/** @typedef {{ access: Access, granted: boolean }} AccessAnswer */
/** @typedef {{ name: string, promise: Promise<AccessAnswer>, resolve: (answer: AccessAnswer) => void, reject: (why: unknown) => void }} Asking */
/** @typedef {{ data: unknown, topology: "sfu" | "peer" | "none" }} MeetingSessionState */
/** @typedef {"replace" | "shallow-merge"} MergeStrategy */
/** @typedef {Subscription | "avatar" | { audio?: Subscription, video?: Subscription, screenVideo?: Subscription, screenAudio?: Subscription, custom?: any }} SubscribedTracks */

/**
 * @typedef {object} ParticipantUpdate
 * @property {boolean} [setAudio]
 * @property {boolean} [setVideo]
 * @property {false} [setScreenShare]
 * @property {SubscribedTracks} [setSubscribedTracks]
 * @property {true} [eject]
 * @property {PermissionsUpdate} [updatePermissions]
 * @property {any} [styles] has no effect
 */

/**
 * What only this client takes: how it reaches the server.
 * @typedef {object} Extras
 * @property {import("../link.js").WebSocketClass} [WebSocket] `globalThis.WebSocket` where absent
 * @property {boolean | import("../backoff.js").BackoffOptions} [reconnect]
 * @property {number} [callTimeout] milliseconds
 * @property {number} [heartbeat] milliseconds
 * @property {() => number} [random]
 * @property {any} [mediaDevices] `navigator.mediaDevices` where absent
 * @property {boolean} [media] `false`: no sound and pictures of others
 */

/**
 * @typedef {object} CallOptions
 * @property {string} [url] `https://HOST/NAME`: room `daily:NAME` of that server
 * @property {string} [token]
 * @property {string} [userName]
 * @property {unknown} [userData]
 * @property {boolean} [startVideoOff]
 * @property {boolean} [startAudioOff]
 * @property {boolean} [subscribeToTracksAutomatically]
 * @property {string | MediaStreamTrack | boolean} [videoSource]
 * @property {string | MediaStreamTrack | boolean} [audioSource]
 * @property {Extras} [rolecall]
 */

/** @typedef {{ mediaStream?: MediaStream, displayMediaOptions?: any, screenVideoSendSettings?: any }} ScreenOptions */

/** @typedef {CallOptions & { allowMultipleCallInstances?: boolean, strictMode?: boolean }} FactoryOptions */

/** @typedef {"cam-in-use" | "mic-in-use" | "cam-mic-in-use" | "permissions" | "undefined-mediadevices" | "not-found" | "constraints" | "unknown"} CameraErrorType */
/** @typedef {{ camera: {} | MediaDeviceInfo, mic: {} | MediaDeviceInfo, speaker: {} | MediaDeviceInfo }} DeviceInfos */

/**
 * A change that was asked for and not made. Daily tells nobody but the console.
 * @typedef {object} Refused
 * @property {string} method the method of this client
 * @property {string | null} sessionId whom it was about
 * @property {any} updates what was asked
 * @property {string} reason `not-allowed`, `unknown-peer`, `owner`, `escalation`, …, or `not-supported`
 * @property {string} errorMsg
 * @property {Record<string, any>} details
 */

/** @typedef {{ callClientId: string }} Signed */

/**
 * What is told, by name. Every event carries its name as `action`.
 * @typedef {object} CallEvents
 * @property {Signed & { action: "loading" }} loading
 * @property {Signed & { action: "loaded" }} loaded
 * @property {Signed & { action: "joining-meeting" }} joining-meeting
 * @property {Signed & { action: "joined-meeting", participants: Participants }} joined-meeting
 * @property {Signed & { action: "left-meeting" }} left-meeting
 * @property {Signed & { action: "call-instance-destroyed" }} call-instance-destroyed
 * @property {Signed & { action: "participant-joined", participant: Participant }} participant-joined
 * @property {Signed & { action: "participant-updated", participant: Participant }} participant-updated
 * @property {Signed & { action: "participant-left", participant: Participant, reason?: "hidden" }} participant-left
 * @property {Signed & { action: "participant-counts-updated", participantCounts: Counts }} participant-counts-updated
 * @property {Signed & { action: "track-started", participant: Participant, track: MediaStreamTrack, type: string }} track-started
 * @property {Signed & { action: "track-stopped", participant: Participant, track: MediaStreamTrack, type: string }} track-stopped
 * @property {Signed & { action: "app-message", data: any, fromId: string }} app-message
 * @property {Signed & { action: "error", errorMsg: string, error: any }} error
 * @property {Signed & { action: "nonfatal-error", type: "screen-share-error" | "meeting-session-data-error", errorMsg: string, details?: any }} nonfatal-error
 * @property {Signed & { action: "access-state-updated" } & AccessState} access-state-updated
 * @property {Signed & { action: "waiting-participant-added", participant: WaitingParticipant }} waiting-participant-added
 * @property {Signed & { action: "waiting-participant-updated", participant: WaitingParticipant }} waiting-participant-updated
 * @property {Signed & { action: "waiting-participant-removed", participant: WaitingParticipant }} waiting-participant-removed
 * @property {Signed & { action: "meeting-session-state-updated", meetingSessionState: MeetingSessionState }} meeting-session-state-updated
 * @property {Signed & { action: "meeting-session-summary-updated", meetingSession: { id: string } }} meeting-session-summary-updated
 * @property {Signed & { action: "meeting-session-updated", meetingSession: { id: string } }} meeting-session-updated
 * @property {Signed & { action: "network-connection", type: "signaling" | "peer-to-peer" | "sfu", event: string, session_id?: string }} network-connection
 * @property {Signed & { action: "started-camera" }} started-camera
 * @property {Signed & { action: "available-devices-updated", availableDevices: MediaDeviceInfo[] }} available-devices-updated
 * @property {Signed & { action: "selected-devices-updated", devices: DeviceInfos }} selected-devices-updated
 * @property {Signed & { action: "camera-error", errorMsg: { errorMsg: string, audioOk?: boolean, videoOk?: boolean }, error: any }} camera-error
 * @property {Signed & { action: "local-screen-share-started" }} local-screen-share-started
 * @property {Signed & { action: "local-screen-share-stopped" }} local-screen-share-stopped
 * @property {Signed & { action: "local-screen-share-canceled" }} local-screen-share-canceled
 * @property {Signed & { action: "rolecall-refused" } & Refused} rolecall-refused
 * @property {Signed & { action: "rolecall-unmute-request", tracks: import("../wire.js").TrackKind[], fromId: string }} rolecall-unmute-request
 * @property {Signed & { action: "rolecall-hidden-participants-updated", hiddenParticipants: { [sessionId: string]: Participant } }} rolecall-hidden-participants-updated
 */

export {};
