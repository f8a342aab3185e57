/* Every place in the page: one line each. */

const ID = "([0-9a-f-]{36})";
const PLACES = {
  board: "/",
  wall: "/wall",
  session: `/sessions/${ID}`,
  /** The therapist's view of the same session. */
  with: `/sessions/${ID}/with`,
  /** Its two papers. */
  summary: `/sessions/${ID}/summary`,
  rems: `/sessions/${ID}/rems`,
  today: "/today",
  alarms: "/alarms",
  devices: "/devices",
  patients: "/patients",
  register: "/patients/new",
  patient: `/patients/${ID}`,
  course: `/courses/${ID}`,
  assess: `/courses/${ID}/assess`,
  "sign-in": "/sign-in",
} as const;

export type PlaceName = keyof typeof PLACES | "nowhere";
export interface Place {
  at: PlaceName;
  /** Of the session, patient or course that the place is about. */
  id: string;
}

const PATTERNS = Object.entries(PLACES).map(([at, form]) => [at as PlaceName, new RegExp(`^${form}$`)] as const);

export function placeOf(pathname: string): Place {
  for (const [at, pattern] of PATTERNS) {
    const found = pattern.exec(pathname);
    if (found) return { at, id: found[1] ?? "" };
  }
  return { at: "nowhere", id: "" };
}

/** Where whoever signs in arrives: at what was asked for, unless it was another person's page. */
export function afterSignIn(to: string | null, of: string | null, who: string): string {
  return to?.startsWith("/") && !to.startsWith("//") && (of === null || of === who) ? to : "/";
}
