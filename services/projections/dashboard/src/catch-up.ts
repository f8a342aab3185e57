/* Reads until what was read holds all that is wanted. One reading at a time, and none is thrown away because more was
   wanted meanwhile: a record that grows faster than it is read is shown all the same. */

const SOON_MS = 50;
const AGAIN_MS = [400, 1_000, 2_000, 4_000, 8_000];
const RETRY_MS = 10_000;

interface Of<T> {
  read(): Promise<T>;
  /** Takes what was read, and says whether that is all that is wanted by now. */
  whole(found: T): boolean;
  failed(error: unknown): void;
}

export class CatchUp<T> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private reading = false;
  private stopped = false;
  private tries = 0;

  constructor(private readonly of: Of<T>) {}

  /** More is wanted than before. */
  more(): void {
    this.tries = 0;
    this.later(SOON_MS);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), ms);
  }

  private async read(): Promise<void> {
    if (this.reading) return; // at its end it sees what is wanted by then
    this.reading = true;
    let next: number | null = null;
    try {
      const found = await this.of.read();
      if (!this.stopped && !this.of.whole(found)) next = AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)] ?? RETRY_MS;
    } catch (error) {
      next = RETRY_MS;
      if (!this.stopped) this.of.failed(error);
    }
    this.reading = false;
    this.tries += 1;
    if (next !== null && !this.stopped) this.later(next);
  }
}
