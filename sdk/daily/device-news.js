/** @file Tells which cameras and microphones there are, and which of them are used, when that changes. */

/** @typedef {import("./types.js").DeviceInfos} DeviceInfos */

/**
 * @typedef {object} Surroundings
 * @property {any} mediaDevices `navigator.mediaDevices`; undefined where there are none
 * @property {() => Promise<DeviceInfos>} selected
 * @property {import("./store.js").Tell} tell
 */

export class DeviceNews {
  #with;
  #available = "";
  #selected = "";
  #listening = true;
  #look = () => void this.#lookAround();

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
    surroundings.mediaDevices?.addEventListener?.("devicechange", this.#look);
    void this.#list().then((text) => (this.#available ||= text));
  }

  /** Another camera or microphone may be in use. Never rejects. */
  async choose() {
    // A browser that does not say what there is has no news.
    const devices = await this.#with.selected().catch(() => null);
    const text = JSON.stringify(devices);
    if (!devices || !this.#listening || text === this.#selected) return;
    this.#selected = text;
    this.#with.tell("selected-devices-updated", { devices });
  }

  stop() {
    this.#listening = false;
    this.#with.mediaDevices?.removeEventListener?.("devicechange", this.#look);
  }

  async #lookAround() {
    // Browsers say that something changed also where nothing did.
    const text = await this.#list();
    if (!this.#listening || text === this.#available) return;
    this.#available = text;
    this.#with.tell("available-devices-updated", { availableDevices: JSON.parse(text) });
  }

  /** What there is, as JSON; nothing where a browser does not say. */
  async #list() {
    return JSON.stringify((await this.#with.mediaDevices?.enumerateDevices?.().catch(() => null)) ?? []);
  }
}
