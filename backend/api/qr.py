"""A link as a picture that a phone's camera reads."""

import io

import segno


def svg(link: str) -> str:
    """The QR code as an SVG image that stands in a page or in a file: no script, no style, no outside reference."""
    drawn = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(drawn, kind="svg", scale=4, border=4, title="QR code", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
