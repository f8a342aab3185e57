/* Ticks four times a second, also in a hidden tab, and measures how long the page takes to answer:
   a page that hangs cannot see that it does. The next tick waits for the answer to the last. */
const EVERY_MS = 250;
const STALLED_MS = 2_000;

let sent = 0;

setInterval(() => {
  if (sent) return;
  sent = performance.now();
  self.postMessage({ tick: true });
}, EVERY_MS);

self.onmessage = () => {
  const took = performance.now() - sent;
  sent = 0;
  if (took > STALLED_MS) self.postMessage({ stalledMs: took });
};
