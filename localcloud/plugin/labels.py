"""Labels: the program's, the provider's, Pulumi's own, and those that others put there.

A labelled resource has three properties: `labels` are the program's, `pulumiLabels` those and the
provider's default labels and the attribution label, `effectiveLabels` all that the live resource
has. Labels that others added are kept.
"""

from collections.abc import Mapping

from localcloud.plugin.configuration import ATTRIBUTION_LABEL, Configuration
from localcloud.plugin.property_bag import Bag
from localcloud.plugin.unknown import UNKNOWN, has_unknown


def planned(inputs: Bag, state: Bag | None, configuration: Configuration) -> Bag:
    """What the three properties shall be.

    Args:
        inputs: The checked inputs.
        state: What the resource has now; None: it is about to be made.
        configuration: The provider's.

    Returns:
        The three properties; those that depend on an unknown label are unknown.
    """
    own = inputs.get("labels")
    if has_unknown(own):
        return {"labels": own, "pulumiLabels": UNKNOWN, "effectiveLabels": UNKNOWN}
    ours = {**configuration.default_labels, **(own or {})}
    before: Mapping[str, str] = (state or {}).get("pulumiLabels") or {}
    if _attributed(before, state is None, configuration):
        key, value = ATTRIBUTION_LABEL
        ours.setdefault(key, value)
    effective = (state or {}).get("effectiveLabels") or {}
    others = {key: value for key, value in effective.items() if key not in before}
    return {"labels": own, "pulumiLabels": ours, "effectiveLabels": {**others, **ours}}


def _attributed(before: Mapping[str, str], creating: bool, configuration: Configuration) -> bool:
    if not configuration.attribution:
        return False
    return creating or configuration.attribution_on_update or ATTRIBUTION_LABEL[0] in before


def found(live: Mapping[str, str] | None, state: Bag) -> Bag:
    """What the three properties are, given the labels of the live resource.

    Args:
        live: The live resource's labels.
        state: What the properties were last: which label is whose. Of a resource that is being
            imported nothing is known, so no label is the program's.
    """
    effective = dict(live or {})
    return {
        name: {key: effective[key] for key in state.get(name) or {} if key in effective}
        for name in ("labels", "pulumiLabels")
    } | {"effectiveLabels": effective}
