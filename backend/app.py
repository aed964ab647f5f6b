"""The application: settings, database, doors, errors; under a page."""

from flask import Flask, Response, g
from werkzeug.middleware.proxy_fix import ProxyFix

from backend import api, demo_clock, web
from backend.api import access_log, document, limits, permissions, problems, requests, twilio
from backend.api.bodies import LONGEST_BODY
from backend.config import Settings, read_settings
from backend.db import Database
from backend.jobs import ticker_of, work_of
from backend.opening import open_database, refuse_unfit

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# A year, and this host only: what else the hospital serves under its name is not ours to decide.
ONLY_BY_TLS = {"Strict-Transport-Security": "max-age=31536000"}


def create_app(settings: Settings | None = None, db: Database | None = None) -> Flask:
    """Assemble the web application. Raises ``BadSettings`` or ``SchemaOutOfDate`` rather than start unsafe."""
    settings = settings or read_settings()
    db = db or open_database(settings)
    refuse_unfit(db, settings)
    if settings.is_demo:
        demo_clock.follow(db)
    app = Flask("backend", static_folder=None, template_folder="web/templates")
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    # An address has one spelling. Putting others right would take a redirect, to a host that the caller named.
    app.url_map.merge_slashes = False
    app.config.update(MAX_CONTENT_LENGTH=LONGEST_BODY, SECRET_KEY=settings.secret_key, **document.OPENAPI)
    requests.name_each_request(app)
    access_log.log_each_request(app)
    problems.speak_in_problems(app)
    limits.limit_requests(app, db)
    document_api = document.ProblemApi(app)
    for blueprint in api.BLUEPRINTS:
        document_api.register_blueprint(blueprint)
    work = work_of(db, settings)
    app.extensions["followup_ticker"] = ticker_of(work)
    web.register(app, settings)
    twilio.open_webhooks(app, settings)
    permissions.refuse_unlisted(app)
    requests.one_transaction_per_request(app, db, settings)
    _send_safe_headers(app, settings)
    _believe_the_proxies(app, settings.trusted_proxies)
    return app


def _believe_the_proxies(app: Flask, how_many: int) -> None:
    """The caller's address is what the outermost of our own proxies saw; whatever was claimed before it is not read."""
    if how_many:
        # Neither host nor prefix: our addresses are built from the public URL and from nothing a caller says.
        trusting = ProxyFix(app.wsgi_app, x_for=how_many, x_proto=how_many, x_host=0, x_port=0, x_prefix=0)
        app.wsgi_app = trusting  # type: ignore[method-assign]


def _send_safe_headers(app: Flask, settings: Settings) -> None:
    always = SAFE_HEADERS | (ONLY_BY_TLS if settings.public_url.startswith("https://") else {})

    @app.after_request
    def add(response: Response) -> Response:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response
