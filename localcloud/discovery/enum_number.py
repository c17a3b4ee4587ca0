"""Numbers of enum values. Discovery documents list names in order, but not their numbers.

The place in the list is the number unless the enum has gaps or another order; those that reach the
local cloud are here, as google.cloud.aiplatform_v1 has them (a test compares).
"""

from collections.abc import Sequence

_NUMBERS: dict[str, tuple[int, ...]] = {
    "ACCELERATOR_TYPE_UNSPECIFIED": (
        *range(6),
        8,
        9,
        11,
        13,
        14,
        15,
        16,
        17,
        18,
        6,
        7,
        10,
        12,
    ),
    "COLOR_MAP_UNSPECIFIED": (*range(5), 6, 5),
    "PREDICTION_FORMAT_UNSPECIFIED": (0, 2, 3),
    "VALUE_TYPE_UNSPECIFIED": (*range(5), 9, 10, 11, 12, 13, 14),
}


def name_of_number(names: Sequence[str], number: int) -> str | None:
    """The name of an enum's value.

    Args:
        names: The enum's names in the document's order.
        number: The value's number.

    Returns:
        None when the enum has no such value.
    """
    numbers = _NUMBERS.get(names[0], range(len(names)))
    return dict(zip(numbers, names, strict=False)).get(number)
