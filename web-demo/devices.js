/** @file One's own camera, microphone and screen as tracks, and stand-ins where there is no device. It must not know the room. */
import { testPicture, testSound } from "./standin.js";

/** Words for the kinds as the devices they come from. */
const DEVICE = { audio: "microphone", video: "camera", screenVideo: "screen", screenAudio: "sound of a screen" };

/** What went wrong with a device, by the name of the browser's error; others are told as they are. */
const TROUBLE = {
  NotAllowedError: (device) => [`Your browser did not let this page use the ${device}`, "Allow it in the address bar or in your system's settings, then press again. You stay in the room."],
  NotReadableError: (device) => [`The ${device} does not answer`, "Another program may be using it: close that one, then press again."],
};

/** Tracks that were opened, by kind; each is stopped once. */
export function createDevices({ name, told }) {
  const open = new Map();

  /** The track of a kind, asked for where it is not open. `undefined` where the person or the browser would not; he has been told. */
  async function start(kind, { withSound = false } = {}) {
    if (open.has(kind)) return open.get(kind).track;
    try {
      if (kind === "screenVideo" || kind === "screenAudio") return await startScreen(kind, withSound);
      return keep(kind, await source(kind));
    } catch (error) {
      if (error.name === "NotAllowedError" && kind.startsWith("screen")) told("Nothing is shared", "Your browser shares a screen only where you choose one.");
      else told(...(TROUBLE[error.name]?.(DEVICE[kind] ?? kind) ?? [`The ${DEVICE[kind] ?? kind} cannot be used`, error.message]));
      return undefined;
    }
  }

  async function source(kind) {
    if (kind === "customVideo") return testPicture(name());
    if (kind === "customAudio") return testSound({ audible: true });
    const devices = navigator.mediaDevices; // absent on a page of plain http
    try {
      if (!devices) throw new DOMException("", "NotFoundError");
      const stream = await devices.getUserMedia(kind === "audio" ? { audio: true } : { video: { width: { ideal: 640 }, height: { ideal: 360 } } });
      const [track] = stream.getTracks();
      return { track };
    } catch (error) {
      if (error.name !== "NotFoundError" && error.name !== "OverconstrainedError") throw error;
      const why = devices ? `No ${DEVICE[kind]} was found` : `A page of plain http gets no ${DEVICE[kind]}`;
      told(why, kind === "audio" ? "The others see that you may be heard, and hear silence." : "A test picture is sent in its place.");
      return kind === "audio" ? testSound({ audible: false }) : testPicture(name());
    }
  }

  /** The screen comes with its sound where that may be sent; the sound alone comes without its picture. */
  async function startScreen(kind, withSound) {
    if (!navigator.mediaDevices?.getDisplayMedia) throw new DOMException("this browser shares no screens from this page", "NotSupportedError");
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: withSound || kind === "screenAudio" });
    const [picture] = stream.getVideoTracks();
    const [sound] = stream.getAudioTracks();
    if (kind === "screenAudio") {
      picture?.stop();
      if (!sound) throw new DOMException("what was chosen comes without sound", "NotSupportedError");
      return keep(kind, { track: sound });
    }
    if (sound && !open.has("screenAudio")) keep("screenAudio", { track: sound });
    else sound?.stop();
    return keep(kind, { track: picture });
  }

  function keep(kind, { track, end }) {
    open.set(kind, { track, end });
    return track;
  }

  return {
    start,
    track: (kind) => open.get(kind)?.track,
    /** Whether a kind comes from a real device, and not from this page. */
    isReal: (kind) => open.has(kind) && !open.get(kind).end,
    kinds: () => [...open.keys()],
    /** Lets a device go: its light goes off. */
    stop(kind) {
      const { track, end } = open.get(kind) ?? {};
      open.delete(kind);
      track?.stop();
      end?.();
    },
  };
}
