"""What /metrics tells of the session monitor, beside what kap tells. Labels never carry an id."""

from prometheus_client import Counter, Gauge, Histogram

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

ALARMS_RAISED = Counter("kap_alarms_raised_total", "Alarms put on record.", ["priority", "kind"])
ALARMS_OPEN = Gauge("kap_alarms_open", "Alarms on record that are not over.", ["priority"])
ALARMS_REFUSED = Counter("kap_alarms_refused_total", "Alarms that the record did not take.")
ALARM_DELAY = Histogram(
    "kap_alarm_delay_seconds",
    "From a condition's onset to its alarm on record, late ones aside.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 15),
)
WATCH_LAG = Gauge("kap_watch_lag_seconds", "How far the watch is behind the log.")
