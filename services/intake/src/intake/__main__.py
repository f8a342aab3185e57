from kap import service

from intake.app import build

service.main("intake", build)
