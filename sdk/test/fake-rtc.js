/** @file Connections without a network for the tests of media: descriptions are JSON, packets flow while the net is whole. As strict as the browsers' about order. */

/** A track that tells when it is muted, as a remote one does. */
export class FakeTrack {
  static #ids = 0;
  id = `track-${(FakeTrack.#ids += 1)}`;
  muted = false;
  readyState = "live";
  /** @type {(() => void) | null} */
  onmute = null;
  /** @type {(() => void) | null} */
  onunmute = null;
  /** @type {(() => void) | null} */
  onended = null;

  /** @param {"audio" | "video"} kind */
  constructor(kind) {
    this.kind = kind;
  }

  stop() {
    this.readyState = "ended";
  }

  /** @param {boolean} muted */
  mute(muted) {
    if (this.muted === muted || this.readyState === "ended") return;
    this.muted = muted;
    if (muted) this.onmute?.();
    else this.onunmute?.();
  }
}

/** @param {string} kind @returns {MediaStreamTrack} */
export function track(kind) {
  return /** @type {any} */ (new FakeTrack(/** @type {any} */ (kind)));
}

class FakeTransceiver {
  /** @type {string | null} */
  mid = null;
  /** @type {string} */
  direction;
  /** @type {string | null} */
  currentDirection = null;
  #pc;

  /** @param {FakeConnection} pc @param {"audio" | "video"} kind @param {string} direction */
  constructor(pc, kind, direction) {
    this.#pc = pc;
    this.direction = direction;
    const incoming = new FakeTrack(kind);
    incoming.muted = true;
    this.receiver = { track: incoming };
    this.sender = {
      /** @type {any} */
      track: null,
      /** @param {any} next */
      replaceTrack: async (next) => {
        if (this.direction === "stopped") throw new Error("InvalidStateError: stopped");
        if (next && next.kind !== kind) throw new TypeError(`a ${next.kind} track on a line of ${kind}`);
        this.sender.track = next;
        this.#pc.net.flow();
      },
    };
  }

  stop() {
    if (this.#pc.connectionState === "closed") throw new Error("InvalidStateError: closed");
    this.direction = this.currentDirection = "stopped";
    this.receiver.track.readyState = "ended";
    this.#pc.net.flow();
  }
}

class FakeConnection {
  connectionState = "new";
  signalingState = "stable";
  /** @type {any} */
  onicecandidate = null;
  /** @type {any} */
  onconnectionstatechange = null;
  /** @type {FakeTransceiver[]} */
  transceivers = [];
  /** @type {any} */
  #local = null;
  /** @type {any} */
  #remote = null;
  /** Ways that were found: own, and the other end's. @type {string[]} */
  #found = [];
  /** @type {Set<string>} */
  #known = new Set();
  #restarting = false;
  #ufrag = 0;
  #mids = 0;

  /** @param {Net} net @param {any} configuration */
  constructor(net, configuration) {
    this.net = net;
    this.configuration = configuration;
    this.id = net.pcs.push(this);
  }

  getTransceivers() {
    return this.transceivers;
  }

  /** @param {any} configuration */
  setConfiguration(configuration) {
    this.configuration = configuration;
  }

  /** @param {"audio" | "video"} kind @param {{ direction: string }} init */
  addTransceiver(kind, { direction }) {
    const transceiver = new FakeTransceiver(this, kind, direction);
    this.transceivers.push(transceiver);
    return transceiver;
  }

  restartIce() {
    this.#restarting = true;
  }

  async createOffer() {
    this.#alive();
    return { type: "offer", lines: this.#lines(), ufrag: this.#ufrag + (this.#restarting || this.#ufrag === 0 ? 1 : 0) };
  }

  async createAnswer() {
    this.#alive();
    if (this.signalingState !== "have-remote-offer") throw new Error(`InvalidStateError: an answer while ${this.signalingState}`);
    return { type: "answer", lines: this.#lines(), ufrag: this.#remote.ufrag };
  }

  #lines() {
    for (const line of this.transceivers) if (line.mid === null && line.direction !== "stopped") line.mid = String(this.#mids++);
    return this.transceivers.map(({ mid, direction, receiver }) => ({ mid, direction, kind: receiver.track.kind }));
  }

  /** @param {any} description */
  async setLocalDescription(description) {
    this.#alive();
    const { type, ufrag } = description;
    if (type === "offer" && this.signalingState === "have-remote-offer") throw new Error("InvalidStateError: glare");
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
    if (ufrag !== this.#ufrag) {
      this.#ufrag = ufrag;
      this.#restarting = false;
      this.#found = [];
      setImmediate(() => this.#find(ufrag));
    }
    this.#local = description;
    if (type === "answer") this.#settle();
  }

  get localDescription() {
    const local = this.#local;
    return local && { type: local.type, sdp: JSON.stringify({ ...local, id: this.id, candidates: this.#found }) };
  }

  /** @param {{ type: string, sdp: string }} description */
  async setRemoteDescription({ type, sdp }) {
    this.#alive();
    const remote = JSON.parse(sdp);
    if (type === "answer" && this.signalingState !== "have-local-offer") throw new Error(`InvalidStateError: an answer while ${this.signalingState}`);
    if (type === "offer" && this.signalingState === "have-local-offer") throw new Error("InvalidStateError: glare");
    if (remote.ufrag !== this.#remote?.ufrag) this.#known.clear();
    this.#remote = remote;
    for (const candidate of remote.candidates) this.#known.add(candidate);
    this.signalingState = type === "offer" ? "have-remote-offer" : "stable";
    if (type === "answer") return this.#settle();
    for (const { mid, kind, direction } of remote.lines) {
      const known = this.transceivers.find((line) => line.mid === mid);
      if (direction === "stopped") {
        if (known) known.direction = known.currentDirection = "stopped";
      } else if (!known) {
        this.addTransceiver(kind, { direction: "recvonly" }).mid = mid;
      }
    }
  }

  /** @param {any} candidate */
  async addIceCandidate(candidate) {
    this.#alive();
    if (!this.#remote) throw new Error("InvalidStateError: a candidate before the description");
    if (candidate.usernameFragment !== this.#remote.ufrag) throw new Error("OperationError: a candidate of another time");
    this.#known.add(candidate.candidate);
    this.net.look();
  }

  /** @param {number} ufrag */
  #find(ufrag) {
    if (this.connectionState === "closed" || ufrag !== this.#ufrag) return;
    const candidate = `way-${this.id}-${ufrag}`;
    this.#found.push(candidate);
    this.onicecandidate?.({ candidate: { toJSON: () => ({ candidate, usernameFragment: ufrag }) } });
    this.onicecandidate?.({ candidate: null });
  }

  #settle() {
    const other = this.#remote.lines;
    for (const line of this.transceivers) {
      const theirs = other.find((/** @type {any} */ { mid }) => mid === line.mid)?.direction;
      if (line.direction === "stopped" || theirs === undefined) continue;
      line.currentDirection = line.direction === "sendonly" && theirs === "recvonly" ? "sendonly" : line.direction === "recvonly" && theirs === "sendonly" ? "recvonly" : "inactive";
    }
    this.net.look();
  }

  /** The other end, once each knows a way to the other. */
  get other() {
    const other = this.#remote && this.net.pcs[this.#remote.id - 1];
    return other && other.connectionState !== "closed" && this.#known.size && this.signalingState === "stable" ? other : null;
  }

  get remoteUfrag() {
    return this.#remote?.ufrag;
  }

  /** @param {string} state */
  become(state) {
    if (this.connectionState === state || this.connectionState === "closed") return;
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close() {
    this.connectionState = "closed";
    for (const { receiver } of this.transceivers) receiver.track.readyState = "ended";
    this.net.flow();
  }

  #alive() {
    if (this.connectionState === "closed") throw new Error("InvalidStateError: closed");
  }
}

/** Everything there is between connections. */
export class Net {
  /** @type {FakeConnection[]} */
  pcs = [];
  whole = true;

  /** The class to pass as `rtc.RTCPeerConnection`. @returns {any} */
  get RTCPeerConnection() {
    const net = this;
    return class extends FakeConnection {
      /** @param {any} configuration */
      constructor(configuration) {
        super(net, configuration);
      }
    };
  }

  get open() {
    return this.pcs.filter(({ connectionState }) => connectionState !== "closed");
  }

  /** Connects whoever can find each other. */
  look() {
    if (this.whole) {
      for (const pc of this.open) if (pc.other?.other === pc && pc.remoteUfrag === pc.other.remoteUfrag) pc.become("connected");
    }
    this.flow();
  }

  /** Breaks every connection, until `mend` and an ICE restart. */
  cut() {
    this.whole = false;
    for (const pc of this.open) if (pc.connectionState === "connected") pc.become("failed");
    this.flow();
  }

  mend() {
    this.whole = true;
  }

  /** Lets packets arrive where they are sent. */
  flow() {
    for (const pc of this.open) {
      for (const line of pc.transceivers) {
        const from = pc.other?.transceivers.find((/** @type {FakeTransceiver} */ { mid }) => mid === line.mid);
        const sends = from?.currentDirection === "sendonly" && from.sender.track?.readyState === "live";
        const arrives = pc.connectionState === "connected" && line.currentDirection === "recvonly" && sends;
        // A line that was never heard stays muted; one that falls silent, browsers leave as it is.
        if (arrives) line.receiver.track.mute(false);
      }
    }
  }

  /** The kinds of track that are sent at all, whatever the other end does with them. */
  get sent() {
    return this.open.flatMap(({ transceivers }) => transceivers.filter(({ sender }) => sender.track).map(({ sender }) => sender.track.kind));
  }
}
