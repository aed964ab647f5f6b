"""The pages every installation has: the landing page and the API's. Nothing on them comes from another server."""

from importlib.resources import as_file, files

from flask import Blueprint, Response, make_response, render_template, send_file

from backend.errors import NotFound

blp = Blueprint("web", __name__, static_folder="static", static_url_path="/static", template_folder="templates")

# Of Swagger UI, as its package brings it, only what our own page asks for.
SWAGGER_FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})


@blp.get("/")
def landing() -> Response:
    """What this is, and where to go."""
    return shown("landing.html")


@blp.get("/api/docs")
def api_docs() -> Response:
    """The API's documentation, to read and to try."""
    return shown("api_docs.html")


@blp.get("/api/docs/<name>")
def api_docs_file(name: str) -> Response:
    """A part of Swagger UI."""
    if name not in SWAGGER_FILES:
        raise NotFound()
    with as_file(files("flask_swagger_ui") / "dist" / name) as path:
        return send_file(path, conditional=True, max_age=3600)


def shown(template: str, **values: object) -> Response:
    """A page, in the reader's language."""
    answer = make_response(render_template(template, **values))
    answer.vary.add("Accept-Language")
    return answer
