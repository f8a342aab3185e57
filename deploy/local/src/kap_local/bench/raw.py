"""The raw limit of each hop, with nothing of KAP in between, to hold KAP's own figures against."""

import asyncio
import time
from uuid import uuid4

import asyncpg
from nats.aio.client import Client
from websockets.asyncio.server import ServerConnection, broadcast, serve

from kap_local.bench.child import seen, watching
from kap_local.bench.viewers import Task

BODY = b"x" * 500  # about the size of a reading
STREAM = "BENCH_RAW"


async def ingest(nats: Client, seconds: float) -> float:
    """Messages a second that reach the disk in atomic batches of 500 on a stream of their own."""
    js = nats.jetstream()
    config = b'{"name":"%s","subjects":["bench.raw"],"allow_atomic":true,"storage":"file"}' % STREAM.encode()
    await nats.request(f"$JS.API.STREAM.CREATE.{STREAM}", config, timeout=5)
    try:
        stored, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            batch = uuid4().hex
            for n in range(1, 500):
                await nats.publish(
                    "bench.raw", BODY, headers={"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(n)}
                )
            last = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": "500", "Nats-Batch-Commit": "1"}
            await nats.request("bench.raw", BODY, timeout=5, headers=last)
            stored += 500
        return stored / (time.perf_counter() - started)
    finally:
        await js.delete_stream(STREAM)


async def project(database: str, seconds: float) -> float:
    """Rows a second by COPY, 500 a transaction, with a checkpoint in the same transaction."""
    db = await asyncpg.connect(database)
    try:
        await db.execute(
            "create table bench_raw (id uuid, at float8, spo2 float8, pulse float8, systolic float8)"
        )
        await db.execute("create table bench_checkpoint (position bigint)")
        await db.execute("insert into bench_checkpoint values (0)")
        rows = [(uuid4(), float(n), 97.0, 72.0, 120.0) for n in range(500)]
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            async with db.transaction():
                await db.execute("set local synchronous_commit = off")
                await db.copy_records_to_table("bench_raw", records=rows)
                await db.execute("update bench_checkpoint set position = position + 500")
            done += 500
        return done / (time.perf_counter() - started)
    finally:
        await db.execute("drop table if exists bench_raw, bench_checkpoint")
        await db.close()


async def feed(viewers: int, seconds: float) -> float:
    """Deliveries a second of 500-byte messages by `websockets.broadcast`, counted by the viewers."""
    joined: set[ServerConnection] = set()

    async def handler(connection: ServerConnection) -> None:
        joined.add(connection)
        try:
            await connection.wait_closed()
        finally:
            joined.discard(connection)

    async with serve(handler, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        text = BODY.decode()
        async with watching(Task(port, "/", "http://127.0.0.1", [""] * viewers)) as process:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                if all(c.transport.get_write_buffer_size() < 65536 for c in joined):
                    broadcast(joined, text)
                await asyncio.sleep(0)
            counted = await seen(process)
    return counted.frames / counted.seconds
