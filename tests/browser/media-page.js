/** @file The page of the media test: joins, sends its camera, plays what arrives, and keeps a diary of the pixels it sees. Served by the test itself, as another site's would be. */
const server = new URL(location.href).searchParams.get("server");
const { connect } = await import(`${server}/sdk/rolecall.js`);
const { Media } = await import(`${server}/sdk/media.js`);

const LOOK_MS = 40;
const WIDTH = 64;
const HEIGHT = 48;

/** Every connection that was made. */
const connections = [];
/** Whether this end has been tampered with: it closes nothing, and stops neither sending nor receiving of itself. */
let stubborn = false;

class Connection extends RTCPeerConnection {
  constructor(configuration) {
    super(configuration);
    connections.push(this);
  }

  addTransceiver(...words) {
    return spoil(super.addTransceiver(...words));
  }

  getTransceivers() {
    return super.getTransceivers().map(spoil);
  }

  close() {
    if (!stubborn) super.close();
  }
}

function spoil(transceiver) {
  if (!stubborn) return transceiver;
  transceiver.stop = () => {};
  transceiver.receiver.track.stop = () => {};
  const { sender } = transceiver;
  sender.replaceTrack = (track) => (track ? RTCRtpSender.prototype.replaceTrack.call(sender, track) : Promise.resolve());
  return transceiver;
}

/** A video that is looked at every now and then; what is seen is kept as `{at, lit, moved}`. */
class Eye {
  diary = [];
  #video = document.createElement("video");
  #canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT }).getContext("2d", { willReadFrequently: true });
  #last = 0;

  constructor() {
    Object.assign(this.#video, { muted: true, autoplay: true, playsInline: true });
    document.body.append(this.#video);
    setInterval(() => this.#look(), LOOK_MS);
  }

  show(track) {
    this.#video.srcObject = track && new MediaStream([track]);
  }

  #look() {
    this.#canvas.clearRect(0, 0, WIDTH, HEIGHT);
    if (this.#video.readyState >= 2) this.#canvas.drawImage(this.#video, 0, 0, WIDTH, HEIGHT);
    const { data } = this.#canvas.getImageData(0, 0, WIDTH, HEIGHT);
    let light = 0;
    let mark = 0;
    for (let i = 0; i < data.length; i += 4) {
      const sum = data[i] + data[i + 1] + data[i + 2];
      if (sum > 60) light += 1;
      mark = (Math.imul(mark, 31) + sum) | 0;
    }
    const lit = light > (WIDTH * HEIGHT) / 10;
    this.diary.push({ at: Date.now(), lit, moved: lit && mark !== this.#last });
    this.#last = mark;
  }
}

/** Tiles do as an application does: a track is shown from its start to its stop. Witnesses go on looking at a track, whatever is told of it. */
const tiles = new Map();
const witnesses = new Map();
const told = [];
const errors = [];
/** Everything the server ever said to this page. */
const heard = [];
let room;
let media;
let camera;

function eye(map, peerId) {
  if (!map.has(peerId)) map.set(peerId, new Eye());
  return map.get(peerId);
}

window.stage = {
  async join({ url = server, cid, name, token, tampered = false }) {
    stubborn = tampered;
    room = await connect({ url, room: cid, name, token, reconnect: { baseDelay: 50, maxDelay: 200 } });
    heard.push(await room.refreshState());
    room.on("notice", (notice) => heard.push(notice));
    media = new Media(room, { rtc: { RTCPeerConnection: Connection } });
    media.on("track-started", ({ peerId, kind, track }) => {
      told.push(`+${kind}`);
      if (kind !== "video") return;
      eye(tiles, peerId).show(track);
      eye(witnesses, peerId).show(track);
    });
    media.on("track-stopped", ({ peerId, kind }) => {
      told.push(`-${kind}`);
      if (kind === "video") eye(tiles, peerId).show(null);
    });
    for (const name of ["unavailable", "available"]) media.on(name, ({ reason = name }) => told.push(reason));
    media.on("error", ({ error }) => errors.push(String(error)));
    return room.peerId;
  },

  /** Turns the camera on, and the microphone where wished. */
  async send(kinds = ["video"]) {
    camera ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 160, height: 120 } });
    for (const track of camera.getTracks()) if (kinds.includes(track.kind)) media.setTrack(track.kind, track);
    await room.setTracks(Object.fromEntries(kinds.map((kind) => [kind, true])));
  },

  setTracks: (tracks) => room.setTracks(tracks),
  leave: () => room.leave(),

  /** What was seen of a peer since then. */
  seen: (peerId, since, where = "tiles") => eye(where === "tiles" ? tiles : witnesses, peerId).diary.filter(({ at }) => at >= since),
  told: () => told.splice(0),
  errors: () => errors,
  heard: () => JSON.stringify(heard),
  state: (peerId) => media.connectionState(peerId),
  roomState: () => room.state,
  open: () => connections.filter(({ connectionState }) => connectionState !== "closed").length,
  made: () => connections.length,
  camera: () => camera?.getTracks().map(({ readyState }) => readyState),

  /** More peers of this page, who only sit there; the function that makes them leave is kept. */
  async crowd(cid, size) {
    const crowd = await Promise.all(Array.from({ length: size }, (_, i) => connect({ url: server, room: cid, name: `Extra ${i}` })));
    window.stage.disperse = () => Promise.all(crowd.map((extra) => extra.leave()));
  },
};
