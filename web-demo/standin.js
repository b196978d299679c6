/** @file A picture and a sound made by the page itself: what the custom tracks send, and what stands in for a device that is not there. */
import { avatarTone } from "./words.js";

const WIDTH = 640;
const HEIGHT = 360;
const FRAMES_PER_S = 12;
const COLOURS = ["#4f46e5", "#0c7a4b", "#b45309", "#b3261e", "#0b516b", "#5c1f86"];
const TONE_HZ = 440;
const TONE_LOUDNESS = 0.04;
const TONE_EVERY_S = 2;

/** A picture with a name and a clock on bars, the name's own colour first; they run unless less motion is wanted. */
export function testPicture(name) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d");
  const first = avatarTone(name);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function paint() {
    const now = new Date();
    const step = still ? 0 : (now / 40) % (WIDTH / COLOURS.length);
    for (let index = -1; index <= COLOURS.length; index += 1) {
      pen.fillStyle = COLOURS[(index + first + COLOURS.length) % COLOURS.length];
      pen.fillRect(index * (WIDTH / COLOURS.length) + step, 0, WIDTH / COLOURS.length + 1, HEIGHT);
    }
    pen.fillStyle = "#ffffff";
    pen.textAlign = "center";
    pen.font = "600 44px system-ui, sans-serif";
    pen.fillText(name.slice(0, 24), WIDTH / 2, HEIGHT / 2 - 8, WIDTH - 40);
    pen.font = "28px ui-monospace, monospace";
    pen.fillText(now.toLocaleTimeString([], { hour12: false }), WIDTH / 2, HEIGHT / 2 + 40);
  }

  paint();
  const timer = setInterval(paint, 1_000 / FRAMES_PER_S);
  const [track] = canvas.captureStream(FRAMES_PER_S).getVideoTracks();
  return { track, end: () => clearInterval(timer) };
}

/** A soft beep every two seconds, or silence. */
export function testSound({ audible }) {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const loudness = context.createGain();
  loudness.gain.value = 0;
  const tone = context.createOscillator();
  tone.frequency.value = TONE_HZ;
  tone.connect(loudness).connect(out);
  tone.start();
  const beep = () => {
    loudness.gain.setTargetAtTime(TONE_LOUDNESS, context.currentTime, 0.02);
    loudness.gain.setTargetAtTime(0, context.currentTime + 0.2, 0.05);
  };
  const timer = audible ? setInterval(beep, TONE_EVERY_S * 1_000) : undefined;
  const [track] = out.stream.getAudioTracks();
  return {
    track,
    end() {
      clearInterval(timer);
      context.close();
    },
  };
}
