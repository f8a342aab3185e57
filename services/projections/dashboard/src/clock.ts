/* Two clocks. `performance.now()` is monotonic and measures ages; the server's clock is reckoned from it by the
   offset that frames carry. A frame can only arrive late, never early, so the largest offset of the last minute is
   nearest to the truth. */
import { SKEW_MS } from "./freshness";

const WINDOW_MS = 60_000;

export class ServerClock {
  private samples: { at: number; offset: number }[] = [];
  /** Add to performance.now(): ms since 1970 by the server's clock. Until the first frame, by this machine's. */
  offset: number;
  known = false;

  constructor(monotonic: number, wall: number) {
    this.offset = wall - monotonic;
  }

  heard(serverTime: number, monotonic: number): void {
    const sample = { at: monotonic, offset: serverTime - monotonic };
    this.samples = this.samples.filter((s) => monotonic - s.at < WINDOW_MS && s.offset > sample.offset);
    this.samples.push(sample);
    this.offset = this.samples[0]?.offset ?? sample.offset;
    this.known = true;
  }

  now(monotonic: number): number {
    return monotonic + this.offset;
  }

  /** This machine's wall clock against the server's, ms; 0 while it is within what may pass unsaid. */
  skew(monotonic: number, wall: number): number {
    const skew = wall - this.now(monotonic);
    return this.known && Math.abs(skew) > SKEW_MS ? skew : 0;
  }
}
