/* The feed's client against a real server on a real socket; only its clock is the test's own. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket as Socket, WebSocketServer } from "ws";
import { Feed, type FeedWorld, SignedOut } from "../src/feed";
import type { Frame, Since } from "../src/model";
import { changes, heartbeat, snapshot } from "./making";

let server: WebSocketServer;
let sockets: Socket[];
let said: Record<string, unknown>[];
let clock: number;
let taken: Frame[];
let since: Since | null;
let continues: boolean;
let ticket: () => Promise<{ ticket: string; url: string }>;
let signedOut: boolean;
let feed: Feed;

const until = async (what: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !what(); i += 1) await new Promise((done) => setTimeout(done, 5));
  expect(what()).toBe(true);
};
const hellos = () => said.filter((m) => m["type"] === "hello");
/** Time goes by as it does in a page that runs. */
const pass = (ms: number): void => {
  for (let i = 0; i < ms / 250; i += 1) {
    clock += 250;
    feed.tick();
  }
};
const send = (frame: Frame): void => sockets[sockets.length - 1]?.send(JSON.stringify(frame));

beforeEach(async () => {
  [sockets, said, taken, clock, since, continues, signedOut] = [[], [], [], 1_000, null, true, false];
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (offered) => (offered.has("kap.feed.1") ? "kap.feed.1" : false) });
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => said.push(JSON.parse(String(data)) as Record<string, unknown>));
  });
  await new Promise((done) => server.on("listening", done));
  const { port } = server.address() as { port: number };
  ticket = async () => ({ ticket: `t${sockets.length}`, url: `ws://127.0.0.1:${port}/feed` });
  const world: FeedWorld = {
    ticket: () => ticket(),
    socket: (url, protocol) => new Socket(url, protocol) as unknown as WebSocket,
    now: () => clock,
    random: () => 1,
    take: (frame) => {
      taken.push(frame);
      return continues;
    },
    since: () => since,
    signedOut: () => {
      signedOut = true;
    },
  };
  feed = new Feed(world);
});

afterEach(async () => {
  feed.stop();
  for (const socket of sockets) socket.terminate();
  await new Promise((done) => server.close(done));
});

test("says hello with a ticket, takes frames, and shows that it is alive each second", async () => {
  feed.start();
  await until(() => hellos().length === 1);
  expect(hellos()[0]).toEqual({ type: "hello", ticket: "t0" });
  send(snapshot());
  await until(() => taken.length === 1);
  pass(2_000);
  await until(() => said.filter((m) => m["type"] === "alive").length === 2);
});

test("goes on from where it was after the connection broke", async () => {
  feed.start();
  await until(() => hellos().length === 1);
  send(snapshot());
  await until(() => taken.length === 1);
  since = { epoch: "e", events: 10, vitals: 100 };
  sockets[0]?.terminate();
  await until(() => {
    clock += 50;
    feed.tick();
    return hellos().length === 2;
  });
  expect(hellos()[1]).toEqual({ type: "hello", ticket: "t1", since });
});

test("asks for the whole board when a frame does not continue it, until one does", async () => {
  feed.start();
  await until(() => hellos().length === 1);
  send(snapshot());
  await until(() => taken.length === 1);
  since = { epoch: "e", events: 10, vitals: 100 };
  continues = false;
  send(changes({ vitals: 1 }));
  await until(() => {
    clock += 50;
    feed.tick();
    return hellos().length === 2;
  });
  expect(hellos()[1]).not.toHaveProperty("since");
});

test("leaves a socket on which nothing comes any more, which the browser would not notice", async () => {
  feed.start();
  await until(() => hellos().length === 1);
  send(heartbeat());
  await until(() => taken.length === 1);
  pass(3_750);
  expect(sockets[0]?.readyState).toBe(1);
  pass(500);
  await until(() => sockets[0]?.readyState === 3);
});

test("keeps a socket whose frames wait only because the page itself stood still", async () => {
  feed.start();
  await until(() => hellos().length === 1);
  send(heartbeat());
  await until(() => taken.length === 1);
  pass(250);
  clock += 6_000;
  feed.tick();
  send(heartbeat());
  await until(() => taken.length === 2);
  expect(sockets).toHaveLength(1);
});

test("waits longer after each failure, up to five seconds, and not at all when the network comes back", async () => {
  let asked = 0;
  ticket = () => {
    asked += 1;
    return Promise.reject(new Error("down"));
  };
  feed.start();
  const pauses: number[] = [];
  for (let i = 0; i < 7; i += 1) {
    const before = asked;
    const from = clock;
    await new Promise((done) => setTimeout(done, 1)); // the refusal arrives
    while (asked === before) {
      clock += 50;
      feed.tick();
    }
    pauses.push(clock - from);
  }
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  await new Promise((done) => setTimeout(done, 1));
  feed.hurry();
  expect(asked).toBe(9);
});

test("stops and says so when nobody is signed in any more", async () => {
  ticket = () => Promise.reject(new SignedOut());
  feed.start();
  await until(() => signedOut);
  clock += 60_000;
  feed.tick();
  expect(sockets).toHaveLength(0);
});
