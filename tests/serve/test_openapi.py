"""The description of the service: its examples work, and what answers has the form that it says."""

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from tests.gallery.conftest import Colours
from tests.serve.conftest import WRITE, file_of, listening, with_token

from msinet.gallery.gallery import Gallery
from msinet.serve.security import Tokens
from msinet.serve.service import Service
from msinet.serve.settings import ServeSettings


def resolved(schema, document):
    """A schema with what it refers to in its place."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            found = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            return resolved(found, document)
        return {key: resolved(value, document) for key, value in schema.items()}
    return [resolved(one, document) for one in schema] if isinstance(schema, list) else schema


def test_the_examples_work_and_the_answers_have_the_form_that_is_described(steady):
    document = steady.get("/openapi.json").json()
    tried = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if method == "delete" or (method == "post" and body is None):
                continue
            example = resolved(body["schema"], document)["example"] if body else None
            if example:
                jsonschema.validate(example, resolved(body["schema"], document))
            answer = steady.request(
                method, path.replace("{id}", "1"), json=example, params={"identity": "v0"} if method == "get" else None
            )
            if path == "/v1/labels.csv":  # No entry has a file.
                continue
            assert answer.status_code == 200, (path, answer.text)
            content = operation["responses"]["200"]["content"]
            kind = answer.headers["content-type"].partition(";")[0]
            if kind == "application/json":
                jsonschema.validate(answer.json(), resolved(content[kind]["schema"], document))
            assert kind in content
            tried.add(path)
    assert len(tried) >= 13


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    gallery = Gallery.create(tmp_path_factory.mktemp("fuzz") / "yard", Colours(), thumbnails=True)
    gallery.add([file_of(seed) for seed in range(3)], identity="v1", camera="c1")
    with listening(Service(gallery, ServeSettings(), Tokens(WRITE))) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


def test_requests_that_are_drawn_by_chance_never_fail_the_service(described):
    """Ten thousand of them: python benchmarks/service_fuzz.py --cases 10000."""
    codes = set()

    def send(case):
        answer = case.call(headers=with_token(WRITE))
        codes.add(answer.status_code)
        assert answer.status_code < 500, answer.text

    few = settings(max_examples=6, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None)
    for operation in described.get_all_operations():
        few(given(operation.ok().as_strategy())(send))()
    assert codes >= {200, 400}
