"""Scripted models of every character, served on loopback in the real protocols."""

from tests.models.obedience import obeys as obeys
from tests.models.reading import material as material
from tests.models.server import Exchange as Exchange
from tests.models.server import ModelServer as ModelServer
from tests.models.server import Script as Script
from tests.models.server import model_server as model_server
from tests.models.wire import Call as Call
from tests.models.wire import Json as Json
from tests.models.wire import Reply as Reply
from tests.models.wire import Usage as Usage
