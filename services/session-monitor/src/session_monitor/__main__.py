from kap import service

from session_monitor.app import build

service.main("session-monitor", build)
