import "uplot/dist/uPlot.min.css";
import "./style/font.css";
import "./style/tokens.css";
import "./style/kit.css";
import "./style/page.css";
import "./style/form.css";
import "./style/paper.css";
import "./style/views.css";
import { effect, signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import * as api from "./api";
import { SignedOut } from "./feed";
import { flashAlarms } from "./flash";
import { followLinks, go, place, type PlaceName } from "./route";
import { me, signedIn, whenSignedOut } from "./store";
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

/** Who comes back finds the page that they left; who was sent away is told so. */
function toSignIn(ended: boolean): void {
  if (place.peek().at === "sign-in") return;
  const from = location.pathname;
  const back = new URLSearchParams({ ...(from !== "/" && { to: from }), ...(ended && { ended: "yes" }) }).toString();
  go(back ? `/sign-in?${back}` : "/sign-in", true);
}

async function whoIsThere(): Promise<void> {
  try {
    if (api.leaving()) await api.signOut();
    signedIn(await api.me());
    unanswered.value = false;
    if (place.peek().at === "sign-in") go("/", true);
  } catch (error) {
    if (error instanceof SignedOut) toSignIn(false);
    else {
      unanswered.value = true;
      setTimeout(() => void whoIsThere(), RETRY_MS);
    }
  }
}

followLinks();
flashAlarms();
whenSignedOut(toSignIn);
effect(() => {
  document.title = titleOf();
});
const root = document.getElementById("app");
if (!root) throw new Error("index.html has no #app");
render(<App />, root);
void whoIsThere();
// Back, after signing out: an address without anybody is asked for anew.
addEventListener("popstate", () => {
  if (!me.peek() && place.peek().at !== "sign-in") void whoIsThere();
});
