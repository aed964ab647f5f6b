"""Pages served to people: landing page, API, a call to an emergency, a calendar and, in a demo, simulated phones."""

from flask import Flask
from flask_babel import Babel

from backend.config import Settings
from backend.web import acknowledge, calendar, demo, demo_outcomes, languages, pages, plain_form
from seeds.demo.recorded import recordings
from seeds.demo.script import scripted_numbers

CATALOGUES = "web/locales"


def register(app: Flask, settings: Settings) -> None:
    """Add the pages. What belongs to a demo does not exist anywhere else."""
    Babel(app, locale_selector=languages.page_locale, default_translation_directories=CATALOGUES)
    app.context_processor(languages.in_templates)
    app.context_processor(lambda: {"is_demo": settings.is_demo})
    app.register_blueprint(pages.blp)
    app.register_blueprint(acknowledge.blp)
    app.register_blueprint(calendar.blp)
    app.register_blueprint(plain_form.blp)
    if settings.is_demo:
        # Read now and remembered: whoever edits a file under a running demo changes nothing of it.
        scripted_numbers()
        recordings()
        app.register_blueprint(demo.blp)
        app.register_blueprint(demo_outcomes.blp)
