"""Property bags: what the engine and a plugin hand each other as `google.protobuf.Struct`."""

from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

Bag = dict[str, Any]

DEFAULTS = "__defaults"
"""Key in inputs that lists what Check filled in, as the official plugin writes it."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"


def read(struct: Struct) -> Bag:
    """The properties in a Struct.

    Secrets are unwrapped: this plugin tells the engine that it does not accept them, so the engine
    itself keeps the outputs of secret inputs secret, as it does for the official plugin. Keys that
    start with `__` belong to the official plugin's own bookkeeping and are left out, and so are
    nulls.
    """
    return {
        key: _value(value)
        for key, value in MessageToDict(struct).items()
        if value is not None and not key.startswith("__")
    }


def write(bag: Bag) -> Struct:
    """A Struct with the properties that are not None."""
    struct = Struct()
    ParseDict({key: value for key, value in bag.items() if value is not None}, struct)
    return struct


def defaults(struct: Struct) -> frozenset[str]:
    """Which inputs an earlier Check filled in."""
    return frozenset(MessageToDict(struct).get(DEFAULTS) or ())


def secret(value: Any) -> Any:
    """A value that the engine shall keep secret."""
    return {_SIGNATURE: _SECRET, "value": value}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _value(value.get("value"))
        return {
            key: _value(item)
            for key, item in value.items()
            if item is not None and not key.startswith("__")
        }
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        # A Struct knows only doubles; whole ones are whole again, so that REST bodies and texts
        # made of them read 7 and not 7.0.
        return int(value)
    return value
