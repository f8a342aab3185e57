/* What frames every page: the bar, the foot, the edge of a screen that lost its feed, the spoken high alarms. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { place, type PlaceName } from "../route";
import { useStable } from "../stable";
import { announced, called, delay, feedLost, health, hurry, loaded, me, now, skew, stalled, tries } from "../store";
import { theme } from "../theme";
import { clockTime, duration } from "../words";
import { Banner, BehindBanner, Elsewhere, Quiet } from "./alarm";
import { Hatch, Icon, Pri } from "./icon";
import { Nav } from "./nav";
import { askSignOut, signOut, SignOutQuestion } from "./sign-out";
import { SoundTool } from "./sound";
import { UnsentList, UnsentTool } from "./unsent";

export function Shell({ children, className = "", foot }: { children: ComponentChildren; className?: string; foot?: ComponentChildren }) {
  const lost = feedLost.value;
  const behind = useStable(() => loaded.value && health.value.behind !== null, []);
  const onBoard = place.value.at === "board" || place.value.at === "wall" || (me.value?.role === "wall" && place.value.at !== "session");
  return (
    <>
      <div class={`page fit ${className}`}>
        <Bar />
        {lost ? (
          <section class="banner" aria-label="Feed lost">
            <LostBar />
          </section>
        ) : behind ? (
          <BehindBanner alarms={onBoard} />
        ) : (
          onBoard && <Banner />
        )}
        {children}
        <footer class="foot">
          {foot}
          <p class="duty">
            <Icon name="monitor" />
            <b>Secondary display.</b> <span>The bedside monitor is the primary alarm.</span>
          </p>
          <FootTools />
        </footer>
      </div>
      {lost && <div class="lost-frame" aria-hidden="true" />}
      <UnsentList signOut={signOut} />
      <SignOutQuestion />
      {/* The one region that interrupts: everything else waits for its turn (role status). */}
      <div class="sr spoken" role="alert">
        {announced.value && <p key={announced.value.n}>{announced.value.text}</p>}
      </div>
      <Hatch />
    </>
  );
}

/** Where the alarms of all rooms stand in the page itself; beside a patient nobody is alarmed for others. */
const own: ReadonlySet<PlaceName> = new Set(["board", "wall", "with", "alarms"]);

function Bar() {
  const at = place.value;
  const user = me.value;
  const roles = { nurse: "Nurse", therapist: "Therapist", prescriber: "Prescriber", admin: "Admin", wall: "Wall", auditor: "Auditor" };
  return (
    <header class="bar">
      <a class="mark" href="/">
        KAP
      </a>
      <Nav />
      {own.has(at.at) ? <span class="grow" /> : <Elsewhere but={at.id} />}
      <UnsentTool />
      <Expiry />
      <FeedState />
      {at.at === "with" ? <QuietRoom /> : <SoundTool />}
      <button type="button" class="tool" data-theme-switch onClick={otherTheme}>
        <Icon name={theme.value === "day" ? "sun" : "moon"} />
        <span>
          <span class="sr">Theme: </span>
          {theme.value === "day" ? "Day" : "Night"}
        </span>
      </button>
      {user && (
        <button type="button" class="tool user" title="Sign out" aria-label={`${user.name} ${roles[user.role]} · sign out`} onClick={askSignOut}>
          <Icon name="person" />
          <span>
            {user.name}
            <small>{roles[user.role]} · sign out</small>
          </span>
        </button>
      )}
      <Clock />
    </header>
  );
}

const WARN_MS = 30 * 60_000;

/** A sign-in that is about to end says so while there is time to sign in anew. */
function Expiry() {
  const left = useStable(() => {
    const until = me.value?.expires;
    const ms = until ? Date.parse(until) - now.value : Infinity;
    return ms < WARN_MS && until ? { at: clockTime(Date.parse(until)), minutes: Math.max(0, Math.ceil(ms / 60_000)) } : null;
  }, []);
  if (!left) return null;
  return (
    <button type="button" class="tool expiry" onClick={askSignOut}>
      <Icon name="clock" />
      <span>
        Signed in until {left.at}
        <small>{left.minutes} min left · sign in anew</small>
      </span>
    </button>
  );
}

/** Beside a patient under the drug nothing sounds (store.ts): the alarms do, at the nurses' screens. */
function QuietRoom() {
  return (
    <span class="tool quiet-room">
      <Icon name="mute" />
      <span>
        Quiet room
        <small>alarms sound at the nurse</small>
      </span>
    </span>
  );
}

function otherTheme(): void {
  theme.value = theme.value === "day" ? "night" : "day";
}

/** On a phone the bar has no room for these. */
function FootTools() {
  return (
    <span class="foot-tools">
      <button type="button" class="btn quiet" onClick={otherTheme}>
        <Icon name={theme.value === "day" ? "sun" : "moon"} />
        {theme.value === "day" ? "Day" : "Night"}
      </button>
      {me.value && (
        <button type="button" class="btn quiet" onClick={askSignOut}>
          <Icon name="person" />
          Sign out {me.value.name}
        </button>
      )}
    </span>
  );
}

function Clock() {
  const time = useStable(() => clockTime(now.value, true), []);
  return (
    <time class="clock" dateTime={time}>
      {time.slice(0, 5)}
      <small>{time.slice(5)}</small>
    </time>
  );
}

/** In words, worst first: no feed, server behind, screen stood still, clock off, live. */
function FeedState() {
  const view = useStable(() => {
    const { lostSince, behind } = health.value;
    const seconds = (ms: number): string => (Math.abs(ms) / 1000).toFixed(1);
    if (lostSince !== null) {
      if (!loaded.value) return { title: "No feed yet", more: "connecting", state: "lost" };
      return { title: "No feed", more: `since ${clockTime(lostSince, true)}`, state: "lost" };
    }
    if (!loaded.value) return { title: "Connecting", more: "waiting for the server", state: "connecting" };
    if (behind !== null) {
      const far = Number.isFinite(behind) ? ` ${seconds(Math.round(behind / 100) * 100)} s` : "";
      return { title: `Behind${far}`, more: far ? "the server is catching up" : "the server takes in no new values", state: "behind" };
    }
    if (stalled.value) return { title: `Stood still ${seconds(stalled.value.ms)} s`, more: "this browser hung", state: "stalled" };
    if (skew.value) return { title: `Clock off ${seconds(Math.round(skew.value / 1000) * 1000)} s`, more: "this machine's, tell IT", state: "skew" };
    return { title: "Live", lag: delay.value === null ? "" : `${seconds(Math.max(0, delay.value))} s`, more: "monitor to screen", state: "live" };
  }, []);
  return (
    <span class="fresh" data-feed={view.state}>
      {view.state === "lost" ? <Icon name="gap" /> : <Dot />}
      <span>
        <b>{view.title}</b> {"lag" in view && <span class="lag">{view.lag}</span>}
        <small>{view.more}</small>
      </span>
    </span>
  );
}

/** Moved by drawn frames and by nothing else: a hung page stops it. */
function Dot() {
  const dot = useRef<HTMLElement>(null);
  useEffect(() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    let frame = 0;
    let pause: ReturnType<typeof setTimeout> | undefined;
    const step = (ms: number): void => {
      // A dozen frames a second are enough to be seen moving: more would keep the page drawing for nothing.
      pause = setTimeout(() => {
        frame = requestAnimationFrame(step);
      }, 80);
      const x = calm.matches ? (Math.floor(ms / 1000) % 4) * 8 : Math.round(24 - 24 * Math.cos(ms / 480)) / 2;
      if (dot.current) dot.current.style.transform = `translateX(${x}px)`;
    };
    frame = requestAnimationFrame(step);
    return () => {
      clearTimeout(pause);
      cancelAnimationFrame(frame);
    };
  }, []);
  return (
    <span class="pulse-track" aria-hidden="true">
      <i ref={dot} />
    </span>
  );
}

function LostBar() {
  const view = useStable(() => ({ seconds: Math.floor((now.value - (health.value.lostSince ?? now.value)) / 1000), tries: tries.value }), []);
  return (
    <div class="lost-bar" role="status">
      <Pri of="medium" />
      <b>
        No live data for <LostFor seconds={view.seconds} />.
      </b>
      <span>
        This screen lost its feed. <strong>Go to the bedside monitors.</strong>
        {view.tries > 1 && <span aria-hidden="true"> Trying again, attempt {view.tries}.</span>} What you enter is kept and sent later.
      </span>
      <i class="grow" />
      <Quiet />
      <button type="button" class="btn" onClick={hurry}>
        Try now
      </button>
    </div>
  );
}

/** The count is not announced again each second; the sentence around it is, once. */
function LostFor({ seconds }: { seconds: number }) {
  return <span aria-hidden="true">{duration(seconds)}</span>;
}

/** The document's title says at a glance, in another tab too, that something wants attention. */
export function titleOf(): string {
  const call = called.value[0];
  if (health.value.lostSince !== null && me.value) return "NO LIVE DATA · KAP";
  if (health.value.behind !== null && me.value) return "SERVER BEHIND · KAP";
  return call && me.value ? `Nurse called, room ${call.room} · KAP` : "KAP";
}
