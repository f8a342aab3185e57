import "uplot/dist/uPlot.min.css";
import "./style/font.css";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/board.css";
import "./style/session.css";
import "./style/form.css";
import "./style/views.css";
import "./style/paper.css";
import { effect, signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import * as api from "./api";
import { SignedOut } from "./feed";
import { flashAlarms } from "./flash";
import { followLinks, go, place, type PlaceName } from "./route";
import { feedLost, me, signedIn, whenSignedOut } from "./store";
import { AlarmsPage } from "./ui/alarms";
import { AssessPage } from "./ui/assess";
import { BoardPage } from "./ui/board";
import { CoursePage } from "./ui/course-page";
import { DevicesPage } from "./ui/devices";
import { NowherePage, WaitingPage } from "./ui/nowhere";
import { PatientPage, PatientsPage, RegisterPage } from "./ui/patients";
import { RemsPage } from "./ui/rems";
import { SessionPage } from "./ui/session";
import { titleOf } from "./ui/shell";
import { SignInPage } from "./ui/sign-in";
import { SummaryPage } from "./ui/summary";
import { TodayPage } from "./ui/today";
import { WallPage } from "./ui/wall";
import { WithPage } from "./ui/with";

const RETRY_MS = 2_000;
/** The server does not even say who is signed in. */
const unanswered = signal(false);

const PAGES: Record<Exclude<PlaceName, "sign-in">, ComponentType<{ id: string }>> = {
  board: BoardPage,
  wall: WallPage,
  session: SessionPage,
  with: WithPage,
  summary: SummaryPage,
  rems: RemsPage,
  today: TodayPage,
  alarms: AlarmsPage,
  devices: DevicesPage,
  patients: PatientsPage,
  register: RegisterPage,
  patient: PatientPage,
  course: CoursePage,
  assess: AssessPage,
  nowhere: NowherePage,
};

function App() {
  const at = place.value;
  if (at.at === "sign-in") return <SignInPage />;
  if (!me.value) return unanswered.value ? <WaitingPage /> : null;
  // A wall screen has nothing but the wall.
  const Page = me.value.role === "wall" && at.at !== "session" ? WallPage : PAGES[at.at];
  return <Page key={at.id} id={at.id} />;
}

function toSignIn(said: Record<string, string>): void {
  if (place.peek().at === "sign-in") return;
  const query = new URLSearchParams(said).toString();
  go(query ? `/sign-in?${query}` : "/sign-in", true);
}

/** What was asked for is shown after the sign-in. */
const here = (): Record<string, string> => (location.pathname === "/" ? {} : { to: location.pathname });

/** Whose page it was last. */
let whose = "";

async function whoIsThere(): Promise<void> {
  try {
    const left = api.left();
    if (left) await api.signOut(left);
    signedIn(await api.me());
    unanswered.value = false;
    if (place.peek().at === "sign-in") go("/", true);
  } catch (error) {
    if (error instanceof SignedOut) toSignIn(here());
    else {
      unanswered.value = true;
      setTimeout(() => void whoIsThere(), RETRY_MS);
    }
  }
}

followLinks();
flashAlarms();
effect(() => {
  whose = me.value?.staff_id ?? whose;
});
// Whose sign-in ended comes back to the page that they left, and nobody else does; who signed out begins anew.
whenSignedOut((ended) => toSignIn(ended ? { ...here(), of: whose, ended: "yes" } : {}));
effect(() => {
  document.title = titleOf();
});
// Before anything is drawn anew: the chart takes its colours from the styles that this sets.
effect(() => {
  if (feedLost.value && me.value) document.body.dataset["feed"] = "lost";
  else delete document.body.dataset["feed"];
});
const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
render(<App />, root);
void whoIsThere();
// Back, after signing out: an address without anybody is asked for anew.
addEventListener("popstate", () => {
  if (!me.peek() && place.peek().at !== "sign-in") void whoIsThere();
});
