"""A JSON Schema validator takes each schema, and the details of the events that were generated for it."""

import copy
import json

import pytest
from conftest import data, rows
from jsonschema import Draft202012Validator, ValidationError


def schemas(folder):
    files = sorted((folder.path / "jsonschema").glob("*.json"))
    return [json.loads(file.read_text()) for file in files]


def generated():
    """The details of each event type that was generated; one without columns has none."""
    found = {}
    for row in rows():
        if row["details"] is not None:
            found.setdefault(row["type"], []).append(row["details"])
    return found.items()


def validator(event_type):
    titled = {}
    for file in (data() / "schemas" / "jsonschema").glob("*.json"):
        schema = json.loads(file.read_text())
        titled[schema["title"]] = schema
    return Draft202012Validator(titled[event_type])


def test_each_schema_is_one_by_the_meta_schema(folder):
    found = schemas(folder)
    assert found
    for schema in found:
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(schema)


def test_what_is_sent_of_an_example_is_valid_and_what_is_not_of_its_types_is_not(folder):
    for schema in schemas(folder):
        check = Draft202012Validator(schema)
        with pytest.raises(ValidationError):
            check.validate([])
        for name, column in schema["properties"].items():
            wrong = 1 if column.get("type") != "integer" else "one"
            if column.get("type") in (None, "number"):
                continue
            with pytest.raises(ValidationError):
                check.validate({name: wrong})


@pytest.mark.skipif(data() is None, reason="nothing was generated")
def test_generated_details_are_valid():
    found = generated()
    assert found
    for event_type, details in found:
        check = validator(event_type)
        assert details
        for one in details:
            check.validate(one)


@pytest.mark.skipif(data() is None, reason="nothing was generated")
def test_generated_details_with_a_column_that_is_none_or_without_a_required_one_are_not_valid():
    for event_type, details in generated():
        check = validator(event_type)
        one = copy.deepcopy(details[0])
        one["no_such_column"] = 1
        assert check.schema.get("additionalProperties") is False
        assert not check.is_valid(one), event_type
        for required in check.schema.get("required", []):
            without = {name: value for name, value in details[0].items() if name != required}
            assert not check.is_valid(without), (event_type, required)
