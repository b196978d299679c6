/** @file Who waits to be let in, for those who may answer: the server's list in Daily's words. */

import { RolecallError } from "../error.js";
import { equal } from "./equal.js";

/** @typedef {import("./types.js").WaitingParticipant} WaitingParticipant */
/** @typedef {import("./types.js").WaitingUpdate} WaitingUpdate */

export class WaitingRoom {
  /** By id; another object after every change. @type {Record<string, WaitingParticipant>} */
  participants = {};
  #room;
  #tell;

  /** Takes those who wait already without a word. @param {import("../rolecall.js").Rolecall} room @param {import("./store.js").Tell} tell */
  constructor(room, tell) {
    this.#room = room;
    this.#tell = tell;
    this.participants = this.#read();
    room.on("waiting-updated", ({ waiting }) => this.#put(shape(waiting)));
    room.on("waiting-left", ({ waitingId }) => this.#drop(waitingId));
  }

  /** Takes the list anew, which was rebuilt without a word, and tells what is another. */
  refresh() {
    const now = this.#read();
    for (const id of Object.keys(this.participants)) {
      if (!now[id]) this.#drop(id);
    }
    for (const participant of Object.values(now)) this.#put(participant);
  }

  /** @param {string} id @param {WaitingUpdate} update */
  async update(id, { grantRequestedAccess }) {
    if (grantRequestedAccess !== undefined) await this.#room.answerWaiting(id, grantRequestedAccess);
    else if (!this.participants[id]) throw RolecallError.local("unknown-waiting", `nobody waits as \`${id}\``);
  }

  /** @param {{ [id: string]: WaitingUpdate }} updates `*` is everybody who is not named @returns {Promise<string[]>} who was answered */
  async updateAll({ "*": everybody, ...named }) {
    const others = everybody ? Object.keys(this.participants).filter((id) => !Object.hasOwn(named, id)) : [];
    const all = await Promise.all([
      ...Object.entries(named).map(async ([id, update]) => [id, await this.update(id, update)]),
      ...others.map(async (id) => {
        try {
          await this.update(id, /** @type {WaitingUpdate} */ (everybody));
          return [id];
        } catch (error) {
          // Who has gone meanwhile was not named.
          if (error instanceof RolecallError && error.reason === "unknown-waiting") return [];
          throw error;
        }
      }),
    ]);
    return all.flatMap(([id]) => (id === undefined ? [] : [id]));
  }

  #read() {
    return Object.fromEntries(this.#room.requests.waiting.map((waiting) => [waiting.waitingId, shape(waiting)]));
  }

  /** @param {WaitingParticipant} participant */
  #put(participant) {
    const before = this.participants[participant.id];
    if (equal(before, participant)) return;
    this.participants = { ...this.participants, [participant.id]: participant };
    this.#tell(before ? "waiting-participant-updated" : "waiting-participant-added", { participant });
  }

  /** @param {string} id */
  #drop(id) {
    const { [id]: participant, ...others } = this.participants;
    if (!participant) return;
    this.participants = others;
    this.#tell("waiting-participant-removed", { participant });
  }
}

/** @param {import("../wire.js").Waiting} waiting @returns {WaitingParticipant} */
function shape({ waitingId, name }) {
  return { id: waitingId, name, awaitingAccess: { level: "full" } };
}
