from kap import service

from integration.app import build

service.main("integration", build)
