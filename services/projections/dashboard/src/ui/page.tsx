/* A view of words and lists: its heading, what can be done there, and what is said when nothing is there. */
import type { ComponentChildren } from "preact";
import type { Read } from "../read";
import { Icon, type IconName } from "./icon";
import { Shell } from "./shell";
import { NotRead } from "./trouble";

interface Props {
  title: string;
  lead?: ComponentChildren;
  /** At the right of the heading. */
  tools?: ComponentChildren;
  /** Where one came from: path and name. */
  back?: readonly [string, string];
  narrow?: boolean;
  children: ComponentChildren;
}

export function Page({ title, lead, tools, back, narrow, children }: Props) {
  return (
    <Shell className="list-page" foot={<span class="grow" />}>
      <main class={narrow ? "leaf narrow" : "leaf"}>
        <header class="leaf-head">
          <div>
            {back && (
              <a class="way-back" href={back[0]}>
                <Icon name="back" />
                {back[1]}
              </a>
            )}
            <h1>{title}</h1>
            {lead && <p class="lede">{lead}</p>}
          </div>
          {tools && <div class="leaf-tools">{tools}</div>}
        </header>
        {children}
      </main>
    </Shell>
  );
}

export function Nothing({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty nothing">
      <Icon name={icon} />
      <p>
        <b>{title}</b>
        {children && (
          <>
            <br />
            {children}
          </>
        )}
      </p>
    </div>
  );
}

export const TableHead = ({ of }: { of: readonly string[] }) => (
  <thead>
    <tr>
      {of.map((name) => (
        <th key={name} scope="col">
          {name}
        </th>
      ))}
    </tr>
  </thead>
);

interface RowOf {
  href: string;
  title: string;
  number?: string;
  /** Under the title, small. */
  children?: ComponentChildren;
}

/** A line of a list, the whole of it a link. */
export const RowLink = ({ href, title, number, children }: RowOf) => (
  <li>
    <a class="row" href={href}>
      {number && <b class="row-number">{number}</b>}
      <span>
        <b>{title}</b>
        {children && <small>{children}</small>}
      </span>
      <Icon name="next" />
    </a>
  </li>
);

/** What could not be read, why, and that what is shown stays. */
export function Unread<T>({ of, what }: { of: Read<T>; what: string }) {
  return of.failed ? <NotRead what={what} why={of.failed} old={of.data !== null} look="unread" again={of.again} /> : null;
}

export function Bones() {
  return (
    <div class="bones" aria-busy="true" role="status">
      <span class="sr">Reading</span>
      <div />
      <div />
      <div />
    </div>
  );
}

/** While there is nothing yet, bones; when it could not be read, why, with what was read before left in place. */
export function Reading<T>({ of, what, children }: { of: Read<T>; what: string; children: (data: T) => ComponentChildren }) {
  return (
    <>
      <Unread of={of} what={what} />
      {of.data !== null ? children(of.data) : of.failed ? null : <Bones />}
    </>
  );
}
