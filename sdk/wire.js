/** @file The shapes of the `rolecall.v1` wire as JSDoc types; nothing here runs, and nothing imports it at run time. */

/** @typedef {"audio" | "video" | "screenVideo" | "screenAudio" | "customVideo" | "customAudio"} TrackKind */
/** @typedef {"on" | "off" | "blocked"} TrackState */
/** @typedef {"participants" | "streaming" | "transcription"} AdminGroup */
/** @typedef {Record<string, boolean | Record<string, boolean>>} ReceiveMap kinds to booleans; the custom ones to maps of track names, `*` for the rest */
/** @typedef {boolean | ReceiveMap} Reception */
/** @typedef {"left" | "lost" | "removed" | "hidden" | "ended"} LeaveReason */
/** @typedef {"accepted" | "rejected" | "cancelled" | "expired" | "superseded" | "left" | "withdrawn"} RequestOutcome */
/** @typedef {"admitted" | "refused" | "left" | "hidden"} WaitingOutcome `hidden`: he waits on, but oneself may not answer any more */
/** @typedef {"send-audio" | "send-video" | "screenshare" | "presence"} Askable what `requestPermissions` may ask for */

/**
 * @typedef {object} CanReceive
 * @property {Reception} base
 * @property {Record<string, Reception>} [byRole] only where the role says so
 * @property {Record<string, Reception>} [byUserId]
 * @property {Record<string, Reception>} [byParticipantId]
 */

/**
 * @typedef {object} Permissions
 * @property {boolean} hasPresence
 * @property {TrackKind[]} canSend
 * @property {CanReceive} canReceive
 * @property {AdminGroup[]} canAdmin
 */

/**
 * A change of permissions: what is absent stays, `null` is back to what the role says.
 * @typedef {object} PermissionsPatch
 * @property {boolean | null} [hasPresence]
 * @property {boolean | TrackKind[] | null} [canSend]
 * @property {{ base?: Reception | null, byUserId?: Record<string, Reception> | null, byParticipantId?: Record<string, Reception> | null } | null} [canReceive]
 * @property {boolean | AdminGroup[] | null} [canAdmin]
 */

/**
 * @typedef {object} Participant
 * @property {string} peerId
 * @property {string} userId
 * @property {string | null} name
 * @property {string} role
 * @property {boolean} owner
 * @property {string} joinedAt
 * @property {any} metadata
 * @property {Permissions} permissions
 * @property {string[]} capabilities
 * @property {Record<TrackKind, TrackState>} tracks
 * @property {boolean} handRaised
 * @property {boolean} connected
 */

/**
 * @typedef {object} Role
 * @property {string} name
 * @property {number} priority
 * @property {TrackKind[]} canSend
 * @property {CanReceive} canReceive
 * @property {AdminGroup[]} canAdmin
 * @property {boolean} hasPresence
 * @property {string[]} capabilities
 */

/**
 * @typedef {object} RoomInfo
 * @property {string} cid
 * @property {string | null} team
 * @property {string} callType
 * @property {string | null} createdBy
 * @property {string} [createdAt]
 * @property {string | null} [startsAt] when it is to start
 * @property {Record<string, any>} custom
 * @property {string | null} endedAt
 * @property {boolean} backstage
 * @property {Pin[]} [pins] whom everybody is to see first
 */

/** @typedef {{ userId: string, peerId: string }} Pin */

/** @typedef {{ peerId: string | null, userId: string | null, name: string | null }} PeerRef a user who asked over REST and is not here has no `peerId`; the server is `{peerId: null, userId: null, name: "server"}` */
/** @typedef {string | null} By a peerId, `"user:"` and the id of a user who is not here, `"server"` or null */
/** @typedef {{ present: number, hidden: number }} Counts */

/**
 * @typedef {object} RoleRequest
 * @property {string} requestId
 * @property {string} peerId who is asked
 * @property {PeerRef} by who asks
 * @property {string} role
 * @property {string} expiresAt
 */

/**
 * @typedef {object} PermissionRequest
 * @property {string} requestId
 * @property {PeerRef} from who asks
 * @property {string[]} permissions
 */

/**
 * Somebody who waits to be let in.
 * @typedef {object} Waiting
 * @property {string} waitingId his peer id once he is in
 * @property {string} userId
 * @property {string} name
 * @property {string} since
 */

/** @typedef {{ role: RoleRequest[], permission: PermissionRequest[], waiting: Waiting[] }} Requests */

/** @typedef {{ subscriptionId: string, peerId: string, tracks: TrackKind[] }} Receiving a subscription of one's own */
/** @typedef {{ subscriptionId: string, tracks: TrackKind[] }} Sending a subscription to oneself; whose it is, nobody says */
/** @typedef {{ receiving: Receiving[], sending: Sending[] }} Subscriptions */

/**
 * @typedef {object} MediaInfo
 * @property {number} meshMax with more peers than this in the room, nobody may subscribe
 * @property {{ urls: string | string[], username?: string, credential?: string }[]} iceServers
 */

/**
 * @typedef {object} JoinReply
 * @property {string} peerId
 * @property {string} session
 * @property {string} epoch
 * @property {number} seq
 * @property {RoomInfo} room
 * @property {Record<string, any>} [sessionData] what the session's peers keep together
 * @property {Record<string, Role>} roles
 * @property {Participant[]} participants
 * @property {Counts} counts
 * @property {Requests} requests
 * @property {Subscriptions} subscriptions
 * @property {string} protocol
 * @property {string} version
 */

/** @typedef {{ seq: number, at: string }} Stamp on every journaled notice; absent on those the client synthesizes */
/** @typedef {Partial<Stamp> & { synthesized?: true }} Stamped `synthesized`: a difference found after a loss, not told by the server */

/**
 * What the server tells, by name.
 * @typedef {object} Notices
 * @property {Stamped & { participant: Participant }} participant-joined
 * @property {Stamped & { participant: Participant, changed: string[], by: By }} participant-updated
 * @property {Stamped & { peerId: string, userId: string, reason: LeaveReason | "unknown", participant?: Participant }} participant-left `participant` is the last that was known of him; `unknown` only where `synthesized`
 * @property {Stamp & { peerId: string, from: string, to: string, by: By, forced: boolean }} ROLE_UPDATED
 * @property {Stamp & { request: { requestId: string, by: PeerRef, role: string, expiresAt: string } }} role-change-request
 * @property {Stamp & { requestId: string, peerId: string, role: string, outcome: RequestOutcome, reason?: string }} role-change-answered
 * @property {Stamp & { requestId: string, outcome: RequestOutcome }} role-change-cancelled
 * @property {Stamp & PermissionRequest} permission-request
 * @property {Stamp & PermissionRequest & { granted: boolean, by: By | PeerRef, reason?: string }} permission-request-answered
 * @property {Stamp & { waiting: Waiting }} waiting-updated
 * @property {Stamp & { waitingId: string, outcome: WaitingOutcome, by: By, waiting?: Waiting }} waiting-left `waiting` is what was known of him
 * @property {{ waitingId: string, admitted: boolean, expiresAt?: string }} waiting-answered to who waits; once admitted, the client joins by itself
 * @property {Stamped & Counts} counts-updated
 * @property {{ from: PeerRef, data: any, to: string | { roles: string[] } }} app-message
 * @property {{ from: PeerRef, data: any }} signal
 * @property {{ from: PeerRef, tracks: TrackKind[] }} unmute-request own tracks that somebody asks to turn on: `setTracks`, or not
 * @property {Stamped & Receiving} subscription-updated to who receives; no tracks: it is over
 * @property {Stamped & Sending} subscriber-updated to who sends; no tracks: it is over
 * @property {{ subscriptionId: string, data: any }} subscription-signal from the other end
 * @property {Stamped & { room: RoomInfo, changed: string[] }} room-updated
 * @property {Stamped & { data: Record<string, any>, by: By }} session-data-updated `data` is the whole
 * @property {Stamp & { by: By | PeerRef, reason?: string | null }} room-ended
 * @property {{ in: number }} token-expiring
 */

/** @typedef {"idle" | "connecting" | "waiting" | "joined" | "reconnecting" | "closed"} State */

/**
 * What the client itself tells.
 * @typedef {object} LocalEvents
 * @property {{ state: State, previous: State }} state
 * @property {JoinReply} joined after every join, the first and one after a lost session
 * @property {{ waitingId: string }} waiting it was knocked, and nobody has answered yet
 * @property {{ resumed: boolean }} resumed the seat was taken again; `false`: the maps were rebuilt
 * @property {{ attempt: number, delay: number, code: number, reason: string }} reconnecting
 * @property {{ code: number, reason: string, willReconnect: false, text?: string, error?: import("./error.js").RolecallError }} closed `text`: the reason that whoever removed this peer or ended the room gave
 * @property {{ method: string, params: any }} notice every notice, as it came
 * @property {{ error: unknown, event: string }} error a handler that threw, or a frame that was not understood
 */

/** @typedef {Notices & LocalEvents} Events */

export {};
