/* What every form of a session is given. */
import type { BoardSession } from "../../board";
import type { SessionDetail, TimelineItem } from "../../model";

export interface OfSession {
  s: BoardSession;
  /** Null until it was read. */
  detail: SessionDetail | null;
  items: readonly TimelineItem[];
  close(): void;
}
