"""Who outside receives anything from us, where they are, and what they receive. Not declared here: not used."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from backend.config import MailServer, Settings, SmsGateway


@dataclass(frozen=True)
class Provider:
    """``region`` is an ISO 3166 country code, or empty for what stays on this machine."""

    name: str
    region: str
    receives: str

    @property
    def leaves_the_country(self) -> bool:
        """Whether personal data crosses the border of the study's country."""
        return self.region not in ("", STUDY_REGION)


STUDY_REGION = "CN"
NOT_SAID = "no country named"
PROVIDERS: Mapping[SmsGateway, Provider] = {
    SmsGateway.SIMULATOR: Provider("the simulator", "", "nothing: texts stay in the database"),
    SmsGateway.TWILIO: Provider("Twilio", "US", "telephone numbers, and the texts sent to them and by them"),
    SmsGateway.TEMPLATE: Provider("the template gateway", STUDY_REGION, "telephone numbers, and the values in texts"),
}


def text_provider(settings: Settings) -> Provider:
    """Who carries the texts, and where, as the settings say it of a gateway that may stand anywhere."""
    declared = PROVIDERS[settings.sms_gateway]
    if settings.template is None:
        return declared
    host = urlsplit(settings.template.base_url).hostname
    return replace(declared, name=f"the template gateway {host}", region=settings.template.region)


def mail_provider(server: MailServer) -> Provider:
    """Whoever runs the mail server. One that does not say where it stands is taken to stand abroad."""
    region = "" if server.is_here else server.region or NOT_SAID
    return Provider(f"the mail server {server.host}", region, "addresses of staff, and pages with study numbers")


def heartbeat_provider(settings: Settings) -> Provider | None:
    """Whoever is told that a worker is well, if anybody is. Wherever they stand, nothing about anybody reaches them."""
    host = urlsplit(settings.heartbeat_url).hostname
    return Provider(host, NOT_SAID, "every minute that a worker is well, and nothing else") if host else None
