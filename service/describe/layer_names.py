"""What the layers of a stack are called in files and paths: `names=0,2,4`, or a template with the layer's number."""

import re
from typing import Final

from service.describe.fields import refused

NUMBER: Final = "$n"
USUAL: Final = "layers.$n"
LONGEST: Final = 64
# Of a layer: a name before .weight and .bias, and one part of a path.
NAME = re.compile(rf"(?!__)[A-Za-z0-9_.\-]{{1,{LONGEST}}}")
PATTERN: Final = r"^[A-Za-z0-9_.$-]{1,64}(,[A-Za-z0-9_.-]{1,64})*$"


def layer_names(text: str, layers: int) -> tuple[str, ...]:
    """Return the name of each of so many layers; raise InvalidRequest."""
    is_template = NUMBER in text and len(text) <= LONGEST
    names = [text.replace(NUMBER, str(number)) for number in range(layers)] if is_template else text.split(",")
    if len(names) != layers:
        message = f"must be one name for each of the {layers} layers, joined by commas, or a template with {NUMBER}"
        raise refused("names", message, text)
    for name in names:
        if not NAME.fullmatch(name):
            message = (
                f"must be names of up to {LONGEST} letters, digits, and the signs _ . -, which do not begin with __"
            )
            raise refused("names", message, name)
    if len(set(names)) < len(names):
        raise refused("names", "must be different names", text)
    return tuple(names)
