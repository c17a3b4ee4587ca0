"""The adapter between `pulumi.dynamic` and the lifecycles in `bqvertex.providers`."""

import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import UNKNOWN as PULUMI_UNKNOWN
from pulumi.output import Unknown as PulumiUnknown

from bqvertex.clients import cancellation
from bqvertex.clients.errors import CloudError
from bqvertex.clients.settings import CloudSettings
from bqvertex.providers.lifecycle import Bag, Lifecycle
from bqvertex.resources import dynamic_server
from bqvertex.resources.engine import tell_of_resource
from bqvertex.specs.unknown import UNKNOWN

# The SDK keeps the pickled provider among the properties; it is the host's, not the resource's.
PROVIDER_KEY = "__provider"


class DynamicHost(ResourceProvider):
    """Serves one lifecycle to Pulumi's engine.

    Subclasses live at module level and keep no state, so that they are pickled by reference: state
    then names the class in 64 characters and new code shows no difference.
    """

    # A pickle by reference is a name, no secret; marked secret it would be an unreadable
    # ciphertext in every resource of the state.
    serialize_as_secret_always = False

    @abstractmethod
    def lifecycle(self, settings: CloudSettings) -> Lifecycle:
        """Build the lifecycle. Imports what it needs itself: this is the first use of Google."""

    def configure(self, req: ConfigureRequest) -> None:
        """Take the stack's config; called once in each run of the engine."""
        # The dynamic server sends whole tracebacks to the terminal; an error here is one sentence.
        sys.tracebacklimit = 0
        dynamic_server.prepare(cancelled=cancellation.request)
        self._lifecycle = self.lifecycle(CloudSettings.from_config(req.config.get))

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        """See `Lifecycle.check`."""
        checked = self._lifecycle.check(_known(_olds), _known(news))
        failures = [CheckFailure(f.property, f.reason) for f in checked.failures]
        return CheckResult(_hosted(checked.inputs), failures)

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        """See `Lifecycle.diff`."""
        change = self._lifecycle.diff(_id, _known(_olds), _known(_news))
        if change.changes and change.reason:
            tell_of_resource(change.reason)
        return DiffResult(
            changes=change.changes,
            replaces=list(change.replaces),
            delete_before_replace=change.delete_before_replace,
        )

    def create(self, props: Bag) -> CreateResult:
        """See `Lifecycle.create`."""
        with _one_sentence():
            created = self._lifecycle.create(_known(props))
        return CreateResult(created.id, dict(created.outs))

    def read(self, id_: str, props: Bag) -> ReadResult:
        """See `Lifecycle.read`."""
        with _one_sentence():
            live = self._lifecycle.read(id_, _known(props))
        if live is None:
            return ReadResult("", {})
        return ReadResult(id_, dict(live.outs), inputs=dict(live.inputs))

    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        """See `Lifecycle.update`."""
        with _one_sentence():
            return UpdateResult(dict(self._lifecycle.update(_id, _known(_olds), _known(_news))))

    def delete(self, _id: str, _props: Bag) -> None:
        """See `Lifecycle.delete`."""
        with _one_sentence():
            self._lifecycle.delete(_id, _known(_props))


@contextmanager
def _one_sentence() -> Iterator[None]:
    # The server prints an error's causes before the error itself: the user would read of sockets
    # first. A CloudError says all of it.
    try:
        yield
    except CloudError as error:
        raise error from None


def _known(bag: Bag) -> Bag:
    return {k: _swap(v, to_host=False) for k, v in bag.items() if k != PROVIDER_KEY}


def _hosted(bag: Bag) -> Bag:
    return {k: _swap(v, to_host=True) for k, v in bag.items()}


def _swap(value: Any, *, to_host: bool) -> Any:
    if isinstance(value, dict):
        return {k: _swap(v, to_host=to_host) for k, v in value.items()}
    if isinstance(value, list):
        return [_swap(v, to_host=to_host) for v in value]
    if to_host:
        return PULUMI_UNKNOWN if value is UNKNOWN else value
    return UNKNOWN if isinstance(value, PulumiUnknown) else value
