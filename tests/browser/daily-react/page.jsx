/** @file A page of Daily's React hooks: what each participant may do, as `usePermissions` says. */
import { DailyProvider, useDaily, useLocalSessionId, useMeetingState, useParticipantCounts, useParticipantIds, usePermissions } from "@daily-co/daily-react";
import { createRoot } from "react-dom/client";
import { useEffect } from "react";

const url = new URLSearchParams(location.search).get("room");

function Rights({ id }) {
  const { canSendAudio, canSendVideo, canSendScreenVideo, canAdminParticipants, hasPresence } = usePermissions(id);
  return <li data-id={id}>{JSON.stringify({ canSendAudio, canSendVideo, canSendScreenVideo, canAdminParticipants, hasPresence })}</li>;
}

function Page() {
  const call = useDaily();
  const local = useLocalSessionId();
  const ids = useParticipantIds();
  const state = useMeetingState();
  const { present, hidden } = useParticipantCounts();
  useEffect(() => {
    window.call = call;
    call?.join({ url, startAudioOff: true, startVideoOff: true });
  }, [call]);
  return <>
    <p id="state">{state}</p>
    <p id="counts">{present} {hidden}</p>
    <p id="local">{local}</p>
    <ul>{ids.map((id) => <Rights key={id} id={id} />)}</ul>
  </>;
}

createRoot(document.getElementById("root")).render(<DailyProvider><Page /></DailyProvider>);
