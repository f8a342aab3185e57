/* Unsent entries on this device's disk. One window at a time holds them (a lock of the browser's), so that two windows
   never send or show the same entry; another one keeps its own in memory until the first is closed. */
import type { Disk, Queue, Stored } from "./queue";

const STORE = "entries";

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });

/** Resolves when the transaction is on the disk, not when it was asked for. */
function write(db: IDBDatabase, act: (store: IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(STORE, "readwrite", { durability: "strict" });
    act(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("the browser's storage failed"));
  });
}

async function open(): Promise<Disk> {
  const asked = indexedDB.open("kap-unsent", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
  const db = await done(asked);
  return {
    load: () => done(db.transaction(STORE).objectStore(STORE).getAll() as IDBRequest<Stored[]>),
    put: (entry) => write(db, (store) => store.put(entry)),
    remove: (id) => write(db, (store) => store.delete(id)),
  };
}

/** Where the page comes by plain HTTP there is no lock: entries then stay in memory, and the list says so. */
export function keepOnDisk(queue: Queue): void {
  if (!navigator.locks) return;
  void navigator.locks.request("kap-unsent", async () => {
    try {
      await queue.opened(await open());
    } catch (error) {
      console.warn("This browser keeps nothing: unsent entries stay in this window's memory", error);
    }
    await new Promise(() => {}); // for as long as the window is open
  });
}
