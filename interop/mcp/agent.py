"""Starts `cargo-fal mcp`, whose path is the first argument, in the working directory and its environment."""

import asyncio
import os
import re
import sys

from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters

REDUX = "fal-ai_flux_dev_redux"
FOX = {"image_url": "https://example.com/fox.png"}


def server(*options):
    return StdioServerParameters(command=sys.argv[1], args=["mcp", *options], env=dict(os.environ), cwd=os.getcwd())


def client(*options, **settings):
    return Client(server(*options), **settings)


def run(check):
    """Runs a check with the protocol of each generation."""
    for mode in ["legacy", "2026-07-28", "auto"]:
        asyncio.run(asyncio.wait_for(check(mode), 120))


def error(result):
    """Returns the message of a failed call."""
    assert result.is_error, result.content[0]
    return result.content[0].text


def data(result):
    """Returns the structured content of a successful call."""
    assert not result.is_error, result.content[0]
    return result.structured_content


def check_definition(tool):
    """Checks a tool with the limits of MCP, and of the APIs of OpenAI and Anthropic."""
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", tool.name), tool.name
    assert len(tool.description) <= 1024, tool.name
    for schema in [tool.input_schema, tool.output_schema]:
        if schema is not None:
            Draft202012Validator.check_schema(schema)
            check_references(schema, schema.get("$defs", {}))
    schema = tool.input_schema
    # Anthropic rejects these at the root.
    assert schema["type"] == "object" and not {"anyOf", "oneOf", "allOf", "$ref"} & schema.keys(), tool.name
    assert depth(schema) <= 32, tool.name


def check_references(schema, definitions):
    for key, value in schema.items():
        if key == "$ref":
            assert value.removeprefix("#/$defs/") in definitions, value
        if key == "properties":
            assert all(re.fullmatch("[a-zA-Z0-9_.-]{1,64}", name) for name in value), list(value)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                check_references(inner, definitions)


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return 1 + max(map(depth, inner), default=0)
