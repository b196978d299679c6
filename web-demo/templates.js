/** @file The four templates that the first page offers: what each is for, and what to try in it. */

/** By call type, in the order of the page; the server has a room `TYPE:demo` of each. */
export const TEMPLATES = [
  {
    type: "lobby",
    title: "Lobby",
    text: "Newcomers wait outside, seen by nobody and hearing nothing, until somebody lets them in.",
    steps: [
      "The newcomer sees that he is locked out, and presses “Ask for presence”.",
      "The owner presses “Admit”, then offers a role. The newcomer accepts and turns his microphone on.",
      "Press the “?” beside any right to read why somebody holds it or not.",
      "Change the role back: the track is blocked at once, in every window.",
    ],
  },
  {
    type: "stage",
    title: "Stage",
    text: "A few speak, everybody else listens. Whoever listens raises a hand and is asked up.",
    steps: [
      "The listener hears everybody and may send nothing. He raises his hand.",
      "The owner offers the role “speaker”. The listener accepts and turns his microphone on.",
      "Make the speaker a listener again: his microphone is off in that moment.",
    ],
  },
  {
    type: "breakout",
    title: "Breakout groups",
    text: "One plenary and four groups. Each group sees and hears itself alone; the owner moves people about.",
    steps: [
      "Let two or three participants come in: all meet in the plenary.",
      "Under “Change roles in bulk” the owner moves everybody into “group-1”, then single people elsewhere.",
      "Cameras turned on now travel within a group only. Move everybody back with one press.",
    ],
  },
  {
    type: "classroom",
    title: "Classroom",
    text: "A teacher and his students: muted, in the spotlight, with a screen to share, or a prefect who may mute others.",
    steps: [
      "The student turns camera and microphone on.",
      "The owner makes him a “muted-student”: the microphone is blocked, the camera goes on.",
      "As “student-screen” he may share his screen; as “prefect” he may mute the others.",
    ],
  },
];

/** The template of a room by its call type, where it is one of the four. */
export const templateOf = (room) => TEMPLATES.find(({ type }) => room.startsWith(`${type}:`));
