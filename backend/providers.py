"""Who outside receives anything from us, where they are, and what they receive. Not declared here: not used."""

from collections.abc import Mapping
from dataclasses import dataclass

from backend.config import SmsGateway


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
PROVIDERS: Mapping[SmsGateway, Provider] = {
    SmsGateway.SIMULATOR: Provider("the simulator", "", "nothing: texts stay in the database"),
}
