/* What was typed, as a command wants it. What is wrong is gathered by field, in words. */

/** By field, as it stands there: choices as their value, several of them separated by blanks. */
export type Typed = Readonly<Record<string, string>>;

export class Reader {
  readonly wrong: Record<string, string> = {};

  constructor(private readonly typed: Typed) {}

  /** Undefined when nothing was entered; `called` makes it one that must be there. */
  text(name: string, called?: string): string | undefined {
    const said = (this.typed[name] ?? "").trim();
    if (said) return said;
    if (called) this.wrong[name] = `${called} is missing.`;
    return undefined;
  }

  number(name: string, called: string, needed: "needed" | "" = ""): number | undefined {
    const said = this.text(name, needed && called)?.replace(",", ".");
    if (said === undefined) return undefined;
    if (/^\d+(\.\d+)?$/.test(said)) return Number(said);
    this.wrong[name] = `${called} must be a number. You entered ${said}.`;
    return undefined;
  }

  yes(name: string, called?: string): boolean | undefined {
    const said = this.text(name, called);
    return said === undefined ? undefined : said === "yes";
  }

  several(name: string): string[] {
    return (this.typed[name] ?? "").split(" ").filter(Boolean);
  }

  /** The form as a whole is not ready. */
  refuse(why: string): void {
    this.wrong[""] = why;
  }
}
