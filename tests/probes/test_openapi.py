"""Requests made from descriptions of an API, and bodies from schemas."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.probes.examples import Maker, NoExample
from slimml.probes.openapi import described_requests, is_description

NUMBERS = {"type": "array", "items": {"type": "integer"}}
BASKET = {"type": "object", "required": ["items"], "properties": {"items": NUMBERS}}


def query(name, **schema):
    return {"get": {"parameters": [{"name": name, "in": "query", "required": True, "schema": schema}]}}


def body(media_type, **described):
    return {"post": {"requestBody": {"content": {media_type: described}}}}


FASTAPI = {
    "openapi": "3.1.0",
    "paths": {
        "/health": {"get": {}},
        "/rank": body("application/json", schema={"$ref": "#/components/schemas/B"}),
        "/chart": query("items", type="string"),
        "/item/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "required": True, "example": "a b"}]}},
        "/search": query("q", default="x&y"),
        "/upload": body("multipart/form-data", schema={}),
        "/classify": body("application/json", examples={"one": {"value": {"text": "hi"}}}),
        "/shutdown": {"post": {}},
        "/secret": {"get": {"parameters": [{"name": "X-Key", "in": "header", "required": True}]}},
    },
    "components": {"schemas": {"B": BASKET}},
}


def requests(document):
    return {(one.method, one.path): one for one in described_requests(document, 80)}


def test_paths_without_parameters_are_asked():
    assert requests(FASTAPI)["GET", "/health"].probe.path == "/health"


def test_bodies_are_made_from_the_schema_and_that_is_said():
    found = requests(FASTAPI)["POST", "/rank"]
    assert (found.probe.body, "made up" in found.note) == (b'{"items": [1]}', True)


def test_examples_are_taken_as_they_are():
    found = requests(FASTAPI)["POST", "/classify"]
    assert (found.probe.body, found.note) == (b'{"text": "hi"}', "the API's example")


def test_parameters_with_examples_are_put_in():
    assert {"/item/a%20b", "/search?q=x%26y"} <= {path for _, path in requests(FASTAPI)}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (("GET", "/chart"), "it needs 'items'"),
        (("POST", "/upload"), "it takes multipart/form-data"),
        (("POST", "/shutdown"), "it may end the service"),
        (("GET", "/secret"), "it needs the header 'X-Key'"),
    ],
)
def test_what_cannot_be_guessed_is_named(request_, reason):
    found = requests(FASTAPI)[request_]
    assert (found.probe, found.note) == (None, f"not guessed: {reason}")


def test_swagger_has_a_base_path_and_bodies_among_its_parameters():
    document = {
        "swagger": "2.0",
        "basePath": "/v1/",
        "paths": {"/p": {"post": {"parameters": [{"in": "body", "name": "b", "schema": {"example": {"x": 1}}}]}}},
    }
    assert requests(document)["POST", "/v1/p"].probe.body == b'{"x": 1}'


@pytest.mark.parametrize("body", [b"", b"[]", b'{"paths": 1}', b'{"paths": {}}', b"\xff"])
def test_what_is_no_description(body):
    assert is_description(body) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 5},
        {"type": "integer", "exclusiveMinimum": 5, "maximum": 9},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
        {"type": "integer", "multipleOf": 7, "minimum": 8},
        {"type": "string", "minLength": 9},
        {"type": "string", "maxLength": 2},
        {"type": "string", "format": "date-time"},
        {"type": "array", "minItems": 3, "items": {"type": "boolean"}},
        {"type": ["null", "string"]},
        {"enum": ["a", "b"]},
        {"const": 4},
        {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        {"allOf": [BASKET, {"required": ["n"], "properties": {"n": {"type": "number"}}}]},
        BASKET,
        {},
    ],
)
def test_made_up_values_are_valid(schema):
    jsonschema.validate(Maker({}).value(schema), schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/a"},
        {"$ref": "other.json#/a"},
        {"type": "string", "pattern": "^x$"},
        {"type": "string", "format": "binary"},
        {"$ref": "#/tree"},
        {"$ref": "#/wide"},
    ],
)
def test_what_nothing_can_be_made_up_for(schema):
    wide = {
        "type": "object",
        "required": list("abcdefgh"),
        "properties": {name: {"$ref": "#/wide"} for name in "abcdefgh"},
    }
    tree = {"type": "object", "required": ["t"], "properties": {"t": {"$ref": "#/tree"}}}
    with pytest.raises(NoExample):
        Maker({"a": {"$ref": "#/a"}, "tree": tree, "wide": wide}).value(schema)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["type", "get", "post", "parameters", "requestBody", "content", "schema", "$ref", "required",
                         "properties", "items", "allOf", "anyOf", "in", "name", "example", "/x", "minimum"]),
        inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(VALUES)
def test_no_document_is_an_error(value):
    document = is_description(json.dumps({"openapi": "3", "paths": {"/p": value, "/q": {"post": value}}}).encode())
    described_requests(document, 80)
