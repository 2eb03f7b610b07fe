"""What all JSON answers are made of: the base of their models and the field types they share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, le=2**63 - 1, json_schema_extra={"format": "int64"})]


class Document(BaseModel):
    """Base of all JSON answers."""

    model_config = ConfigDict(
        frozen=True,
        use_attribute_docstrings=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


def opened(document: Document) -> bytes:
    """Return a document's JSON without its closing brace, for another field to follow."""
    return document.model_dump_json().encode()[:-1]
