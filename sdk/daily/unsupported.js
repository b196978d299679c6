/** @file What Daily's client does and a server of room state cannot: each throws, and says its name. */

/** Methods that throw when they are called. */
const THROWING = /** @type {const} */ ([
  "abortTestNetworkConnectivity", "abortTestWebsocketConnectivity", "addFakeParticipant", "addLiveStreamingEndpoints", "customIntegrations", "customTrayButtons",
  "exitFullscreen", "getLocalAudioLevel", "getRemoteParticipantsAudioLevel", "loadCss", "removeLiveStreamingEndpoints", "setActiveSpeakerMode", "setBandwidth",
  "setCustomIntegrations", "setDailyLang", "setIceConfig", "setPlayNewParticipantSound", "setProxyUrl", "setShowLocalVideo", "setShowNamesMode", "setShowParticipantsBar",
  "setSidebarView", "showLocalVideo", "showParticipantsBar", "startCustomIntegrations", "startLiveStreaming", "startRecording", "startTranscription",
  "stopCustomIntegrations", "stopLiveStreaming", "stopLocalAudioLevelObserver", "stopRecording", "stopRemoteParticipantsAudioLevelObserver", "stopTestCallQuality",
  "stopTestConnectionQuality", "stopTestPeerToPeerCallQuality", "stopTranscription", "theme", "updateCustomTrayButtons", "updateLiveStreaming", "updateRecording",
  "updateScreenShare", "updateTranscription",
]);

/** Methods whose promise is rejected. */
const REJECTING = /** @type {const} */ ([
  "cycleCamera", "cycleMic", "geo", "getDailyLang", "getSidebarView", "requestFullscreen", "sendDTMF", "setNetworkTopology", "setOutputDeviceAsync", "setTheme",
  "sipCallTransfer", "sipRefer", "startCustomTrack", "startDialIn", "startDialOut", "startLocalAudioLevelObserver", "startRemoteMediaPlayer",
  "startRemoteParticipantsAudioLevelObserver", "stopCustomTrack", "stopDialOut", "stopRemoteMediaPlayer", "testCallQuality", "testConnectionQuality",
  "testNetworkConnectivity", "testPeerToPeerCallQuality", "testWebsocketConnectivity", "updateInputSettings", "updateReceiveSettings", "updateRemoteMediaPlayer",
  "updateSendSettings",
]);

/** @param {string} method @returns {Error} */
export function notSupported(method) {
  return new Error(`${method}() is not supported`);
}

/** Gives a class all of them. @param {object} prototype */
export function addUnsupported(prototype) {
  for (const name of THROWING) define(prototype, name, () => { throw notSupported(name); });
  for (const name of REJECTING) define(prototype, name, async () => { throw notSupported(name); });
}

/** @param {object} prototype @param {string} name @param {() => unknown} value */
function define(prototype, name, value) {
  Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
}
