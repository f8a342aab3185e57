"""What /metrics tells of the session monitor, beside what kap tells. Labels never carry an id."""

from prometheus_client import Counter, Gauge

READINGS = Counter(
    "kap_readings_total", "Readings that came in, by source and outcome.", ["source", "outcome"]
)
FRAMES = Counter("kap_mllp_frames_total", "MLLP frames by the answer they got.", ["answer"])
CONNECTIONS = Gauge("kap_mllp_connections", "Open MLLP connections.")
TURNED_AWAY = Counter("kap_mllp_turned_away_total", "MLLP connections closed because too many were open.")
GARBAGE = Counter("kap_mllp_garbage_bytes_total", "Bytes received outside of any MLLP frame.")
INGEST_BUSY = Counter("kap_ingest_busy_total", "Ingest requests refused because too many were waiting.")
INGEST_INVALID = Counter("kap_ingest_invalid_total", "Ingest requests with a field missing or wrong.")
DEVICES = Gauge("kap_devices", "Devices heard of since the start, of which the last 500 are shown.")
DEVICES_DROPPED = Counter("kap_devices_dropped_total", "Devices no longer shown because there are too many.")
