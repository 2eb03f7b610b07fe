"""What all JSON answers are made of: the base of their models and the field types they share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.spec import RECIPE

Count = Annotated[int, Field(ge=0, le=2**63 - 1, json_schema_extra={"format": "int64"})]
Recipe = Annotated[int, Field(ge=1, le=RECIPE, json_schema_extra={"format": "int64", "examples": [RECIPE]})]


class Document(BaseModel):
    """Base of all JSON answers."""

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )
