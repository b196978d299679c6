/** @file What is heard: an `<audio>` for each track that arrives, and a button where the browser wants a press first. */
import { button, el } from "./dom.js";

/** Wires the place of sound; `update` takes what is to be heard, by a key of each track. */
export function createSound(place) {
  const playing = new Map();
  const unlock = button("Turn on the sound", { class: "button small primary", "data-testid": "unlock-sound", hidden: true }, () => {
    unlock.hidden = true;
    for (const audio of playing.values()) play(audio);
  });
  const shelf = el("div", { hidden: true });
  place.append(unlock, shelf);

  function play(audio) {
    audio.play().catch((error) => {
      // Refused until somebody presses something; anything else is the end of that track.
      if (error.name === "NotAllowedError" && audio.isConnected) unlock.hidden = false;
    });
  }

  return {
    /** @param {Map<string, MediaStreamTrack>} tracks */
    update(tracks) {
      for (const [key, audio] of playing) {
        if (audio.srcObject.getAudioTracks()[0] === tracks.get(key)) continue;
        audio.srcObject = null;
        audio.remove();
        playing.delete(key);
      }
      for (const [key, track] of tracks) {
        if (playing.has(key)) continue;
        const audio = el("audio", { autoplay: true, "data-testid": "sound", "data-track": key });
        audio.srcObject = new MediaStream([track]);
        shelf.append(audio);
        playing.set(key, audio);
        play(audio);
      }
      if (playing.size === 0) unlock.hidden = true;
    },
  };
}
