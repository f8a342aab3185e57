import "uplot/dist/uPlot.min.css";
import "./style/font.css";
import "./style/tokens.css";
import "./style/kit.css";
import "./style/page.css";
import "./style/form.css";
import "./style/paper.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import * as api from "./api";
import { SignedOut } from "./feed";
import { flashAlarms } from "./flash";
import { followLinks, go, place } from "./route";
import { me, signedIn, whenSignedOut } from "./store";
import { BoardPage } from "./ui/board";
import { RemsPage } from "./ui/rems";
import { SessionPage } from "./ui/session";
import { titleOf } from "./ui/shell";
import { SignInPage } from "./ui/sign-in";
import { SummaryPage } from "./ui/summary";

const RETRY_MS = 2_000;

function App() {
  const at = place.value;
  if (at.at === "sign-in") return <SignInPage />;
  if (!me.value) return null;
  if (at.at === "summary") return <SummaryPage key={at.id} id={at.id} />;
  if (at.at === "rems") return <RemsPage key={at.id} id={at.id} />;
  return at.at === "session" ? <SessionPage key={at.id} id={at.id} /> : <BoardPage />;
}

function toSignIn(): void {
  if (place.peek().at === "sign-in") return;
  const from = location.pathname;
  go(from === "/" ? "/sign-in" : `/sign-in?to=${encodeURIComponent(from)}`, true);
}

async function whoIsThere(): Promise<void> {
  try {
    signedIn(await api.me());
    if (place.peek().at === "sign-in") go("/", true);
  } catch (error) {
    if (error instanceof SignedOut) toSignIn();
    else setTimeout(() => void whoIsThere(), RETRY_MS);
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
